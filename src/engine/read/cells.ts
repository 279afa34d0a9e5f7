// One column of a result before anybody asked for text: where its values come from, row by row.

import type { EdgeTable, NodeTable, Table } from "../../index/index.ts";
import type { JsonValue } from "../../lib/json.ts";
import { formatDate, formatDateTime } from "../../lib/temporal.ts";
import type { Value } from "../../query/plan.ts";
import type { Property, PropertyType } from "../../schema/catalog.ts";
import { takeNumbers } from "./relation.ts";

export type Cells =
  | {
      readonly kind: "property";
      readonly table: NodeTable | EdgeTable;
      readonly property: Property;
      readonly numbers: Int32Array;
      readonly type: PropertyType;
    }
  /** A bare variable. */
  | { readonly kind: "id"; readonly table: Table; readonly numbers: Int32Array; readonly type: PropertyType }
  | { readonly kind: "constant"; readonly value: Value; readonly type: PropertyType }
  /** Whole numbers, one a row. */
  | { readonly kind: "counts"; readonly counts: Float64Array; readonly type: PropertyType }
  | { readonly kind: "values"; readonly values: readonly Value[]; readonly type: PropertyType };

export function cellValue(cells: Cells, row: number): Value {
  switch (cells.kind) {
    case "property":
      return cells.table.value(cells.numbers[row], cells.property);
    case "id":
      return cells.table.id(cells.numbers[row]);
    case "constant":
      return cells.value;
    case "counts":
      return BigInt(cells.counts[row]);
    case "values":
      return cells.values[row];
  }
}

/** The given rows, in the order given. */
export function takeCells(cells: Cells, rows: Int32Array): Cells {
  switch (cells.kind) {
    case "property":
    case "id":
      return { ...cells, numbers: takeNumbers(cells.numbers, rows) };
    case "constant":
      return cells;
    case "counts":
      return { ...cells, counts: Float64Array.from(rows, (row) => cells.counts[row]) };
    case "values":
      return { ...cells, values: Array.from(rows, (row) => cells.values[row]) };
  }
}

/** A value as results show it (spec 02 §9). */
export function toJson(value: Value, type: PropertyType): JsonValue {
  if (value === null) return null;
  if (value instanceof Float32Array)
    return Array.from(value, (item) => (Number.isFinite(item) ? item : null));
  if (Array.isArray(value)) {
    const items: readonly Value[] = value;
    const itemType = { ...type, list: false };
    return items.map((item) => toJson(item, itemType));
  }
  if (typeof value === "number") {
    if (type.scalar === "Date") return formatDate(value);
    if (type.scalar === "DateTime") return formatDateTime(value);
    return Number.isFinite(value) ? value : String(value);
  }
  // Results carry a bigint only where a number would lose digits.
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  return value as string | boolean;
}
