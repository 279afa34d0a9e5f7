// Values as the texts and the JSON that requests carry.

import type { JsonValue } from "../../src/lib/json.ts";
import { formatDate, formatDateTime } from "../../src/lib/temporal.ts";
import type { Value } from "../../src/query/plan.ts";
import type { PropertyType } from "../../src/schema/catalog.ts";

/** A value as a literal of the language. */
export function literal(value: Value, type: PropertyType): string {
  if (isList(value)) return `[${value.map((item) => literal(item, { ...type, list: false })).join(", ")}]`;
  if (value instanceof Float32Array) return `[${Array.from(value, (item) => item.toFixed(1)).join(", ")}]`;
  if (type.scalar === "Date") return `date("${formatDate(value as number)}")`;
  if (type.scalar === "DateTime") return `datetime("${formatDateTime(value as number)}")`;
  if (typeof value === "string") {
    const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `"${escaped}"`;
  }
  return String(value);
}

/** A value as JSON carries it. */
export function jsonOf(value: Value, type: PropertyType): JsonValue {
  if (value === null) return null;
  if (value instanceof Float32Array) return [...value];
  if (isList(value)) return value.map((item) => jsonOf(item, { ...type, list: false }));
  if (type.scalar === "Date") return formatDate(value as number);
  if (type.scalar === "DateTime") return formatDateTime(value as number);
  return value;
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
