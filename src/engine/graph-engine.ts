// The Graph of engine/graph.ts on a store: finds the state, makes a view, prepares, publishes, and words the answer.

import { type GraphView, ImageCache } from "../index/index.ts";
import { badRequest, conflict } from "../lib/errors.ts";
import { letOthersRun } from "../lib/event-loop.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import { STORAGE_FORMAT_VERSION } from "../lib/version.ts";
import { decodeParams } from "../query/index.ts";
import type { MutationPlan, QueryPlan, ReadPlan } from "../query/plan.ts";
import type { Catalog, EntityType } from "../schema/catalog.ts";
import { canonicalKeyText } from "../schema/index.ts";
import { ensureConditionalWrites, openStorage } from "../storage/index.ts";
import { type GraphStore, MAIN, refuseSystemRef, validateBranchName } from "../store/index.ts";
import type { BranchState } from "../store/types.ts";
import { BlobIntake, externalPolicy, openBlobCell, sourceProbe } from "./blob/index.ts";
import { ChangeReader } from "./changes/index.ts";
import { listCommits } from "./commit-list.ts";
import { CommitWriter } from "./commit-writer.ts";
import { exportedTypes, exportRecords } from "./export.ts";
import type {
  AuthorizationRequest,
  BlobCell,
  BlobSelector,
  ChangeBaselineRequest,
  ChangeFeedRequest,
  CommitChangesRequest,
  CommitListRequest,
  ExportRequest,
  Graph,
  GraphOptions,
  LoadRequest,
  MergeRequest,
  MutateRequest,
  QueryRequest,
  ReadSelector,
  SchemaApplyRequest,
} from "./graph.ts";
import { load } from "./load/load.ts";
import { type Apart, prepareMerge, requireDistinct } from "./merge/index.ts";
import type {
  BranchCreateOutput,
  BranchDeleteOutput,
  BranchMergeOutput,
  ChangeFeedOutput,
  CommitChangesOutput,
  CommitListOutput,
  CommitOutput,
  LoadOutput,
  MergeOutcome,
  MutationOutput,
  ReadResult,
  SchemaApplyOutput,
  SchemaPlanOutput,
  SnapshotOutput,
} from "./outputs.ts";
import { type SeenState, seenCommit, seenHead } from "./past.ts";
import { PlanCache } from "./plans.ts";
import {
  type Deadline,
  executeRead,
  explained,
  plannedProperties,
  plannedTypes,
  Trace,
  warm,
} from "./read/index.ts";
import { applySchema, planSchema } from "./schema-apply.ts";
import { TextVectors } from "./text-vectors.ts";
import { prepareMutation } from "./write/mutate.ts";

export class GraphEngine implements Graph {
  readonly uri: string;
  private readonly images: ImageCache;
  private readonly writer: CommitWriter;
  private readonly plans = new PlanCache();
  private readonly changeReader: ChangeReader;
  private readonly externalPolicy: ReturnType<typeof externalPolicy>;
  private readonly textVectors: TextVectors;
  private readonly probe = sourceProbe((uri) => openStorage(uri, this.options.ports));
  /** Of a process that lives on: set by the first read, done when indexes are built. */
  private warmed: Promise<void> | null = null;
  private readonly closing = new AbortController();

  constructor(
    private readonly store: GraphStore,
    private readonly options: GraphOptions,
    /** The answer to whether the store keeps conditional puts, where it was asked already. */
    private writable: Promise<void> | null,
  ) {
    this.uri = store.storage.uri;
    this.externalPolicy = externalPolicy(options.externalBlobs ?? []);
    this.images = new ImageCache(store, { resident: options.resident ?? false, keyText: canonicalKeyText });
    this.writer = new CommitWriter(store, this.images, options.ports, () => this.ensureWritable());
    const { embedding = null, onEmbedding = () => undefined } = options;
    this.textVectors = new TextVectors(embedding, options.ports, onEmbedding);
    this.changeReader = new ChangeReader(store, (state) => this.images.view(state));
  }

  query(request: QueryRequest): Promise<ReadResult> {
    return this.reading(request, (seen) => this.queryOn(seen, request));
  }

