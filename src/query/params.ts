// `params` of a request: JSON -> values of the declared types, or `param '<name>': …` before anything runs.

import { badRequest, type OmnigraphError } from "../lib/errors.ts";
import { isJsonObject, type JsonValue, jsonKind, jsonNumber } from "../lib/json.ts";
import { parseDate, parseDateTime } from "../lib/temporal.ts";
import type { PropertyType, ScalarName } from "../schema/catalog.ts";
import { parseDigits } from "./digits.ts";
import { I32_MAX, I32_MIN, I64_MAX, I64_MIN, U32_MAX, U64_MAX } from "./limits.ts";
import type { ParameterInfo, Parameters, Value } from "./plan.ts";
import { elementType, typeText, vectorWidth } from "./types.ts";

/**
 * Decodes the JSON of a request against declared parameters; absent and `null` count as `{}`. Undeclared members are
 * ignored unless they hold an object.
 */
export function decodeParams(parameters: readonly ParameterInfo[], json: JsonValue | undefined): Parameters {
  const given = json ?? {};
  if (!isJsonObject(given)) throw badRequest("params must be a JSON object");
  const values = new Map<string, Value>();
  for (const parameter of parameters) {
    values.set(
      parameter.name,
      decodeParameter(parameter, Object.hasOwn(given, parameter.name) ? given[parameter.name] : undefined),
    );
  }
  for (const name in given) {
    if (!values.has(name) && holdsObject(given[name])) throw refused(name, "object is not supported");
  }
  return values;
}

function decodeParameter({ name, type }: ParameterInfo, json: JsonValue | undefined): Value {
  if (json === undefined) {
    if (type.nullable) return null;
    throw badRequest(`parameter '${name}' not provided`);
  }
  if (json === null) {
    if (type.nullable) return null;
    throw refused(name, "null is not accepted for non-nullable parameter");
  }
  const refuse: Refuse = (reason) => refused(name, reason);
  if (!type.list) return decodeOne(type, json, refuse);
  if (!Array.isArray(json)) {
    throw refuse(`expected array for ${typeText({ ...type, nullable: false })}`);
  }
  const element = elementType(type);
  return json.map((item) => decodeOne(element, item, refuse));
}

type Refuse = (reason: string) => OmnigraphError;

const refused = (name: string, reason: string) => badRequest(`param '${name}': ${reason}`);

/** Without recursion: nothing bounds how deep undeclared arrays nest. */
function holdsObject(json: JsonValue): boolean {
  const rest: JsonValue[] = [json];
  for (let value = rest.pop(); value !== undefined; value = rest.pop()) {
    if (isJsonObject(value)) return true;
    if (Array.isArray(value)) for (const item of value) rest.push(item);
  }
  return false;
}

function decodeOne(type: PropertyType, json: JsonValue, refuse: Refuse): Value {
  const width = vectorWidth(type);
  return width === null
    ? decodeScalar(type.scalar as ScalarName, json, refuse)
    : decodeVector(width, json, refuse);
}

function decodeScalar(scalar: ScalarName, json: JsonValue, refuse: Refuse): Value {
  switch (scalar) {
    case "String":
      if (typeof json !== "string") throw refuse(`expected string, got ${jsonKind(json)}`);
      return json;
    case "Blob":
      if (typeof json !== "string") throw refuse(`expected blob URI string, got ${jsonKind(json)}`);
      return json;
    case "Bool":
      if (typeof json !== "boolean") throw refuse("expected boolean");
      return json;
    case "I32":
    case "I64":
      return decodeSigned(scalar, json, refuse);
    case "U32":
    case "U64":
      return decodeUnsigned(scalar, json, refuse);
    case "F32":
    case "F64":
      return decodeFloat(json, refuse);
    case "Date":
      if (typeof json !== "string") throw refuse("expected date string");
      return decodeTemporal("Date", json, refuse);
    case "DateTime":
      if (typeof json !== "string") throw refuse("expected datetime string");
      return decodeTemporal("DateTime", json, refuse);
  }
}

function decodeSigned(scalar: "I32" | "I64", json: JsonValue, refuse: Refuse): Value {
  const value = integerOf(json, /^[+-]?\d+$/);
  const fits = value !== null && value >= I64_MIN && value <= I64_MAX;
  if (!fits) throw refuse(integerReason("integer", json));
  if (scalar === "I64") return value;
  if (value < I32_MIN || value > I32_MAX) throw refuse(`value ${value} exceeds I32`);
  return Number(value);
}

function decodeUnsigned(scalar: "U32" | "U64", json: JsonValue, refuse: Refuse): Value {
  const value = integerOf(json, /^\+?\d+$/);
  const fits = value !== null && value >= 0n && value <= U64_MAX;
  if (!fits) throw refuse(integerReason("unsigned integer", json));
  if (scalar === "U64") {
    if (value > I64_MAX) throw refuse(`value ${value} exceeds current engine range for U64 (max ${I64_MAX})`);
    return value;
  }
  if (value > U32_MAX) throw refuse(`value ${value} exceeds U32`);
  return Number(value);
}

/** What a JSON number or a text of that form says exactly; null for everything else. */
function integerOf(json: JsonValue, form: RegExp): bigint | null {
  if (typeof json === "bigint") return json;
  if (typeof json === "number") return Number.isInteger(json) ? BigInt(json) : null;
  if (typeof json !== "string" || !form.test(json)) return null;
  const magnitude = parseDigits(json.replace(/^[+-]/, ""));
  return magnitude !== null && json.startsWith("-") ? -magnitude : magnitude;
}

function integerReason(noun: string, json: JsonValue): string {
  if (typeof json === "string") return `expected ${noun} string, got '${json}'`;
  return jsonNumber(json) === null ? `expected ${noun}` : `expected ${noun} number`;
}

function decodeFloat(json: JsonValue, refuse: Refuse): number {
  const value = jsonNumber(json);
  if (value === null || !Number.isFinite(value)) throw refuse("expected float");
  return value;
}

function decodeTemporal(scalar: "Date" | "DateTime", text: string, refuse: Refuse): number {
  const value = scalar === "Date" ? parseDate(text) : parseDateTime(text);
  if (value === null) throw refuse(`invalid ${scalar} literal '${text}'`);
  return value;
}

function decodeVector(width: number, json: JsonValue, refuse: Refuse): Float32Array {
  if (!Array.isArray(json)) throw refuse(`expected array for Vector(${width})`);
  if (json.length !== width)
    throw refuse(`expected ${width} values for Vector(${width}), got ${json.length}`);
  const vector = new Float32Array(width);
  for (const [index, item] of json.entries()) {
    const value = jsonNumber(item);
    if (value === null) throw refuse("vector element is not numeric");
    vector[index] = value;
    if (!Number.isFinite(vector[index])) throw refuse(`vector element ${value} exceeds Float32 range`);
  }
  return vector;
}
