// A graph on storage: its commit log, branches, segments and checkpoints.

export type {
  Branch,
  FoundCommit,
  GraphStore,
  MergeBase,
  PastState,
  PublishRequest,
  PublishResult,
  RowWriter,
  SegmentReader,
  Step,
  StoreOptions,
} from "./api.ts";
export { findRow, type RowKey } from "./batch-search.ts";
export {
  BLOBS_PREFIX,
  type BlobReference,
  blobDigests,
  blobKey,
  managedBlob,
  readBlobReference,
} from "./blob-reference.ts";
export { MAIN, refuseSystemRef, validateBranchName } from "./branch-name.ts";
export { BatchBuilder, type BatchShape, type SortedRows, shapeOf, sortBatch, takeRows } from "./builder.ts";
export { ObjectCache } from "./cache.ts";
export * from "./column.ts";
export { BoolBuilder, type ColumnBuilder, FixedBuilder, Utf8Builder } from "./column-builder.ts";
export { textAt, valueAt } from "./column-value.ts";
export { type GraphRecord, type InitRequest, initStore, storeExists } from "./graph-record.ts";
export { openStore } from "./graph-store.ts";
export { inlineBytes } from "./inline-rows.ts";
export { INLINE_BYTES_MAX } from "./limits.ts";
export { landedOn } from "./lineage.ts";
export type {
  CleanupPolicy,
  CleanupReport,
  Compaction,
  Finding,
  RepairMode,
  RepairReport,
  Severity,
} from "./maintenance/index.ts";
export { inParallel } from "./parallel.ts";
export { changedAt } from "./replay.ts";
export { batchOf, rowAt, rowsOf } from "./row-codec.ts";
export { sortRows } from "./sort.ts";
export type * from "./types.ts";
export { uniqueKey } from "./unique-tuples.ts";
export { Unpublished } from "./unpublished.ts";
