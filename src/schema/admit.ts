// Admission: schema text -> catalog with stable ids, new ones or those of the schema that it follows.

import { assert } from "../lib/assert.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import { assembleCatalog } from "./assemble.ts";
import type { Catalog, StableId } from "./catalog.ts";
import { checkSchema } from "./check.ts";
import { type Identities, identitiesOf, identityKey, type TypeIdentity } from "./identity.ts";
import { matchSchemas, type SchemaMatch } from "./match.ts";
import type { ResolvedSchema, ResolvedType } from "./resolved.ts";
import type { DropMode } from "./steps.ts";

const FIRST_ID: StableId = 1;

/**
 * Checks a schema and gives it stable ids: those of `previous` (rename hints followed), new ones for what is new.
 * Without `previous` (a new graph) hints have no effect. Throws SchemaError.
 */
export function admitSchema(source: string, previous: Catalog | null): Catalog {
  const desired = checkSchema(source);
  const accepted = previous === null ? null : checkSchema(previous.source);
  return admitMatched(desired, matchSchemas(accepted, desired), previous, "soft");
}

/** Warnings for rename hints that have no effect because the graph is new. Throws SchemaError. */
export function ignoredHints(source: string): readonly string[] {
  return matchSchemas(null, checkSchema(source)).warnings;
}

/** The catalog of a checked schema whose declarations are matched with those of `previous`. */
export function admitMatched(
  desired: ResolvedSchema,
  match: SchemaMatch,
  previous: Catalog | null,
  drops: DropMode,
): Catalog {
  const accepted =
    previous === null
      ? { types: new Map(), nextId: FIRST_ID, purged: new Set<StableId>() }
      : identitiesOf(previous);
  const purged =
    drops === "hard" ? new Set([...accepted.purged, ...droppedIds(match, accepted)]) : accepted.purged;
  return assembleCatalog(desired, { ...assignIdentities(match, accepted), purged });
}

/** Types that are gone, and properties that are gone from types that stay. */
function droppedIds(match: SchemaMatch, accepted: Identities): StableId[] {
  const identityOf = (type: ResolvedType) => {
    const identity = accepted.types.get(identityKey(type));
    assert(identity !== undefined, "every accepted type has an identity");
    return identity;
  };
  const types = match.dropped.map((type) => identityOf(type).id);
  const properties = match.types.flatMap(({ accepted: former, droppedProperties }) =>
    former === null
      ? []
      : droppedProperties.flatMap(({ name }) => identityOf(former).properties.get(name) ?? []),
  );
  return [...types, ...properties];
}

/** New types take ids in the order of the text, then new properties in order of (type id, name). */
function assignIdentities(match: SchemaMatch, accepted: Identities): Omit<Identities, "purged"> {
  let nextId = accepted.nextId;
  const types: { identity: TypeIdentity; properties: Map<string, StableId>; fresh: string[] }[] = [];
  for (const { desired, accepted: former, properties } of match.types) {
    const known = former === null ? null : accepted.types.get(identityKey(former));
    assert(known !== undefined, "every accepted type has an identity");
    const ids = new Map<string, StableId>();
    const fresh: string[] = [];
    for (const property of properties) {
      const id = property.accepted === null ? undefined : known?.properties.get(property.accepted.name);
      if (id === undefined) fresh.push(property.desired.name);
      else ids.set(property.desired.name, id);
    }
    const id = known?.id ?? nextId++;
    types.push({
      identity: { kind: desired.kind, name: desired.name, id, properties: ids },
      properties: ids,
      fresh,
    });
  }
  for (const type of types.toSorted((a, b) => a.identity.id - b.identity.id)) {
    for (const name of type.fresh.sort(compareUtf8)) type.properties.set(name, nextId++);
  }
  return { types: new Map(types.map(({ identity }) => [identityKey(identity), identity])), nextId };
}
