// The rows that a commit added to a type: those inside its log entry, and those of its segments.

import type { EntityType } from "../schema/catalog.ts";
import { type RowBatch, rowsOf, type SegmentReader } from "../store/index.ts";
import type { Row, TypeChanges } from "../store/types.ts";

/** Batch by batch; a segment is read when its turn comes. */
export async function* addedBatches(source: SegmentReader, change: TypeChanges): AsyncIterable<RowBatch> {
  if (change.rows !== null) yield change.rows;
  for (const segment of change.segments) yield* await source.readSegmentBatches(segment);
}

/** All of them by value. */
export async function addedRows(
  source: SegmentReader,
  type: EntityType,
  change: TypeChanges,
): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of addedBatches(source, change)) {
    for (const row of rowsOf(batch, type)) rows.push(row);
  }
  return rows;
}
