/** Rows that one step of a query may hold: beyond it memory, not the answer, would be what the query is about. */
export const INTERMEDIATE_ROWS_MAX = 20_000_000;
/** Bytes that the rows of a query may take between its steps (512 MiB): a server answers others meanwhile. */
export const QUERY_BYTES_MAX = 512 * 2 ** 20;
/** Bytes of JSON that one answer may have (512 MiB): it is made in memory, and sent in one piece. */
export const RESULT_BYTES_MAX = 512 * 2 ** 20;
/** Pairs of rows that a join forms before the conditions on them are tested. */
export const PAIR_BLOCK_ROWS = 65_536;
/** Partners of each row that are tested first where one is enough, and by how much the number grows from round to round. */
export const FIRST_PARTNERS = 4;
export const MORE_PARTNERS = 4;
/** Edges or rows looked at in one go (a millisecond or so), between two looks at the clock. */
export const WORK_PER_SLICE = 65_536;
/** Work done between two looks at the event loop (a few milliseconds). */
export const WORK_PER_BREATH = 500_000;
/** Rows sorted, or written as JSON, between two looks at the clock. */
export const ROWS_PER_LOOK = 16_384;
/** Up to this many texts are analysed on the spot where their property has no full-text index yet. */
export const TEXT_ROWS_UNINDEXED_MAX = 1_000;
/** A read of a process that holds nothing looks up at most this many entities one by one; beyond it whole types are read. */
export const COLD_ENTITIES_MAX = 500;
/** Rounds of lookups, one after the other, before reading whole types at once is the faster way. */
export const COLD_WAVES_MAX = 4;
/** Rows of a component whose neighbours are counted to estimate those of all of them. */
export const SAMPLED_ROWS = 64;
/** Components of vectors compared between two looks at the event loop (a few milliseconds). */
export const COMPONENTS_PER_BREATH = 4_194_304;
/** Entities whose places in a ranking are counted; the places of more are found by sorting all. */
export const FUSED_ENTITIES_MAX = 4_096;
/** An index over a whole type is looked into where at least one in so many of its entities takes part. */
export const INDEXED_SHARE = 8;
/** Rows scanned in one go. */
export const SCAN_SLICE_ROWS = 65_536;
/** About the bytes of an entry of a map from number to number. */
export const MAP_ENTRY_BYTES = 40;
/** Numbers are scanned so many times as fast as edges are followed. */
export const NUMBERS_PER_WORK = 8;
