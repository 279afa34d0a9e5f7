// A small language for the shapes that travel over HTTP. One description gives both the check of a request (and its
// TypeScript type) and its JSON Schema in the OpenAPI document, so the two cannot drift apart.

import { badRequest } from "../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, jsonKind } from "../lib/json.ts";

/** What a value must look like; `read` gives it back typed or throws `bad_request` naming the place. */
export interface Shape<T> {
  /** JSON Schema 2020-12, with `$ref` for named shapes. */
  readonly schema: JsonObject;
  /** False where an object may leave this member out. */
  readonly required: boolean;
  /** Named shapes that the schema refers to, directly. */
  readonly components: readonly Component[];
  readonly read: (value: JsonValue | undefined, place: string) => T;
}

/** A shape with a name of its own under `#/components/schemas`. */
export interface Component {
  readonly name: string;
  readonly schema: JsonObject;
  readonly components: readonly Component[];
}

export type Infer<S> = S extends Shape<infer T> ? T : never;
export type Members = Readonly<Record<string, Shape<unknown>>>;
type Inferred<M extends Members> = { readonly [K in keyof M]: Infer<M[K]> };

const scalar = <T extends JsonValue>(
  schema: JsonObject,
  expected: string,
  accepts: (value: JsonValue) => boolean,
): Shape<T> => ({
  schema,
  required: true,
  components: [],
  read: (value, place) => {
    if (value === undefined) throw missing(place);
    if (!accepts(value)) throw mismatch(place, expected, value);
    return value as T;
  },
});

/** A string. */
export const text = (description?: string): Shape<string> =>
  scalar(described({ type: "string" }, description), "string", (value) => typeof value === "string");

/** true or false. */
export const flag = (description?: string): Shape<boolean> =>
  scalar(described({ type: "boolean" }, description), "boolean", (value) => typeof value === "boolean");

/** An integer of up to 64 bits. */
export const integer = (description?: string): Shape<number> =>
  scalar(
    described({ type: "integer", format: "int64" }, description),
    "integer",
    (value) => typeof value === "bigint" || Number.isInteger(value),
  );

/** One of a few words. */
export const oneOf = <const W extends string>(words: readonly W[]): Shape<W> =>
  scalar(
    { type: "string", enum: [...words] },
    `one of ${words.map((word) => `'${word}'`).join(", ")}`,
    (value) => (words as readonly JsonValue[]).includes(value),
  );

/** An object with members of any kind. */
export const anyObject = (description?: string): Shape<JsonObject> =>
  scalar(described({ type: "object", additionalProperties: true }, description), "object", isJsonObject);

/** An array of one kind of item. */
export const list = <T>(item: Shape<T>, description?: string): Shape<readonly T[]> => ({
  schema: described({ type: "array", items: item.schema }, description),
  required: true,
  components: item.components,
  read: (value, place) => {
    if (value === undefined) throw missing(place);
    if (!Array.isArray(value)) throw mismatch(place, "array", value);
    return value.map((entry: JsonValue, index) => item.read(entry, `${place}[${index}]`));
  },
});

/** A member that is always there and may be null. */
export const nullable = <T>(shape: Shape<T>): Shape<T | null> => ({
  schema: withNull(shape.schema),
  required: true,
  components: shape.components,
  read: (value, place) => (value === null ? null : shape.read(value, place)),
});

/** A member that may be left out; null is refused like any other wrong type. */
export const omittable = <T>(shape: Shape<T>): Shape<T | undefined> => ({
  schema: shape.schema,
  required: false,
  components: shape.components,
  read: (value, place) => (value === undefined ? undefined : shape.read(value, place)),
});

/** A member that may be left out, where null means the same. */
export const optional = <T>(shape: Shape<T>): Shape<T | undefined> => ({
  schema: withNull(shape.schema),
  required: false,
  components: shape.components,
  read: (value, place) => (value === undefined || value === null ? undefined : shape.read(value, place)),
});

/** Either of two named shapes; documents only, nothing of the kind is ever read. */
export const either = (a: Shape<unknown>, b: Shape<unknown>): Shape<JsonValue> => ({
  schema: { oneOf: [a.schema, b.schema] },
  required: true,
  components: [...a.components, ...b.components],
  read: (value, place) => {
    if (value === undefined) throw missing(place);
    return value;
  },
});

