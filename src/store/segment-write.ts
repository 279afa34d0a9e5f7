// Rows as a segment: an Arrow file with ids and ends first, fields named as the schema names them now and with stable ids
// in their metadata, and a reference that says where each record batch stands and what it spans.

import { assert } from "../lib/assert.ts";
import type { EntityType, StableId } from "../schema/catalog.ts";
import type { NamedColumn } from "./arrow-file.ts";
import { messageAt } from "./arrow-message.ts";
import { sortColumns } from "./builder.ts";
import type { Column, RowBatch } from "./column.ts";
import { layoutOfColumn, printLayout } from "./column-layout.ts";
import { textAt } from "./column-value.ts";
import { BATCH_ROWS_MAX, BATCH_ROWS_MIN, BATCHES_PER_SEGMENT } from "./limits.ts";
import { isSorted } from "./sort.ts";
import type { BatchRef, SegmentRef } from "./types.ts";

/** `ARROW1` and padding to eight bytes. */
const MAGIC_BYTES = 8;
/** Batches begin at multiples of this many rows, so that bitmaps split at whole words. */
const ROW_ALIGNMENT = 64;

export interface EncodedSegment {
  readonly ref: SegmentRef;
  readonly bytes: Uint8Array;
}

/** Encodes rows, which must stand in the order of a segment. */
export async function encodeSegment(id: string, type: EntityType, batch: RowBatch): Promise<EncodedSegment> {
  assert(batch.length > 0, "a segment has rows");
  assert(isSorted(sortColumns(batch), batch.length), "rows of a segment are sorted");
  const names = new Map(type.properties.map((property) => [property.id, property.name]));
  const columns = [...batch.columns].filter(([property]) => names.has(property));
  const layouts = columns.map(([, column]) => printLayout(layoutOfColumn(column)));
  const rowsPerBatch = batchRows(batch.length);
  const { encodeArrowFile } = await import("./arrow-file.ts");
  const bytes = encodeArrowFile(fieldsOf(batch, columns, names), batch.length, rowsPerBatch, {
    "omnigraph:type": String(type.id),
    "omnigraph:name": type.name,
  });
  const ref: SegmentRef = {
    id,
    type: type.id,
    rows: batch.length,
    bytes: bytes.length,
    columns: columns.map(([property]) => property),
    layouts,
    batches: locateBatches(bytes, batch, rowsPerBatch),
    crc: Bun.hash.crc32(bytes),
  };
  return { ref, bytes };
}

export function batchRows(rows: number): number {
  const wanted = Math.ceil(rows / BATCHES_PER_SEGMENT / ROW_ALIGNMENT) * ROW_ALIGNMENT;
  return Math.min(Math.max(wanted, BATCH_ROWS_MIN), BATCH_ROWS_MAX);
}

function fieldsOf(
  batch: RowBatch,
  columns: readonly (readonly [StableId, Column])[],
  names: ReadonlyMap<StableId, string>,
): NamedColumn[] {
  const own = (name: string, column: Column): NamedColumn => ({ name, stableId: null, column });
  return [
    ...(batch.src === null || batch.dst === null ? [] : [own("src", batch.src), own("dst", batch.dst)]),
    own("id", batch.ids),
    ...columns.map(([id, column]) => ({ name: names.get(id) ?? String(id), stableId: id, column })),
  ];
}

/** Walks the messages of a file just written and notes where each record batch stands. */
function locateBatches(bytes: Uint8Array, batch: RowBatch, rowsPerBatch: number): BatchRef[] {
  const keys = sortColumns(batch)[0];
  const batches: BatchRef[] = [];
  let offset = MAGIC_BYTES;
  for (let row = 0; row < batch.length; ) {
    const message = messageAt(bytes, offset);
    assert(message !== null, "a file just written holds its messages");
    const length = message.bodyStart - offset + message.bodyLength;
    if (message.recordBatch !== null) {
      const rows = Math.min(rowsPerBatch, batch.length - row);
      const encoded = bytes.subarray(offset, offset + length);
      batches.push({
        offset,
        length,
        rows,
        least: textAt(keys, row),
        greatest: textAt(keys, row + rows - 1),
        crc: Bun.hash.crc32(encoded),
      });
      row += rows;
    }
    offset += length;
  }
  return batches;
}
