/** Bytes of one value as it is given in `base64:` text: it has to stand in memory to be hashed (spec 02 §11.8). */
export const INPUT_BYTES_MAX = 33_554_432;

/** Decoded bytes that a write gathers before it uploads them, so that a load holds little however long its input is. */
export const HELD_BYTES_MAX = 33_554_432;

/** Values that one write uploads, or one export reads, side by side: enough to hide a bucket's latency. */
export const REQUESTS_IN_FLIGHT_MAX = 8;

/** External objects that are asked about side by side (spec 03 §11.2). */
export const PROBES_IN_FLIGHT_MAX = 8;

/** Bytes of one read from storage; a reader holds the chunk at hand and the one on its way (spec 03 §11.3). */
export const CHUNK_BYTES = 4 * 1_048_576;

/** Bytes of Blob values that an export reads ahead of the line that it writes. */
export const READ_AHEAD_BYTES_MAX = 8 * 1_048_576;

/** Rows that an export reads ahead, when their values are small. */
export const READ_AHEAD_ROWS_MAX = 64;
