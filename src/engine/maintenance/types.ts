// The types of a graph as maintenance lists them.

import { compareUtf8 } from "../../lib/utf8.ts";
import type { Catalog, EntityType } from "../../schema/catalog.ts";

export const typeKey = (type: Pick<EntityType, "kind" | "name">): string => `${type.kind}:${type.name}`;

/** By `type_key`: edges first, then nodes, each by name. */
export const typesByKey = (catalog: Catalog): EntityType[] =>
  [...catalog.typeById.values()].sort((a, b) => compareUtf8(typeKey(a), typeKey(b)));
