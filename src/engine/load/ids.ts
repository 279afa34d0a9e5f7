// The id that a record gives its entity: from its key, from `data.id`, or none, and then one is made (spec 01 §9).

import { badRequest } from "../../lib/errors.ts";
import { JsonSyntaxError, type JsonValue, parseJson } from "../../lib/json.ts";
import { parseDate, parseDateTime } from "../../lib/temporal.ts";
import type { Value } from "../../query/plan.ts";
import type { EntityType, NodeType, Property } from "../../schema/catalog.ts";
import { canonicalKeyText, type KeyValue, nodeIdFromKey } from "../../schema/index.ts";
import type { LoadReader } from "../graph.ts";
import type { Respelled } from "./respelled.ts";

export type KeyedType = NodeType & { readonly key: readonly Property[] };

/** True for types whose ids are derived. */
export function isKeyed(type: EntityType): type is KeyedType {
  return type.kind === "node" && type.key !== null;
}

/** Answers the id, or null where one has to be made. `given` is `data.id`, undefined where it is left out. */
export type IdReader = (given: JsonValue | undefined, values: readonly Value[]) => string | null;

/** `respelled` hears of ids that a permissive load spells in its own way. */
export function idReader(type: EntityType, reader: LoadReader, respelled: Respelled): IdReader {
  const own = isKeyed(type)
    ? derivedId(type, reader, respelled)
    : (given: string | undefined) => given ?? null;
  return (given, values) => {
    if (given === undefined || typeof given === "string") return own(given, values);
    if (reader === "strict") throw badRequest("field 'id' must be a string");
    if (type.kind === "node") throw badRequest("explicit id must be a string");
    return null;
  };
}

function derivedId(type: KeyedType, reader: LoadReader, respelled: Respelled) {
  const columns = type.key.map((property) => type.properties.indexOf(property));
  return (given: string | undefined, values: readonly Value[]): string => {
    // Key properties are required, so each has a scalar value by now.
    const key = columns.map((column) => values[column] as KeyValue);
    const id = nodeIdFromKey(type, key);
    if (given === undefined || given === id) return id;
    if (reader === "strict") {
      throw badRequest(
        `node ${type.name} explicit id '${given}' does not match its canonical @key id '${id}'`,
      );
    }
    if (!spells(type, given, key)) throw badRequest(mismatchMessage(type, given, id));
    respelled.note(type, given, id);
    return id;
  };
}

function mismatchMessage(type: KeyedType, given: string, id: string): string {
  const names = type.key.map(({ name }) => name);
  const properties = names.length === 1 ? `property '${names[0]}'` : `properties (${names.join(", ")})`;
  return `node ${type.name} explicit id '${given}' does not match @key ${properties} canonical value '${id}'`;
}

/** Does a text name this key: the whole tuple, or one component of it, however each is spelled? */
function spells({ key }: KeyedType, text: string, values: readonly KeyValue[]): boolean {
  if (key.some((property, i) => spellsValue(property, text, values[i]))) return true;
  const parts = key.length > 1 ? stringsOf(text) : null;
  if (parts === null || parts.length !== key.length) return false;
  return key.every((property, i) => spellsValue(property, parts[i], values[i]));
}

function stringsOf(text: string): readonly string[] | null {
  try {
    const array = parseJson(text);
    const isStrings = Array.isArray(array) && array.every((part) => typeof part === "string");
    return isStrings ? (array as readonly string[]) : null;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return null;
    throw error;
  }
}

function spellsValue({ type }: Property, text: string, value: KeyValue): boolean {
  const read = readSpelling(type.scalar, text);
  if (read === null) return false;
  const stored = type.scalar === "F32" && typeof read === "number" ? Math.fround(read) : read;
  if (typeof stored === "number" && !Number.isFinite(stored)) return false;
  return canonicalKeyText(stored, type) === canonicalKeyText(value, type);
}

const INTEGER = /^-?\d+$/;
const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A text as a value of a key's type; null where it is none. */
function readSpelling(scalar: Property["type"]["scalar"], text: string): KeyValue | null {
  switch (scalar) {
    case "I32":
    case "I64":
    case "U32":
    case "U64":
      return INTEGER.test(text) ? BigInt(text) : null;
    case "F32":
    case "F64":
      return DECIMAL.test(text) ? Number(text) : null;
    case "Date":
      return parseDate(text) ?? (INTEGER.test(text) ? Number(text) : null);
    case "DateTime":
      return parseDateTime(text) ?? (INTEGER.test(text) ? Number(text) : null);
    case "Bool":
      return text === "true" ? true : text === "false" ? false : null;
    default:
      return text;
  }
}
