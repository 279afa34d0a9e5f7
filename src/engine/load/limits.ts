/** Bytes of one NDJSON line without its line end; above this nothing good comes of parsing it in memory (spec 03 §8.8). */
export const LINE_BYTES_MAX = 33_554_432;

/** Braces, brackets, commas and colons outside strings in one line, plus one: bounds what parsing may allocate (spec 03 §8.8). */
export const LINE_SLOTS_MAX = 131_072;

/** UTF-16 code units of one record of a permissive load, which need not end with its line: as a line of a strict one. */
export const RECORD_CHARACTERS_MAX = LINE_BYTES_MAX;

/** Rows of one type that are held in memory before they are written out as a segment. */
export const ROWS_IN_MEMORY_MAX = 1_000_000;

/** Bytes of column data, of all types together, that are held in memory before the largest type is written out. */
export const BYTES_IN_MEMORY_MAX = 192 * 1024 * 1024;

/** Segments of one load on their way to storage side by side: more would only pile up in memory. */
export const SEGMENTS_IN_FLIGHT_MAX = 2;

/** Record batches of a written segment that are looked over at a time. */
export const BATCHES_AT_A_TIME = 8;

/** Rows between two reports of progress. */
export const PROGRESS_ROWS = 16_384;
