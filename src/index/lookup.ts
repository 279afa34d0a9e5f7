// Answers for a few entities of a state without making their type resident: the commits of the tail are asked first,
// newest first, then the record batches of the checkpoint whose bounds may hold what is sought, all in one wave.

import { partitionPoint } from "../lib/partition-point.ts";
import { compareUtf8, encodeUtf8 } from "../lib/utf8.ts";
import type { EdgeType, EntityType, NodeType } from "../schema/catalog.ts";
import type {
  BranchState,
  DeadRows,
  DeletedEdge,
  LoggedCommit,
  RowBatch,
  SegmentRef,
  TypeChanges,
} from "../store/index.ts";
import { textAt } from "../store/index.ts";
import { edgeColumns } from "./base-table.ts";
import type { BatchCache } from "./batch-cache.ts";
import { compareToBytes } from "./columns.ts";
import { entityAt, type Place } from "./delta.ts";
import { edgeKey } from "./merge-layers.ts";
import { changesOf } from "./type-image.ts";

/** Finds the rows whose sorted column has one of these texts (ascending by bytes). */
interface Search {
  readonly keys: readonly string[];
  readonly column: (batch: RowBatch) => RowBatch["ids"];
}

/** What a search found, in any order. */
interface Hit {
  readonly key: string;
  readonly place: Place;
}

const NEVER_DEAD = () => false;
const NO_DEAD_ROWS: DeadRows = { kind: "none" };

/** The first of sorted keys that is not below a text. */
function firstAtOrAfter(keys: readonly string[], text: string): number {
  return partitionPoint(0, keys.length, (place) => compareUtf8(keys[place], text) < 0);
}

function keysWithin(keys: readonly string[], least: string, greatest: string): readonly string[] {
  let end = firstAtOrAfter(keys, greatest);
  if (keys[end] === greatest) end++;
  return keys.slice(firstAtOrAfter(keys, least), end);
}

function searchBatch(batch: RowBatch, { keys, column }: Search, isDead: (row: number) => boolean): Hit[] {
  const hits: Hit[] = [];
  const texts = column(batch);
  for (const key of keys) {
    const bytes = encodeUtf8(key);
    const first = partitionPoint(0, batch.length, (row) => compareToBytes(texts, row, bytes) < 0);
    for (let row = first; row < batch.length && compareToBytes(texts, row, bytes) === 0; row++) {
      if (!isDead(row)) hits.push({ key, place: { batch, row } });
    }
  }
  return hits;
}

/** Searches the batches of a segment whose bounds may hold a key. */
async function searchSegment(
  cache: BatchCache,
  segment: SegmentRef,
  dead: DeadRows,
  search: Search,
): Promise<Hit[]> {
  let start = 0;
  const wanted = segment.batches.flatMap((ref, index) => {
    const firstRow = start;
    start += ref.rows;
    const keys = keysWithin(search.keys, ref.least, ref.greatest);
    return keys.length === 0 ? [] : [{ index, firstRow, keys }];
  });
  if (wanted.length === 0) return [];
  const [batches, deadRows] = await Promise.all([
    cache.read(
      segment,
      wanted.map(({ index }) => index),
    ),
    cache.deadRows(dead),
  ]);
  const deadSet = new Set(deadRows);
  return wanted.flatMap(({ firstRow, keys }, i) => {
    const isDead = deadSet.size === 0 ? NEVER_DEAD : (row: number) => deadSet.has(firstRow + row);
    return searchBatch(batches[i], { ...search, keys }, isDead);
  });
}

/** The live rows of node ids, as far as there are any. */
export async function lookupNodes(
  cache: BatchCache,
  state: BranchState,
  type: NodeType,
  ids: readonly string[],
): Promise<Map<string, Place>> {
  let open: readonly string[] = [...new Set(ids)].sort(compareUtf8);
  const search = (): Search => ({ keys: open, column: (batch) => batch.ids });
  /** Newest first. Segments are read side by side, so that what one of them holds settles nothing for the next. */
  const layers: (Hit[] | Promise<Hit[]>)[] = [];
  for (const commit of state.tail.toReversed()) {
    const changes = changesOf(commit, type);
    if (changes === null || open.length === 0) continue;
    const inline = changes.rows === null ? [] : searchBatch(changes.rows, search(), NEVER_DEAD);
    layers.push(inline);
    for (const segment of changes.segments)
      layers.push(searchSegment(cache, segment, NO_DEAD_ROWS, search()));
    const settled = new Set([...inline.map((hit) => hit.key), ...changes.deletedNodes]);
    open = changes.replaced ? [] : open.filter((id) => !settled.has(id));
  }
  for (const { segment, dead } of state.checkpoint.types.get(type.id)?.segments ?? []) {
    layers.push(searchSegment(cache, segment, dead, search()));
  }
  const found = new Map<string, Place>();
  for (const { key, place } of (await Promise.all(layers)).flat()) if (!found.has(key)) found.set(key, place);
  return found;
}

