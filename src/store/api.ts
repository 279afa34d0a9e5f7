// What the store offers to the parts above it.

import type { Ports } from "../lib/ports.ts";
import type { Catalog, EntityType } from "../schema/catalog.ts";
import type { StorageAdapter } from "../storage/adapter.ts";
import type { ObjectCache } from "./cache.ts";
import type { RowBatch } from "./column.ts";
import type {
  CleanupPolicy,
  CleanupReport,
  Compaction,
  RepairMode,
  RepairReport,
} from "./maintenance/index.ts";
import type {
  BranchId,
  BranchRef,
  BranchState,
  CommitId,
  CommitRecord,
  DeadRows,
  Draft,
  LoggedCommit,
  Row,
  SegmentRef,
  TypeChanges,
} from "./types.ts";

export interface StoreOptions {
  /** Reads an accepted-schema object. */
  readonly decodeSchema: (accepted: string) => Catalog;
  /** Milliseconds for which a known head is taken as current; 0 (the default) asks storage before every read. */
  readonly readStalenessMs?: number;
  /** Decoded objects; the process's own without one. */
  readonly cache?: ObjectCache;
  /** The branch that the caller is about to use: its ref is fetched beside graph.json. */
  readonly branch?: string;
  /** Checkpoints run only when `settle` is called, not by themselves (for tests that count requests). */
  readonly manualCheckpoints?: boolean;
}

export interface PublishRequest {
  /**
   * Makes the commit on this state, or null when there is nothing to commit. May run several times, each time on a newer
   * state; keep the draft's id and time the same.
   */
  readonly prepare: (head: BranchState) => Promise<Draft | null>;
  /** What happens when others changed what the draft read: prepare again (up to 32 times), or refuse with 409. */
  readonly repeat: "always" | "never";
  /** Publish only while the head is this commit; else 412. */
  readonly ifCommit?: CommitId;
  /** Refuse when the branch is not (any more) this incarnation. */
  readonly requireBranch?: BranchId;
}

export interface PublishResult {
  /** Null when `prepare` found nothing to commit. */
  readonly commit: CommitRecord | null;
  /** The head as this process knew it right after: its history holds the commit. */
  readonly state: BranchState;
}

/** A branch by name. A light handle: nothing is read before the first call. */
export interface Branch {
  readonly name: string;
  /** The newest state; asks storage whether the next position exists (see `readStalenessMs`). 404 where there is no branch. */
  head(): Promise<BranchState>;
  publish(request: PublishRequest): Promise<PublishResult>;
}

export interface FoundCommit {
  readonly record: CommitRecord;
  /** A live branch whose history holds it. */
  readonly ref: BranchRef;
  /** The head of that branch. */
  readonly head: BranchState;
}

/** A commit between the state that it changed and the one that it made. */
export interface Step {
  readonly before: BranchState;
  readonly commit: LoggedCommit;
  readonly after: BranchState;
  /** The schema after it without what hard drops took since. */
  readonly readable: Catalog;
}

/** What two heads have in common. */
export interface MergeBase {
  readonly record: CommitRecord;
  /** Readable whatever cleanup expired, and where the branch that it was made on is deleted. */
  state(): Promise<BranchState>;
}

export interface PastState {
  /** Its catalog lacks what hard drops took since. */
  readonly state: BranchState;
  /** Every type and property of the schema that the commit named. */
  readonly accepted: Catalog;
  readonly head: BranchState;
}

/** Where the rows of segments come from. */
export interface SegmentReader {
  /** Decoded record batches, all of them or those at the given places, in the order asked; near ones share a request. */
  readSegmentBatches(segment: SegmentRef, batches?: readonly number[]): Promise<RowBatch[]>;
  /** Dead rows of a segment, ascending. */
  readDead(dead: DeadRows): Promise<Uint32Array>;
}

