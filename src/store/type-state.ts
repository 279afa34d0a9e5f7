// From a type's rows at one checkpoint and the changes since to its rows at the next. Entries are logical: this is where
// it is found out which physical rows they killed, and where small segments become larger ones.

import { assert } from "../lib/assert.ts";
import { partitionPoint } from "../lib/partition-point.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type { EntityType, StableId } from "../schema/catalog.ts";
import { findRow, keyAt, keyText, type RowKey } from "./batch-search.ts";
import { BatchBuilder, shapeOf } from "./builder.ts";
import type { RowBatch } from "./column.ts";
import type { GraphContext } from "./context.ts";
import { readDead, storeDead } from "./dead-rows.ts";
import { KILLED_KEYS_MAX, MERGE_BYTES_MAX, MERGE_FACTOR } from "./limits.ts";
import { type LayeredSegment, replacedRows } from "./replaced-rows.ts";
import { writeSegment } from "./row-writer.ts";
import { readSegmentBatches } from "./segment-read.ts";
import type { BranchState, DeadRows, SegmentRef, TypeChanges, TypeState } from "./types.ts";

const NO_ROWS = new Uint32Array(0);
const NONE_REPLACED: ReadonlyMap<LayeredSegment, Uint32Array> = new Map();

export interface TypeChange {
  readonly version: number;
  readonly changes: TypeChanges;
}

/** What the commits after the checkpoint did to a type. */
export function tailChanges({ tail }: Pick<BranchState, "tail">, type: StableId): TypeChange[] {
  return tail.flatMap(({ record, changes }) =>
    changes
      .filter((change) => change.type === type)
      .map((change): TypeChange => ({ version: record.version, changes: change })),
  );
}

/** A segment and which of the keys killed since the checkpoint came after its rows. */
interface Source extends LayeredSegment {
  readonly dead: DeadRows;
  /** Keys killed from this place of the list on may be in it. */
  readonly killedFrom: number;
}

/** A live row of a log entry. */
export interface Pending {
  readonly batch: RowBatch;
  readonly row: number;
}

/** Rows that will stand in one segment: either one that stays as it is, or several sources rewritten together. */
interface Part {
  readonly sources: readonly LiveSource[];
  readonly pending: readonly Pending[];
  readonly rows: number;
  readonly bytes: number;
}

/** A segment and all of its dead rows. */
export interface LiveSource {
  readonly segment: SegmentRef;
  /** As it was; `added` come to it. */
  readonly dead: DeadRows;
  readonly allDead: Uint32Array;
  readonly isChanged: boolean;
}

/** True for a segment with values that a hard drop took: what is written anew must not keep it as it is. */
export const holdsPurged = ({ columns }: SegmentRef, purged: ReadonlySet<StableId>): boolean =>
  columns.some((property) => purged.has(property));

/** The type's state at a checkpoint of `position`; `base` is its state at the one before, null for none. */
export async function nextTypeState(
  context: GraphContext,
  type: EntityType,
  base: TypeState | null,
  changes: readonly TypeChange[],
  position: number,
  purged: ReadonlySet<StableId>,
): Promise<TypeState> {
  const { sources, pending } = await liveRowsOf(context, base, changes);
  const alive = sources.filter(({ segment, allDead }) => allDead.length < segment.rows);
  const parts = arrange(alive, pending);
  const segments = await Promise.all(parts.map((part) => store(context, type, part, position, purged)));
  return {
    type: type.id,
    count: parts.reduce((sum, { rows }) => sum + rows, 0),
    changedAt: changes.at(-1)?.version ?? base?.changedAt ?? 1,
    segments,
  };
}

/** Where the rows of a type stand after the changes: in segments, some of them dead, and inside log entries. */
export async function liveRowsOf(
  context: GraphContext,
  base: TypeState | null,
  changes: readonly TypeChange[],
): Promise<{ readonly sources: LiveSource[]; readonly pending: Pending[] }> {
  const { sources, pending, killed } = await gather(context, base, changes);
  const walked = walkedFor(sources);
  const replaced = walked.length === 0 ? NONE_REPLACED : await replacedRows(context, walked);
  const buried = sources.map((source) => bury(context, source, killed, replaced.get(source) ?? NO_ROWS));
  return { sources: await Promise.all(buried), pending };
}

