// The accepted-schema object: what a graph stores of a schema. The source says what it means; the ids, which no text
// can tell, stand beside it, and those that hard drops took. Objects are immutable and named by the SHA-256 of their bytes: the same source may come
// back with other ids (drop a type, then add it again), so the source's own digest would not do.

import { sha256Hex } from "../lib/digest.ts";
import { OmnigraphError } from "../lib/errors.ts";
import { isJsonObject, type JsonValue, parseJson, stringifyJson } from "../lib/json.ts";
import { assembleCatalog } from "./assemble.ts";
import type { Catalog, StableId } from "./catalog.ts";
import { checkSchema } from "./check.ts";
import { type Identities, identitiesOf, identityKey, type TypeIdentity } from "./identity.ts";
import type { ResolvedSchema } from "./resolved.ts";

const ACCEPTED_FORMAT = 1;

/** The object's text; equal catalogs give equal bytes. */
export function encodeAccepted(catalog: Catalog): string {
  const { types, nextId, purged } = identitiesOf(catalog);
  const byId = [...types.values()].sort((a, b) => a.id - b.id);
  return stringifyJson({
    format: ACCEPTED_FORMAT,
    source: catalog.source,
    next_id: nextId,
    ...(purged.size === 0 ? {} : { purged: [...purged].sort((a, b) => a - b) }),
    types: byId.map(({ kind, name, id, properties }) => ({
      kind,
      name,
      id,
      properties: [...properties]
        .sort(([, a], [, b]) => a - b)
        .map(([propertyName, propertyId]) => ({ name: propertyName, id: propertyId })),
    })),
  });
}

/** The name of an accepted-schema object: lower-case hex SHA-256 of its text. */
export const acceptedDigest = (text: string): string => sha256Hex(text);

const identities = new WeakMap<Catalog, string>();

/** Equal only where all names mean the same types and properties, which equal sources do not promise: ids may differ. */
export function catalogIdentity(catalog: Catalog): string {
  let identity = identities.get(catalog);
  if (identity === undefined) {
    identity = sha256Hex(catalog.digest + encodeAccepted(catalog));
    identities.set(catalog, identity);
  }
  return identity;
}

/** Reads an object back. Throws OmnigraphError `internal` where it is damaged or of another format. */
export function decodeAccepted(text: string): Catalog {
  const stored = readObject(text);
  let schema: ResolvedSchema;
  try {
    schema = checkSchema(stored.source);
  } catch (thrown) {
    throw damaged(`its source does not check: ${thrown instanceof Error ? thrown.message : thrown}`);
  }
  checkComplete(schema, stored.identities);
  return assembleCatalog(schema, stored.identities);
}

function damaged(reason: string): OmnigraphError {
  return new OmnigraphError("internal", `accepted schema object is damaged: ${reason}`);
}

function readObject(text: string): { source: string; identities: Identities } {
  let json: JsonValue;
  try {
    json = parseJson(text);
  } catch (thrown) {
    throw damaged(thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (!isJsonObject(json)) throw damaged("expected an object");
  if (json.format !== ACCEPTED_FORMAT) {
    throw new OmnigraphError(
      "internal",
      `accepted schema object has format ${stringifyJson(json.format ?? null)}; this build reads format ${ACCEPTED_FORMAT}`,
    );
  }
  const nextId = readId(json.next_id, "next_id");
  if (typeof json.source !== "string") throw damaged("expected a string at source");
  const used = new Set<StableId>();
  const claim = (id: StableId) => {
    if (used.has(id) || id >= nextId) throw damaged(`id ${id} is used twice or not below next_id`);
    used.add(id);
    return id;
  };
  const purged = json.purged === undefined ? [] : readArray(json.purged, "purged");
  const isPurged = new Set(purged.map((id) => claim(readId(id, "purged"))));
  const types = new Map<string, TypeIdentity>();
  for (const entry of readArray(json.types, "types")) {
    if (!isJsonObject(entry)) throw damaged("expected an object in types");
    const { kind, name } = entry;
    if (kind !== "interface" && kind !== "node" && kind !== "edge") throw damaged("unknown kind in types");
    if (typeof name !== "string") throw damaged("expected a name in types");
    const properties = new Map<string, StableId>();
    for (const property of readArray(entry.properties, `properties of ${name}`)) {
      if (!isJsonObject(property) || typeof property.name !== "string") {
        throw damaged(`expected a named property in ${name}`);
      }
      properties.set(property.name, claim(readId(property.id, `${name}.${property.name}`)));
    }
    const identity: TypeIdentity = { kind, name, id: claim(readId(entry.id, name)), properties };
    types.set(identityKey(identity), identity);
  }
  return { source: json.source, identities: { types, nextId, purged: isPurged } };
}

function readArray(value: JsonValue | undefined, where: string): readonly JsonValue[] {
  if (!Array.isArray(value)) throw damaged(`expected an array at ${where}`);
  return value;
}

function readId(value: JsonValue | undefined, where: string): StableId {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) {
    throw damaged(`expected a positive integer at ${where}`);
  }
  return value;
}

/** Source and ids must speak of the same declarations. */
function checkComplete(schema: ResolvedSchema, identities: Identities): void {
  if (schema.types.length !== identities.types.size) throw damaged("ids and source name different types");
  for (const type of schema.types) {
    const identity = identities.types.get(identityKey(type));
    if (identity === undefined) throw damaged(`no id for ${type.kind} ${type.name}`);
    const complete = type.properties.every((property) => identity.properties.has(property.name));
    if (!complete || type.properties.length !== identity.properties.size) {
      throw damaged(`ids and source name different properties of ${type.name}`);
    }
  }
}
