// Comparison of two values row by row, for the predicates of mutations. Reads have their own, over columns; both
// follow the same rules (null never matches, numbers by value across widths, strings by UTF-8 bytes).

import { unreachable } from "../../lib/assert.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { MutationPredicate, Value } from "../../query/plan.ts";
import type { PropertyType } from "../../schema/catalog.ts";

type Operator = MutationPredicate["operator"];

/** Does `left operator right` hold? A constant beside an F32 property is rounded to 32 bits first. */
export function compareValues(
  operator: Operator,
  left: Value,
  right: Value,
  leftType: PropertyType,
): boolean {
  if (left === null || right === null) return false;
  const order = orderOf(
    left,
    leftType.scalar === "F32" && typeof right === "number" ? Math.fround(right) : right,
  );
  if (order === null) return operator === "!=";
  switch (operator) {
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      return unreachable(operator);
  }
}

/** Negative, zero or positive; null where the two have no order (a NaN). */
function orderOf(left: Value, right: Value): number | null {
  if (typeof left === "string" && typeof right === "string") return compareUtf8(left, right);
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  if (isNumeric(left) && isNumeric(right)) {
    // JavaScript compares bigint with number exactly, by mathematical value.
    if (left < right) return -1;
    if (left > right) return 1;
    // biome-ignore lint/suspicious/noDoubleEquals: `==` is the exact comparison across bigint and number.
    return left == right ? 0 : null;
  }
  return null;
}

function isNumeric(value: Value): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}
