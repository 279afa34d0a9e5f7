/** Fewer vectors than this are compared one by one. */
export const VECTOR_INDEX_ROWS_MIN = 1_024;
/** Rows between two looks at how near the nearest are; first a few, so that the rest is held against something. */
export const FIRST_BLOCK_ROWS = 64;
export const BLOCK_ROWS = 1_024;
/** Bytes of vectors that are turned into codes at a time. */
export const STAGED_BYTES = 1 << 18;
/** Bytes of vectors that are turned into codes between two looks at the event loop (a few milliseconds). */
export const BUILD_SLICE_BYTES = 1 << 22;
/** What a WebAssembly memory can hold. */
export const MEMORY_BYTES_MAX = 2 ** 32 - 2 ** 16;
