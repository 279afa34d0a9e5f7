// What aggregates make of the values of each group: plain loops over typed arrays where the base's column tells all.

import { tooLarge } from "../../lib/errors.ts";
import type { AggregateFunction, Value } from "../../query/plan.ts";
import { isValid } from "../../store/index.ts";
import type { GroupedRows } from "./aggregate.ts";
import { type Cells, cellValue } from "./cells.ts";
import { compareValues } from "./compare.ts";

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

/** Sums group by group, with the rounding errors carried along (Neumaier), so that the order of rows does not show. */
class Sums {
  readonly seen: Float64Array;
  private readonly sums: Float64Array;
  private readonly carried: Float64Array;

  constructor(groups: number) {
    this.seen = new Float64Array(groups);
    this.sums = new Float64Array(groups);
    this.carried = new Float64Array(groups);
  }

  add(group: number, value: number): void {
    const before = this.sums[group];
    const after = before + value;
    this.carried[group] +=
      Math.abs(before) >= Math.abs(value) ? before - after + value : value - after + before;
    this.sums[group] = after;
  }

  /** Adds `value` as often as `times` tells, exactly: a product and the error of its rounding. */
  addTimes(group: number, value: number, times: number): void {
    const product = value * times;
    this.add(group, product);
    if (times === 1 || !Number.isFinite(product) || Number.isSafeInteger(product)) return;
    const [valueHigh, valueLow] = halves(value);
    const [timesHigh, timesLow] = halves(times);
    const error =
      valueHigh * timesHigh - product + valueHigh * timesLow + valueLow * timesHigh + valueLow * timesLow;
    if (Number.isFinite(error)) this.add(group, error);
  }

  totals(): Float64Array {
    return this.sums.map((total, i) => (Number.isFinite(total) ? total + this.carried[i] : total));
  }
}

/** Splits the 53 bits of a double into two halves (Veltkamp). */
function halves(value: number): readonly [number, number] {
  const scaled = value * (2 ** 27 + 1);
  const high = scaled - (scaled - value);
  return [high, value - high];
}

function sum(argument: Cells, rows: GroupedRows): { sums: Float64Array; seen: Float64Array } {
  const { groupOf, weights, count } = rows;
  const sums = new Sums(count);
  const { seen } = sums;
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
  return { sums: sums.totals(), seen };
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
