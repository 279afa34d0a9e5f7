/** What the environment says about waiting, where it says nothing; milliseconds. */
export const DEADLINE_MS = 60_000;
export const TIMEOUT_MS = 30_000;
export const RETRY_BACKOFF_MS = 200;
/** Attempts of one call, the first included. */
export const RETRY_ATTEMPTS = 4;
/** The wait between attempts doubles at most so often. */
export const BACKOFF_DOUBLINGS_MAX = 10;
/** Characters of a provider's error that are passed on. */
export const SHOWN_ERROR_LENGTH_MAX = 2_000;
/** Vectors of recent query texts that a client keeps. */
export const CACHED_VECTORS_MAX = 256;
