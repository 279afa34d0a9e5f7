// Stable ids: one increasing counter per graph names every type and property for good, whatever they are called.

import type { Catalog, Property, StableId } from "./catalog.ts";
import type { TypeKind } from "./resolved.ts";

export interface TypeIdentity {
  readonly kind: TypeKind;
  readonly name: string;
  readonly id: StableId;
  readonly properties: ReadonlyMap<string, StableId>;
}

export interface Identities {
  /** By `identityKey`. */
  readonly types: ReadonlyMap<string, TypeIdentity>;
  readonly nextId: StableId;
  /** Ids that hard drops took. */
  readonly purged: ReadonlySet<StableId>;
}

/** Kinds have separate namespaces: a node and an edge may share a name. */
export const identityKey = (type: { readonly kind: TypeKind; readonly name: string }): string =>
  `${type.kind}:${type.name}`;

/** The ids that a catalog carries. */
export function identitiesOf(catalog: Catalog): Identities {
  const types = new Map<string, TypeIdentity>();
  const add = (kind: TypeKind, name: string, id: StableId, properties: readonly Property[]) => {
    const ids = new Map(properties.map((property) => [property.name, property.id]));
    types.set(identityKey({ kind, name }), { kind, name, id, properties: ids });
  };
  for (const type of catalog.interfaces.values()) add("interface", type.name, type.id, type.properties);
  for (const type of catalog.nodes.values()) add("node", type.name, type.id, type.properties);
  for (const type of catalog.edges.values()) add("edge", type.name, type.id, type.properties);
  return { types, nextId: catalog.nextId, purged: catalog.purged };
}
