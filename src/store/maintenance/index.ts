// Keeping a graph in shape: compaction, expiry of history, checks of what is stored.

export { type CleanupReport, cleanUp } from "./cleanup.ts";
export type { CleanupPolicy } from "./keep.ts";
export { type Compaction, compactBranch } from "./optimize.ts";
export { type RepairMode, type RepairReport, repairGraph } from "./repair.ts";
export type { Finding, Severity } from "./verify.ts";