/** Live edges that start at any of the sources. */
export async function lookupEdgesFrom(
  cache: BatchCache,
  state: BranchState,
  type: EdgeType,
  sources: readonly string[],
): Promise<Place[]> {
  const keys = [...new Set(sources)].sort(compareUtf8);
  const search: Search = { keys, column: (batch) => edgeColumns(batch).src };
  /** Newest first; the deletions of a layer reach the layers after it. */
  const layers: { readonly hits: Promise<Hit[]>[]; readonly deleted: readonly DeletedEdge[] }[] = [];
  let isReplaced = false;
  for (const commit of state.tail.toReversed()) {
    const changes = changesOf(commit, type);
    if (changes === null) continue;
    const hits = changes.segments.map((segment) => searchSegment(cache, segment, NO_DEAD_ROWS, search));
    if (changes.rows !== null) hits.push(Promise.resolve(searchBatch(changes.rows, search, NEVER_DEAD)));
    layers.push({ hits, deleted: changes.deletedEdges });
    isReplaced = changes.replaced;
    if (isReplaced) break;
  }
  const stored = isReplaced ? [] : (state.checkpoint.types.get(type.id)?.segments ?? []);
  layers.push({
    hits: stored.map(({ segment, dead }) => searchSegment(cache, segment, dead, search)),
    deleted: [],
  });

  const found: Place[] = [];
  /** Edges about which a newer commit had the last word. */
  const settled = new Set<string>();
  const read = await Promise.all(layers.map(async ({ hits }) => (await Promise.all(hits)).flat()));
  layers.forEach(({ deleted }, i) => {
    for (const { place } of read[i]) {
      const key = edgeKey(entityAt("edge", place.batch, place.row));
      if (settled.has(key)) continue;
      settled.add(key);
      found.push(place);
    }
    for (const edge of deleted) settled.add(edgeKey(edge));
  });
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
 * Live entities of a type: the checkpoint tells, or a commit that began with nothing, corrected by what the tail did since
 * to the entities that it names. Null where it did so with segments, which name too many.
 */
export async function countCold(
  cache: BatchCache,
  state: BranchState,
  type: EntityType,
): Promise<number | null> {
  const { counted, tail, touched } = countedSince(state, type);
  if (touched.length === 0) return counted;
  if (touched.some((changes) => changes.segments.length > 0)) return null;
  const before: BranchState = { ...state, tail };
  if (type.kind === "node") {
    const ids = touched.flatMap((changes) => [...changes.deletedNodes, ...texts(changes.rows)]);
    const [was, is] = await Promise.all([
      lookupNodes(cache, before, type, ids),
      lookupNodes(cache, state, type, ids),
    ]);
    return counted - was.size + is.size;
  }
  const edges = touched.flatMap((changes) => [...changes.deletedEdges, ...edgesOf(changes.rows)]);
  const [was, is] = await Promise.all([
    lookupTriples(cache, before, type, edges),
    lookupTriples(cache, state, type, edges),
  ]);
  return counted - was.size + is.size;
}

/** How many there were after a part of the tail, and what was done to the type since. */
function countedSince(state: BranchState, type: EntityType) {
  let counted = state.checkpoint.types.get(type.id)?.count ?? 0;
  let tail: readonly LoggedCommit[] = [];
  let touched: TypeChanges[] = [];
  for (const [i, commit] of state.tail.entries()) {
    const changes = changesOf(commit, type);
    if (changes === null) continue;
    if (changes.replaced || (counted === 0 && touched.length === 0)) {
      // All that is there is what it adds, each entity once.
      counted = changes.segments.reduce((sum, { rows }) => sum + rows, changes.rows?.length ?? 0);
      tail = state.tail.slice(0, i + 1);
      touched = [];
    } else touched.push(changes);
  }
  return { counted, tail, touched };
}

function texts(batch: RowBatch | null): string[] {
  return batch === null ? [] : Array.from({ length: batch.length }, (_, row) => textAt(batch.ids, row));
}

function edgesOf(batch: RowBatch | null): DeletedEdge[] {
  if (batch === null) return [];
  return Array.from({ length: batch.length }, (_, row) => entityAt("edge", batch, row));
}
