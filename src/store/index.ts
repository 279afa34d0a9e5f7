// A graph on storage: its commit log, branches, segments and checkpoints.

export type {
  Branch,
  FoundCommit,
  GraphStore,
  PublishRequest,
  PublishResult,
  RowWriter,
  SegmentReader,
  StoreOptions,
} from "./api.ts";
export { MAIN, validateBranchName } from "./branch-name.ts";
export { ObjectCache } from "./cache.ts";
export * from "./column.ts";
export type * from "./types.ts";
