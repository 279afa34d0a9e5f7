// Columns as an Arrow IPC file (arrow.apache.org/docs/format/Columnar.html#ipc-file-format): magic, schema, record
// batches, footer. Loaded only where a file is written.

import {
  type Data,
  Field,
  Message,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
} from "apache-arrow";
import type { StableId } from "../schema/catalog.ts";
import { arrowData, arrowType } from "./arrow-columns.ts";
import type { Column } from "./column.ts";
import { layoutOfColumn } from "./column-layout.ts";

/** Key of a field's metadata that holds the stable id of its property. */
const STABLE_ID_KEY = "omnigraph:id";

/** A field of an Arrow file; ids and ends have no stable id and never a null. */
export interface NamedColumn {
  readonly name: string;
  readonly stableId: StableId | null;
  readonly column: Column;
}

/** The library's writer leaves the schema to the footer; the format wants it in front of the batches too. */
class FileWriter extends RecordBatchFileWriter {
  protected override _writeSchema(schema: Schema): this {
    return super._writeSchema(schema)._writeMessage(Message.from(schema));
  }
}

/** Encodes columns of `rows` rows, in record batches of `rowsPerBatch`. */
export function encodeArrowFile(
  columns: readonly NamedColumn[],
  rows: number,
  rowsPerBatch: number,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const fields = columns.map(({ name, stableId, column }) => {
    const ids = stableId === null ? undefined : new Map([[STABLE_ID_KEY, String(stableId)]]);
    return new Field(name, arrowType(layoutOfColumn(column)), stableId !== null, ids);
  });
  const data = columns.map(({ column }, i) => arrowData(fields[i].type, column, rows));
  const schema = new Schema(fields, new Map(Object.entries(metadata)));
  const type = new Struct(fields);
  const writer = new FileWriter();
  for (let start = 0; start < rows; start += rowsPerBatch) {
    const length = Math.min(rowsPerBatch, rows - start);
    const children: Data[] = data.map((whole) => whole.slice(start, length));
    writer.write(new RecordBatch(schema, makeData({ type, length, nullCount: 0, children })));
  }
  return writer.finish().toUint8Array(true);
}
