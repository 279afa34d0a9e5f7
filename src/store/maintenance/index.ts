// Keeping a graph in shape: compaction, expiry of history, checks of what is stored.

export { type Compaction, compactBranch } from "./optimize.ts";
