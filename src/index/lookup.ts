// Answers for a few entities of a state without making their type resident: the commits of the tail are asked first,
// newest first, then the record batches of the checkpoint whose bounds may hold what is sought, all in one wave.

import { compareUtf8, encodeUtf8 } from "../lib/utf8.ts";
import type { EdgeType, EntityType, NodeType } from "../schema/catalog.ts";
import type {
  BranchState,
  DeadRows,
  DeletedEdge,
  RowBatch,
  SegmentReader,
  SegmentRef,
} from "../store/index.ts";
import { textAt } from "../store/index.ts";
import { edgeKey } from "./base-table.ts";
import { compareToBytes } from "./columns.ts";
import { entityAt, type Place } from "./delta.ts";
import { LOOKUP_BATCHES_MAX } from "./limits.ts";
import { changesOf } from "./type-image.ts";

/** Decoded batches of recent lookups, by segment and place. */
export class BatchCache {
  private readonly batches = new Map<string, Promise<RowBatch>>();
  private readonly dead = new Map<string, Promise<Uint32Array>>();

  constructor(private readonly source: SegmentReader) {}

  /** Batches of one segment, in the order asked; those that are not at hand are read together. */
  async read(segment: SegmentRef, wanted: readonly number[]): Promise<RowBatch[]> {
    const missing = wanted.filter((index) => !this.batches.has(`${segment.id}/${index}`));
    if (missing.length > 0) {
      const work = this.source.readSegmentBatches(segment, missing);
      missing.forEach((index, i) => {
        const batch = work.then((read) => read[i]);
        const key = `${segment.id}/${index}`;
        batch.catch(() => this.batches.delete(key));
        this.batches.set(key, batch);
      });
    }
    const read = await Promise.all(wanted.map((index) => this.batches.get(`${segment.id}/${index}`)));
    for (const key of this.batches.keys()) {
      if (this.batches.size <= LOOKUP_BATCHES_MAX) break;
      this.batches.delete(key);
    }
    return read.map((batch) => {
      if (batch === undefined) throw new Error("invariant broken: a batch was asked for and not read");
      return batch;
    });
  }

  deadRows(dead: DeadRows): Promise<Uint32Array> {
    if (dead.kind !== "object") return this.source.readDead(dead);
    let work = this.dead.get(dead.key);
    if (work === undefined) {
      work = this.source.readDead(dead);
      work.catch(() => this.dead.delete(dead.key));
      this.dead.set(dead.key, work);
    }
    return work;
  }

  clear(): void {
    this.batches.clear();
    this.dead.clear();
  }
}

/** Searches batches that are sorted by one column for the texts that are sought. */
interface Search {
  /** The sorted texts, ascending by bytes. */
  readonly keys: readonly string[];
  readonly column: (batch: RowBatch) => RowBatch["ids"];
  readonly onHit: (key: string, hit: Place) => void;
}

function searchBatch(batch: RowBatch, search: Search, isDead: (row: number) => boolean): void {
  const column = search.column(batch);
  for (const key of search.keys) {
    const bytes = encodeUtf8(key);
    let low = 0;
    let high = batch.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareToBytes(column, middle, bytes) < 0) low = middle + 1;
      else high = middle;
    }
    for (let row = low; row < batch.length && compareToBytes(column, row, bytes) === 0; row++) {
      if (!isDead(row)) search.onHit(key, { batch, row });
    }
  }
}

const isNeverDead = () => false;

/** Searches the batches of a segment whose bounds may hold a key. */
async function searchSegment(
  cache: BatchCache,
  segment: SegmentRef,
  dead: DeadRows,
  search: Search,
): Promise<void> {
  const wanted = segment.batches.flatMap((ref, index) =>
    search.keys.some((key) => compareUtf8(ref.least, key) <= 0 && compareUtf8(key, ref.greatest) <= 0)
      ? [index]
      : [],
  );
  if (wanted.length === 0) return;
  const [batches, deadRows] = await Promise.all([cache.read(segment, wanted), cache.deadRows(dead)]);
  const deadSet = deadRows.length === 0 ? null : new Set(deadRows);
  let start = 0;
  let next = 0;
  segment.batches.forEach((ref, index) => {
    if (wanted[next] === index) {
      const first = start;
      searchBatch(batches[next], search, deadSet === null ? isNeverDead : (row) => deadSet.has(first + row));
      next++;
    }
    start += ref.rows;
  });
}

const NONE: DeadRows = { kind: "none" };

