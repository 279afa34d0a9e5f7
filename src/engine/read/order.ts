// What a result is ordered by: the query's own keys, then the ids of everything bound, so that the order is total.

import { compareText, isWholeKey, type Table } from "../../index/index.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { Value, VariableSlot } from "../../query/plan.ts";
import type { Property } from "../../schema/catalog.ts";
import { isValid, type Utf8Column } from "../../store/index.ts";
import { type Cells, cellValue } from "./cells.ts";
import { compareValues } from "./compare.ts";
import type { ReadContext } from "./context.ts";
import { columnOf, type Relation } from "./relation.ts";
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
  if (cells.kind === "property" && cells.property.type.scalar === "String" && !cells.property.type.list) {
    return directed(textKey(textOfProperty(cells.table, cells.property), cells.numbers), descending);
  }
  return directed(
    valuesKey((row) => cellValue(cells, row), count),
    descending,
  );
}

/** The keys that make every order total: the ids of everything bound, variables by name, `first` before all others. */
export function tieKeys(context: ReadContext, relation: Relation, first: VariableSlot | null): SortKey[] {
  const slots = [...relation.columns.keys()].sort(
    (a, b) => compareUtf8(context.variable(a).name, context.variable(b).name) || a - b,
  );
  const ordered = first === null ? slots : [first, ...slots.filter((slot) => slot !== first)];
  return ordered.map((slot) => idKey(context.table(slot), columnOf(relation, slot)));
}

/** True for a text that is the whole key: it is spelled like the id, so that nodes are sorted by it already. */
function isItsId(table: Table, property: Property): boolean {
  return isWholeKey(table.type, property) && property.type.scalar === "String";
}

/** The key of entities' ids. */
function idKey(table: Table, numbers: Int32Array): SortKey {
  return table.type.kind === "node"
    ? { values: idRanks(table, numbers), exact: null }
    : textKey(textOfId(table), numbers);
}

/** Numbers in the order of ids: base nodes stand in it already, and the others find their places between them. */
function idRanks(table: Table, numbers: Int32Array): Float64Array {
  const { base } = table;
  const created = new Set<number>();
  for (let row = 0; row < numbers.length; row++) if (numbers[row] >= base.length) created.add(numbers[row]);
  if (created.size === 0) return Float64Array.from(numbers);
  const sorted = Array.from(created, (number) => ({ number, id: table.id(number) }));
  sorted.sort((a, b) => compareUtf8(a.id, b.id));
  // Before each base node there is room for all of them.
  const room = sorted.length + 1;
  const ranks = new Map(sorted.map(({ number, id }, i) => [number, base.firstNodeAtOrAfter(id) * room + i]));
  return Float64Array.from(numbers, (number) => ranks.get(number) ?? number * room + sorted.length);
}

/** Where the text of a number stands; null where it has none. */
type TextPlace = (number: number) => { readonly column: Utf8Column; readonly row: number } | null;

function textOfProperty(table: Table, property: Property): TextPlace {
  return (number) => {
    const place = table.isTouched(number) ? table.place(number) : { batch: table.rows, row: number };
    const column = place?.batch.columns.get(property.id);
    if (place === null || column?.kind !== "utf8" || !isValid(column.valid, place.row)) return null;
    return { column, row: place.row };
  };
}

function textOfId(table: Table): TextPlace {
  return (number) => {
    const place = number < table.base.length ? { batch: table.rows, row: number } : table.place(number);
    return place === null ? null : { column: place.batch.ids, row: place.row };
  };
}

function directed(key: SortKey, descending: boolean): SortKey {
  if (!descending) return key;
  const { values, exact } = key;
  for (let i = 0; i < values.length; i++) values[i] = -values[i];
  return { values, exact: exact === null ? null : (a, b) => exact(b, a) };
}

function textKey(place: TextPlace, numbers: Int32Array): SortKey {
  const values = new Float64Array(numbers.length);
  for (let row = 0; row < numbers.length; row++) {
    const text = place(numbers[row]);
    values[row] = text === null ? NULL_RANK : prefix(text.column, text.row);
  }
  const exact = (a: number, b: number) => {
    const left = place(numbers[a]);
    const right = place(numbers[b]);
    return left === null || right === null ? 0 : compareText(left.column, left.row, right.column, right.row);
  };
  return { values, exact };
}

function prefix(column: Utf8Column, row: number): number {
  const start = column.offsets[row];
  const end = column.offsets[row + 1];
  let value = 0;
  for (let at = start; at < start + PREFIX_BYTES; at++)
    value = value * 256 + (at < end ? column.bytes[at] : 0);
  return value;
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