/** Goes through the changes in order and notes the rows that they add and the keys that they kill. */
async function gather(
  context: GraphContext,
  base: TypeState | null,
  changes: readonly TypeChange[],
): Promise<{ sources: Source[]; pending: Pending[]; killed: RowKey[] }> {
  let sources: Source[] = (base?.segments ?? []).map((held) => ({
    ...held,
    killedFrom: 0,
    layer: 0,
    replaces: false,
  }));
  const killed: RowKey[] = [];
  const pending = new Map<string, Pending>();
  const kill = (key: RowKey) => {
    pending.delete(keyText(key));
    killed.push(key);
  };
  // What a later commit replaced may be gone from storage.
  const from = changes.findLastIndex(({ changes: change }) => change.replaced);
  if (from >= 0) sources = [];
  for (const [i, { changes: change }] of changes.slice(Math.max(from, 0)).entries()) {
    for (const id of change.deletedNodes) kill([id]);
    for (const { src, dst, id } of change.deletedEdges) kill([src, dst, id]);
    const { rows } = change;
    for (let row = 0; rows !== null && row < rows.length; row++) {
      const key = keyAt(rows, row);
      kill(key);
      pending.set(keyText(key), { batch: rows, row });
    }
    const hasOlder = sources.length > 0 || pending.size > 0;
    const isLarge = ({ rows }: SegmentRef) => rows > KILLED_KEYS_MAX;
    for (const segment of hasOlder ? change.segments : []) {
      const batches = isLarge(segment) ? [] : await readSegmentBatches(context.objects, segment);
      for (const batch of batches) for (let row = 0; row < batch.length; row++) kill(keyAt(batch, row));
      // Rows of log entries are few, and so looked up in it; those of segments by `replacedRows`.
      if (isLarge(segment)) await dropFound(context, segment, pending);
    }
    for (const segment of change.segments) {
      const replaces = hasOlder && isLarge(segment);
      sources.push({ segment, dead: { kind: "none" }, killedFrom: killed.length, layer: i + 1, replaces });
    }
  }
  return { sources, pending: [...pending.values()], killed };
}

/** Takes out the rows that a segment has again. */
async function dropFound(
  context: GraphContext,
  segment: SegmentRef,
  pending: Map<string, Pending>,
): Promise<void> {
  const keys = Array.from(pending.values(), ({ batch, row }) => keyAt(batch, row));
  const byBatch = keysByBatch(segment, keys);
  const batches = await readSegmentBatches(context.objects, segment, [...byBatch.keys()]);
  for (const { key } of foundIn(segment, byBatch, batches)) pending.delete(keyText(key));
}

/** The segments that have to be walked to know what large ones replace in those of earlier commits; none where there are none. */
function walkedFor(sources: readonly Source[]): Source[] {
  const newest = Math.max(0, ...sources.map(({ layer, replaces }) => (replaces ? layer : 0)));
  return sources.filter(({ layer, replaces }) => layer < newest || replaces);
}

/** A segment with the rows that died since: those of killed keys, and those that were replaced. */
async function bury(
  context: GraphContext,
  source: Source,
  killed: readonly RowKey[],
  replaced: Uint32Array,
): Promise<LiveSource> {
  const { segment, dead } = source;
  const keys = killed.slice(source.killedFrom);
  const before = await readDead(context.objects, dead);
  if (keys.length + replaced.length === 0) return { segment, dead, allDead: before, isChanged: false };
  const byBatch = keysByBatch(segment, keys);
  const batches = await readSegmentBatches(context.objects, segment, [...byBatch.keys()]);
  const found = foundIn(segment, byBatch, batches).map(({ row }) => row);
  const allDead = union([before, replaced, found]);
  return { segment, dead, allDead, isChanged: allDead.length > before.length };
}

/** The numbers of several lists, ascending, each once. */
function union(lists: readonly ArrayLike<number>[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const list of lists) {
    all.set(list, end);
    end += list.length;
  }
  all.sort();
  return all.filter((row, i) => i === 0 || row !== all[i - 1]);
}

