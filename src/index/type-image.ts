// One type in memory: a base table and the delta on top of it, valid for every version from the base's on up to `head`.

import type { EntityType } from "../schema/catalog.ts";
import type {
  BranchState,
  CommitId,
  LoggedCommit,
  RowBatch,
  SegmentReader,
  TypeChanges,
} from "../store/index.ts";
import { sortBatch, takeRows } from "../store/index.ts";
import { Adjacency, type BaseAdjacency } from "./adjacency.ts";
import { buildAdjacency, buildAdjacencySlowly } from "./adjacency-build.ts";
import { type BaseTable, buildBase } from "./base-table.ts";
import { concatBatches } from "./columns.ts";
import { Delta, type Place } from "./delta.ts";
import { DELTA_BASE_SHARE, DELTA_ROWS_MIN } from "./limits.ts";
import type { Layer } from "./merge-layers.ts";
import type { TableImage } from "./table.ts";
import { type KeyText, type TuplePart, UniqueIndex } from "./unique-index.ts";

export class TypeImage implements TableImage {
  private readonly uniques = new Map<string, UniqueIndex>();
  private readonly adjacencies: { sources: TableImage; targets: TableImage; adjacency: Adjacency }[] = [];

  constructor(
    readonly type: EntityType,
    readonly base: BaseTable,
    readonly delta: Delta,
    /** The newest commit that is in. */
    public head: CommitId,
    /** Rows that a delta may have before it is folded, however small the base. */
    private readonly deltaRowsMin = DELTA_ROWS_MIN,
  ) {}

  /** Takes in commits that follow `head`; false where one of them asks for a new base. */
  extend(commits: readonly LoggedCommit[]): boolean {
    for (const commit of commits) {
      const changes = changesOf(commit, this.type);
      if (changes !== null) {
        if (needsNewBase(changes)) return false;
        this.delta.apply(commit.record.version, changes);
      }
      this.head = commit.record.id;
    }
    return true;
  }

  get isWorthFolding(): boolean {
    return this.delta.log.length > Math.max(this.deltaRowsMin, this.base.length / DELTA_BASE_SHARE);
  }

  /** The same rows with everything in the base, from the newest version on. */
  folded(version: number): TypeImage {
    const { base, delta } = this;
    const places = delta.changed.flatMap((number) => delta.placeAt(number, version) ?? []);
    const dead = Uint32Array.from(delta.changed.filter((number) => number < base.length)).sort();
    const next = base.folded(this.type.kind, dead, places.length > 0 ? sortedRows(places) : null);
    const empty = new Delta(this.type.kind, next, version);
    return new TypeImage(this.type, next, empty, this.head, this.deltaRowsMin);
  }

  /** The part of this image that is older than or at a version, for a branch that left there. */
  forkedAt(version: number, head: CommitId): TypeImage {
    return new TypeImage(this.type, this.base, this.delta.upTo(version), head, this.deltaRowsMin);
  }

  /** Who holds which tuple of these properties, built on first need. */
  uniqueIndex(parts: readonly TuplePart[], keyText: KeyText): UniqueIndex {
    const key = parts.map((part) => (typeof part === "string" ? part : part.id)).join(",");
    let index = this.uniques.get(key);
    if (index === undefined) {
      index = new UniqueIndex(this, parts, keyText);
      this.uniques.set(key, index);
    }
    return index;
  }

  /** Of an edge type: makes the layout of its base edges, which takes long, beforehand. */
  prepareAdjacency(sources: TableImage, targets: TableImage, breathe: () => Promise<void>): Promise<void> {
    return prepareAdjacency(this.base, sources.base, targets.base, breathe);
  }

