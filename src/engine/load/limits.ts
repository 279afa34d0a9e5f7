/** Bytes of one NDJSON line without its line end; above this nothing good comes of parsing it in memory (spec 03 §8.8). */
export const LINE_BYTES_MAX = 33_554_432;

/** Braces, brackets, commas and colons outside strings in one line, plus one: bounds what parsing may allocate (spec 03 §8.8). */
export const LINE_SLOTS_MAX = 131_072;

/** Rows of one type that are held in memory before they are written out as a segment. */
export const ROWS_IN_MEMORY_MAX = 1_000_000;

/** Bytes of column data of one type that are held in memory before they are written out as a segment. */
export const BYTES_IN_MEMORY_MAX = 128 * 1024 * 1024;

/** Rows between two reports of progress. */
export const PROGRESS_ROWS = 16_384;
