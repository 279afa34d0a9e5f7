// The types of expressions: how they are built, compared and named in messages.

import type { PropertyType, ScalarName } from "../schema/catalog.ts";

/** A required value of one scalar type. */
export function scalarType(scalar: ScalarName): PropertyType {
  return { scalar, list: false, nullable: false, enumValues: null };
}

export function vectorType(width: number): PropertyType {
  return { scalar: { vector: width }, list: false, nullable: false, enumValues: null };
}

export const nullable = (type: PropertyType): PropertyType => ({ ...type, nullable: true });

/** The type of a list's elements. */
export const elementType = (type: PropertyType): PropertyType => ({ ...type, list: false, nullable: false });

const INTEGERS: ReadonlySet<PropertyType["scalar"]> = new Set<ScalarName>(["I32", "I64", "U32", "U64"]);
const FLOATS: ReadonlySet<PropertyType["scalar"]> = new Set<ScalarName>(["F32", "F64"]);

/** The width of a vector type, or null. */
export function vectorWidth(type: PropertyType): number | null {
  return typeof type.scalar === "object" ? type.scalar.vector : null;
}

const hasNumericScalar = (type: PropertyType) => INTEGERS.has(type.scalar) || FLOATS.has(type.scalar);

/** One number, of any of the six numeric types. */
export const isNumeric = (type: PropertyType): boolean => !type.list && hasNumericScalar(type);
export const isInteger = (type: PropertyType): boolean => !type.list && INTEGERS.has(type.scalar);
/** One String or enum value. */
export const isText = (type: PropertyType): boolean => !type.list && type.scalar === "String";
export const isBoolean = (type: PropertyType): boolean => !type.list && type.scalar === "Bool";
/** A Blob or a list of them. */
export const isBlob = (type: PropertyType): boolean => type.scalar === "Blob";
/** Neither a list nor a vector. */
export const isScalar = (type: PropertyType): boolean => !type.list && vectorWidth(type) === null;

/**
 * Whether values of two types can meet in a comparison, an inline match or an assignment: the same list-ness, and the
 * same scalar or both numeric. Nullability and enum sets do not matter; vectors need one width.
 */
export function compatible(a: PropertyType, b: PropertyType): boolean {
  if (a.list !== b.list) return false;
  const width = vectorWidth(a);
  if (width !== null) return width === vectorWidth(b);
  return a.scalar === b.scalar || (hasNumericScalar(a) && hasNumericScalar(b));
}

/** A type as a schema writes it: `I32?`, `[String]`, `enum(a, b)?`, `Vector(3)`. */
export function typeText(type: PropertyType): string {
  const scalar =
    typeof type.scalar === "object"
      ? `Vector(${type.scalar.vector})`
      : type.enumValues === null
        ? type.scalar
        : `enum(${type.enumValues.join(", ")})`;
  return (type.list ? `[${scalar}]` : scalar) + (type.nullable ? "?" : "");
}

/** Where a text meets a date: how a date is written. Else the empty text. */
export function temporalHint(a: PropertyType, b: PropertyType): string {
  const isTemporal = ({ scalar }: PropertyType) => scalar === "Date" || scalar === "DateTime";
  const mixed = (isTemporal(a) && b.scalar === "String") || (a.scalar === "String" && isTemporal(b));
  return mixed ? '; a date is written date("…"), a time datetime("…")' : "";
}
