/** Components that the loops work on side by side. */
export const LANES = 8;
/** Components that a scan takes in one step; rows, their heads and their tails come out in these, padded with zeros. */
export const STEP_COMPONENTS = 16;
/** Rows that share one pass over the query. */
export const ROWS_AT_ONCE = 4;
/** The largest code of a component; the smallest is its negative. */
export const CODE_MAX = 127;
/**
 * Facts of each row, as floats: its squared length, what one step of a code is worth, how far the codes are from the row, and
 * the length of the codes beyond the head. Those of the rows that are looked at together stand together: four of each.
 */
export const FACTS_PER_ROW = 4;
export const ROW_FACTS_BYTES = 16;
export const FLOAT_BYTES = 4;
/** From one fact of the rows that are looked at together to the next. */
export const FACT_BYTES = ROWS_AT_ONCE * FLOAT_BYTES;
/** Rows whose step would be this small or smaller, so that its inverse might overflow, have codes of zero only. */
export const STEP_MIN = 2 ** -120;
/** The unit of a WebAssembly memory. */
export const PAGE_BYTES = 65_536;
