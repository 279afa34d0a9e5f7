// The limits of this folder, each with its unit and its reason.

/** Bytes of UTF-8 in one key: what S3 allows. */
export const KEY_BYTES_MAX = 1_024;

/** Entries on one page of a listing: what S3 allows. */
export const LIST_PAGE_ENTRIES_MAX = 1_000;

/**
 * Local reads and writes up to this many bytes are made on the calling thread: from the page cache they take 4 µs, against 45 µs
 * for a trip through the thread pool. Longer ones may not hold up the event loop.
 */
export const SYNC_BYTES_MAX = 256 * 1_024;

/** Milliseconds after which a temporary file is taken for abandoned; no write takes a day. */
export const TEMPORARY_AGE_MS_MAX = 24 * 60 * 60 * 1_000;

/** Times a local write starts over when a concurrent delete removes its directory. */
export const DIRECTORY_RACE_ATTEMPTS_MAX = 16;

/** Milliseconds to wait for the lock on one local object; its holders need about one. */
export const LOCK_WAIT_MS_MAX = 30_000;

/** Milliseconds between two tries for that lock, at most. */
export const LOCK_POLL_MS_MAX = 4;

/** Tries of one request to an object store, the first included. */
export const REQUEST_ATTEMPTS_MAX = 6;

/** Milliseconds: the first pause between two tries lies below this, each next one below its double. */
export const RETRY_PAUSE_MS_FIRST = 50;

/** Milliseconds: no pause between two tries is longer. */
export const RETRY_PAUSE_MS_MAX = 2_000;

/** Conditional puts of one name that the probe of an object store sends side by side. */
export const PROBE_RACERS = 8;
