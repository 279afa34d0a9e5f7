import type { Catalog, EdgeType } from "./catalog.ts";
import { foldEdgeName } from "./names.ts";

/** The edge type of that name: exact spelling first, then whatever the case. */
export function findEdge(catalog: Catalog, name: string): EdgeType | null {
  return catalog.edges.get(name) ?? catalog.edgesByFoldedName.get(foldEdgeName(name)) ?? null;
}