/** Rows of a segment with these keys, as far as there are any, given the batches that may hold them. */
function foundIn(
  segment: SegmentRef,
  byBatch: ReadonlyMap<number, readonly RowKey[]>,
  batches: readonly RowBatch[],
): { readonly key: RowKey; readonly row: number }[] {
  return Array.from(byBatch).flatMap(([place, keys], i) => {
    const firstRow = segment.batches.slice(0, place).reduce((sum, batch) => sum + batch.rows, 0);
    return keys.flatMap((key) => {
      const row = findRow(batches[i], key);
      return row < 0 ? [] : [{ key, row: firstRow + row }];
    });
  });
}

/** Keys by the batches whose range they fall in: ids, or sources of edges (which may stand in several). */
function keysByBatch(segment: SegmentRef, keys: readonly RowKey[]): Map<number, RowKey[]> {
  const byBatch = new Map<number, RowKey[]>();
  for (const key of keys) {
    for (let place = firstBatchFor(segment, key[0]); place < segment.batches.length; place++) {
      if (compareUtf8(segment.batches[place].least, key[0]) > 0) break;
      const wanted = byBatch.get(place);
      if (wanted === undefined) byBatch.set(place, [key]);
      else wanted.push(key);
    }
  }
  return byBatch;
}

/** The first batch that does not end before the text. */
function firstBatchFor({ batches }: SegmentRef, text: string): number {
  return partitionPoint(0, batches.length, (batch) => compareUtf8(batches[batch].greatest, text) < 0);
}

/**
 * Decides which rows share a segment. Oldest first, a segment is merged with the newer one behind it while it has at most
 * MERGE_FACTOR times its rows: what stays grows geometrically, so a type of n rows has about log(n) segments.
 */
function arrange(alive: readonly LiveSource[], pending: readonly Pending[]): Part[] {
  const parts: Part[] = [];
  const push = (part: Part) => {
    let last = part;
    for (let older = parts.at(-1); older !== undefined; older = parts.at(-1)) {
      if (older.rows > MERGE_FACTOR * last.rows || older.bytes + last.bytes > MERGE_BYTES_MAX) break;
      parts.pop();
      last = {
        sources: [...older.sources, ...last.sources],
        pending: [...older.pending, ...last.pending],
        rows: older.rows + last.rows,
        bytes: older.bytes + last.bytes,
      };
    }
    parts.push(last);
  };
  for (const source of alive) {
    const { rows, bytes } = source.segment;
    push({ sources: [source], pending: [], rows: rows - source.allDead.length, bytes });
  }
  if (pending.length > 0) push({ sources: [], pending, rows: pending.length, bytes: 0 });
  return parts;
}

/** A segment that stays as it is, at a checkpoint of `position`. */
export async function keptSegment(
  context: GraphContext,
  { segment, dead, allDead, isChanged }: LiveSource,
  position: number,
): Promise<TypeState["segments"][number]> {
  return { segment, dead: isChanged ? await storeDead(context.objects, segment, position, allDead) : dead };
}

async function store(
  context: GraphContext,
  type: EntityType,
  part: Part,
  position: number,
  purged: ReadonlySet<StableId>,
): Promise<TypeState["segments"][number]> {
  const [only] = part.sources;
  if (part.sources.length === 1 && part.pending.length === 0 && !holdsPurged(only.segment, purged)) {
    return keptSegment(context, only, position);
  }
  const segment = await writeSegment(context, type, await rewrite(context, type, part));
  return { segment, dead: { kind: "none" } };
}

/** The live rows of a part in one sorted batch, with the columns that the type has now. */
async function rewrite(context: GraphContext, type: EntityType, part: Part): Promise<RowBatch> {
  const builder = new BatchBuilder(shapeOf(type));
  for (const { segment, allDead } of part.sources) {
    let nextDead = 0;
    let row = 0;
    for (const batch of await readSegmentBatches(context.objects, segment)) {
      for (let i = 0; i < batch.length; i++, row++) {
        if (allDead[nextDead] === row) nextDead++;
        else builder.appendFrom(batch, i);
      }
    }
  }
  for (const { batch, row } of part.pending) builder.appendFrom(batch, row);
  const { batch, repeats } = builder.finish();
  assert(repeats.length === 0, `live rows of ${type.name} are distinct`);
  assert(batch.length === part.rows, `all live rows of ${type.name} were kept`);
  return batch;
}
