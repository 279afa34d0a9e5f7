// Groups rows and folds each group's values. Rows are first given the number of their group, one key after the other,
// through codes; then each aggregate runs over its column once.

import { isWholeKey } from "../../index/index.ts";
import { stringifyJson } from "../../lib/json.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import type { AggregateFunction, ReturnExpression, Value } from "../../query/plan.ts";
import { isValid } from "../../store/index.ts";
import { type Cells, cellValue, takeCells, toJson } from "./cells.ts";
import { compareValues } from "./compare.ts";
import { hashable } from "./join.ts";
import { NumberList } from "./relation.ts";

type Aggregate = Extract<ReturnExpression, { kind: "aggregate" }>;

/** A column of a grouped result before grouping: a key, or an aggregate over argument cells. */
export type GroupedColumn =
  | { readonly kind: "key"; readonly cells: Cells }
  | { readonly kind: "aggregate"; readonly aggregate: Aggregate; readonly argument: Cells };

export interface Grouped {
  readonly count: number;
  readonly cells: readonly Cells[];
  /** A row of each group, for what is the same in all its rows. */
  readonly representatives: Int32Array;
}

/** One group per distinct combination of key values; without keys one group, even of no rows. */
export function group(columns: readonly GroupedColumn[], rowCount: number): Grouped {
  const keys = columns.flatMap((column) => (column.kind === "key" ? [column.cells] : []));
  const { groupOf, representatives } = groupRows(keys, rowCount);
  const count = keys.length === 0 ? 1 : representatives.length;
  const cells = columns.map((column): Cells => {
    if (column.kind === "key") return takeCells(column.cells, representatives);
    const { aggregate, argument } = column;
    if (aggregate.function === "count") {
      return { kind: "counts", counts: counts(argument, groupOf, count), type: aggregate.type };
    }
    const values = fold(aggregate.function, argument, groupOf, count);
    return { kind: "values", values, type: aggregate.type };
  });
  return { count, cells, representatives };
}

function groupRows(
  keys: readonly Cells[],
  rowCount: number,
): { groupOf: Int32Array; representatives: Int32Array } {
  let groupOf: Int32Array = new Int32Array(rowCount);
  let representatives: Int32Array = new Int32Array(rowCount === 0 ? 0 : 1);
  for (const key of keys) {
    const coded = codesOf(key, rowCount);
    ({ groupOf, representatives } = refine(groupOf, representatives.length, coded));
  }
  return { groupOf, representatives };
}

interface Coded {
  readonly codes: Int32Array;
  /** Codes are below this. */
  readonly bound: number;
}

/** A table of at most this many cells finds groups by index; beyond it a map does. */
const DENSE_CELLS_MAX = 1 << 22;

function refine(groupOf: Int32Array, groups: number, coded: Coded) {
  const next = new Int32Array(groupOf.length);
  const representatives = new NumberList();
  const cells = groups * coded.bound;
  if (cells <= DENSE_CELLS_MAX) {
    const numbers = new Int32Array(cells);
    for (let row = 0; row < groupOf.length; row++) {
      const cell = groupOf[row] * coded.bound + coded.codes[row];
      if (numbers[cell] === 0) {
        representatives.push(row);
        numbers[cell] = representatives.length;
      }
      next[row] = numbers[cell] - 1;
    }
  } else {
    const numbers = new Map<number, number>();
    for (let row = 0; row < groupOf.length; row++) {
      const cell = groupOf[row] * coded.bound + coded.codes[row];
      let number = numbers.get(cell);
      if (number === undefined) {
        number = representatives.length;
        numbers.set(cell, number);
        representatives.push(row);
      }
      next[row] = number;
    }
  }
  return { groupOf: next, representatives: representatives.array() };
}

/** Equal values get equal codes; all nulls one. */
function codesOf(cells: Cells, rowCount: number): Coded {
  if (cells.kind === "id") return { codes: cells.numbers, bound: cells.table.bound };
  if (cells.kind === "property") {
    const { table, property, numbers } = cells;
    if (isWholeKey(table.type, property)) return { codes: numbers, bound: table.bound };
    if (table.column(property)?.kind === "utf8") return textCodes(cells);
  }
  const known = new Map<Value, number>();
  const codes = new Int32Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const value = cellValue(cells, row);
    const key =
      value !== null && typeof value === "object"
        ? stringifyJson(toJson(value, cells.type))
        : hashable(value);
    let code = known.get(key);
    if (code === undefined) {
      code = known.size;
      known.set(key, code);
    }
    codes[row] = code;
  }
  return { codes, bound: Math.max(1, known.size) };
}

