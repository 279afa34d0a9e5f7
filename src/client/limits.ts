// Limits of the HTTP client.

/** Requests for one read, the repeated ones included: enough to outlast a restart, not an outage. */
export const ATTEMPTS_MAX = 3;
/** Milliseconds before the first repetition; it doubles. */
export const RETRY_PAUSE_MS = 200;
/** Milliseconds: a server that asks for a longer pause is not waited for that long. */
export const RETRY_AFTER_MAX_MS = 5_000;
/** Characters of an answer that is not ours, as quoted in the error. */
export const SHOWN_BODY_LENGTH_MAX = 500;
