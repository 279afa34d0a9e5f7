// Types whose rows are lost, as they were in their newest state that can be read whole. Nothing is made up: what that state
// does not have is gone, and edges that lost an end by it go along, as when a node is deleted.

import type { Catalog, EdgeType, EntityType, StableId } from "../../schema/catalog.ts";
import type { RowBatch } from "../column.ts";
import { textAt } from "../column-value.ts";
import type { GraphContext } from "../context.ts";
import { decodeEntry } from "../entry.ts";
import { logKey } from "../layout.ts";
import { logOwner } from "../lineage.ts";
import { missingEntry, withDeletes } from "../log-read.ts";
import { liveBatches, rewriteRows } from "../merge-rows.ts";
import { type LiveSource, liveRowsOf, type Pending, type TypeChange } from "../type-state.ts";
import type { CommitRecord, DeletedEdge, TypeChanges } from "../types.ts";
import { Unpublished } from "../unpublished.ts";
import type { LogVerdict } from "./check-log.ts";
import { rowsPerSegment } from "./compact-type.ts";
import { checkpointBelow } from "./heal.ts";
import { type CheckedBranch, checkLineage } from "./verify.ts";

interface Rows {
  readonly sources: readonly LiveSource[];
  readonly pending: readonly Pending[];
}

const NO_ROWS: Rows = { sources: [], pending: [] };

/** The changes that bring the lost types back, and take along edges without ends. */
export async function restoreTypes(
  context: GraphContext,
  branch: CheckedBranch,
  catalog: Catalog,
  lost: ReadonlySet<StableId>,
): Promise<TypeChanges[]> {
  const rows = new Map<StableId, Rows>();
  const rowsOf = async (type: EntityType): Promise<Rows> => {
    const known = rows.get(type.id) ?? (await newestRows(context, branch, type));
    rows.set(type.id, known);
    return known;
  };
  const ids = new Map<StableId, ReadonlySet<string>>();
  const idsOf = async (type: EntityType): Promise<ReadonlySet<string>> => {
    const known = ids.get(type.id) ?? (await allIds(context, await rowsOf(type)));
    ids.set(type.id, known);
    return known;
  };
  const unpublished = new Unpublished(context);
  const changes: TypeChanges[] = [];
  for (const type of catalog.typeById.values()) {
    const isLost = lost.has(type.id);
    if (type.kind === "node") {
      if (isLost) changes.push(await replacement(context, type, await rowsOf(type), unpublished));
    } else if (isLost || lost.has(type.source.id) || lost.has(type.target.id)) {
      const hasEnds = endsIn(await idsOf(type.source), await idsOf(type.target));
      if (isLost) changes.push(await replacement(context, type, await rowsOf(type), unpublished, hasEnds));
      else changes.push(await withoutOrphans(context, type, await rowsOf(type), hasEnds));
    }
  }
  return changes;
}

/** The rows of a type at the newest commit where all of them can be read. */
async function newestRows(context: GraphContext, branch: CheckedBranch, type: EntityType): Promise<Rows> {
  const record = (await lastSoundOf(context, branch))(type.id);
  if (record === null) return NO_ROWS;
  const { ref, checkpoints } = branch.checked;
  const base = await checkpointBelow(
    context,
    ref,
    checkpoints,
    record.position,
    ({ head }) => head.version <= record.version,
  );
  const changes: TypeChange[] = [];
  for (let position = base.position + 1; position <= record.position; position++) {
    changes.push(...(await changesAt(context, branch, position, type.id, record)));
  }
  return liveRowsOf(context, base.types.get(type.id) ?? null, changes);
}

const lineages = new WeakMap<CheckedBranch, Promise<LogVerdict>>();

/** Where what a branch inherits has to help out, it is checked too, once. */
async function lastSoundOf(context: GraphContext, branch: CheckedBranch): Promise<LogVerdict["lastSound"]> {
  const { verdict, checked } = branch;
  if (checked.ref.lineage.length === 0) return verdict.lastSound;
  const lineage = lineages.get(branch) ?? checkLineage(context, branch);
  lineages.set(branch, lineage);
  const { lastSound } = await lineage;
  return (type) => verdict.lastSound(type) ?? lastSound(type);
}

/** What the commits of an entry did to one type, up to a commit; the rest of the entry may be damaged. */
async function changesAt(
  { objects }: GraphContext,
  { checked: { ref } }: CheckedBranch,
  position: number,
  type: StableId,
  upTo: CommitRecord,
): Promise<TypeChange[]> {
  const place = { branch: logOwner(ref, position), position };
  const key = logKey(place.branch, position);
  const stored = await objects.storage.get(key);
  if (stored === null) throw missingEntry(objects, place);
  const found: TypeChange[] = [];
  for (const { record, changes } of decodeEntry(objects.address(key), stored.bytes, place).commits) {
    if (record.version > upTo.version) continue;
    for (const change of changes) {
      if (change.changes.type !== type) continue;
      found.push({ version: record.version, changes: await withDeletes(objects, change) });
    }
  }
  return found;
}

async function replacement(
  context: GraphContext,
  type: EntityType,
  { sources, pending }: Rows,
  unpublished: Unpublished,
  isWanted?: (batch: RowBatch, row: number) => boolean,
): Promise<TypeChanges> {
  const live = sources.filter(({ segment, allDead }) => allDead.length < segment.rows);
  const size = rowsPerSegment(live, pending);
  const segments = await rewriteRows(context, type, live, pending, size, unpublished, isWanted);
  return { type: type.id, replaced: true, deletedNodes: [], deletedEdges: [], rows: null, segments };
}

async function withoutOrphans(
  context: GraphContext,
  type: EdgeType,
  rows: Rows,
  hasEnds: (batch: RowBatch, row: number) => boolean,
): Promise<TypeChanges> {
  const deletedEdges: DeletedEdge[] = [];
  for await (const { batch, row } of allRows(context, rows)) {
    const { src, dst, ids } = batch;
    if (src === null || dst === null || hasEnds(batch, row)) continue;
    deletedEdges.push({ src: textAt(src, row), dst: textAt(dst, row), id: textAt(ids, row) });
  }
  return { type: type.id, replaced: false, deletedNodes: [], deletedEdges, rows: null, segments: [] };
}

const endsIn =
  (sources: ReadonlySet<string>, targets: ReadonlySet<string>) =>
  ({ src, dst }: RowBatch, row: number): boolean =>
    src !== null && dst !== null && sources.has(textAt(src, row)) && targets.has(textAt(dst, row));

async function allIds(context: GraphContext, rows: Rows): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { batch, row } of allRows(context, rows)) ids.add(textAt(batch.ids, row));
  return ids;
}

async function* allRows(context: GraphContext, { sources, pending }: Rows): AsyncGenerator<Pending> {
  for (const source of sources) {
    for await (const batch of liveBatches(context, source)) {
      for (let row = 0; row < batch.length; row++) yield { batch, row };
    }
  }
  yield* pending;
}
