/** Rows of a zone: enough that passing over one saves more than asking about it costs, few enough to leave much out. */
export const ZONE_ROWS = 1_024;
/** Complete scans of a property before its zones are measured, which takes about as long as one of them. */
export const SCANS_BEFORE_ZONES = 1;
/** Sorting the rows of a property takes as long as going through this many times its rows. */
export const SCANS_BEFORE_INDEX = 16;
/** The same where the schema declares an index of it, so that it is going to be asked for. */
export const SCANS_BEFORE_DECLARED_INDEX = 1;
/** Tables of fewer rows are sooner scanned than looked up in. */
export const INDEXED_ROWS_MIN = 4_096;
/** Rows gone through in one go while an index is made (a few milliseconds). */
export const SORT_SLICE_ROWS = 262_144;
/** Up to this many rows an index is made while the query that asks for it waits; a larger one is ready for later ones. */
export const WAITED_INDEX_ROWS_MAX = 65_536;
/** Coming to a row by an index costs as much as scanning so many. */
export const FOUND_ROW_COST = 16;
