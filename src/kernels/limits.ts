/** Components that a loop takes in one step; rows are padded with zeros to a multiple of it. */
export const LANES = 8;
/** Rows that share one pass over the query. */
export const ROWS_AT_ONCE = 4;
/** The largest code of a component; the smallest is its negative. */
export const CODE_MAX = 127;
/** Of each row: its squared length, what one step of a code is worth, and how far codes are from the row; floats. */
export const ROW_FACTS_BYTES = 12;
/** Rows whose step would be this small or smaller, so that its inverse might overflow, have codes of zero only. */
export const STEP_MIN = 2 ** -120;
