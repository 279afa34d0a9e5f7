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
import { scanJson } from "../../lib/json-scan.ts";
import type { Catalog, EntityType } from "../../schema/catalog.ts";
import { findEdge } from "../../schema/index.ts";
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

/** The type that an envelope names: a node's to the letter, an edge's in any case; undefined where there is none. */
export function typeOf(catalog: Catalog, { kind, type }: Envelope): EntityType | undefined {
  return kind === "node" ? catalog.nodes.get(type) : (findEdge(catalog, type) ?? undefined);
}

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

function parseLine(text: string, line: number): JsonValue {
  // A shorter line cannot have so many.
  if (text.length >= LINE_SLOTS_MAX) {
    const { slots } = scanJson(text);
    if (slots > LINE_SLOTS_MAX) throw tooLarge("graph_batch_json_structural_slots", LINE_SLOTS_MAX, slots);
  }
  try {
    return parseJsonStrict(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(`invalid strict JSON at line ${line}: ${error.reason} at column ${error.place.column}`);
  }
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
