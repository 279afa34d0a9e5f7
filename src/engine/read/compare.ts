// The meaning of the comparison operators on values (spec 02 §7.3), one pair at a time.

import { compareUtf8 } from "../../lib/utf8.ts";
import type { ComparisonOperator, Value } from "../../query/plan.ts";

/**
 * Numbers by value (bigint and number mix exactly), strings by UTF-8 bytes, false before true; lists and vectors, which
 * only ties between groups are decided by, element by element. Both are of one kind.
 */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === "string" && typeof b === "string") return compareUtf8(a, b);
  if (isOrdered(a) && isOrdered(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (isSequence(a) && isSequence(b)) return compareSequences(a, b);
  throw new Error("invariant broken: values without an order were compared");
}

function isOrdered(value: Value): value is number | bigint | boolean {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
}

const isSequence = (value: Value): value is readonly Value[] | Float32Array =>
  Array.isArray(value) || value instanceof Float32Array;

/** By the first elements that differ, null before all others; what ends first comes first. */
function compareSequences(a: readonly Value[] | Float32Array, b: readonly Value[] | Float32Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    const order = x === null || y === null ? Number(x !== null) - Number(y !== null) : compareValues(x, y);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

export function equalValues(a: Value, b: Value): boolean {
  if (a instanceof Float32Array || b instanceof Float32Array) return equalVectors(a, b);
  return compareValues(a, b) === 0;
}

function equalVectors(a: Value, b: Value): boolean {
  const left = vectorOf(a);
  const right = vectorOf(b);
  if (left === null || right === null || left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** A vector, also where it was written as a list of numbers. */
export function vectorOf(value: Value): Float32Array | null {
  if (value instanceof Float32Array) return value;
  return Array.isArray(value) ? Float32Array.from(value, Number) : null;
}

/** Operators of filters, and `in`: the constant is a list of the values sought. */
export type FieldOperator = ComparisonOperator | "in";

/** The values that a list holds; a null in it is never met. */
export const itemsOf = (list: Value): readonly Value[] =>
  isList(list) ? list.filter((item) => item !== null) : [];

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** Null on either side is never a match. */
export function holds(left: Value, operator: ComparisonOperator, right: Value): boolean {
  if (left === null || right === null) return false;
  switch (operator) {
    case "=":
      return equalValues(left, right);
    case "!=":
      return !equalValues(left, right);
    case "<":
      return compareValues(left, right) < 0;
    case "<=":
      return compareValues(left, right) <= 0;
    case ">":
      return compareValues(left, right) > 0;
    case ">=":
      return compareValues(left, right) >= 0;
    case "contains":
      if (isList(left)) return left.some((item) => item !== null && equalValues(item, right));
      return String(left).includes(String(right));
    case "starts_with":
      return String(left).startsWith(String(right));
  }
}

/** A constant as it meets an F32 property: rounded to 32 bits, so that 0.1 finds a stored 0.1. */
export function narrowed(value: Value): Value {
  if (typeof value === "number") return Math.fround(value);
  if (typeof value === "bigint") return Math.fround(Number(value));
  return isList(value) ? value.map(narrowed) : value;
}

/** Equal numbers of different kinds as one map key: a bigint wherever a double is not exact. */
export function hashable(value: Value): Value {
  if (typeof value === "bigint") {
    const narrow = Number(value);
    return Number.isSafeInteger(narrow) ? narrow : value;
  }
  return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)
    ? BigInt(value)
    : value;
}

/** Tests values against a constant; a long list of values sought costs no more than a short one. */
export function valueTest(operator: FieldOperator, constant: Value): (value: Value) => boolean {
  if (operator !== "in") return (value) => holds(value, operator, constant);
  const sought = new Set(itemsOf(constant).map(hashable));
  return (value) => value !== null && sought.has(hashable(value));
}
