// Tests of a column's rows against a constant, and the rows of a stretch that pass: tight loops over typed arrays where
// the values are numbers.

import { compareToBytes, hashRank } from "../../index/index.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import type { ComparisonOperator, Value } from "../../query/plan.ts";
import { type Column, isValid, type Utf8Column, type Validity, valueAt } from "../../store/index.ts";
import { type FieldOperator, holds, itemsOf, valueTest } from "./compare.ts";
import { doublesWhere, type Interval, integersWhere } from "./interval.ts";

/** Tests a row of a column, or a number of a table. */
export type NumberTest = (number: number) => boolean;

/**
 * Writes the rows of `from` up to `to` that pass into `out`, from `at` on; answers where it stopped. There has to be room
 * for one row more than there are.
 */
export type RangeSelect = (from: number, to: number, out: Int32Array, at: number) => number;

export interface ColumnTest {
  readonly test: NumberTest;
  readonly select: RangeSelect;
}

type Doubles = Int32Array | Uint32Array | Float32Array | Float64Array;

/** Tests `row operator constant`; null is never a match. */
export function columnTest(column: Column, operator: FieldOperator, constant: Value): ColumnTest {
  if (operator === "in") {
    if (column.kind === "utf8") return selecting(textAmongTest(column, itemsOf(constant)));
    const isAmong = valueTest(operator, constant);
    return selecting((row) => isAmong(valueAt(column, row)));
  }
  switch (column.kind) {
    case "utf8":
      if (typeof constant === "string") return selecting(textTest(column, operator, constant));
      break;
    case "i32":
    case "u32":
    case "f32":
    case "f64":
    case "date": {
      const interval = doublesWhere(operator, constant);
      if (interval !== null) return doublesTest(column.values, column.valid, interval);
      break;
    }
    case "i64":
    case "u64":
    case "datetime": {
      const interval = integersWhere(operator, constant);
      if (interval !== null) return integersTest(column.values, column.valid, interval);
      break;
    }
    case "list":
      if (operator === "contains") return selecting(memberTest(column, constant));
      break;
    default:
      break;
  }
  return selecting((row) => holds(valueAt(column, row), operator, constant));
}

/** Selects by asking row after row. */
export function selecting(test: NumberTest): ColumnTest {
  const select: RangeSelect = (from, to, out, at) => {
    let next = at;
    for (let row = from; row < to; row++) if (test(row)) out[next++] = row;
    return next;
  };
  return { test, select };
}

/** Tests numbers against an interval of doubles. */
export function doublesTest(values: Doubles, valid: Validity, interval: Interval<number>): ColumnTest {
  const { least, greatest, outside } = interval;
  const inside: NumberTest = outside
    ? (row) => !(values[row] >= least && values[row] <= greatest)
    : (row) => values[row] >= least && values[row] <= greatest;
  return {
    test: valid === null ? inside : (row) => isValid(valid, row) && inside(row),
    select: (from, to, out, at) => selectDoubles(values, valid, interval, from, to, out, at),
  };
}

/** Every row is written, and the place moves on where it passes: without a branch, three times as fast. */
function selectDoubles(
  values: Doubles,
  valid: Validity,
  { least, greatest, outside }: Interval<number>,
  from: number,
  to: number,
  out: Int32Array,
  at: number,
): number {
  const flip = outside ? 1 : 0;
  let next = at;
  if (valid === null) {
    for (let row = from; row < to; row++) {
      const value = values[row];
      out[next] = row;
      next += (+(value >= least) & +(value <= greatest)) ^ flip;
    }
    return next;
  }
  for (let row = from; row < to; row++) {
    const value = values[row];
    out[next] = row;
    next += ((+(value >= least) & +(value <= greatest)) ^ flip) & (valid[row >> 3] >> (row & 7));
  }
  return next;
}

/** A 64-bit integer as two numbers, so that no bigint is made for a row. */
interface Words {
  readonly high: number;
  readonly low: number;
}

