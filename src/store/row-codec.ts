// Rows as values, and the same rows as columns.

import { assert } from "../lib/assert.ts";
import type { EntityType } from "../schema/catalog.ts";
import { BatchBuilder, shapeOf } from "./builder.ts";
import type { RowBatch } from "./column.ts";
import { textAt, valueAt } from "./column-value.ts";
import type { Row } from "./types.ts";

/** A sorted batch of rows with distinct ids (src, dst and id of edges). */
export function batchOf(rows: readonly Row[], type: EntityType): RowBatch {
  const builder = new BatchBuilder(shapeOf(type));
  for (const row of rows) builder.append(row);
  const { batch, repeats } = builder.finish();
  assert(repeats.length === 0, `rows of one change to ${type.name} are distinct`);
  return batch;
}

/** One row by value. A property without a column reads as null. */
export function rowAt(batch: RowBatch, row: number, type: EntityType): Row {
  return {
    id: textAt(batch.ids, row),
    src: batch.src === null ? null : textAt(batch.src, row),
    dst: batch.dst === null ? null : textAt(batch.dst, row),
    values: type.properties.map(({ id }) => {
      const column = batch.columns.get(id);
      return column === undefined ? null : valueAt(column, row);
    }),
  };
}

/** All rows by value. */
export function rowsOf(batch: RowBatch, type: EntityType): Row[] {
  return Array.from({ length: batch.length }, (_, row) => rowAt(batch, row, type));
}
