// Turns a checked constant into the value that a property stores: widths, finiteness, vector length. The checker has
// already made sure that the kinds fit; what remains depends on the value itself.

import { unreachable } from "../../lib/assert.ts";
import { badRequest } from "../../lib/errors.ts";
import type { Value } from "../../query/plan.ts";
import type { Property, PropertyType, ScalarName } from "../../schema/catalog.ts";
import { type BlobIntake, notABlob } from "../blob/index.ts";

type IntegerScalar = "I32" | "I64" | "U32" | "U64";

const INTEGER_RANGES: Readonly<Record<IntegerScalar, { min: bigint; max: bigint; label: string }>> = {
  I32: { min: -(2n ** 31n), max: 2n ** 31n - 1n, label: "Int32" },
  U32: { min: 0n, max: 2n ** 32n - 1n, label: "UInt32" },
  I64: { min: -(2n ** 63n), max: 2n ** 63n - 1n, label: "Int64" },
  U64: { min: 0n, max: 2n ** 64n - 1n, label: "UInt64" },
};

/** Integers of 64 bits are stored as bigint, the others as number. */
export function integerInRange(name: string, scalar: IntegerScalar, value: bigint | number): Value {
  const range = INTEGER_RANGES[scalar];
  if (value < range.min || value > range.max) {
    throw badRequest(`property '${name}' value ${value} exceeds ${range.label} range`);
  }
  return scalar === "I64" || scalar === "U64" ? BigInt(value) : Number(value);
}

/** A finite F64, or a finite F32 after rounding to nearest. */
export function floatInRange(name: string, scalar: "F32" | "F64", value: number): number {
  if (!Number.isFinite(value)) {
    throw badRequest(`property '${name}' must be finite for ${scalar === "F32" ? "Float32" : "Float64"}`);
  }
  if (scalar === "F64") return value;
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) throw badRequest(`property '${name}' value ${value} exceeds Float32 range`);
  return rounded;
}

/** `owner` names the type in messages. Throws bad_request for a value that the property cannot hold. */
export function coerceValue(owner: string, property: Property, value: Value, blobs: BlobIntake): Value {
  const { type, name } = property;
  if (value === null) {
    if (!type.nullable) throw badRequest(`non-nullable property '${name}' of ${owner} cannot be null`);
    return null;
  }
  if (type.list) {
    if (!Array.isArray(value)) throw badRequest(`list property '${name}' expects a JSON array`);
    return value.map((item) => coerceScalar(property, type, item as Value, blobs));
  }
  return coerceScalar(property, type, value, blobs);
}

function coerceScalar(property: Property, type: PropertyType, value: Value, blobs: BlobIntake): Value {
  const { name } = property;
  if (typeof type.scalar === "object") return coerceVector(name, type.scalar.vector, value);
  const scalar: ScalarName = type.scalar;
  switch (scalar) {
    case "I32":
    case "I64":
    case "U32":
    case "U64": {
      if (typeof value === "bigint") return integerInRange(name, scalar, value);
      if (typeof value !== "number" || !Number.isInteger(value)) {
        throw badRequest(`property '${name}' expects an integer, got ${String(value)}`);
      }
      return integerInRange(name, scalar, BigInt(value));
    }
    case "F32":
    case "F64":
      return floatInRange(name, scalar, Number(value));
    case "String":
      return value;
    case "Bool":
    case "Date":
    case "DateTime":
      return value;
    case "Blob":
      if (typeof value !== "string") throw notABlob(name, typeof value);
      return blobs.accept(name, value);
    default:
      return unreachable(scalar);
  }
}

function coerceVector(name: string, width: number, value: Value): Float32Array {
  const items = value instanceof Float32Array || Array.isArray(value) ? value : [];
  if (items.length !== width) {
    throw badRequest(`vector property '${name}' expects ${width} dimensions, got ${items.length}`);
  }
  return Float32Array.from(items as ArrayLike<unknown>, (item) => {
    if (typeof item !== "number" && typeof item !== "bigint") {
      throw badRequest(`vector property '${name}' elements must be numeric`);
    }
    return floatInRange(name, "F32", Number(item));
  });
}
