// Property types as text and as JSON, and what they are equal to.

import type { PropertyType, ScalarName } from "./catalog.ts";

/** The JSON form that migration plans carry; all four members are always present. */
export type PropertyTypeJson = {
  readonly scalar: ScalarName | { readonly Vector: number };
  readonly nullable: boolean;
  readonly list: boolean;
  readonly enum_values: readonly string[] | null;
};

export function typeToJson(type: PropertyType): PropertyTypeJson {
  const scalar = typeof type.scalar === "string" ? type.scalar : { Vector: type.scalar.vector };
  return { scalar, nullable: type.nullable, list: type.list, enum_values: type.enumValues };
}

/** As a schema spells it: `I32?`, `[String]`, `enum(a, b)?`, `Vector(3)`. */
export function describeType(type: PropertyType): string {
  return render(type, (values) => `enum(${values.join(", ")})`);
}

/** As the lines of a migration plan spell it: like a schema, with enums as `Enum(a|b)`. */
export function planTypeLabel(type: PropertyType): string {
  return render(type, (values) => `Enum(${values.join("|")})`);
}

function render(type: PropertyType, renderEnum: (values: readonly string[]) => string): string {
  const scalar =
    typeof type.scalar !== "string"
      ? `Vector(${type.scalar.vector})`
      : type.enumValues === null
        ? type.scalar
        : renderEnum(type.enumValues);
  return `${type.list ? `[${scalar}]` : scalar}${type.nullable ? "?" : ""}`;
}

const COLUMN_LABELS: Readonly<Record<ScalarName, string>> = {
  String: "Utf8",
  Bool: "Boolean",
  I32: "Int32",
  I64: "Int64",
  U32: "UInt32",
  U64: "UInt64",
  F32: "Float32",
  F64: "Float64",
  Date: "Date32",
  DateTime: "Date64",
  Blob: "Blob",
};

/** The column type that write errors name: `Int32`, `Utf8`, `List(Utf8)`, `FixedSizeList(Float32, 3)`. */
export function typeLabel(type: PropertyType): string {
  if (typeof type.scalar !== "string") return `FixedSizeList(Float32, ${type.scalar.vector})`;
  const label = COLUMN_LABELS[type.scalar];
  return type.list ? `List(${label})` : label;
}

/** Same scalar, dimension, list-ness, nullability and enum set. */
export function sameType(a: PropertyType, b: PropertyType): boolean {
  return describeType(a) === describeType(b);
}

export const isVector = (type: PropertyType): boolean => typeof type.scalar !== "string";

const NUMERIC: ReadonlySet<unknown> = new Set<ScalarName>(["I32", "I64", "U32", "U64", "F32", "F64"]);

/** A single number: no list, no vector. */
export const isNumeric = (type: PropertyType): boolean => !type.list && NUMERIC.has(type.scalar);

/** A single text, enums included. */
export const isText = (type: PropertyType): boolean => !type.list && type.scalar === "String";