  private async queryOn(seen: SeenState, request: QueryRequest): Promise<ReadResult> {
    const nowMs = this.options.ports.now();
    const { state } = seen;
    const plan = this.plans.plan(request.source, request.name, seen.names);
    if (plan.kind !== "read") {
      throw badRequest(
        `query '${plan.name}' contains mutations (insert/update/delete); use POST /mutate for write queries`,
      );
    }
    const parameters = decodeParams(plan.parameters, request.params ?? null);
    // Of a head everything that has a name can be read.
    if (request.snapshot !== undefined) requireReadable(plan, seen);
    const view = this.images.view(state);
    const trace = request.explain ? new Trace() : undefined;
    const rows = await executeRead(plan, parameters, view, {
      nowMs,
      signal: request.signal,
      deadline: this.deadlineFrom(nowMs),
      embed: this.textVectors.embed,
      trace,
    });
    const isMainHead = state.ref.name === MAIN && request.snapshot === undefined;
    if (this.options.resident && isMainHead) this.warmed ??= this.warmInBackground(view);
    return {
      ...rows,
      queryName: plan.name,
      target:
        request.snapshot === undefined
          ? { branch: state.ref.name, snapshot: null }
          : { branch: null, snapshot: request.snapshot },
      graphCommitId: state.head.id,
      ...(trace === undefined ? {} : { plan: explained(plan, trace) }),
    };
  }

  private deadlineFrom(startMs: number): Deadline | undefined {
    const { queryTimeoutMs: limitMs, ports } = this.options;
    if (limitMs === undefined || limitMs === 0) return undefined;
    return { limitMs, elapsedMs: () => ports.now() - startMs };
  }

  async mutate(request: MutateRequest): Promise<MutationOutput> {
    const branchName = request.branch ?? MAIN;
    this.authorize(request.actor, { action: "change", branch: branchName });
    const nowMs = this.options.ports.now();
    let queryName = "";
    let affected = { nodes: 0, edges: 0 };
    const blobs = this.blobIntake();
    const commit = await this.writer.publish(
      this.store.branch(branchName),
      { operation: "mutate", actor: request.actor },
      { repeat: "always", ...(request.ifCommit === undefined ? {} : { ifCommit: request.ifCommit }) },
      async (view) => {
        const plan = requireMutation(this.plans.plan(request.source, request.name, view.catalog));
        queryName = plan.name;
        const parameters = decodeParams(plan.parameters, request.params ?? null);
        const prepared = await prepareMutation(plan, {
          store: this.store,
          view,
          ports: this.options.ports,
          parameters,
          nowMs,
          blobs,
        });
        affected = prepared.affected;
        const isEffective = affected.nodes + affected.edges > 0;
        return isEffective ? { changes: prepared.changes, reads: prepared.reads } : null;
      },
    );
    return {
      branch: branchName,
      query_name: queryName,
      affected_nodes: affected.nodes,
      affected_edges: affected.edges,
      actor_id: request.actor,
      commit,
    };
  }

  load(request: LoadRequest): Promise<LoadOutput> {
    const { store, writer } = this;
    const authorize = (about: AuthorizationRequest) => this.authorize(request.actor, about);
    return load(request, { store, ports: this.options.ports, writer, blobs: this.blobIntake(), authorize });
  }

  async export(request: ExportRequest): Promise<AsyncIterable<Uint8Array>> {
    const { state } = await this.see(request);
    const view = this.images.view(state);
    return this.records(
      state,
      exportRecords(view, exportedTypes(view, request.typeNames ?? []), this.store.storage),
    );
  }

  /** Part of a stream that breaks off may be out: what repair has mended meanwhile helps the next one. */
  private async *records(state: BranchState, made: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    try {
      yield* made;
    } catch (thrown) {
      if (await this.store.isMended(state, thrown)) this.images.clear();
      throw thrown;
    }
  }

  async openBlob(selector: BlobSelector): Promise<BlobCell> {
    return this.reading(selector, (seen) =>
      openBlobCell(this.images.view(seen.state), seen, selector, this.store.storage),
    );
  }

  snapshot(selector: ReadSelector): Promise<SnapshotOutput> {
    return this.reading(selector, ({ state }) => this.snapshotOf(state, selector));
  }

  private async snapshotOf(state: BranchState, selector: ReadSelector): Promise<SnapshotOutput> {
    const view = this.images.view(state);
    const types = typesInOrder(state.catalog);
    const counts = await Promise.all(types.map((type) => view.count(type)));
    const landedOn = this.writer.output(state.head, state.ref).graph_branch ?? MAIN;
    return {
      graph_branch: selector.snapshot === undefined ? state.ref.name : landedOn,
      graph_manifest_version: state.head.version,
      internal_schema_version: STORAGE_FORMAT_VERSION,
      datasets: types.map((type, i) => ({
        entity_kind: type.kind,
        type_name: type.name,
        dataset_path: `segments/${type.id}`,
        published_dataset_version: view.changedAt(type),
        native_dataset_branch: null,
        entity_count: counts[i],
      })),
      graph_commit_id: state.head.id,
    };
  }

