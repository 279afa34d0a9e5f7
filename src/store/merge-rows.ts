// The live rows of many segments as one sorted stream: each segment is read a few batches ahead, never as a whole.

import type { EntityType } from "../schema/catalog.ts";
import { BatchBuilder, shapeOf, sortColumns, takeRows } from "./builder.ts";
import type { RowBatch, Utf8Column } from "./column.ts";
import type { GraphContext } from "./context.ts";
import { MERGE_READ_BYTES } from "./limits.ts";
import { writeSegment } from "./row-writer.ts";
import { readSegmentBatches } from "./segment-read.ts";
import { compareBytes } from "./sort.ts";
import type { LiveSource, Pending } from "./type-state.ts";
import type { SegmentRef } from "./types.ts";
import type { Unpublished } from "./unpublished.ts";

/**
 * Writes the live rows, or those of them that are wanted, as segments of at most `rowsPerSegment` rows, in the order of a
 * segment throughout.
 */
export async function rewriteRows(
  context: GraphContext,
  type: EntityType,
  sources: readonly LiveSource[],
  pending: readonly Pending[],
  rowsPerSegment: number,
  unpublished: Unpublished,
  isWanted: (batch: RowBatch, row: number) => boolean = () => true,
): Promise<SegmentRef[]> {
  const written: SegmentRef[] = [];
  let builder = new BatchBuilder(shapeOf(type));
  const flush = async () => {
    if (builder.length === 0) return;
    written.push(await writeSegment(context, type, builder.finishUnsorted(), unpublished));
    builder = new BatchBuilder(shapeOf(type));
  };
  let open = await openCursors(context, type, sources, pending);
  while (open.length > 0) {
    const [least, second] = twoLeast(open);
    // Rows of one segment often stand side by side: they are taken without asking the others.
    do {
      if (isWanted(least.batch, least.row)) builder.appendFrom(least.batch, least.row);
      least.row++;
      if (builder.length === rowsPerSegment) await flush();
    } while (least.row < least.batch.length && (second === null || compareCursors(least, second) < 0));
    if (least.row === least.batch.length && !(await least.next())) open = open.filter((one) => one !== least);
  }
  await flush();
  return written;
}

/** Streams over live rows, each at its first row; those without rows are left out. */
export async function openCursors(
  context: Pick<GraphContext, "objects">,
  type: EntityType,
  sources: readonly LiveSource[],
  pending: readonly Pending[],
): Promise<Cursor[]> {
  const cursors = [
    ...sources.map((source) => new Cursor(liveBatches(context, source))),
    ...(pending.length === 0 ? [] : [new Cursor(pendingBatch(type, pending))]),
  ];
  const hasRows = await Promise.all(cursors.map((cursor) => cursor.next()));
  return cursors.filter((_, i) => hasRows[i]);
}

/** A place in a sorted stream of batches. */
export class Cursor {
  row = 0;
  columns: readonly Utf8Column[] = [];
  private current: RowBatch | null = null;

  constructor(private readonly batches: AsyncIterator<RowBatch>) {}

  get batch(): RowBatch {
    if (this.current === null) throw new Error("invariant broken: a cursor was read before it was started");
    return this.current;
  }

  /** Goes to the next batch that has rows; false at the end. */
  async next(): Promise<boolean> {
    const { value, done } = await this.batches.next();
    if (done === true) return false;
    this.current = value;
    this.columns = sortColumns(value);
    this.row = 0;
    return value.length > 0 || this.next();
  }
}

/** The one that stands at the least row, and the next; ones that stand at equal rows come out in any order. */
export function twoLeast(cursors: readonly Cursor[]): [Cursor, Cursor | null] {
  let least = cursors[0];
  let second: Cursor | null = null;
  const isBelow = (a: Cursor, b: Cursor) => compareCursors(a, b) < 0;
  for (const cursor of cursors.slice(1)) {
    if (isBelow(cursor, least)) {
      second = least;
      least = cursor;
    } else if (second === null || isBelow(cursor, second)) {
      second = cursor;
    }
  }
  return [least, second];
}

/** Orders the rows at which two cursors stand. */
export const compareCursors = (a: Cursor, b: Cursor): number =>
  compareRows(a.columns, a.row, b.columns, b.row);

export function compareRows(
  a: readonly Utf8Column[],
  row: number,
  b: readonly Utf8Column[],
  otherRow: number,
): number {
  for (const [i, column] of a.entries()) {
    const { bytes, offsets } = column;
    const order = compareBytes(bytes, offsets[row], offsets[row + 1], b[i], otherRow);
    if (order !== 0) return order;
  }
  return 0;
}

/** The batches of a segment without their dead rows. */
export async function* liveBatches(
  { objects }: Pick<GraphContext, "objects">,
  { segment, allDead }: Pick<LiveSource, "segment" | "allDead">,
): AsyncGenerator<RowBatch> {
  let firstRow = 0;
  let nextDead = 0;
  for (const places of readGroups(segment)) {
    for (const batch of await readSegmentBatches(objects, segment, places)) {
      const end = firstRow + batch.length;
      const deadFrom = nextDead;
      while (nextDead < allDead.length && allDead[nextDead] < end) nextDead++;
      yield withoutRows(batch, allDead.subarray(deadFrom, nextDead), firstRow);
      firstRow = end;
    }
  }
}

/** Neighbouring batches that are read together. */
function readGroups({ batches }: SegmentRef): number[][] {
  const groups: number[][] = [];
  let bytes = MERGE_READ_BYTES;
  for (const [place, { length }] of batches.entries()) {
    if (bytes + length > MERGE_READ_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups[groups.length - 1].push(place);
    bytes += length;
  }
  return groups;
}

/** `dead` are row numbers of the segment, which the batch holds from `firstRow` on. */
function withoutRows(batch: RowBatch, dead: Uint32Array, firstRow: number): RowBatch {
  if (dead.length === 0) return batch;
  const kept = new Uint32Array(batch.length - dead.length);
  let next = 0;
  for (let row = 0; row < batch.length; row++) {
    if (dead[row - next] === firstRow + row) continue;
    kept[next++] = row;
  }
  return takeRows(batch, kept);
}

/** Rows of log entries stand in many small batches: sorted, they are one. */
async function* pendingBatch(type: EntityType, pending: readonly Pending[]): AsyncGenerator<RowBatch> {
  const builder = new BatchBuilder(shapeOf(type));
  for (const { batch, row } of pending) builder.appendFrom(batch, row);
  yield builder.finish().batch;
}