export interface ObjectOptions {
  readonly description?: string;
  /** Older spellings of members: `query_source` for `query`. Both at once is refused. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Refuse members that the shape does not name, instead of ignoring them. */
  readonly closed?: boolean;
}

/** An object of named members, without a name of its own. */
export function members<M extends Members>(shapes: M, options: ObjectOptions = {}): Shape<Inferred<M>> {
  const entries = Object.entries(shapes);
  const aliases = Object.entries(options.aliases ?? {});
  const schema: JsonObject = {
    type: "object",
    ...(options.description === undefined ? {} : { description: options.description }),
    properties: Object.fromEntries(entries.map(([name, shape]) => [name, shape.schema])),
    required: entries.filter(([, shape]) => shape.required).map(([name]) => name),
    ...(options.closed === true ? { additionalProperties: false } : {}),
  };
  return {
    schema,
    required: true,
    components: entries.flatMap(([, shape]) => shape.components),
    read: (value, place) => {
      if (value === undefined) throw missing(place);
      if (!isJsonObject(value)) throw mismatch(place, "object", value);
      const given = aliases.length === 0 ? value : withCanonicalNames(value, aliases);
      if (options.closed === true) refuseUnknown(given, shapes);
      const found: Record<string, unknown> = {};
      for (const [name, shape] of entries) {
        found[name] = shape.read(Object.hasOwn(given, name) ? given[name] : undefined, within(place, name));
      }
      return found as Inferred<M>;
    },
  };
}

/** Gives a shape a name; everything that uses it refers to that. */
export function named<T>(name: string, shape: Shape<T>): Shape<T> {
  return {
    ...shape,
    schema: { $ref: `#/components/schemas/${name}` },
    components: [{ name, schema: shape.schema, components: shape.components }],
  };
}

/** A named object of named members. */
export const object = <M extends Members>(
  name: string,
  shapes: M,
  options?: ObjectOptions,
): Shape<Inferred<M>> => named(name, members(shapes, options));

/** Replaces the wording for a wrong type, where clients match on a phrase. */
export const worded = <T>(shape: Shape<T>, message: string): Shape<T> => ({
  ...shape,
  read: (value, place) => {
    try {
      return shape.read(value, place);
    } catch {
      throw badRequest(message);
    }
  },
});

function withCanonicalNames(value: JsonObject, aliases: readonly (readonly [string, string])[]): JsonObject {
  const renamed: Record<string, JsonValue> = { ...value };
  for (const [alias, name] of aliases) {
    if (!Object.hasOwn(value, alias)) continue;
    if (Object.hasOwn(value, name)) {
      throw badRequest(`duplicate field \`${name}\`: \`${alias}\` is its older spelling, send one of them`);
    }
    renamed[name] = value[alias] ?? null;
  }
  return renamed;
}

function refuseUnknown(value: JsonObject, shapes: Members): void {
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(shapes, key)) {
      const accepted = Object.keys(shapes).map((name) => `\`${name}\``);
      throw badRequest(`unknown field \`${key}\`, expected one of ${accepted.join(", ")}`);
    }
  }
}

const described = (schema: JsonObject, description?: string): JsonObject =>
  description === undefined ? schema : { ...schema, description };

function withNull(schema: JsonObject): JsonObject {
  return typeof schema.type === "string"
    ? { ...schema, type: [schema.type, "null"], ...nullableEnum(schema) }
    : { oneOf: [schema, { type: "null" }] };
}

const nullableEnum = (schema: JsonObject): JsonObject =>
  Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {};

const within = (place: string, name: string) => (place === "" ? name : `${place}.${name}`);

const missing = (place: string) =>
  badRequest(place === "" ? "the request needs a JSON body" : `missing field \`${place}\``);

const mismatch = (place: string, expected: string, value: JsonValue) =>
  badRequest(
    `${place === "" ? "request body" : `field \`${place}\``}: expected ${expected}, got ${found(value)}`,
  );

/** Characters of a wrong string that its refusal repeats: enough to recognise a word. */
const ECHO_CHARACTERS = 40;

const found = (value: JsonValue) =>
  typeof value === "string" && value.length <= ECHO_CHARACTERS ? `string '${value}'` : jsonKind(value);
