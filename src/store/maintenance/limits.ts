// Every limit of maintenance, with its unit and its reason.

/** Bytes of a segment that compaction aims at: one is built in memory, and many make a type of any size. */
export const COMPACT_SEGMENT_BYTES = 64 * 1024 * 1024;
/** A segment below this many bytes is merged with others of its kind; well below what splitting evenly leaves over. */
export const COMPACT_SMALL_BYTES = COMPACT_SEGMENT_BYTES / 4;
/** A large segment is rewritten once at least one in so many of its rows is dead. */
export const COMPACT_DEAD_SHARE = 10;
/** How often the checkpoint of a compaction is tried at a newer position after somebody else's stood at its own. */
export const COMPACT_CHECKPOINT_ATTEMPTS_MAX = 4;

/** How often a graph is checked again because it was cleaned up meanwhile. */
export const STEADY_ATTEMPTS_MAX = 5;

/** What is younger is not deleted, in ms: a writer may be about to publish it, a reader may still be at it. */
export const GRACE_MS = 60 * 60_000;