/** Brings the rows of a write into the form that a commit holds them in. */
export interface RowWriter {
  /** Rows of one type in any order; ids (src, dst and id of edges) are distinct. Inline when small, else segments. */
  write(type: EntityType, rows: readonly Row[]): Promise<Pick<TypeChanges, "rows" | "segments">>;
  /** The same for rows that stand in a sorted batch already. */
  writeBatch(type: EntityType, batch: RowBatch): Promise<Pick<TypeChanges, "rows" | "segments">>;
  /** Writes a sorted batch as a segment, durably. */
  writeSegment(type: EntityType, batch: RowBatch): Promise<SegmentRef>;
}

export interface GraphStore extends SegmentReader {
  readonly storage: StorageAdapter;
  readonly ports: Ports;
  readonly graphId: string;
  readonly mainId: BranchId;
  /** Microseconds since the epoch. */
  readonly createdAt: number;

  /** One for each write: small rows stay inline until all of the write's together pass 64 KiB. */
  rowWriter(): RowWriter;
  branch(name: string): Branch;
  /** Sorted by bytes, `main` in its place. */
  listBranches(): Promise<string[]>;
  branchExists(name: string): Promise<boolean>;
  createBranch(name: string, from: string): Promise<BranchRef>;
  /**
   * Makes a branch whose first commit is there as soon as the branch is: both appear or neither. Null where somebody else
   * made the name meanwhile; nothing is published then.
   */
  createBranchWithCommit(
    name: string,
    from: string,
    prepare: (head: BranchState) => Promise<Draft>,
  ): Promise<PublishResult | null>;
  deleteBranch(name: string): Promise<void>;

  /** The state at any commit of a live branch; 404 `commit '<id>' not found`. States in `near` are searched first. */
  stateAt(commit: CommitId, near?: readonly BranchState[]): Promise<BranchState>;
  /** The same, beside the head of a branch whose history holds the commit, and the schema as it was accepted then. */
  pastState(commit: CommitId): Promise<PastState>;
  findCommit(commit: CommitId): Promise<FoundCommit>;
  /** The commit of a state's first-parent chain with this version; null above its head. */
  commitAt(state: BranchState, version: number): Promise<CommitRecord | null>;
  /**
   * The commits of a state's first-parent chain from one version up to another, oldest first, each between its states; fewer
   * where cleanup reclaimed some. Throws 410 where the first is among those, or what came before it.
   */
  steps(state: BranchState, first: number, last: number): Promise<Step[]>;
  /** The first-parent chain of a state, newest first; all of it, or the versions from `first` up to `last`. */
  history(state: BranchState, first?: number, last?: number): Promise<CommitRecord[]>;
  /** Nearest common ancestor of two heads, both parents followed: smallest sum of distances, then higher version. */
  mergeBase(a: BranchState, b: BranchState): Promise<MergeBase>;
  /**
   * The commits of a state's first-parent chain, with their changes, oldest first, after the newest one that is also on
   * the first-parent chain of `base` (which is `base`'s head where the state descends from it directly). Where cleanup
   * removed entries of these, one commit that holds what differs from `base`.
   */
  commitsAfter(state: BranchState, base: BranchState): Promise<LoggedCommit[]>;

  /** Compacts the head of a branch, `parallelTypes` types at a time. */
  optimize(branch: string, parallelTypes: number): Promise<Compaction>;

  /** Expires history and deletes what nobody needs any more; a preview only tells what that would be. */
  cleanUp(policy: CleanupPolicy, isPreview?: boolean): Promise<CleanupReport>;

  /** Writes a checkpoint of a branch's head now: its segments hold nothing that a hard drop took. */
  checkpoint(branch: string): Promise<void>;
  /** Checks everything that readable commits need, and does about it what the mode says. */
  repair(mode: RepairMode): Promise<RepairReport>;
  /**
   * Asked when reading a state failed: whether it failed on a damaged object that repair, in another process, has led
   * around since. If so, the state is to be asked for again.
   */
  isMended(state: BranchState, failure: unknown): Promise<boolean>;

  /** Waits until background checkpoints are done. */
  settle(): Promise<void>;
}