  async catalog(selector: ReadSelector = {}): Promise<Catalog> {
    return (await this.see(selector)).state.catalog;
  }

  async planSchema(source: string, allowDataLoss = false): Promise<SchemaPlanOutput> {
    return planSchema(await this.catalog(), source, allowDataLoss);
  }

  async applySchema(request: SchemaApplyRequest): Promise<SchemaApplyOutput> {
    this.authorize(request.actor, { action: "schema_apply", targetBranch: MAIN });
    return applySchema(request, this.store, this.writer, this.options.ports);
  }

  async prepare(source: string, name?: string): Promise<QueryPlan> {
    return this.plans.plan(source, name, await this.catalog());
  }

  branches(): Promise<readonly string[]> {
    return this.store.listBranches();
  }

  async branchExists(name: string): Promise<boolean> {
    return name === MAIN || this.store.branchExists(name);
  }

  async createBranch(request: {
    name: string;
    from?: string;
    actor: string | null;
  }): Promise<BranchCreateOutput> {
    const { from = MAIN, actor } = request;
    const name = validateBranchName(request.name);
    this.authorize(actor, { action: "branch_create", branch: from, targetBranch: name });
    await this.ensureWritable();
    await this.store.createBranch(name, from);
    return { uri: this.uri, from, name, actor_id: actor };
  }

  async deleteBranch({ name, actor }: { name: string; actor: string | null }): Promise<BranchDeleteOutput> {
    this.authorize(actor, { action: "branch_delete", targetBranch: name });
    await this.ensureWritable();
    await this.store.deleteBranch(name);
    return { uri: this.uri, name, actor_id: actor };
  }

  async merge(request: MergeRequest): Promise<BranchMergeOutput> {
    const { source, target = MAIN, actor } = request;
    this.authorize(actor, { action: "branch_merge", branch: source, targetBranch: target });
    requireDistinct(source, target);
    for (const name of [source, target]) refuseSystemRef(name);
    // The source is pinned once; a merge that loses a race takes the new target head. That one is read beside it, so that
    // publishing knows it; what may be wrong with it is said there.
    const [from] = await Promise.all([
      this.store.branch(source).head(),
      this.store
        .branch(target)
        .head()
        .catch(() => null),
    ]);
    const outcome = await this.mergeState(from, target, actor);
    const merged = { source, target, outcome, actor_id: actor };
    if (!request.deleteBranch) return merged;
    try {
      await this.deleteBranch({ name: source, actor });
      return { ...merged, branch_deleted: true };
    } catch (error) {
      // The merge has landed: what keeps the branch from going is reported, not thrown.
      const reason = error instanceof Error ? error.message : String(error);
      return { ...merged, branch_deleted: false, branch_delete_error: reason };
    }
  }

  private async mergeState(from: BranchState, target: string, actor: string | null): Promise<MergeOutcome> {
    let baseId = "";
    const commit = await this.writer.publish(
      this.store.branch(target),
      { operation: "merge", actor },
      { repeat: "always" },
      async (view) => {
        const into = view.state;
        const base = await this.store.mergeBase(from, into);
        baseId = base.record.id;
        if (baseId === from.head.id) return null;
        if (from.head.schemaDigest !== into.head.schemaDigest) throw otherSchema(from.ref.name, target);
        const baseState = baseId === into.head.id ? into : await base.state();
        const [sourceApart, targetApart] = await Promise.all([
          this.apart(from, baseState),
          this.apart(into, baseState),
        ]);
        const prepared = await prepareMerge({
          store: this.store,
          base: this.images.passing(baseState),
          source: this.images.passing(from),
          target: this.images.passing(into),
          sourceApart,
          targetApart,
        });
        return { ...prepared, mergedParent: from.head.id, mergedFrom: from };
      },
    );
    if (commit === null) return "already_up_to_date";
    // What was prepared as a fast forward may have been moved on top of others.
    return commit.parent_commit_id === baseId ? "fast_forward" : "merged";
  }

  private async apart(side: BranchState, base: BranchState): Promise<Apart> {
    const [ofSide, ofBase] = await Promise.all([
      this.store.commitsAfter(side, base),
      this.store.commitsAfter(base, side),
    ]);
    return { ofSide, ofBase };
  }

