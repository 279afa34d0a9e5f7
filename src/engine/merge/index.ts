// Merging one branch into another (spec 03 §7).

export { requireDistinct } from "./conflicts.ts";
export { type MergeSides, type PreparedMerge, prepareMerge } from "./merge.ts";
export type { Apart } from "./side.ts";
export { type MergeVerdict, mergeEntity } from "./verdict.ts";
