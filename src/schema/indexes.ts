// Which indexes a schema asks for. They are derived state: nothing is ever wrong without them.

import type { EntityType, PropertyType } from "./catalog.ts";

/** What an index over one property of this type can answer; null where there is none to build. */
export type IndexKind = "ordered" | "text" | "vector";

export function indexKind(type: PropertyType): IndexKind | null {
  if (typeof type.scalar !== "string") return "vector";
  if (type.list || type.scalar === "Blob") return null;
  return type.scalar === "String" && type.enumValues === null ? "text" : "ordered";
}

/** Declared index tuples of a type, a key's included; `src` and `dst` may stand among an edge's. */
export function declaredIndexes(type: EntityType): readonly (readonly string[])[] {
  const tuples = new Map<string, readonly string[]>();
  const add = (properties: readonly string[]) => tuples.set(properties.join(","), properties);
  if (type.kind === "node" && type.key !== null) add(type.key.map((property) => property.name).sort());
  for (const constraint of type.constraints) {
    if (constraint.kind === "index") add(constraint.properties);
  }
  return [...tuples.values()];
}
