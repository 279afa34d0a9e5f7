// Rows as an Arrow IPC file (arrow.apache.org/docs/format/Columnar.html#ipc-file-format): magic, schema, record batches,
// footer. Ids and ends come first; fields carry stable ids in their metadata and are named as the schema names them now.

import type { Data, Field, Schema, Struct } from "apache-arrow";
import { assert } from "../lib/assert.ts";
import type { EntityType, StableId } from "../schema/catalog.ts";
import { sortColumns } from "./builder.ts";
import type { Column, RowBatch } from "./column.ts";
import { layoutOfColumn, printLayout, UTF8_LAYOUT } from "./column-layout.ts";
import { textAt } from "./column-value.ts";
import { BATCH_ROWS_MAX, BATCH_ROWS_MIN, BATCHES_PER_SEGMENT } from "./limits.ts";
import { isSorted } from "./sort.ts";
import type { BatchRef, SegmentRef } from "./types.ts";

/** Key of a field's metadata that holds the stable id of its property. */
const STABLE_ID_KEY = "omnigraph:id";
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
  const bytes = await encodeArrow(fieldsOf(batch, columns, names), batch.length, rowsPerBatch, {
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
    batches: await locateBatches(bytes, batch, rowsPerBatch),
  };
  return { ref, bytes };
}

export function batchRows(rows: number): number {
  const wanted = Math.ceil(rows / BATCHES_PER_SEGMENT / ROW_ALIGNMENT) * ROW_ALIGNMENT;
  return Math.min(Math.max(wanted, BATCH_ROWS_MIN), BATCH_ROWS_MAX);
}

/** A field of an Arrow file. */
export interface NamedColumn {
  readonly name: string;
  readonly stableId: StableId | null;
  readonly column: Column;
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

/** An Arrow IPC file of these columns, in record batches of `rowsPerBatch` rows. */
export async function encodeArrow(
  columns: readonly NamedColumn[],
  rows: number,
  rowsPerBatch: number,
  metadata: Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  const arrow = await import("apache-arrow");
  const { arrowData, arrowType } = await import("./arrow-columns.ts");
  const fields = columns.map(({ name, stableId, column }): Field => {
    const nullable = stableId !== null;
    const ids = stableId === null ? undefined : new Map([[STABLE_ID_KEY, String(stableId)]]);
    const layout = nullable ? layoutOfColumn(column) : UTF8_LAYOUT;
    return new arrow.Field(name, arrowType(layout), nullable, ids);
  });
  const data = columns.map(({ column }, i) => arrowData(fields[i].type, column, rows));
  const schema: Schema = new arrow.Schema(fields, new Map(Object.entries(metadata)));
  const type: Struct = new arrow.Struct(fields);
  const writer = new arrow.RecordBatchFileWriter();
  for (let start = 0; start < rows; start += rowsPerBatch) {
    const length = Math.min(rowsPerBatch, rows - start);
    const children: Data[] = data.map((whole) => whole.slice(start, length));
    writer.write(new arrow.RecordBatch(schema, arrow.makeData({ type, length, nullCount: 0, children })));
  }
  return writer.finish().toUint8Array(true);
}

/** Walks the messages of a file just written and notes where each record batch stands. */
async function locateBatches(bytes: Uint8Array, batch: RowBatch, rowsPerBatch: number): Promise<BatchRef[]> {
  const { Message } = await import("apache-arrow");
  const { messageAt } = await import("./arrow-message.ts");
  const keys = sortColumns(batch)[0];
  const batches: BatchRef[] = [];
  let offset = MAGIC_BYTES;
  for (let row = 0; row < batch.length; ) {
    const message = messageAt(bytes, offset);
    assert(message !== null, "a file just written holds its messages");
    const header = Message.decode(message.metadata);
    const length = message.metadataEnd - offset + header.bodyLength;
    if (header.isRecordBatch()) {
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
