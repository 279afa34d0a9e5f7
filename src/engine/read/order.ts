// What a result is ordered by: the query's own keys, then the ids of everything bound, so that the order is total.

import { compareText, isWholeKey, type Table } from "../../index/index.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { Value } from "../../query/plan.ts";
import type { Property } from "../../schema/catalog.ts";
import { isValid, type Utf8Column } from "../../store/column.ts";
import { type Cells, cellValue } from "./cells.ts";
import { compareValues } from "./compare.ts";
import type { SortKey } from "./sort.ts";

/** Null sorts as the smallest value. */
const NULL_RANK = Number.NEGATIVE_INFINITY;
/** As many leading bytes of a string as a double holds exactly. */
const PREFIX_BYTES = 6;

/** The key of a column of cells; null where all cells are equal. */
export function cellsKey(cells: Cells, count: number, descending: boolean): SortKey | null {
  if (cells.kind === "constant") return null;
  if (cells.kind === "counts") return directed({ values: cells.counts.slice(), exact: null }, descending);
  if (cells.kind === "id") return directed(idKey(cells.table, cells.numbers), descending);
  if (cells.kind === "property" && isItsId(cells.table, cells.property)) {
    return directed(idKey(cells.table, cells.numbers), descending);
  }
  if (cells.kind === "property" && cells.table.isPlain) {
    const column = cells.table.column(cells.property);
    if (column?.kind === "utf8") return directed(textKey(column, cells.numbers), descending);
  }
  return directed(
    valuesKey((row) => cellValue(cells, row), count),
    descending,
  );
}

/** True for a text that is the whole key: it is spelled like the id, so that nodes are sorted by it already. */
function isItsId(table: Table, property: Property): boolean {
  return isWholeKey(table.type, property) && property.type.scalar === "String";
}

/** The key of entities' ids. */
export function idKey(table: Table, numbers: Int32Array): SortKey {
  const { base } = table;
  const isAllBase = numbers.every((number) => number < base.length);
  if (table.type.kind === "node" && isAllBase) return { values: Float64Array.from(numbers), exact: null };
  if (isAllBase) return textKey(table.rows.ids, numbers);
  const ids = Array.from(numbers, (number) => table.id(number));
  return stringsKey(ids);
}

function directed(key: SortKey, descending: boolean): SortKey {
  if (!descending) return key;
  const { values, exact } = key;
  for (let i = 0; i < values.length; i++) values[i] = -values[i];
  return { values, exact: exact === null ? null : (a, b) => exact(b, a) };
}

function textKey(column: Utf8Column, numbers: Int32Array): SortKey {
  const values = new Float64Array(numbers.length);
  const { bytes, offsets, valid } = column;
  for (let row = 0; row < numbers.length; row++) {
    const number = numbers[row];
    values[row] = isValid(valid, number) ? prefix(bytes, offsets[number], offsets[number + 1]) : NULL_RANK;
  }
  const isNull = (row: number) => values[row] === NULL_RANK || values[row] === -NULL_RANK;
  return {
    values,
    exact: (a, b) => (isNull(a) ? 0 : compareText(column, numbers[a], column, numbers[b])),
  };
}

function prefix(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = 0; i < PREFIX_BYTES; i++) value = value * 256 + (start + i < end ? bytes[start + i] : 0);
  return value;
}

function stringsKey(texts: readonly string[]): SortKey {
  return { values: new Float64Array(texts.length), exact: (a, b) => compareUtf8(texts[a], texts[b]) };
}

function valuesKey(readValue: (row: number) => Value, count: number): SortKey {
  const values = new Float64Array(count);
  const all: Value[] = [];
  let isExact = true;
  for (let row = 0; row < count; row++) {
    const value = readValue(row);
    all.push(value);
    if (value === null) values[row] = NULL_RANK;
    else if (typeof value === "number" || typeof value === "boolean") values[row] = Number(value);
    else if (typeof value === "bigint") {
      values[row] = Number(value);
      if (!Number.isSafeInteger(values[row])) isExact = false;
    } else isExact = false;
  }
  if (isExact) return { values, exact: null };
  const compare = (a: number, b: number) => {
    const x = all[a];
    const y = all[b];
    if (x === null || y === null) return Number(x !== null) - Number(y !== null);
    return compareValues(x, y);
  };
  // Strings stay at zero; a bigint's double is a first, coarse answer.
  return { values, exact: compare };
}
