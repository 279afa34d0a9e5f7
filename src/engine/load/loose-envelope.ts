// One record of the permissive reader: members that it does not know are passed over (spec 03 §9).

import { badRequest } from "../../lib/errors.ts";
import {
  isJsonObject,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  jsonKind,
  parseJsonExact,
} from "../../lib/json.ts";
import type { Envelope } from "./envelope.ts";

/** Throws bad_request naming the record. A string `type` makes a node, even beside `edge`. */
export function parseLooseEnvelope(text: string, record: number): Envelope {
  const value = parseRecord(text, record);
  if (isJsonObject(value)) {
    const { type, edge } = value;
    if (typeof type === "string") return { kind: "node", type, data: dataOf(value, record) };
    if (typeof edge === "string") {
      const from = endOf(value, "from", record);
      const to = endOf(value, "to", record);
      return { kind: "edge", type: edge, from, to, data: dataOf(value, record) };
    }
  }
  throw badRequest(`record ${record}: expected 'type' or 'edge' field`);
}

function parseRecord(text: string, record: number): JsonValue {
  try {
    return parseJsonExact(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(`invalid JSON at record ${record}: ${error.message} of the record`);
  }
}

function endOf(value: JsonObject, name: "from" | "to", record: number): string {
  const end = value[name];
  if (typeof end !== "string") throw badRequest(`record ${record}: edge missing '${name}'`);
  return end;
}

function dataOf({ data }: JsonObject, record: number): JsonObject {
  if (data === undefined) return {};
  if (!isJsonObject(data)) {
    throw badRequest(`record ${record}: field 'data' must be an object, got ${jsonKind(data)}`);
  }
  return data;
}
