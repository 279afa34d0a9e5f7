/** A base is a place, not a payload: 64 KiB of URI in bytes is more than any store accepts as a key. */
export const BLOB_BASE_BYTES_MAX = 64 * 1024;
