// Groups rows and folds each group's values. Rows are first given the number of their group, one key after the other,
// through codes; then each aggregate runs over its column once.

import { isWholeKey } from "../../index/index.ts";
import { stringifyJson } from "../../lib/json.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import type { ReturnExpression, Value } from "../../query/plan.ts";
import { type Cells, cellValue, takeCells, toJson } from "./cells.ts";
import { hashable } from "./compare.ts";
import { counts, fold } from "./fold.ts";
import { NumberList, type Relation } from "./relation.ts";

type Aggregate = Extract<ReturnExpression, { kind: "aggregate" }>;

/** A column of a grouped result before grouping: a key, or an aggregate over argument cells (null: over rows). */
export type GroupedColumn =
  | { readonly kind: "key"; readonly cells: Cells }
  | { readonly kind: "aggregate"; readonly aggregate: Aggregate; readonly argument: Cells | null };

export interface Grouped {
  readonly count: number;
  readonly cells: readonly Cells[];
  /** A row of each group, for what is the same in all its rows. */
  readonly representatives: Int32Array;
}

/** One group per distinct combination of key values; without keys one group, even of no rows. */
export function group(columns: readonly GroupedColumn[], { length, weights }: Relation): Grouped {
  const keys = columns.flatMap((column) => (column.kind === "key" ? [column.cells] : []));
  const { groupOf, representatives } = groupRows(keys, length);
  const rows: GroupedRows = {
    groupOf,
    weights,
    count: keys.length === 0 ? 1 : representatives.length,
  };
  const cells = columns.map((column): Cells => {
    if (column.kind === "key") return takeCells(column.cells, representatives);
    const { aggregate, argument } = column;
    const { type } = aggregate;
    if (aggregate.function === "count") return { kind: "counts", counts: counts(argument, rows), type };
    if (argument === null) throw new Error("invariant broken: only a count goes without an argument");
    return { kind: "values", values: fold(aggregate.function, argument, rows), type };
  });
  return { count: rows.count, cells, representatives };
}

/** Rows, the group of each, and how many solutions each stands for (null: one). */
export interface GroupedRows {
  readonly groupOf: Int32Array;
  readonly weights: Float64Array | null;
  readonly count: number;
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
