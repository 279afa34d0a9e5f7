// Where a change of the schema stands between two states, so that their entities cannot be compared.

import type { View } from "../../index/view.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { Catalog, EntityType } from "../../schema/catalog.ts";

/**
 * The name of the first type (nodes first, then by name) that gained or lost a property or that went away with entities in
 * it; null where every entity means what it meant: types that were added, renamed, or dropped while they were empty.
 */
export async function schemaBoundary(before: View, after: Catalog): Promise<string | null> {
  for (const type of typesByName(before.catalog)) {
    const successor = after.typeById.get(type.id);
    if (successor === undefined) {
      if ((await before.count(type)) > 0) return type.name;
    } else if (!haveSameProperties(type, successor)) {
      return successor.name;
    }
  }
  return null;
}

function typesByName({ nodes, edges }: Catalog): EntityType[] {
  const sorted = (types: Iterable<EntityType>) => [...types].sort((a, b) => compareUtf8(a.name, b.name));
  return [...sorted(nodes.values()), ...sorted(edges.values())];
}

function haveSameProperties(a: EntityType, b: EntityType): boolean {
  const ids = new Set(a.properties.map(({ id }) => id));
  return a.properties.length === b.properties.length && b.properties.every(({ id }) => ids.has(id));
}
