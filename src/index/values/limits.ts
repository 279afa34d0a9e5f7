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
