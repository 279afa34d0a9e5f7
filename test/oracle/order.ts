// Plain comparisons and sums: what comes before what, and what numbers add up to.

import type { Value } from "../../src/query/plan.ts";

/** One key of a row's place in a result. */
export interface Step {
  readonly value: Value;
  readonly descending: boolean;
}

export function comparePaths(a: readonly Step[], b: readonly Step[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareNullable(a[i].value, b[i].value);
    if (order !== 0) return a[i].descending ? -order : order;
  }
  return 0;
}

function compareNullable(a: Value, b: Value): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return compare(a, b);
}

export function compare(a: Value, b: Value): number {
  if (Array.isArray(a) || a instanceof Float32Array)
    return compareLists(Array.from<Value>(a), Array.from<Value>(b as Value[]));
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  const x = a as number;
  const y = b as number;
  return x < y ? -1 : x > y ? 1 : 0;
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareNullable(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** The power of two that every double is a multiple of. */
const FINEST = 1074n;

/** The double nearest to the true sum. */
export function exactSum(values: readonly (number | bigint)[]): number {
  const total = values.reduce((sum: bigint, value) => sum + fixed(value), 0n);
  const magnitude = total < 0n ? -total : total;
  // 53 bits and what is left, rounded half to even.
  const excess = BigInt(Math.max(0, magnitude.toString(2).length - 53));
  const kept = magnitude >> excess;
  const rest = magnitude - (kept << excess);
  const half = excess === 0n ? 0n : 1n << (excess - 1n);
  const isUp = excess > 0n && (rest > half || (rest === half && (kept & 1n) === 1n));
  const rounded = Number(kept + (isUp ? 1n : 0n));
  const scaled = scale(rounded, Number(excess) - Number(FINEST));
  return total < 0n ? -scaled : scaled;
}

/** A number as a multiple of 2^-1074. */
function fixed(value: number | bigint): bigint {
  if (typeof value === "bigint") return value << FINEST;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & ((1n << 52n) - 1n);
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

/** `value` times a power of two, in steps that are doubles themselves. */
function scale(value: number, exponent: number): number {
  let scaled = value;
  let rest = exponent;
  while (rest < -1000) {
    scaled *= 2 ** -1000;
    rest += 1000;
  }
  return scaled * 2 ** rest;
}