/** The live rows of node ids, as far as there are any. */
export async function lookupNodes(
  cache: BatchCache,
  state: BranchState,
  type: NodeType,
  ids: readonly string[],
): Promise<Map<string, Place>> {
  const found = new Map<string, Place>();
  let open = [...new Set(ids)].sort(compareUtf8);
  const search = (): Search => ({
    keys: open,
    column: (batch) => batch.ids,
    onHit: (key, hit) => found.set(key, hit),
  });
  const settle = (isSettled: (id: string) => boolean) => {
    open = open.filter((id) => !isSettled(id));
  };
  for (const commit of state.tail.toReversed()) {
    const changes = changesOf(commit, type);
    if (changes === null || open.length === 0) continue;
    if (changes.rows !== null) searchBatch(changes.rows, search(), isNeverDead);
    await Promise.all(changes.segments.map((segment) => searchSegment(cache, segment, NONE, search())));
    const deleted = new Set(changes.deletedNodes);
    settle((id) => found.has(id) || deleted.has(id));
    if (changes.replaced) open = [];
  }
  const stored = state.checkpoint.types.get(type.id)?.segments ?? [];
  await Promise.all(stored.map(({ segment, dead }) => searchSegment(cache, segment, dead, search())));
  return found;
}

/** Live edges that start at any of the sources. */
export async function lookupEdgesFrom(
  cache: BatchCache,
  state: BranchState,
  type: EdgeType,
  sources: readonly string[],
): Promise<Place[]> {
  const found: Place[] = [];
  /** Edges about which a newer commit had the last word. */
  const settled = new Set<string>();
  const keys = [...new Set(sources)].sort(compareUtf8);
  const search: Search = {
    keys,
    column: (batch) => batch.src ?? batch.ids,
    onHit: (_, hit) => {
      const key = edgeKey(entityAt("edge", hit.batch, hit.row));
      if (settled.has(key)) return;
      settled.add(key);
      found.push(hit);
    },
  };
  for (const commit of state.tail.toReversed()) {
    const changes = changesOf(commit, type);
    if (changes === null) continue;
    if (changes.rows !== null) searchBatch(changes.rows, search, isNeverDead);
    await Promise.all(changes.segments.map((segment) => searchSegment(cache, segment, NONE, search)));
    for (const edge of changes.deletedEdges) settled.add(edgeKey(edge));
    if (changes.replaced) return found;
  }
  const stored = state.checkpoint.types.get(type.id)?.segments ?? [];
  await Promise.all(stored.map(({ segment, dead }) => searchSegment(cache, segment, dead, search)));
  return found;
}

/** The live rows of edges given by (source, target, id), by their keys. */
export async function lookupTriples(
  cache: BatchCache,
  state: BranchState,
  type: EdgeType,
  triples: readonly DeletedEdge[],
): Promise<Map<string, Place>> {
  const wanted = new Set(triples.map(edgeKey));
  const sources = triples.map((triple) => triple.src);
  const found = new Map<string, Place>();
  for (const place of await lookupEdgesFrom(cache, state, type, sources)) {
    const key = edgeKey(entityAt("edge", place.batch, place.row));
    if (wanted.has(key)) found.set(key, place);
  }
  return found;
}

/**
 * Live entities of a type: the checkpoint tells, corrected by what the tail did to the entities that it names. Null where
 * the tail holds segments, which name too many.
 */
export async function countCold(
  cache: BatchCache,
  state: BranchState,
  type: EntityType,
): Promise<number | null> {
  const touched = state.tail.flatMap((commit) => changesOf(commit, type) ?? []);
  const stored = state.checkpoint.types.get(type.id)?.count ?? 0;
  if (touched.length === 0) return stored;
  if (touched.some((changes) => changes.segments.length > 0 || changes.replaced)) return null;
  const before: BranchState = { ...state, tail: [] };
  if (type.kind === "node") {
    const ids = touched.flatMap((changes) => [...changes.deletedNodes, ...texts(changes.rows)]);
    const [was, is] = await Promise.all([
      lookupNodes(cache, before, type, ids),
      lookupNodes(cache, state, type, ids),
    ]);
    return stored - was.size + is.size;
  }
  const edges = touched.flatMap((changes) => [...changes.deletedEdges, ...edgesOf(changes.rows)]);
  const [was, is] = await Promise.all([
    lookupTriples(cache, before, type, edges),
    lookupTriples(cache, state, type, edges),
  ]);
  return stored - was.size + is.size;
}

function texts(batch: RowBatch | null): string[] {
  return batch === null ? [] : Array.from({ length: batch.length }, (_, row) => textAt(batch.ids, row));
}

function edgesOf(batch: RowBatch | null): DeletedEdge[] {
  if (batch === null) return [];
  return Array.from({ length: batch.length }, (_, row) => entityAt("edge", batch, row));
}
