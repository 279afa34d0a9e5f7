// A graph that is open in this process.

import { conflict, OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import { withoutPurged } from "../schema/index.ts";
import type { StorageAdapter } from "../storage/adapter.ts";
import { commonAncestor } from "./ancestry.ts";
import type {
  Branch,
  FoundCommit,
  GraphStore,
  MergeBase,
  PastState,
  PublishRequest,
  PublishResult,
  RowWriter,
  Step,
  StoreOptions,
} from "./api.ts";
import { BranchClosed, BranchLog } from "./branch-log.ts";
import { MAIN } from "./branch-name.ts";
import { createRef, deleteRef, type ForkPoint, forkPointOf, isFork, refOf } from "./branches.ts";
import { type ObjectCache, processCache } from "./cache.ts";
import { encodeCheckpoint } from "./checkpoint.ts";
import { rereadCheckpoint } from "./checkpoint-read.ts";
import { Checkpointer, makeCheckpoint } from "./checkpointer.ts";
import type { RowBatch } from "./column.ts";
import { catalogReader, type GraphContext } from "./context.ts";
import { readDead } from "./dead-rows.ts";
import { createWithCommit } from "./first-commit.ts";
import { type GraphRecord, readGraphRecord } from "./graph-record.ts";
import { chainOf, fetchPackAhead, findRecord, recordAt } from "./history.ts";
import { branchNotFound, commitNotFound, schemaKey } from "./layout.ts";
import { PREPARE_ATTEMPTS_MAX } from "./limits.ts";
import {
  type CleanupPolicy,
  type CleanupReport,
  type Compaction,
  cleanUp,
  compactBranch,
  type RepairMode,
  type RepairReport,
  repairGraph,
} from "./maintenance/index.ts";
import { Objects } from "./objects.ts";
import { branchReplaced } from "./publish-errors.ts";
import { Publisher } from "./publisher.ts";
import { listRefNames, mainRef, readRef } from "./refs.ts";
import { rowWriter } from "./row-writer.ts";
import { readSegmentBatches } from "./segment-read.ts";
import { stepsOf } from "./steps.ts";
import { DamagedObject } from "./stored-json.ts";
import { commitsAfter, stateAt, stateOn } from "./time-travel.ts";
import type {
  BranchId,
  BranchRef,
  BranchState,
  CommitId,
  CommitRecord,
  DeadRows,
  Draft,
  LoggedCommit,
  SegmentRef,
} from "./types.ts";

/** A branch that this process follows. */
interface Followed {
  readonly log: BranchLog;
  readonly publisher: Publisher;
}

/** Opens the graph at the storage's root; 404 where there is none. Reads graph.json and what `options` ask beside it. */
export async function openStore(
  storage: StorageAdapter,
  ports: Ports,
  options: StoreOptions,
): Promise<GraphStore> {
  const cache = options.cache ?? processCache;
  const objects = new Objects(storage, cache);
  const ahead = options.branch === undefined || options.branch === MAIN ? null : options.branch;
  const [graph, prefetched] = await Promise.all([
    readGraphRecord(storage),
    ahead === null ? null : readRef(objects, ahead),
  ]);
  const open = (over: ObjectCache) => contextOf(new Objects(storage, over), ports, graph, options);
  const context = open(cache);
  const store = new OpenGraphStore(context, options.manualCheckpoints === true, open);
  if (prefetched !== null) store.follow(new BranchLog(context, prefetched));
  return store;
}

function contextOf(
  objects: Objects,
  ports: Ports,
  graph: GraphRecord,
  { decodeSchema, readStalenessMs = 0 }: StoreOptions,
): GraphContext {
  return {
    objects,
    ports,
    graph,
    readStalenessMs,
    catalogOf: catalogReader(objects, decodeSchema),
    keepCatalog: (digest, catalog) => objects.keep(schemaKey(digest), catalog, catalog.source.length),
  };
}

class OpenGraphStore implements GraphStore {
  private readonly followed = new Map<string, Promise<Followed>>();
  private readonly checkpointer: Checkpointer;

  constructor(
    private readonly context: GraphContext,
    private readonly manualCheckpoints: boolean,
    /** The same graph, read through a cache of its own. */
    private readonly reopen: (cache: ObjectCache) => GraphContext,
  ) {
    this.checkpointer = new Checkpointer(context);
  }

  get storage(): StorageAdapter {
    return this.context.objects.storage;
  }

  get ports(): Ports {
    return this.context.ports;
  }

  get graphId(): string {
    return this.context.graph.graphId;
  }

  get mainId(): string {
    return this.context.graph.mainId;
  }

  get createdAt(): number {
    return this.context.graph.createdAt;
  }

  branch(name: string): Branch {
    return {
      name,
      head: () => this.head(name),
      publish: (request) => this.publish(name, request),
    };
  }

  rowWriter(): RowWriter {
    return rowWriter(this.context);
  }

  async listBranches(): Promise<string[]> {
    return [MAIN, ...(await listRefNames(this.context.objects))].sort(compareUtf8);
  }

  async branchExists(name: string): Promise<boolean> {
    if (name === MAIN) return true;
    const followed = await this.followed.get(name)?.catch(() => undefined);
    if (followed !== undefined && followed.log.latest !== null) {
      try {
        await this.head(name);
        return true;
      } catch (thrown) {
        if (isNotFound(thrown)) return false;
        throw thrown;
      }
    }
    return (await readRef(this.context.objects, name)) !== null;
  }

  async createBranch(name: string, from: string): Promise<BranchRef> {
    for (let attempt = 1; ; attempt++) {
      const created = await createRef(this.context, name, await this.forkPoint(from));
      if (created !== null) {
        this.follow(new BranchLog(this.context, created));
        return created.ref;
      }
      if (attempt === PREPARE_ATTEMPTS_MAX) {
        throw conflict(
          `branch '${name}' was not created: the schema is being changed over and over; create it again`,
        );
      }
    }
  }

  async createBranchWithCommit(
    name: string,
    from: string,
    prepare: (head: BranchState) => Promise<Draft>,
  ): Promise<PublishResult | null> {
    const askedAt = this.askedAt();
    const source = await this.head(from);
    const created = await createWithCommit(this.context, name, forkAt(source, askedAt), source, prepare);
    if (created === null) return null;
    this.follow(new BranchLog(this.context, created.stored));
    return created;
  }

  async deleteBranch(name: string): Promise<void> {
    await deleteRef(this.context, name);
    this.followed.delete(name);
  }

  async stateAt(commit: CommitId, near: readonly BranchState[] = []): Promise<BranchState> {
    return (await this.stateIn(this.searched(near), commit)).state;
  }

  pastState(commit: CommitId): Promise<PastState> {
    // Where main has to be opened first, the commit is looked for beside that.
    if (!this.followed.has(MAIN)) void fetchPackAhead(this.context, mainRef(this.context.graph).ref, commit);
    return this.stateIn(this.searched([]), commit);
  }

  async findCommit(commit: CommitId): Promise<FoundCommit> {
    for await (const state of this.searched([])) {
      const record = await findRecord(this.context, state, commit);
      if (record !== null) return { record, ref: state.ref, head: state };
    }
    throw commitNotFound(commit);
  }

  commitAt(state: BranchState, version: number): Promise<CommitRecord | null> {
    return recordAt(this.context, state, version);
  }

  steps(state: BranchState, first: number, last: number): Promise<Step[]> {
    return stepsOf(this.context, state, first, last);
  }

  history(
    state: BranchState,
    first = this.context.graph.genesis.version,
    last = state.head.version,
  ): Promise<CommitRecord[]> {
    return chainOf(this.context, state, first, last);
  }

  async mergeBase(a: BranchState, b: BranchState): Promise<MergeBase> {
    const { record, ref } = await commonAncestor(this.context, a, b, (log) => this.chainWith(log));
    return { record, state: () => this.baseState(record, ref, [a, b]) };
  }

  commitsAfter(state: BranchState, base: BranchState): Promise<LoggedCommit[]> {
    return commitsAfter(this.context, state, base);
  }

  readSegmentBatches(segment: SegmentRef, batches?: readonly number[]): Promise<RowBatch[]> {
    return readSegmentBatches(this.context.objects, segment, batches);
  }

  readDead(dead: DeadRows): Promise<Uint32Array> {
    return readDead(this.context.objects, dead);
  }

  async optimize(name: string, parallelTypes: number): Promise<Compaction> {
    const { log, publisher } = await this.followedBranch(name);
    return this.checkpointer.alone(log, () => compactBranch(this.context, log, publisher, parallelTypes));
  }

  cleanUp(policy: CleanupPolicy, isPreview = false): Promise<CleanupReport> {
    return cleanUp(this.context, policy, isPreview);
  }

  async checkpoint(name: string): Promise<void> {
    const { log } = await this.followedBranch(name);
    const state = await log.head();
    await this.checkpointer.alone(log, () => makeCheckpoint(this.context, log, state));
  }

  repair(mode: RepairMode): Promise<RepairReport> {
    return repairGraph(this.reopen, mode);
  }

  async isMended({ ref, checkpoint }: BranchState, failure: unknown): Promise<boolean> {
    if (!(failure instanceof DamagedObject) || checkpoint.position === 0) return false;
    const there = await rereadCheckpoint(this.context, ref, checkpoint);
    if (there === null || Buffer.from(encodeCheckpoint(there)).equals(encodeCheckpoint(checkpoint)))
      return false;
    const followed = await Promise.allSettled(this.followed.values());
    for (const one of followed) if (one.status === "fulfilled") one.value.log.renew(there);
    return true;
  }

  settle(): Promise<void> {
    return this.checkpointer.settle();
  }

  /** Makes a branch known to this process. */
  follow(log: BranchLog): Followed {
    const publisher = new Publisher(this.context, log, () => {
      this.checkpointer.note(log, this.manualCheckpoints);
    });
    const followed = { log, publisher };
    this.followed.set(log.ref.name, Promise.resolve(followed));
    return followed;
  }

  private async followedBranch(name: string): Promise<Followed> {
    const known = this.followed.get(name);
    const found = await known?.catch(() => null);
    if (found) return found;
    // That there was no branch when an earlier caller asked is no answer to this one.
    const since = this.followed.get(name);
    if (since !== undefined && since !== known) return since;
    const opening = refOf(this.context, name).then((stored) =>
      this.follow(new BranchLog(this.context, stored)),
    );
    this.followed.set(name, opening);
    try {
      return await opening;
    } catch (thrown) {
      if (this.followed.get(name) === opening) this.followed.delete(name);
      throw thrown;
    }
  }

  /** Reads the head. A branch that was deleted since may have been created again: the name then has a new ref. */
  private async head(name: string): Promise<BranchState> {
    const { log } = await this.followedBranch(name);
    try {
      return await log.head();
    } catch (thrown) {
      if (!(thrown instanceof BranchClosed)) throw thrown;
      const successor = await this.successorOf(log);
      if (successor === null) throw branchNotFound(name);
      return this.head(name);
    }
  }

  private async publish(name: string, request: PublishRequest): Promise<PublishResult> {
    const { log, publisher } = await this.followedBranch(name);
    if (request.requireBranch !== undefined && request.requireBranch !== log.ref.id) {
      throw branchReplaced(name, null);
    }
    try {
      return await publisher.publish(request);
    } catch (thrown) {
      if (!(thrown instanceof BranchClosed)) throw thrown;
      const expected = log.latest?.head.id ?? null;
      const successor = await this.successorOf(log);
      if (successor === null) throw branchNotFound(name);
      // Nothing was prepared on a branch that this process never read: it writes to the one that has the name now.
      if (expected === null) return this.publish(name, request);
      throw branchReplaced(name, expected);
    }
  }

  /** The branch that has the name of a closed one now; null where there is none. */
  private async successorOf(closed: BranchLog): Promise<Followed | null> {
    const { name, id } = closed.ref;
    const known = await this.followed.get(name)?.catch(() => undefined);
    // Another follower of the same branch is no successor.
    if (known !== undefined && known.log.ref.id !== id) return known;
    const stored = await readRef(this.context.objects, name);
    if (stored !== null && stored.ref.id !== id) return this.follow(new BranchLog(this.context, stored));
    if (known !== undefined) this.followed.delete(name);
    return null;
  }

  /** The head of a branch to fork from: what this process follows costs one question, anything else a few requests. */
  private async forkPoint(from: string): Promise<ForkPoint> {
    const followed = await this.followed.get(from)?.catch(() => undefined);
    if (followed === undefined || followed.log.latest === null) return forkPointOf(this.context, from);
    const askedAt = this.askedAt();
    return forkAt(await this.head(from), askedAt);
  }

  /** The time, in ms, at which the answer to a question of this moment may be true already. */
  private askedAt(): number {
    return this.context.ports.now() - this.context.readStalenessMs;
  }

  private async stateIn(heads: AsyncIterable<BranchState>, commit: CommitId): Promise<PastState> {
    for await (const head of heads) {
      const record = await findRecord(this.context, head, commit);
      if (record === null) continue;
      const state = await this.pastOf(head, record);
      const { catalog: accepted } = state;
      const catalog = withoutPurged(accepted, head.catalog.purged);
      return { state: catalog === accepted ? state : { ...state, catalog }, accepted, head };
    }
    throw commitNotFound(commit);
  }

  /** What cleanup expired is read all the same where a branch begins that it did not know of. */
  private async pastOf(head: BranchState, record: CommitRecord): Promise<BranchState> {
    try {
      return await stateAt(this.context, head, record);
    } catch (thrown) {
      const isGone = thrown instanceof OmnigraphError && thrown.kind === "gone";
      if (!isGone || !(await isFork(this.context, head, record))) throw thrown;
      return stateAt(this.context, head, record, "needed");
    }
  }

  private async baseState(
    record: CommitRecord,
    ref: BranchRef | null,
    heads: readonly BranchState[],
  ): Promise<BranchState> {
    const head = heads.find((state) => state.ref === ref);
    if (head !== undefined) return stateAt(this.context, head, record, "needed");
    return ref === null ? this.stateAt(record.id, heads) : stateOn(this.context, ref, record);
  }

  /** The head of the live branch whose own log it is. */
  private async chainWith(log: BranchId): Promise<BranchState | null> {
    for await (const state of this.searched([])) {
      if (state.ref.id === log) return state;
    }
    return null;
  }

  /** States whose histories are searched for a commit: those at hand, then main's head, then every other branch's. */
  private async *searched(near: readonly BranchState[]): AsyncGenerator<BranchState> {
    yield* near;
    yield await this.head(MAIN);
    for (const name of (await listRefNames(this.context.objects)).sort(compareUtf8)) {
      try {
        yield await this.head(name);
      } catch (thrown) {
        // Deleted while we searched.
        if (!isNotFound(thrown)) throw thrown;
      }
    }
  }
}

function forkAt({ ref, position, checkpoint }: BranchState, readAt: number): ForkPoint {
  const { branch, position: at, head } = checkpoint;
  return {
    source: ref,
    position,
    checkpoint: at === 0 ? null : { branch, position: at },
    schemaDigest: head.schemaDigest,
    readAt,
  };
}

const isNotFound = (thrown: unknown): boolean =>
  thrown instanceof Error && "kind" in thrown && thrown.kind === "not_found";
