// Single values out of columns, and whole columns by row number.

import { unreachable } from "../lib/assert.ts";
import type { Value } from "../query/plan.ts";
import { type Column, isValid, type Utf8Column } from "./column.ts";
import { columnBuilder } from "./column-builder.ts";
import { layoutOfColumn } from "./column-layout.ts";

/** U+FEFF at the start of a value is text like any other. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Texts up to this many bytes are read by hand when they are ASCII: a call of the decoder costs more. */
const SHORT_TEXT_BYTES_MAX = 32;

/** The text of a row that has one. */
export function textAt(column: Utf8Column, row: number): string {
  const start = column.offsets[row];
  const end = column.offsets[row + 1];
  const { bytes } = column;
  if (end - start <= SHORT_TEXT_BYTES_MAX) {
    let text = "";
    let at = start;
    for (; at < end && bytes[at] < 0x80; at++) text += String.fromCharCode(bytes[at]);
    if (at === end) return text;
  }
  return decoder.decode(bytes.subarray(start, end));
}

/** The value of a row; null where there is none. A vector is a view of the column: do not write to it. */
export function valueAt(column: Column, row: number): Value {
  if (!isValid(column.valid, row)) return null;
  switch (column.kind) {
    case "utf8":
      return textAt(column, row);
    case "bool":
      return isValid(column.bits, row);
    case "datetime":
      return Number(column.values[row]);
    case "vector":
      return column.values.subarray(row * column.width, (row + 1) * column.width);
    case "list": {
      const items: Value[] = [];
      for (let at = column.offsets[row]; at < column.offsets[row + 1]; at++)
        items.push(valueAt(column.items, at));
      return items;
    }
    case "i32":
    case "u32":
    case "i64":
    case "u64":
    case "f32":
    case "f64":
    case "date":
      return column.values[row];
    default:
      return unreachable(column);
  }
}

/** The rows with these numbers, in their order. */
export function takeColumn<C extends Column>(column: C, rows: Uint32Array): C {
  if (column.kind === "utf8" && column.valid === null) return takeUtf8(column, rows) as C;
  const builder = columnBuilder(layoutOfColumn(column));
  for (const row of rows) builder.appendFrom(column, row);
  return builder.finish() as C;
}

function takeUtf8(column: Utf8Column, rows: Uint32Array): Utf8Column {
  const offsets = new Int32Array(rows.length + 1);
  let size = 0;
  for (let i = 0; i < rows.length; i++) {
    size += column.offsets[rows[i] + 1] - column.offsets[rows[i]];
    offsets[i + 1] = size;
  }
  const bytes = new Uint8Array(size);
  const source = column.bytes;
  for (let i = 0; i < rows.length; i++) {
    let from = column.offsets[rows[i]];
    const end = column.offsets[rows[i] + 1];
    if (end - from > SHORT_TEXT_BYTES_MAX) bytes.set(source.subarray(from, end), offsets[i]);
    else for (let to = offsets[i]; from < end; ) bytes[to++] = source[from++];
  }
  return { kind: "utf8", offsets, bytes, valid: null };
}
