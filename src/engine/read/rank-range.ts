// Which ranks of a column a comparison lets through: what zones and indexes are asked. A range may hold more than the
// comparison does, never less.

import { hashRank, type RankRange, textRank } from "../../index/index.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import type { Value } from "../../query/plan.ts";
import type { Column } from "../../store/index.ts";
import { type FieldOperator, itemsOf } from "./compare.ts";
import type { Comparison } from "./comparison.ts";
import { doublesWhere, integersWhere } from "./interval.ts";

const EVERYTHING = { least: Number.NEGATIVE_INFINITY, greatest: Number.POSITIVE_INFINITY };
const NOTHING: RankRange = { least: Number.POSITIVE_INFINITY, greatest: Number.NEGATIVE_INFINITY };

/** The ranks in the order of values; null where a comparison leaves no bounds. */
export function orderRange(column: Column, { operator, constant }: Comparison): RankRange | null {
  if (constant === null) return NOTHING;
  if (operator !== "in") return scalarRange(column, operator, constant);
  const ranges = itemsOf(constant).map((item) => scalarRange(column, "=", item));
  let { least, greatest } = NOTHING;
  for (const range of ranges) {
    if (range === null) return null;
    least = Math.min(least, range.least);
    greatest = Math.max(greatest, range.greatest);
  }
  return { least, greatest };
}

function scalarRange(
  column: Column,
  operator: Exclude<FieldOperator, "in">,
  constant: Value,
): RankRange | null {
  switch (column.kind) {
    case "i32":
    case "u32":
    case "f32":
    case "f64":
    case "date": {
      const interval = doublesWhere(operator, constant);
      return interval === null ? null : bounds(interval.least, interval.greatest, interval.outside);
    }
    case "i64":
    case "u64":
    case "datetime": {
      const interval = integersWhere(operator, constant);
      // Rounding keeps the order, so that what lies within the interval lies within its rounded ends.
      return interval === null
        ? null
        : bounds(Number(interval.least), Number(interval.greatest), interval.outside);
    }
    case "bool":
      return operator === "=" && typeof constant === "boolean"
        ? { least: Number(constant), greatest: Number(constant) }
        : null;
    case "utf8":
      return typeof constant === "string" ? textRange(operator, encodeUtf8(constant)) : null;
    default:
      return null;
  }
}

/** All but a stretch is as good as everything, unless the stretch is everything itself. */
function bounds(least: number, greatest: number, isOutside: boolean): RankRange | null {
  if (!isOutside) return { least, greatest };
  return least < greatest ? NOTHING : null;
}

function textRange(operator: Exclude<FieldOperator, "in">, text: Uint8Array): RankRange | null {
  const rank = textRank(text, 0);
  switch (operator) {
    case "=":
      return { least: rank, greatest: rank };
    case "<":
    case "<=":
      return { ...EVERYTHING, greatest: rank };
    case ">":
    case ">=":
      return { ...EVERYTHING, least: rank };
    case "starts_with":
      return { least: rank, greatest: textRank(text, 255) };
    default:
      return null;
  }
}

/** The ranks under which an index of the column finds what a comparison seeks; null where an index does not help. */
export function valueRanges(column: Column, { operator, constant }: Comparison): RankRange[] | null {
  if (constant === null) return [];
  if (operator === "in") {
    const ranges = itemsOf(constant).map((item) => valueRange(column, "=", item));
    return ranges.every((range) => range !== null) ? distinct(ranges) : null;
  }
  const range = valueRange(column, operator, constant);
  return range === null ? null : [range];
}

function valueRange(
  column: Column,
  operator: Exclude<FieldOperator, "in">,
  constant: Value,
): RankRange | null {
  if (column.kind === "bool") return null;
  if (column.kind !== "utf8") return scalarRange(column, operator, constant);
  if (operator !== "=" || typeof constant !== "string") return null;
  const bytes = encodeUtf8(constant);
  const hash = hashRank(bytes, 0, bytes.length);
  return { least: hash, greatest: hash };
}

/** Each range once; those of single values do not overlap otherwise. */
function distinct(ranges: readonly RankRange[]): RankRange[] {
  return [...new Map(ranges.map((range) => [range.least, range])).values()];
}