function wordsOf(value: bigint): Words {
  const low = Number(BigInt.asUintN(32, value));
  return { high: Number(value >> 32n), low };
}

function integersTest(
  values: BigInt64Array | BigUint64Array,
  valid: Validity,
  { least, greatest, outside }: Interval<bigint>,
): ColumnTest {
  const lows = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const highs =
    values instanceof BigUint64Array
      ? lows
      : new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  const a = wordsOf(least);
  const b = wordsOf(greatest);
  const isWithin: NumberTest = (row) => {
    const low = lows[2 * row];
    const high = highs[2 * row + 1];
    return (
      (high > a.high || (high === a.high && low >= a.low)) &&
      (high < b.high || (high === b.high && low <= b.low))
    );
  };
  const inside: NumberTest = outside ? (row) => !isWithin(row) : isWithin;
  return selecting(valid === null ? inside : (row) => isValid(valid, row) && inside(row));
}

/** Whether a text is among those of a list, however long that is. */
function textAmongTest(column: Utf8Column, items: readonly Value[]): NumberTest {
  const byHash = new Map<number, Uint8Array[]>();
  for (const item of items) {
    const bytes = encodeUtf8(String(item));
    const hash = hashRank(bytes, 0, bytes.length);
    byHash.set(hash, [...(byHash.get(hash) ?? []), bytes]);
  }
  const { bytes, offsets, valid } = column;
  return (row) =>
    isValid(valid, row) &&
    (byHash
      .get(hashRank(bytes, offsets[row], offsets[row + 1]))
      ?.some((text) => compareToBytes(column, row, text) === 0) ??
      false);
}

/** Membership, asked of the items where they stand. */
function memberTest(column: Extract<Column, { kind: "list" }>, constant: Value): NumberTest {
  const { offsets, valid } = column;
  const { test } = columnTest(column.items, "=", constant);
  return (row) => {
    if (!isValid(valid, row)) return false;
    for (let item = offsets[row]; item < offsets[row + 1]; item++) if (test(item)) return true;
    return false;
  };
}

function textTest(column: Utf8Column, operator: ComparisonOperator, constant: string): NumberTest {
  const test = textComparison(column, operator, encodeUtf8(constant));
  const { valid } = column;
  return valid === null ? test : (row) => isValid(valid, row) && test(row);
}

function textComparison(column: Utf8Column, operator: ComparisonOperator, bytes: Uint8Array): NumberTest {
  const { offsets } = column;
  const lengthOf = (row: number) => offsets[row + 1] - offsets[row];
  switch (operator) {
    case "=":
      return (row) => lengthOf(row) === bytes.length && startsWith(column, row, bytes);
    case "!=":
      return (row) => lengthOf(row) !== bytes.length || !startsWith(column, row, bytes);
    case "<":
      return (row) => compareToBytes(column, row, bytes) < 0;
    case "<=":
      return (row) => compareToBytes(column, row, bytes) <= 0;
    case ">":
      return (row) => compareToBytes(column, row, bytes) > 0;
    case ">=":
      return (row) => compareToBytes(column, row, bytes) >= 0;
    case "starts_with":
      return (row) => lengthOf(row) >= bytes.length && startsWith(column, row, bytes);
    case "contains":
      return (row) => includes(column, row, bytes);
  }
}

function startsWith(column: Utf8Column, row: number, bytes: Uint8Array): boolean {
  const start = column.offsets[row];
  // The ends of names tell them apart sooner than their beginnings.
  for (let i = bytes.length - 1; i >= 0; i--) if (column.bytes[start + i] !== bytes[i]) return false;
  return true;
}

function includes(column: Utf8Column, row: number, bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true;
  const last = column.offsets[row + 1] - bytes.length;
  for (let at = column.offsets[row]; at <= last; at++) {
    if (column.bytes[at] !== bytes[0]) continue;
    let i = 1;
    while (i < bytes.length && column.bytes[at + i] === bytes[i]) i++;
    if (i === bytes.length) return true;
  }
  return false;
}
