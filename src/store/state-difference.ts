// What changed between two states of a branch, by comparing them: the way where cleanup removed the log entries that would
// tell. Segments that both states have are left out, so the cost follows what was rewritten since.

import type { EntityType } from "../schema/catalog.ts";
import { keyAt } from "./batch-search.ts";
import { BatchBuilder, shapeOf } from "./builder.ts";
import type { RowBatch } from "./column.ts";
import { valueAt } from "./column-value.ts";
import type { GraphContext } from "./context.ts";
import { type Cursor, compareCursors, openCursors, twoLeast } from "./merge-rows.ts";
import { type LiveSource, liveRowsOf, type Pending, tailChanges } from "./type-state.ts";
import type { BranchState, DeletedEdge, TypeChanges } from "./types.ts";

/** Changes that lead from one state to a later one, type by type. */
export async function stateDifference(
  context: GraphContext,
  before: BranchState,
  after: BranchState,
): Promise<TypeChanges[]> {
  const changes: TypeChanges[] = [];
  for (const type of after.catalog.typeById.values()) {
    const change = await typeDifference(context, type, before, after);
    if (change !== null) changes.push(change);
  }
  return changes;
}

interface Rows {
  readonly sources: readonly LiveSource[];
  readonly pending: readonly Pending[];
}

/** A state by its checkpoint and the commits since. */
type Replayed = Pick<BranchState, "checkpoint" | "tail">;

/** The same for one type; null where nothing changed. */
export async function typeDifference(
  context: GraphContext,
  type: EntityType,
  before: Replayed,
  after: Replayed,
): Promise<TypeChanges | null> {
  const [older, newer] = await Promise.all([rowsAt(context, type, before), rowsAt(context, type, after)]);
  const shared = sharedSegments(older, newer);
  const open = ({ sources, pending }: Rows) =>
    openCursors(
      context,
      type,
      sources.filter(({ segment }) => !shared.has(segment.id)),
      pending,
    );
  const [olderRows, newerRows] = [new MergedRows(await open(older)), new MergedRows(await open(newer))];
  const builder = new BatchBuilder(shapeOf(type));
  const deleted: DeletedEdge[] = [];
  for (let [a, b] = [olderRows.current, newerRows.current]; a !== null || b !== null; ) {
    const order = a === null ? 1 : b === null ? -1 : compareCursors(a, b);
    if (a !== null && order < 0) deleted.push(edgeAt(a.batch, a.row));
    if (b !== null && (order > 0 || (a !== null && order === 0 && !isSame(type, a, b)))) {
      builder.appendFrom(b.batch, b.row);
    }
    if (order <= 0) await olderRows.advance();
    if (order >= 0) await newerRows.advance();
    [a, b] = [olderRows.current, newerRows.current];
  }
  if (builder.length + deleted.length === 0) return null;
  return {
    type: type.id,
    replaced: false,
    deletedNodes: type.kind === "node" ? deleted.map(({ id }) => id) : [],
    deletedEdges: type.kind === "edge" ? deleted : [],
    rows: builder.length === 0 ? null : builder.finishUnsorted(),
    segments: [],
  };
}

const rowsAt = (context: GraphContext, type: EntityType, state: Replayed): Promise<Rows> =>
  liveRowsOf(context, state.checkpoint.types.get(type.id) ?? null, tailChanges(state, type.id));

/** Segments that hold the same live rows in both states. */
function sharedSegments(older: Rows, newer: Rows): ReadonlySet<string> {
  const dead = new Map(older.sources.map(({ segment, allDead }) => [segment.id, allDead]));
  const isShared = ({ segment, allDead }: LiveSource) => {
    const before = dead.get(segment.id);
    return before?.length === allDead.length && before.every((row, i) => row === allDead[i]);
  };
  return new Set(newer.sources.filter(isShared).map(({ segment }) => segment.id));
}

/** Several sorted streams as one. */
class MergedRows {
  current: Cursor | null;

  constructor(private cursors: Cursor[]) {
    this.current = cursors.length === 0 ? null : twoLeast(cursors)[0];
  }

  async advance(): Promise<void> {
    const { current } = this;
    if (current === null) return;
    current.row++;
    if (current.row === current.batch.length && !(await current.next())) {
      this.cursors = this.cursors.filter((cursor) => cursor !== current);
    }
    this.current = this.cursors.length === 0 ? null : twoLeast(this.cursors)[0];
  }
}

function edgeAt(batch: RowBatch, row: number): DeletedEdge {
  const key = keyAt(batch, row);
  return key.length === 1 ? { src: "", dst: "", id: key[0] } : { src: key[0], dst: key[1], id: key[2] };
}

function isSame(type: EntityType, a: Cursor, b: Cursor): boolean {
  return type.properties.every(({ id }) => {
    const [first, second] = [a, b].map(({ batch, row }) => {
      const column = batch.columns.get(id);
      return column === undefined ? null : valueAt(column, row);
    });
    return Bun.deepEquals(first, second, true);
  });
}