  /** Of an edge type: its adjacency between these two node images, built on first need. */
  adjacency(sources: TableImage, targets: TableImage): Adjacency {
    let entry = this.adjacencies.find((known) => known.sources === sources && known.targets === targets);
    if (entry === undefined) {
      const base = baseAdjacency(this.base, sources.base, targets.base);
      entry = { sources, targets, adjacency: new Adjacency(this, sources, targets, base) };
      this.adjacencies.push(entry);
      // Only the newest pairs are asked for again; older views keep theirs alive themselves.
      if (this.adjacencies.length > 2) this.adjacencies.shift();
    }
    entry.adjacency.extend();
    return entry.adjacency;
  }
}

/** The rows at these places, in the order of a table. */
export function sortedRows(places: readonly Place[]): RowBatch {
  const starts = new Map<RowBatch, number>();
  let total = 0;
  for (const { batch } of places) {
    if (starts.has(batch)) continue;
    starts.set(batch, total);
    total += batch.length;
  }
  const rows = Uint32Array.from(places, ({ batch, row }) => (starts.get(batch) ?? 0) + row);
  return sortBatch(takeRows(concatBatches([...starts.keys()]), rows)).batch;
}

/** Laid out once for each three tables; by edges, sources and targets. */
const adjacencies = new WeakMap<BaseTable, WeakMap<BaseTable, WeakMap<BaseTable, BaseAdjacency>>>();
/** The same, under way. */
const building = new WeakMap<BaseTable, WeakMap<BaseTable, WeakMap<BaseTable, Promise<void>>>>();

type ByTables<T> = WeakMap<BaseTable, WeakMap<BaseTable, WeakMap<BaseTable, T>>>;

function byTarget<T>(all: ByTables<T>, edges: BaseTable, sources: BaseTable): WeakMap<BaseTable, T> {
  const bySource = all.get(edges) ?? new WeakMap<BaseTable, WeakMap<BaseTable, T>>();
  all.set(edges, bySource);
  const found = bySource.get(sources) ?? new WeakMap<BaseTable, T>();
  bySource.set(sources, found);
  return found;
}

function baseAdjacency(edges: BaseTable, sources: BaseTable, targets: BaseTable): BaseAdjacency {
  const known = byTarget(adjacencies, edges, sources);
  const adjacency = known.get(targets) ?? buildAdjacency(edges, sources, targets);
  known.set(targets, adjacency);
  return adjacency;
}

/** Lays an adjacency out in short stretches, so that asking for it does not take long afterwards. */
function prepareAdjacency(
  edges: BaseTable,
  sources: BaseTable,
  targets: BaseTable,
  breathe: () => Promise<void>,
): Promise<void> {
  const known = byTarget(adjacencies, edges, sources);
  if (known.has(targets)) return Promise.resolve();
  const pending = byTarget(building, edges, sources);
  let work = pending.get(targets);
  if (work === undefined) {
    work = buildAdjacencySlowly(edges, sources, targets, breathe)
      .then((adjacency) => {
        if (!known.has(targets)) known.set(targets, adjacency);
      })
      .finally(() => pending.delete(targets));
    pending.set(targets, work);
  }
  return work;
}

export function changesOf(commit: LoggedCommit, type: EntityType): TypeChanges | null {
  return commit.changes.find((changes) => changes.type === type.id) ?? null;
}

const needsNewBase = (changes: TypeChanges) => changes.replaced || changes.segments.length > 0;

/** What a base table of a type is made from at a state, and the commits that are left for its delta. */
interface Recipe {
  /** Equal keys, equal rows. */
  readonly key: string;
  readonly folded: readonly LoggedCommit[];
  readonly rest: readonly LoggedCommit[];
  /** The version that the base stands at. */
  readonly version: number;
}

