// One line of a strict graph batch: JSON without duplicate members, exactly one node or edge envelope (spec 03 §8.2, §8.3).

import { badRequest, tooLarge } from "../../lib/errors.ts";
import {
  isJsonObject,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  jsonKind,
  parseJsonStrict,
} from "../../lib/json.ts";
import { LINE_SLOTS_MAX } from "./limits.ts";

export type Envelope =
  | { readonly kind: "node"; readonly type: string; readonly data: JsonObject }
  | {
      readonly kind: "edge";
      readonly type: string;
      readonly from: string;
      readonly to: string;
      readonly data: JsonObject;
    };

const RESERVED = new Set([
  "_tombstone",
  "_rowid",
  "_rowaddr",
  "_rowoffset",
  "_row_created_at_version",
  "_row_last_updated_at_version",
]);
const NODE_MEMBERS = new Set(["type", "data"]);
const EDGE_MEMBERS = new Set(["edge", "from", "to", "data"]);
const NO_DATA: JsonObject = {};

/** Throws bad_request naming the line. */
export function parseEnvelope(text: string, line: number): Envelope {
  const record = parseLine(text, line);
  if (!isJsonObject(record)) throw badRequest(`line ${line}: graph batch record must be one JSON object`);
  for (const key in record) refuseReserved(key, line);
  const isNode = record.type !== undefined;
  if (isNode === (record.edge !== undefined)) {
    throw badRequest(`line ${line}: graph batch record must contain exactly one of 'type' or 'edge'`);
  }
  const members = isNode ? NODE_MEMBERS : EDGE_MEMBERS;
  for (const key in record) {
    if (!members.has(key)) throw badRequest(`line ${line}: unknown top-level graph batch field '${key}'`);
  }
  if (isNode) {
    return { kind: "node", type: textMember(record, "type", line), data: dataMember(record, line) };
  }
  const envelope = {
    kind: "edge" as const,
    type: textMember(record, "edge", line),
    from: textMember(record, "from", line),
    to: textMember(record, "to", line),
    data: dataMember(record, line),
  };
  for (const key of ["src", "dst"]) {
    if (envelope.data[key] !== undefined) {
      throw badRequest(`line ${line}: edge data field '${key}' is reserved structural state`);
    }
  }
  return envelope;
}

/**
 * JSON.parse hides duplicate members, rounds long integers, takes `3.0` for an integer and half of a surrogate pair for
 * text. A scan of the line finds out whether any of it can be the case (as many colons as members: no duplicates); only then the exact parser reads it.
 */
function parseLine(text: string, line: number): JsonValue {
  const { colons, slots, longDigits, decimals } = scan(text);
  if (slots > LINE_SLOTS_MAX) throw tooLarge("graph_batch_json_structural_slots", LINE_SLOTS_MAX, slots);
  if (!longDigits && !(decimals && WHOLE_DECIMAL.test(text)) && !SURROGATE.test(text)) {
    try {
      const value = JSON.parse(text) as JsonValue;
      if (members(value) === colons) return value;
    } catch {
      // The exact parser finds the place and says what is wrong.
    }
  }
  try {
    return parseJsonStrict(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(`invalid strict JSON at line ${line}: ${error.reason} at column ${error.place.column}`);
  }
}

interface Scan {
  readonly colons: number;
  readonly slots: number;
  /** A run of digits that a double may not hold. */
  readonly longDigits: boolean;
  /** A fraction or an exponent. */
  readonly decimals: boolean;
}

/** May match inside a string, which only costs time. */
const WHOLE_DECIMAL = /\d\.0*[,\]}\s]|\d[eE]/;

/** The escape of one half of a surrogate pair. */
const SURROGATE = /\\u[dD]/;

const DIGITS_EXACT = 15;

function scan(text: string): Scan {
  let colons = 0;
  let slots = 1;
  let digits = 0;
  let longDigits = false;
  let decimals = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) {
      if (++digits > DIGITS_EXACT) longDigits = true;
      continue;
    }
    if (digits > 0 && (code === 0x2e || code === 0x65 || code === 0x45)) decimals = true;
    digits = 0;
    if (code === 0x22) {
      i = endOfString(text, i);
    } else if (code === 0x3a) {
      colons++;
      slots++;
    } else if (code === 0x2c || code === 0x7b || code === 0x7d || code === 0x5b || code === 0x5d) {
      slots++;
    }
  }
  return { colons, slots, longDigits, decimals };
}

/** Index of the quote that ends the string which starts at `open`, or the end of the text. */
function endOfString(text: string, open: number): number {
  let quote = open;
  for (;;) {
    quote = text.indexOf('"', quote + 1);
    if (quote === -1) return text.length;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote;
  }
}

function members(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += members(item);
    return count;
  }
  const object = value as JsonObject;
  for (const key in object) count += 1 + members(object[key]);
  return count;
}

function textMember(record: JsonObject, name: string, line: number): string {
  const value = record[name];
  if (value === undefined) throw badRequest(`line ${line}: graph batch record requires field '${name}'`);
  if (typeof value !== "string") {
    throw badRequest(`line ${line}: graph batch field '${name}' must be a string, got ${jsonKind(value)}`);
  }
  return value;
}

function dataMember(record: JsonObject, line: number): JsonObject {
  const data = record.data;
  if (data === undefined) return NO_DATA;
  if (!isJsonObject(data)) {
    throw badRequest(`line ${line}: graph batch field 'data' must be an object, got ${jsonKind(data)}`);
  }
  for (const key in data) refuseReserved(key, line);
  return data;
}

function refuseReserved(key: string, line: number): void {
  if (key.charCodeAt(0) === 0x5f && RESERVED.has(key)) {
    throw badRequest(`line ${line}: field '${key}' is reserved physical state`);
  }
}
