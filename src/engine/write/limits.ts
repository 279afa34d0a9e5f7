/** Attempts to prepare a write on a newer head before it is refused with 409 (decision 4). */
export const ATTEMPTS_MAX = 32;

/** Bytes of rows that one commit carries inside its log entry, so that a small write is one object (ARCHITECTURE §3). */
export const INLINE_BYTES_MAX = 64 * 1024;
