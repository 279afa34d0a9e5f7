// Bytes at rest: one interface, and directories, buckets and memory behind it.

export type {
  ListOptions,
  ListPage,
  ObjectInfo,
  PutOutcome,
  RequestCounts,
  RequestKind,
  StorageAdapter,
  StoredObject,
  Version,
} from "./adapter.ts";
export {
  CrashError,
  type Fault,
  type FaultRates,
  type Faults,
  scriptedFaults,
  seededFaults,
} from "./faults.ts";
export { fileStorage } from "./file.ts";
export { withFileLock } from "./file-lock.ts";
export { MemoryBucket, memoryStorage } from "./memory.ts";
export { openStorage, parseStorageUri, type StorageLocation } from "./open.ts";
export { ensureConditionalWrites, readProbeMark } from "./probe.ts";
