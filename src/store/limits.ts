// Every limit of the store, with its unit and its reason.

/** Rows of one commit up to this many bytes of JSON sit in the log entry: a small write is one object. */
export const INLINE_BYTES_MAX = 64 * 1024;
/** Deleted ids of one type beyond this many bytes go to an object of their own. */
export const INLINE_DELETES_BYTES_MAX = 64 * 1024;

/** A tail with more entries than this, or more bytes, asks for a checkpoint: opening stays one window of requests. */
export const TAIL_ENTRIES_MAX = 16;
export const TAIL_BYTES_MAX = 256 * 1024;
/** Positions asked for at once when the head is looked for: a tail as long as allowed, and the hole behind it. */
export const WINDOW = TAIL_ENTRIES_MAX + 1;
/** The same for a fork, whose own entries are few most of the time; one that has more takes a second window. */
export const WINDOW_FORK = 6;
/** Windows grow up to this many positions where a tail turns out long. */
export const WINDOW_MAX = 64;
/** A known head that falls this many entries behind looks for somebody's newer checkpoint. */
export const TAIL_ENTRIES_ADOPT = 2 * TAIL_ENTRIES_MAX;

/** A checkpoint that is further from the one before it gets a bundle of the entries between. */
export const BUNDLE_ENTRIES_MIN = 4;
/** A bundle beyond this many bytes is not written: who travels there reads the entries. */
export const BUNDLE_BYTES_MAX = 1024 * 1024;

/** Commits summed up in one checkpoint before the next one begins a new pack (about 40 KiB of JSON). */
export const PACK_COMMITS_MAX = 512;
/** Newest packs that a hint names: a cold process finds any of some 32,000 commits at once. */
export const HINT_PACKS_MAX = 64;
/** Dead rows beyond this many bytes leave the checkpoint for an object of their own. */
export const INLINE_DEAD_BYTES_MAX = 16 * 1024;
/** Rows of a later segment whose keys are looked up in earlier ones; larger ones are walked beside them, in little memory. */
export const KILLED_KEYS_MAX = 65_536;
/** A newer segment is merged with the one before it while that has at most this many times its rows. */
export const MERGE_FACTOR = 4;
/** A checkpoint never rewrites segments beyond this many bytes together; `optimize` does. */
export const MERGE_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of a segment that are read ahead while segments are gone through side by side. */
export const MERGE_READ_BYTES = 4 * 1024 * 1024;

/** Record batches aim at this many a segment, within the bounds below: enough to skip, few enough to list. */
export const BATCHES_PER_SEGMENT = 256;
export const BATCH_ROWS_MIN = 4096;
export const BATCH_ROWS_MAX = 65_536;
/** A segment up to this many bytes is fetched whole: one request costs more than the bytes saved. */
export const WHOLE_SEGMENT_BYTES_MAX = 256 * 1024;
/** A segment up to this many bytes stays in memory after it was written: checkpoints soon read small ones again. */
export const KEEP_WRITTEN_BYTES_MAX = 1024 * 1024;
/** Batches of a segment up to this many bytes stay in memory after all of it was read: beyond it, its reader keeps the rows. */
export const KEEP_WHOLE_BYTES_MAX = 8 * 1024 * 1024;
/** Unwanted bytes between two wanted batches that are read along rather than split into two requests. */
export const RANGE_GAP_BYTES_MAX = 64 * 1024;
/** Requests of one operation that run side by side. */
export const PARALLEL_REQUESTS_MAX = 16;

/** How often a write is prepared again on a new head before it is refused (spec 03 §6.2). */
export const PREPARE_ATTEMPTS_MAX = 32;
/** How often a write that conflicts with nothing is moved on top of others before it is refused. */
export const MOVE_ATTEMPTS_MAX = 256;
/** Writes published in one log entry. */
export const GROUP_COMMITS_MAX = 64;
/** Bytes of JSON in one log entry before the rest of the queue waits for the next. */
export const GROUP_BYTES_MAX = 1024 * 1024;
/** A put that takes this long, in ms, is worth waiting for those who may share it. */
export const GATHER_PUT_MS_MIN = 8;
/** Share of a put's time in which somebody must have come for the wait to go on. */
export const GATHER_STEP_SHARE = 1 / 8;
/** Share of a put's time that the whole wait may take. */
export const GATHER_SHARE_MAX = 1 / 2;
/** Longest wait of a loser before it tries again, in ms. */
export const BACKOFF_MS_MAX = 500;
/** How often an uncertain put is read back before the writer gives up. */
export const SETTLE_ATTEMPTS_MAX = 8;
/** Longest wait between two such looks, in ms. */
export const SETTLE_WAIT_MS_MAX = 2000;
/** An acknowledgement that came later than this after the head was read is checked against the floor, in ms. */
export const FLOOR_CHECK_MS = 60_000;
/** Objects that no commit names yet are written again at this age, in ms: cleanup deletes them at an hour. */
export const UNPUBLISHED_AGE_MS_MAX = 30 * 60_000;
/** A draft that waits longer than this is prepared again, in ms: what it names was at most as old as above when it began to wait. */
export const DRAFT_AGE_MS_MAX = 15 * 60_000;
/** How long a process builds on a checkpoint before it asks for a newer one, in ms: far below the grace that cleanup gives. */
export const HINT_TRUST_MS = 5 * 60_000;

/** Bytes of decoded immutable objects kept by a process. */
export const CACHE_BYTES = 128 * 1024 * 1024;
/** What JSON takes once decoded, by its length: entries of one-row commits, 440 bytes each, were measured at 4 to 5 KB. */
export const DECODED_SIZE_FACTOR = 10;

/** UTF-8 bytes of a branch name (spec 03 §4.1). */
export const BRANCH_NAME_BYTES_MAX = 512;
