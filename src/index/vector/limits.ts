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
/** Rows of so few components are looked at as a whole: half of one would say little, and save little. */
export const UNDIVIDED_COMPONENTS_MAX = 32;
/** Where more than this share of the heads does not tell enough, so many blocks are looked at as a whole before the next try. */
export const TAILS_SHARE = 0.4;
export const WHOLE_BLOCKS = 8;
