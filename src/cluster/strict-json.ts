// Strict reading of the JSON files under `__cluster/`: every member known, every type right, or a message that says where.

import { isJsonObject, type JsonObject, type JsonValue, jsonKind, parseJsonStrict } from "../lib/json.ts";
import { tryDecodeUtf8 } from "../lib/utf8.ts";

/** The file is not what it should be; the message names the member. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** The JSON object that a file holds. */
export function parseObject(bytes: Uint8Array): JsonObject {
  const text = tryDecodeUtf8(bytes);
  if (text === null) throw new ShapeError("not UTF-8");
  let value: JsonValue;
  try {
    value = parseJsonStrict(text);
  } catch (thrown) {
    throw new ShapeError(thrown instanceof Error ? thrown.message : String(thrown));
  }
  return asObject(value, "the file");
}

export function asObject(value: JsonValue | undefined, where: string): JsonObject {
  return isJsonObject(value) ? value : mistyped(value, where, "an object");
}

function mistyped(value: JsonValue | undefined, where: string, expected: string): never {
  const found = value === undefined ? "nothing" : jsonKind(value);
  throw new ShapeError(`${where}: expected ${expected}, found ${found}`);
}

/** Refuses members beyond the known ones. */
export function onlyMembers(object: JsonObject, where: string, known: readonly string[]): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new ShapeError(`${where}: unknown field \`${unknown}\`, expected one of ${known.join(", ")}`);
  }
}

const join = (where: string, key: string): string => `${where}.${key}`;

/** Own members only: a file may hold a key named like a method of every object. */
const member = (object: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

export function stringIn(object: JsonObject, key: string, where: string): string {
  const value = member(object, key);
  return typeof value === "string" ? value : mistyped(value, join(where, key), "a string");
}

/** Absent is null. */
export function nullableStringIn(object: JsonObject, key: string, where: string): string | null {
  const value = member(object, key) ?? null;
  return value === null ? null : stringIn(object, key, where);
}

export function integerIn(object: JsonObject, key: string, where: string): number {
  const value = member(object, key);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
    ? value
    : mistyped(value, join(where, key), "a whole number");
}

export function nullableIntegerIn(object: JsonObject, key: string, where: string): number | null {
  const value = member(object, key) ?? null;
  return value === null ? null : integerIn(object, key, where);
}

export function stringsIn(object: JsonObject, key: string, where: string): readonly string[] {
  const value = member(object, key);
  if (!Array.isArray(value)) return mistyped(value, join(where, key), "an array");
  return value.map((item: JsonValue, i) =>
    typeof item === "string" ? item : mistyped(item, `${join(where, key)}[${i}]`, "a string"),
  );
}

/** An absent map is empty. */
export function mapIn<T>(
  object: JsonObject,
  key: string,
  where: string,
  decode: (value: JsonObject, where: string) => T,
): ReadonlyMap<string, T> {
  const value = member(object, key);
  if (value === undefined) return new Map();
  const path = join(where, key);
  return new Map(
    Object.entries(asObject(value, path)).map(([name, item]) => [
      name,
      decode(asObject(item, `${path}.${name}`), `${path}.${name}`),
    ]),
  );
}
