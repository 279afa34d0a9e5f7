/** A type's delta is folded into a new base once it holds more rows than this and than a quarter of the base. */
export const DELTA_ROWS_MIN = 8_192;
export const DELTA_BASE_SHARE = 4;
/** Rows of small commits that a delta moves together at a time. */
export const GATHERED_ROWS = 256;
/** Images of commits that are not a branch's head, kept for the next time somebody travels there. */
export const PAST_IMAGES_MAX = 2;
/** Decoded record batches that point lookups keep (a batch holds at most some ten thousand rows). */
export const LOOKUP_BATCHES_MAX = 64;
/** Entities looked up at once beyond which reading their whole type is the shorter way. */
export const LOOKUPS_MAX = 2_000;
/** Texts analysed between two looks at the event loop while a full-text index is built (a few milliseconds). */
export const TEXT_BUILD_SLICE = 4_096;
/** Commits whose place in a branch's image is remembered, so that slower readers find it. */
export const IMAGE_HISTORY_MAX = 65_536;
/** Branches whose images a process keeps; an image without a base of its own is small. */
export const BRANCH_IMAGES_MAX = 128;
/** Where fewer than one in so many rows is asked about, looking each up is sooner done than going through all. */
export const UNINDEXED_SHARE = 8;
/** Bytes of one column of texts in memory: its offsets are 32-bit integers. */
export const TEXT_COLUMN_BYTES_MAX = 2 ** 31 - 1;
/** Nodes found by binary search before the hash over their ids is made: it takes as long as some thousand searches. */
export const SEARCHES_BEFORE_HASH = 256;
/** Edges whose ends are found between two looks at the event loop (some ten milliseconds). */
export const ADJACENCY_BUILD_SLICE = 65_536;
/** Tuples of a unique property that one scan looks for; for more the index of its values is made. */
export const SCANNED_TUPLES_MAX = 64;
/** Postings moved to other rows between two looks at the event loop (a few milliseconds). */
export const POSTINGS_PER_BREATH = 524_288;