function textCodes(cells: Extract<Cells, { kind: "property" }>): Coded {
  const { table, property, numbers } = cells;
  const dictionary = table.base.dictionary(property.id);
  const codes = new Int32Array(numbers.length);
  if (table.isPlain) {
    for (let row = 0; row < numbers.length; row++) codes[row] = dictionary.codes[numbers[row]];
    return { codes, bound: dictionary.size };
  }
  const added = new Map<string, number>();
  for (let row = 0; row < numbers.length; row++) {
    const number = numbers[row];
    if (!table.isTouched(number)) {
      codes[row] = dictionary.codes[number];
      continue;
    }
    const value = table.value(number, property);
    if (typeof value !== "string") continue;
    const code = dictionary.code(encodeUtf8(value));
    codes[row] = code >= 0 ? code : (added.get(value) ?? dictionary.size + added.size);
    if (code < 0) added.set(value, codes[row]);
  }
  return { codes, bound: dictionary.size + added.size };
}

function fold(
  name: Exclude<AggregateFunction, "count">,
  argument: Cells,
  groupOf: Int32Array,
  count: number,
): Value[] {
  switch (name) {
    case "sum":
    case "avg": {
      const { sums, seen } = sum(argument, groupOf, count);
      return Array.from(sums, (total, i) =>
        seen[i] === 0 ? null : name === "sum" ? total : total / seen[i],
      );
    }
    case "min":
      return extremes(argument, groupOf, count, -1);
    case "max":
      return extremes(argument, groupOf, count, 1);
  }
}

function counts(argument: Cells, groupOf: Int32Array, count: number): Float64Array {
  const totals = new Float64Array(count);
  const isPresent = presence(argument);
  for (let row = 0; row < groupOf.length; row++) if (isPresent(row)) totals[groupOf[row]]++;
  return totals;
}

/** Tells whether a row has a value, without making it. */
function presence(cells: Cells): (row: number) => boolean {
  if (cells.kind === "id") return () => true;
  if (cells.kind !== "property") return (row) => cellValue(cells, row) !== null;
  const { table, property, numbers } = cells;
  const column = table.column(property);
  return (row) => {
    const number = numbers[row];
    if (table.isTouched(number)) return table.value(number, property) !== null;
    return column !== undefined && isValid(column.valid, number);
  };
}

/** Sums with the rounding errors carried along (Neumaier), so that the order of rows does not show. */
function sum(
  argument: Cells,
  groupOf: Int32Array,
  count: number,
): { sums: Float64Array; seen: Float64Array } {
  const sums = new Float64Array(count);
  const carried = new Float64Array(count);
  const seen = new Float64Array(count);
  const add = (into: number, value: number) => {
    const before = sums[into];
    const after = before + value;
    carried[into] += Math.abs(before) >= Math.abs(value) ? before - after + value : value - after + before;
    sums[into] = after;
  };
  for (let row = 0; row < groupOf.length; row++) {
    const value = cellValue(argument, row);
    if (value === null) continue;
    const into = groupOf[row];
    const rounded = Number(value);
    add(into, rounded);
    if (typeof value === "bigint" && !Number.isSafeInteger(rounded))
      add(into, Number(value - BigInt(rounded)));
    seen[into]++;
  }
  return { sums: sums.map((total, i) => (Number.isFinite(total) ? total + carried[i] : total)), seen };
}

/** The least (-1) or greatest (1) value of each group. */
function extremes(argument: Cells, groupOf: Int32Array, count: number, sign: 1 | -1): Value[] {
  const best: Value[] = new Array<Value>(count).fill(null);
  for (let row = 0; row < groupOf.length; row++) {
    const value = cellValue(argument, row);
    if (value === null) continue;
    const held = best[groupOf[row]];
    if (held === null || compareValues(value, held) * sign > 0) best[groupOf[row]] = value;
  }
  return best;
}
