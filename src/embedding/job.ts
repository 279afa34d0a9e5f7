// What an offline run embeds: which property of which type from which others, and which records of a file.

import { badRequest } from "../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, jsonKind, stringifyJson } from "../lib/json.ts";

/** Which property takes the vector of which others' text. */
export interface TypeJob {
  readonly target: string;
  readonly fields: readonly string[];
}

export interface EmbedJob {
  readonly dimension: number;
  readonly types: ReadonlyMap<string, TypeJob>;
}

/** Reads `{dimension, types: {T: {target, fields}}}`; keys that are not known do not matter. */
export function readJob(value: JsonValue): EmbedJob {
  const { dimension, types } = objectAt(value, "the embedding spec");
  if (typeof dimension !== "number" || !Number.isSafeInteger(dimension) || dimension <= 0) {
    throw badRequest("the embedding spec: dimension must be a positive integer");
  }
  const jobs = Object.entries(objectAt(types, "the embedding spec: types")).map(
    ([type, job]): [string, TypeJob] => {
      const where = `the embedding spec: types.${type}`;
      const { target, fields } = objectAt(job, where);
      if (typeof target !== "string" || target === "")
        throw badRequest(`${where}.target must be a property's name`);
      const names: readonly JsonValue[] = Array.isArray(fields) ? fields : [null];
      if (!names.every((name) => typeof name === "string")) {
        throw badRequest(`${where}.fields must be a list of properties' names`);
      }
      return [type, { target, fields: names }];
    },
  );
  return { dimension, types: new Map(jobs) };
}

function objectAt(value: JsonValue | undefined, where: string): JsonObject {
  if (value !== undefined && isJsonObject(value)) return value;
  throw badRequest(`${where} must be an object, got ${value === undefined ? "nothing" : jsonKind(value)}`);
}

/** Chooses the records whose field has a value; of any type where it names none. */
export interface Selector {
  readonly type: string;
  readonly field: string;
  readonly value: string;
}

/** Reads `field=value` or `Type:field=value`. */
export function readSelector(text: string): Selector {
  const equals = text.indexOf("=");
  if (equals === -1) throw badRequest("selector must be field=value or Type:field=value");
  const left = text.slice(0, equals);
  const colon = left.indexOf(":");
  const field = left.slice(colon + 1).trim();
  if (field === "") throw badRequest("selector field cannot be empty");
  return { type: left.slice(0, Math.max(colon, 0)).trim(), field, value: text.slice(equals + 1).trim() };
}

export type EmbedMode = "fill_missing" | "reembed_selected" | "reembed_all" | "clean";

/** Which of the entities are meant; all of them where nothing is said. */
export interface Selection {
  readonly types: readonly string[];
  readonly selectors: readonly Selector[];
}

export function isSelected({ types, selectors }: Selection, type: string, data: JsonObject): boolean {
  if (types.length > 0 && !types.includes(type)) return false;
  if (selectors.length === 0) return true;
  return selectors.some((selector) => {
    if (selector.type !== "" && selector.type !== type) return false;
    const value = data[selector.field];
    return value !== undefined && rendered(value) === selector.value;
  });
}

/** The text that stands for a record. */
export function textOf(type: string, { fields }: TypeJob, data: JsonObject): string {
  const lines = fields.flatMap((field) => {
    const text = rendered(data[field] ?? null);
    return text === "" ? [] : [`${field}: ${text}`];
  });
  return [`type: ${type}`, ...lines].join("\n");
}

function rendered(value: JsonValue): string {
  if (value === null) return "";
  if (typeof value === "string") return value.trim();
  if (!Array.isArray(value)) return stringifyJson(value);
  const items: readonly JsonValue[] = value;
  return items
    .map(rendered)
    .filter((item) => item !== "")
    .join(", ");
}
