// A JSON value of a load -> the value a property stores. The strict reader refuses the wrong JSON type, nullable or not;
// the permissive one reads it as null. Numbers out of range, bad dates, vectors and lists are refused by both.

import { unreachable } from "../../lib/assert.ts";
import { badRequest } from "../../lib/errors.ts";
import { type JsonValue, jsonKind, jsonNumber, stringifyJson } from "../../lib/json.ts";
import { parseDate, parseDateTime } from "../../lib/temporal.ts";
import type { Value } from "../../query/plan.ts";
import type { Property, PropertyType, ScalarName } from "../../schema/catalog.ts";
import { typeLabel } from "../../schema/index.ts";
import { type BlobIntake, notABlob } from "../blob/index.ts";
import type { LoadReader } from "../graph.ts";
import { floatInRange, integerInRange } from "../write/coerce.ts";

/** Reads a present, non-null JSON value. Throws bad_request naming the property; null where nothing can be made of it. */
export type ValueReader = (value: JsonValue) => Value;

/** What makes the value of a Blob cell out of its text. */
type BlobTaker = Pick<BlobIntake, "accept">;

/** Says what becomes of a value of the wrong JSON type. */
type Mismatch = (value: JsonValue) => null;

const DAYS_MAX = 2 ** 31 - 1;
const DAYS_MIN = -(2 ** 31);

export function valueReader(property: Property, reader: LoadReader, blobs: BlobTaker): ValueReader {
  const { name, type } = property;
  if (typeof type.scalar === "object") return vectorReader(name, type.scalar.vector);
  if (type.list) return listReader(name, type, reader, blobs);
  return scalarReader(name, type.scalar, blobs, (value) => {
    if (reader === "permissive") return null;
    const label = typeLabel(type);
    throw badRequest(`strict property '${name}' expects ${label}, got ${stringifyJson(value)}`);
  });
}

/** An item that is null or of the wrong JSON type is refused by both readers. */
function listReader(name: string, type: PropertyType, reader: LoadReader, blobs: BlobTaker): ValueReader {
  const badItem: Mismatch = () => {
    const what = reader === "strict" ? "strict list property" : "list property";
    throw badRequest(`${what} '${name}' contains a null or invalid item`);
  };
  const item = scalarReader(name, type.scalar as ScalarName, blobs, badItem);
  return (value) => {
    if (!Array.isArray(value)) throw badRequest(`list property '${name}' expects a JSON array`);
    return value.map((entry: JsonValue) => (entry === null ? badItem(entry) : item(entry)));
  };
}

/** Text of the error for a required property that is missing or null. */
export function missingValueMessage(property: Property): string {
  const { scalar } = property.type;
  const kind = typeof scalar === "object" ? "vector " : scalar === "Blob" ? "blob " : "";
  return `non-nullable ${kind}property '${property.name}' has null or invalid values`;
}

function scalarReader(name: string, scalar: ScalarName, blobs: BlobTaker, wrong: Mismatch): ValueReader {
  switch (scalar) {
    case "String":
      return (value) => {
        if (typeof value !== "string") return wrong(value);
        return value;
      };
    case "Bool":
      return (value) => {
        if (typeof value !== "boolean") return wrong(value);
        return value;
      };
    case "I32":
    case "I64":
    case "U32":
    case "U64":
      return (value) => {
        if (typeof value === "bigint") return integerInRange(name, scalar, value);
        if (typeof value !== "number" || !Number.isInteger(value)) return wrong(value);
        return integerInRange(name, scalar, value);
      };
    case "F32":
    case "F64":
      return (value) => {
        const number = jsonNumber(value);
        if (number === null) return wrong(value);
        return floatInRange(name, scalar, number);
      };
    case "Date":
      return (value) => {
        if (typeof value === "string") {
          const days = parseDate(value);
          if (days === null) throw badRequest(`property '${name}': invalid Date literal '${value}'`);
          return days;
        }
        if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))) {
          if (value < DAYS_MIN || value > DAYS_MAX) {
            throw badRequest(`property '${name}': Date value out of range: ${value}`);
          }
          return Number(value);
        }
        return wrong(value);
      };
    case "DateTime":
      return (value) => {
        if (typeof value === "string") {
          const ms = parseDateTime(value);
          if (ms === null) throw badRequest(`property '${name}': invalid DateTime literal '${value}'`);
          return ms;
        }
        if (typeof value === "number" && Number.isInteger(value)) return value;
        if (typeof value === "bigint") {
          throw badRequest(`property '${name}': DateTime value out of range: ${value}`);
        }
        return wrong(value);
      };
    case "Blob":
      return (value) => {
        if (typeof value !== "string") throw notABlob(name, jsonKind(value));
        return blobs.accept(name, value);
      };
    default:
      return unreachable(scalar);
  }
}

function vectorReader(name: string, width: number): ValueReader {
  return (value) => {
    if (!Array.isArray(value))
      throw badRequest(`vector property '${name}' expects a JSON array of ${width} numbers`);
    if (value.length !== width) {
      throw badRequest(`vector property '${name}' expects ${width} dimensions, got ${value.length}`);
    }
    const vector = new Float32Array(width);
    for (let i = 0; i < width; i++) {
      const number = jsonNumber(value[i] as JsonValue);
      if (number === null) throw badRequest(`vector property '${name}' elements must be numeric`);
      vector[i] = floatInRange(name, "F32", number);
    }
    return vector;
  };
}