function recipeOf(state: BranchState, type: EntityType, deltaRowsMin: number): Recipe {
  const { tail, checkpoint } = state;
  let folded = tail.findLastIndex((commit) => {
    const changes = changesOf(commit, type);
    return changes !== null && needsNewBase(changes);
  });
  let rows = 0;
  for (const commit of tail.slice(folded + 1)) rows += changesOf(commit, type)?.rows?.length ?? 0;
  if (rows > deltaRowsMin) folded = tail.length - 1;

  const first = tail.findLastIndex((commit, i) => i <= folded && changesOf(commit, type)?.replaced === true);
  const layers = tail
    .slice(Math.max(first, 0), folded + 1)
    .filter((commit) => changesOf(commit, type) !== null);
  const segments = first >= 0 ? [] : (checkpoint.types.get(type.id)?.segments ?? []);
  const parts = segments.map(({ segment, dead }) =>
    dead.kind === "rows"
      ? `${segment.id}-${dead.rows.join(".")}`
      : `${segment.id}-${dead.kind === "object" ? dead.key : ""}`,
  );
  return {
    key: `${type.id}:${parts.join(",")}:${layers.map((commit) => commit.record.id).join(",")}`,
    folded: layers,
    rest: tail.slice(folded + 1),
    version: folded >= 0 ? tail[folded].record.version : checkpoint.head.version,
  };
}

/** Base tables that somebody holds, by what they were made from: branches on the same segments share them. */
export class BaseTables {
  private readonly tables = new Map<string, WeakRef<BaseTable>>();
  private readonly pending = new Map<string, Promise<BaseTable>>();

  constructor(
    private readonly source: SegmentReader,
    private readonly deltaRowsMin: number,
  ) {}

  /** The image of a type at a state, from storage or from what is already there. */
  async image(state: BranchState, type: EntityType): Promise<TypeImage> {
    const recipe = recipeOf(state, type, this.deltaRowsMin);
    const base = this.tables.get(recipe.key)?.deref() ?? (await this.build(state, type, recipe));
    const image = new TypeImage(
      type,
      base,
      new Delta(type.kind, base, recipe.version),
      state.checkpoint.head.id,
      this.deltaRowsMin,
    );
    if (!image.extend(recipe.rest))
      throw new Error("invariant broken: a folded commit was left for the delta");
    image.head = state.head.id;
    return image;
  }

  private build(state: BranchState, type: EntityType, recipe: Recipe): Promise<BaseTable> {
    const known = this.pending.get(recipe.key);
    if (known !== undefined) return known;
    const work = this.read(state, type, recipe)
      .then((layers) => {
        const table = buildBase(type.kind, layers);
        for (const [key, ref] of this.tables) if (ref.deref() === undefined) this.tables.delete(key);
        this.tables.set(recipe.key, new WeakRef(table));
        return table;
      })
      .finally(() => this.pending.delete(recipe.key));
    this.pending.set(recipe.key, work);
    return work;
  }

  /** All segments are read side by side. */
  private async read(state: BranchState, type: EntityType, recipe: Recipe): Promise<Layer[]> {
    const isReplaced = recipe.folded.some((commit) => changesOf(commit, type)?.replaced === true);
    const stored = isReplaced ? [] : (state.checkpoint.types.get(type.id)?.segments ?? []);
    const layers: Promise<Layer[]>[] = stored.map(async ({ segment, dead }): Promise<Layer[]> => {
      const [batches, deadRows] = await Promise.all([
        this.source.readSegmentBatches(segment),
        this.source.readDead(dead),
      ]);
      return [{ kind: "rows", batches, dead: deadRows }];
    });
    for (const commit of recipe.folded) {
      const changes = changesOf(commit, type);
      if (changes !== null) layers.push(this.layersOf(changes));
    }
    return (await Promise.all(layers)).flat();
  }

  private async layersOf(changes: TypeChanges): Promise<Layer[]> {
    const segments = await Promise.all(
      changes.segments.map((segment) => this.source.readSegmentBatches(segment)),
    );
    const layers: Layer[] = [];
    if (changes.deletedNodes.length > 0) layers.push({ kind: "deletedNodes", ids: changes.deletedNodes });
    if (changes.deletedEdges.length > 0) layers.push({ kind: "deletedEdges", edges: changes.deletedEdges });
    if (changes.rows !== null) layers.push({ kind: "rows", batches: [changes.rows], dead: null });
    for (const batches of segments) layers.push({ kind: "rows", batches, dead: null });
    return layers;
  }
}
