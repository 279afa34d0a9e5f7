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

/** Milliseconds after which a file that can be read counts as durable: from its name to the sync of its directory takes one. */
export const FRESH_MS_MAX = 60_000;

/** Times a local write starts over when a concurrent delete removes its directory. */
export const DIRECTORY_RACE_ATTEMPTS_MAX = 16;

/** Milliseconds to wait for the lock on one local object; its holders need about one. */
export const LOCK_WAIT_MS_MAX = 30_000;

/** Milliseconds between two tries for that lock, at most. */
export const LOCK_POLL_MS_MAX = 4;

/** Milliseconds between two tries for the lock of a file that somebody works on for long. */
export const FILE_LOCK_POLL_MS = 50;

/** Tries of one request to an object store, the first included. */
export const REQUEST_ATTEMPTS_MAX = 6;

/** Milliseconds after its first try in which a request is tried again: a store that hangs is given up in a minute or so. */
export const REQUEST_RETRY_MS_MAX = 45_000;

/** Milliseconds: the first pause between two tries lies below this, each next one below its double. */
export const RETRY_PAUSE_MS_FIRST = 50;

/** Milliseconds: no pause between two tries is longer. */
export const RETRY_PAUSE_MS_MAX = 2_000;

/** Conditional puts of one name that the probe of an object store sends side by side. */
export const PROBE_RACERS = 8;

/** Milliseconds to wait for the answer to a request: losers of a race hang up to 6 s on some stores. */
export const S3_RESPONSE_WAIT_MS = 20_000;

/** Bytes per millisecond of the slowest upload that is waited for (1 Mbit/s), on top of the above. */
export const S3_UPLOAD_BYTES_PER_MS_MIN = 125;

/** Milliseconds without a byte after which an answer under way is given up. */
export const S3_STALL_MS_MAX = 20_000;

/** Bytes of an error document that are looked at. */
export const S3_ERROR_BODY_BYTES_MAX = 64 * 1_024;

/** Bytes of one part of a multipart upload, and the largest stream that is sent as a single put. S3 asks for 5 MiB or more. */
export const S3_PART_BYTES = 8 * 1_024 * 1_024;

/** Parts of one upload under way at a time: fills a fast link, and holds 32 MiB. */
export const S3_PARTS_IN_FLIGHT_MAX = 4;

/** Parts of one upload: what S3 allows, so a streamed object has at most 78 GiB. */
export const S3_PARTS_MAX = 10_000;

/** Keys in one DeleteObjects request: what S3 allows. */
export const S3_DELETE_KEYS_MAX = 1_000;

/** Times a stream is taken up again where its connection broke, without a byte in between. */
export const S3_STREAM_RESUMES_MAX = 5;
