// What can be said of one row without looking at any other: enum sets, @range, @check (spec 01 §10, checks 1).

import type { Value } from "../../query/plan.ts";
import type { Bound, Constraint, EntityType, Property } from "../../schema/catalog.ts";
import { compilePattern } from "../../schema/index.ts";

/** The message of the first violation in a row's values (in the order of the type's properties), or null. */
export type RowCheck = (values: readonly Value[]) => string | null;

/** Compiles the per-row rules of a type once; a type without any gives a check that costs nothing. */
export function rowCheck(type: EntityType): RowCheck {
  const checks = type.properties.flatMap((property, column) => {
    const ofProperty = [
      enumCheck(type, property),
      ...type.constraints.map((c) => ruleCheck(type, property, c)),
    ];
    return ofProperty.filter((check) => check !== null).map((check) => ({ column, check }));
  });
  return (values) => {
    for (const { column, check } of checks) {
      const value = values[column];
      const message = value === null ? null : check(value);
      if (message !== null) return message;
    }
    return null;
  };
}

type ValueCheck = (value: Value) => string | null;

function enumCheck(type: EntityType, property: Property): ValueCheck | null {
  const allowed = property.type.enumValues;
  if (allowed === null) return null;
  const set: ReadonlySet<Value> = new Set(allowed);
  return (value) => {
    const items = Array.isArray(value) ? (value as readonly Value[]) : [value];
    const bad = items.find((item) => !set.has(item));
    return bad === undefined
      ? null
      : `invalid enum value '${String(bad)}' for ${type.name}.${property.name} (expected: ${allowed.join(", ")})`;
  };
}

function ruleCheck(type: EntityType, property: Property, constraint: Constraint): ValueCheck | null {
  const where = `${type.name}.${property.name}`;
  if (constraint.kind === "range" && constraint.property === property.name) {
    return (value) => rangeMessage(where, constraint.min, constraint.max, value);
  }
  if (constraint.kind === "check" && constraint.property === property.name) {
    const pattern = compilePattern(constraint.pattern);
    return (value) =>
      pattern.matches(value as string)
        ? null
        : `@check violation on ${where}: value '${String(value)}' does not match pattern '${constraint.pattern}'`;
  }
  return null;
}

function rangeMessage(where: string, min: Bound | null, max: Bound | null, value: Value): string | null {
  if (typeof value !== "number" && typeof value !== "bigint") return null;
  if (typeof value === "number" && Number.isNaN(value)) return `@range violation on ${where}: value is NaN`;
  // Mixed comparison of bigint and number is exact.
  if (min !== null && value < min.value)
    return `@range violation on ${where}: value ${value} < min ${min.value}`;
  if (max !== null && value > max.value)
    return `@range violation on ${where}: value ${value} > max ${max.value}`;
  return null;
}
