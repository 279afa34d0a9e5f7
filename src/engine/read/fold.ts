// What aggregates make of the values of each group: plain loops over typed arrays where the base's column tells all.

import { tooLarge } from "../../lib/errors.ts";
import type { AggregateFunction, Value } from "../../query/plan.ts";
import { isValid } from "../../store/index.ts";
import type { GroupedRows } from "./aggregate.ts";
import { type Cells, cellValue } from "./cells.ts";
import { compareValues } from "./compare.ts";
import { Sums } from "./sums.ts";

/** The values of `sum`, `avg`, `min` or `max`, group by group. */
export function fold(name: Exclude<AggregateFunction, "count">, argument: Cells, rows: GroupedRows): Value[] {
  switch (name) {
    case "sum":
    case "avg": {
      const { sums, seen } = sum(argument, rows);
      return Array.from(sums, (total, i) =>
        seen[i] === 0 ? null : name === "sum" ? total : total / seen[i],
      );
    }
    case "min":
      return extremes(argument, rows, -1);
    case "max":
      return extremes(argument, rows, 1);
  }
}

/** How many solutions of each group have a value; null: all have. */
export function counts(argument: Cells | null, { groupOf, weights, count }: GroupedRows): Float64Array {
  const totals = new Float64Array(count);
  if (argument === null) {
    if (weights === null && count === 1) totals[0] = groupOf.length;
    else
      for (let row = 0; row < groupOf.length; row++)
        totals[groupOf[row]] += weights === null ? 1 : weights[row];
  } else {
    const isPresent = presence(argument);
    for (let row = 0; row < groupOf.length; row++) {
      if (isPresent(row)) totals[groupOf[row]] += weights === null ? 1 : weights[row];
    }
  }
  for (let i = 0; i < count; i++) checkCount(totals[i]);
  return totals;
}

/** Beyond what a double counts exactly, a number would be a guess. */
function checkCount(count: number): void {
  if (count > Number.MAX_SAFE_INTEGER) {
    throw tooLarge("solutions that an aggregate counts", Number.MAX_SAFE_INTEGER, count);
  }
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

/** The exact sums of each group, and how many values are in them. */
function sum(argument: Cells, rows: GroupedRows): { sums: Float64Array; seen: Float64Array } {
  const { groupOf, weights, count } = rows;
  const sums = new Sums(count);
  const seen = new Float64Array(count);
  const readNumber = numberReader(argument);
  for (let row = 0; row < groupOf.length; row++) {
    const times = weights === null ? 1 : weights[row];
    const group = groupOf[row];
    const number = readNumber === null ? Number.NaN : readNumber(row);
    if (!Number.isNaN(number)) {
      sums.addTimes(group, number, times);
      seen[group] += times;
      continue;
    }
    const value = cellValue(argument, row);
    if (value === null) continue;
    seen[group] += times;
    const rounded = Number(value);
    sums.addTimes(group, rounded, times);
    if (typeof value === "bigint" && !Number.isSafeInteger(rounded)) {
      sums.addTimes(group, Number(value - BigInt(rounded)), times);
    }
  }
  for (let i = 0; i < count; i++) checkCount(seen[i]);
  return { sums: Float64Array.from(seen, (_, group) => sums.total(group)), seen };
}

/** Reads the numbers of base rows straight from their column; NaN where a row has to be asked otherwise. */
function numberReader(cells: Cells): ((row: number) => number) | null {
  if (cells.kind !== "property") return null;
  const { table, property, numbers } = cells;
  const column = table.column(property);
  if (column?.kind !== "i32" && column?.kind !== "u32" && column?.kind !== "f32" && column?.kind !== "f64") {
    return null;
  }
  const { values, valid } = column;
  if (table.isPlain && valid === null) return (row) => values[numbers[row]];
  return (row) => {
    const number = numbers[row];
    return !table.isTouched(number) && isValid(valid, number) ? values[number] : Number.NaN;
  };
}

/** The least (-1) or greatest (1) value of each group. */
function extremes(argument: Cells, { groupOf, count }: GroupedRows, sign: 1 | -1): Value[] {
  const best: Value[] = new Array<Value>(count).fill(null);
  for (let row = 0; row < groupOf.length; row++) {
    const value = cellValue(argument, row);
    if (value === null) continue;
    const held = best[groupOf[row]];
    if (held === null || compareValues(value, held) * sign > 0) best[groupOf[row]] = value;
  }
  return best;
}
