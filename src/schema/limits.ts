// Limits of the schema language, each with its unit and its reason.

/** Components of a vector: lengths of fixed-size lists are signed 32-bit in Arrow. */
export const VECTOR_DIMENSION_MAX = 2_147_483_647;
/** Edges per source node in `@card`: unsigned 32-bit by contract. */
export const CARDINALITY_MAX = 4_294_967_295;
/** Integer bounds of `@range`: what some integer type of the language can hold. */
export const RANGE_INTEGER_MIN = -(2n ** 63n);
export const RANGE_INTEGER_MAX = 2n ** 64n - 1n;
/** Properties of all types, injected ones included: a megabyte of text can otherwise ask for a thousand million. */
export const EFFECTIVE_PROPERTIES_MAX = 200_000;
/** Digits that any integer literal of the language needs at most (2^64 - 1 has 20); longer ones overflow unread. */
export const INTEGER_DIGITS_MAX = 20;
/** States of a compiled `@check` pattern: matching costs at most this times the length of the value. */
export const PATTERN_STATES_MAX = 10_000;
/** Nested groups of a `@check` pattern, so that reading one cannot overflow the stack. */
export const PATTERN_DEPTH_MAX = 100;
/** Remembered transitions of one pattern; past it the memory is dropped and built again. */
export const PATTERN_MEMORY_MAX = 20_000;
