// What the first reads of a process would otherwise wait for, done beforehand by one that lives on.

import type { GraphView } from "../../index/index.ts";
import { letOthersRun } from "../../lib/event-loop.ts";
import type { EntityType, Property } from "../../schema/catalog.ts";
import { indexKind } from "../../schema/index.ts";

/**
 * Brings a graph into memory, with its adjacency, and the full text and vectors of the properties declared for it. Others run
 * whenever it takes a breath; where that throws, it ends.
 */
export async function warm(view: GraphView, breathe: () => Promise<void> = letOthersRun): Promise<void> {
  await view.load(view.catalog.typeById.values());
  for (const type of view.catalog.edges.values()) {
    await breathe();
    await view.prepareEdges([type], breathe);
    view.edges(type);
  }
  for (const type of view.catalog.nodes.values()) {
    const { base } = view.nodes(type);
    for (const property of searchedProperties(type)) {
      if (indexKind(property.type) === "vector") await base.vectors.build(property.id, breathe);
      else await base.textIndex(property.id, breathe);
    }
  }
}

/** Strings and vectors under `@index`. */
function searchedProperties(type: EntityType): Property[] {
  const declared = new Set(
    type.constraints.flatMap((constraint) => (constraint.kind === "index" ? constraint.properties : [])),
  );
  return type.properties.filter(({ name, type: of }) => {
    const kind = indexKind(of);
    return declared.has(name) && (kind === "text" || kind === "vector");
  });
}
