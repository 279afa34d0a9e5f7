/** Log positions that every claiming process tries to take. */
export const CLAIMS = 100;
/** Increments by every counting process. */
export const INCREMENTS = 40;
/** Bytes of the bodies that the writing process writes: larger than what one write call takes from the page cache. */
export const BODY_BYTES = 300_000;
