// How much a query source may hold, and the ranges of what it may name.

/** Expressions and list literals inside one another: far beyond any real query, far below the end of the stack. */
export const EXPRESSION_DEPTH_MAX = 32;

/** `not` blocks inside one another, for the same reason. */
export const NEGATION_DEPTH_MAX = 32;

/** Hops of a traversal: what 32 bits count. No graph has a shortest path that long. */
export const HOPS_MAX = 2 ** 32 - 1;

/** Components of a vector, as in schemas. */
export const VECTOR_WIDTH_MAX = 2_147_483_647;

export const I32_MIN = -(2n ** 31n);
export const I32_MAX = 2n ** 31n - 1n;
export const U32_MAX = 2n ** 32n - 1n;
export const I64_MIN = -(2n ** 63n);
export const I64_MAX = 2n ** 63n - 1n;
export const U64_MAX = 2n ** 64n - 1n;

/** Decimal digits that hold every 64-bit integer: longer texts are refused before they are converted. */
export const INTEGER_DIGITS_MAX = 20;
