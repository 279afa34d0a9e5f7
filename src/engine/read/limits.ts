/** Rows that one step of a query may hold: beyond it memory, not the answer, would be what the query is about. */
export const INTERMEDIATE_ROWS_MAX = 20_000_000;
/** Rows of a product that are formed before the conditions on them are tested. */
export const PRODUCT_BLOCK_ROWS = 65_536;
/** Rows that a traversal continues at a time. */
export const TRAVERSED_ROWS = 16_384;
/** Rows handled between two looks at the event loop (a few milliseconds of work). */
export const ROWS_PER_BREATH = 200_000;
/** Up to this many texts are analysed on the spot where their property has no full-text index yet. */
export const TEXT_ROWS_UNINDEXED_MAX = 1_000;
/** A read of a process that holds nothing looks up at most this many entities one by one; beyond it whole types are read. */
export const COLD_ENTITIES_MAX = 500;
/** Rounds of lookups, one after the other, before reading whole types at once is the faster way. */
export const COLD_WAVES_MAX = 4;
