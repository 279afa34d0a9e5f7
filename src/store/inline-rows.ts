// Rows of a small write as JSON inside its log entry: exact for every type, and readable by eye.

import { unreachable } from "../lib/assert.ts";
import type { JsonObject, JsonValue } from "../lib/json.ts";
import { stringifyJson } from "../lib/json.ts";
import type { Value } from "../query/plan.ts";
import type { StableId } from "../schema/catalog.ts";
import { BatchBuilder, sortColumns } from "./builder.ts";
import type { RowBatch } from "./column.ts";
import { type ColumnLayout, layoutOfColumn, parseLayout, printLayout } from "./column-layout.ts";
import { textAt, valueAt } from "./column-value.ts";
import { isSorted } from "./sort.ts";
import type { StoredValue } from "./stored-json.ts";

/** `{kind, columns, layouts, rows}`; a row is `[id, value…]`, of an edge `[src, dst, id, value…]`. */
export function inlineRowsJson(batch: RowBatch): JsonObject {
  const columns = [...batch.columns];
  const keys = sortColumns(batch);
  return {
    kind: batch.src === null ? "node" : "edge",
    columns: columns.map(([id]) => id),
    layouts: columns.map(([, column]) => printLayout(layoutOfColumn(column))),
    rows: Array.from({ length: batch.length }, (_, row) => [
      ...keys.map((column) => textAt(column, row)),
      ...columns.map(([, column]) => toJson(valueAt(column, row))),
    ]),
  };
}

/** Bytes that a batch takes inside a log entry. */
export function inlineBytes(batch: RowBatch): number {
  return Buffer.byteLength(stringifyJson(inlineRowsJson(batch)));
}

/** Reads rows back. They must stand in the order of a segment. */
export function readInlineRows(stored: StoredValue): RowBatch {
  const kind = stored.member("kind").string();
  if (kind !== "node" && kind !== "edge") return stored.member("kind").fail("'node' or 'edge'");
  const { ids, layouts } = readLayouts(stored);
  const builder = new BatchBuilder({ kind, columns: new Map(ids.map((id, i) => [id, layouts[i]])) });
  const keys =
    builder.src === null || builder.dst === null ? [builder.ids] : [builder.src, builder.dst, builder.ids];
  const columns = [...builder.columns.values()];
  for (const row of stored.member("rows").items()) {
    if (row.array().length !== keys.length + columns.length) row.fail("one value for each column");
    for (const [i, key] of keys.entries()) key.appendText(row.item(i).string());
    for (const [i, column] of columns.entries()) {
      column.append(fromJson(row.item(keys.length + i), layouts[i]));
    }
  }
  const batch = builder.finishUnsorted();
  if (!isSorted(sortColumns(batch), batch.length)) stored.member("rows").fail("sorted rows");
  return batch;
}

/** Members `columns` and `layouts`. */
export function readLayouts(stored: StoredValue): { ids: StableId[]; layouts: ColumnLayout[] } {
  const ids = stored.member("columns").integers();
  const texts = stored.member("layouts").items();
  if (texts.length !== ids.length) stored.member("layouts").fail("one layout for each column");
  return { ids, layouts: texts.map((text) => parseLayout(text.string()) ?? text.fail("a layout")) };
}

function toJson(value: Value): JsonValue {
  if (value instanceof Float32Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  }
  if (Array.isArray(value)) return value.map(toJson);
  return value as Exclude<Value, Float32Array | readonly Value[]>;
}

/** `stringifyJson` spells numbers that JSON has not as these texts. */
const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

function fromJson(stored: StoredValue, layout: ColumnLayout): Value {
  const { value } = stored;
  if (value === null) return null;
  switch (layout.kind) {
    case "utf8":
      return stored.string();
    case "bool":
      return stored.boolean();
    case "i64":
    case "u64":
      return typeof value === "bigint" || Number.isSafeInteger(value)
        ? BigInt(value as bigint | number)
        : stored.fail("an integer");
    case "i32":
    case "u32":
    case "date":
    case "datetime":
      return Number.isSafeInteger(value) ? (value as number) : stored.fail("an integer");
    case "f32":
    case "f64": {
      if (typeof value === "number" || typeof value === "bigint") return Number(value);
      return NON_FINITE[stored.string()] ?? stored.fail("a number");
    }
    case "vector":
      return readVector(stored, layout.width);
    case "list":
      return stored.items().map((item) => fromJson(item, layout.items));
    default:
      return unreachable(layout);
  }
}

function readVector(stored: StoredValue, width: number): Float32Array {
  const bytes = Buffer.from(stored.string(), "base64");
  if (bytes.length !== width * Float32Array.BYTES_PER_ELEMENT) stored.fail(`the base64 of ${width} floats`);
  return new Float32Array(new Uint8Array(bytes).buffer);
}
