// A comparison with a constant as an interval: which doubles, or which 64-bit integers, it lets through. One loop then
// serves all operators, and numbers of different kinds compare exactly.

import type { ComparisonOperator, Value } from "../../query/plan.ts";

/** Values from `least` to `greatest`, both included; `outside`: all others instead. */
export interface Interval<T> {
  readonly least: T;
  readonly greatest: T;
  readonly outside: boolean;
}

const DOUBLE = new Float64Array(1);
const BITS = new BigInt64Array(DOUBLE.buffer);

/** The least double above one; infinity stays. */
export function nextUp(value: number): number {
  if (value === Number.POSITIVE_INFINITY) return value;
  // Both zeroes have the same neighbours.
  DOUBLE[0] = value === 0 ? 0 : value;
  BITS[0] += DOUBLE[0] >= 0 ? 1n : -1n;
  return DOUBLE[0];
}

const nextDown = (value: number): number => -nextUp(-value);

const EVERY: Interval<number> = {
  least: Number.NEGATIVE_INFINITY,
  greatest: Number.POSITIVE_INFINITY,
  outside: false,
};
const NONE: Interval<number> = { ...EVERY, outside: true };

/** The doubles for which `double operator constant` holds; null where the constant is no number. */
export function doublesWhere(operator: ComparisonOperator, constant: Value): Interval<number> | null {
  if (typeof constant !== "number" && typeof constant !== "bigint") return null;
  // The nearest double; a comparison of the two tells on which side of the constant it lies.
  const near = Number(constant);
  const isEqual = !(near < constant) && !(near > constant);
  switch (operator) {
    case "=":
      return isEqual ? { least: near, greatest: near, outside: false } : NONE;
    case "!=":
      return isEqual ? { least: near, greatest: near, outside: true } : EVERY;
    case ">":
      return { ...EVERY, least: near > constant ? near : nextUp(near) };
    case ">=":
      return { ...EVERY, least: near >= constant ? near : nextUp(near) };
    case "<":
      return { ...EVERY, greatest: near < constant ? near : nextDown(near) };
    case "<=":
      return { ...EVERY, greatest: near <= constant ? near : nextDown(near) };
    default:
      return null;
  }
}

/** Beyond what 64 bits hold, signed or not. */
const LEAST_OF_ALL = -(2n ** 64n);
const GREATEST_OF_ALL = 2n ** 64n;

const ALL: Interval<bigint> = { least: LEAST_OF_ALL, greatest: GREATEST_OF_ALL, outside: false };

/** The integers for which `integer operator constant` holds; null where the constant is no number. */
export function integersWhere(operator: ComparisonOperator, constant: Value): Interval<bigint> | null {
  if (typeof constant !== "number" && typeof constant !== "bigint") return null;
  const below = floorOf(constant);
  const isInteger = !(below < constant) && !(below > constant);
  switch (operator) {
    case "=":
      return isInteger ? { least: below, greatest: below, outside: false } : { ...ALL, outside: true };
    case "!=":
      return isInteger ? { least: below, greatest: below, outside: true } : ALL;
    case ">":
      return { ...ALL, least: below + 1n };
    case ">=":
      return { ...ALL, least: isInteger ? below : below + 1n };
    case "<":
      return { ...ALL, greatest: isInteger ? below - 1n : below };
    case "<=":
      return { ...ALL, greatest: below };
    default:
      return null;
  }
}

function floorOf(value: number | bigint): bigint {
  if (typeof value === "bigint") return value;
  if (Number.isFinite(value)) return BigInt(Math.floor(value));
  return value > 0 ? GREATEST_OF_ALL : LEAST_OF_ALL;
}
