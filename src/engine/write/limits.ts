/** Rows that the predicate of a mutation is held against between two looks at the event loop (a few milliseconds). */
export const ROWS_PER_BREATH = 500_000;