  async commits(branch?: string): Promise<readonly CommitOutput[]> {
    return (await this.commitPage({ ...(branch === undefined ? {} : { branch }) })).commits;
  }

  async commitPage(request: CommitListRequest): Promise<CommitListOutput> {
    const { records, ref, nextCursor } = await listCommits(this.store, request);
    const commits = records.map((record) => this.writer.output(record, ref));
    return nextCursor === null ? { commits } : { commits, next_cursor: nextCursor };
  }

  async commit(id: string): Promise<CommitOutput> {
    const { record, ref } = await this.store.findCommit(id);
    return this.writer.output(record, ref);
  }

  commitChanges(request: CommitChangesRequest): Promise<CommitChangesOutput> {
    return this.changeReader.ofCommit(request);
  }

  pollChanges(request: ChangeFeedRequest): Promise<ChangeFeedOutput> {
    return this.changeReader.poll(request);
  }

  captureBaseline(request: ChangeBaselineRequest): Promise<AsyncIterable<Uint8Array>> {
    return this.changeReader.baseline(request);
  }

  async close(): Promise<void> {
    this.closing.abort();
    // What it writes and removes again must not be cut short when the process ends. Whether it failed, the first write says.
    await this.writable?.catch(() => undefined);
    await this.warmed;
    await this.store.settle();
    this.images.clear();
  }

  /** Builds what later reads want, once somebody reads at all. Derived state: a failure costs time, never an answer. */
  private async warmInBackground(view: GraphView): Promise<void> {
    const { signal } = this.closing;
    try {
      await warm(view, async () => {
        await letOthersRun();
        signal.throwIfAborted();
      });
    } catch (error) {
      this.warmed = null;
      if (!signal.aborted) this.options.onWarmUpFailure?.(error);
    }
  }

  /** Asks, until it is answered once, whether the store keeps the promise that commits rest on; throws naming it where it does not. */
  ensureWritable(): Promise<void> {
    this.writable ??= ensureConditionalWrites(this.store.storage, this.options.ports);
    // An outage while asking is no answer: the next write asks again.
    return this.writable.catch((error: unknown) => {
      this.writable = null;
      throw error;
    });
  }

  private blobIntake(): BlobIntake {
    const { externalPolicy: policy, probe, store } = this;
    return new BlobIntake({ storage: store.storage, ports: this.options.ports, policy, probe });
  }

  private authorize(actor: string | null, request: AuthorizationRequest): void {
    this.options.gate?.(actor, request);
  }

  /** Reads what is selected; where that fails on what repair has mended meanwhile, once more. */
  private async reading<T>(selector: ReadSelector, read: (seen: SeenState) => Promise<T>): Promise<T> {
    const seen = await this.see(selector);
    try {
      return await read(seen);
    } catch (thrown) {
      if (!(await this.store.isMended(seen.state, thrown))) throw thrown;
      this.images.clear();
      return read(await this.see(selector));
    }
  }

  private async see({ branch, snapshot }: ReadSelector): Promise<SeenState> {
    if (snapshot === undefined) return seenHead(await this.store.branch(branch ?? MAIN).head());
    if (branch !== undefined) throw badRequest("request may specify branch or snapshot, not both");
    return seenCommit(await this.store.pastState(snapshot));
  }
}

/** Only a branch that was forked in the very moment of a schema change can have another schema. */
const otherSchema = (source: string, target: string) =>
  conflict(
    `branch '${source}' has another schema than '${target}': it was forked while the schema was being changed; ` +
      "export what it holds, delete it, and load that into a new branch",
  );

/** Throws for what a read asks of an old state that is not to be had there. */
function requireReadable(plan: ReadPlan, seen: SeenState): void {
  for (const type of plannedTypes(plan)) seen.requireType(type);
  for (const { owner, property } of plannedProperties(plan)) seen.requireProperty(owner, property);
}

function requireMutation(plan: QueryPlan): MutationPlan {
  if (plan.kind === "mutation") return plan;
  throw badRequest("mutation execution called on a read query; use query instead");
}

/** Edges, then nodes, each by name: the order of type keys. */
function typesInOrder(catalog: Catalog): EntityType[] {
  const sorted = (types: Iterable<EntityType>) => [...types].sort((a, b) => compareUtf8(a.name, b.name));
  return [...sorted(catalog.edges.values()), ...sorted(catalog.nodes.values())];
}
