/** A base is a place, not a payload: 64 KiB of URI in bytes is more than any store accepts as a key. */
export const BLOB_BASE_BYTES_MAX = 64 * 1024;

/** Catalog blobs read or written side by side: enough to hide a bucket's latency, few enough to be polite to it. */
export const BLOBS_IN_FLIGHT_MAX = 16;
