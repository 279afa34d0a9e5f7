// Looking at an old state with what happened to the schema since (spec 03 §5, decision 31): types are found under the names
// that they have now, properties added since are there, and what a hard drop took is not read any more.

import { sha256Hex } from "../lib/digest.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import { catalogIdentity } from "./accepted.ts";
import type { Catalog, Constraint, EdgeType, EntityType, NodeType, Property, StableId } from "./catalog.ts";
import { foldEdgeName } from "./names.ts";

/**
 * What names mean in a query at an old state. A name that the schema has now is the type that has it now, else it is what
 * had it then; a property is what had the name then, else what has it now. So the catalog also holds types that did not
 * exist then, and types and properties whose values are purged: `past` and `current` tell, by stable id.
 */
export function namesAtSnapshot(past: Catalog, current: Catalog): Catalog {
  const typeById = new Map<StableId, EntityType>();
  const nodeOf = (type: NodeType): NodeType => typeById.get(type.id) as NodeType;
  for (const type of typesOf(past, current, "node")) typeById.set(type.id, type);
  for (const type of typesOf(past, current, "edge")) {
    typeById.set(type.id, { ...type, source: nodeOf(type.source), target: nodeOf(type.target) });
  }
  const nodes = named<NodeType>(past.nodes, current.nodes, (name) => name, typeById);
  const edges = named<EdgeType>(past.edges, current.edges, foldEdgeName, typeById);
  return {
    ...past,
    digest: sha256Hex(`${catalogIdentity(past)} with the names of ${catalogIdentity(current)}`),
    nodes,
    edges,
    edgesByFoldedName: new Map([...edges].map(([name, edge]) => [foldEdgeName(name), edge])),
    typeById,
    nextId: current.nextId,
    purged: current.purged,
  };
}

/** Every type that was there then or is there now, with the properties of both. */
function typesOf(past: Catalog, current: Catalog, kind: "node"): NodeType[];
function typesOf(past: Catalog, current: Catalog, kind: "edge"): EdgeType[];
function typesOf(past: Catalog, current: Catalog, kind: EntityType["kind"]): EntityType[] {
  const all = new Map([...past.typeById, ...current.typeById]);
  return [...all.values()]
    .filter((type) => type.kind === kind)
    .map((type) => {
      const then = past.typeById.get(type.id);
      return then === undefined || then === type ? type : withPropertiesOf(type, then);
    });
}

/** A type as it is now, with the properties that it had then beside those that came since. */
function withPropertiesOf(now: EntityType, then: EntityType): EntityType {
  const byId = new Map(now.properties.map((property) => [property.id, property]));
  const byName = new Map<string, Property>();
  // What survives is as wide as it is now: an enum may have been extended.
  for (const property of then.properties) {
    byName.set(property.name, { ...(byId.get(property.id) ?? property), name: property.name });
  }
  for (const property of now.properties) if (!byName.has(property.name)) byName.set(property.name, property);
  const properties = [...byName.values()].sort((a, b) => compareUtf8(a.name, b.name));
  return { ...now, properties, constraints: [...then.constraints, ...now.constraints] };
}

function named<T extends EntityType>(
  past: ReadonlyMap<string, T>,
  current: ReadonlyMap<string, T>,
  fold: (name: string) => string,
  typeById: ReadonlyMap<StableId, EntityType>,
): Map<string, T> {
  const taken = new Set([...current.keys()].map(fold));
  const entries = [...current, ...[...past].filter(([name]) => !taken.has(fold(name)))];
  return new Map(
    entries
      .map(([name, { id }]): [string, T] => [name, typeById.get(id) as T])
      .sort(([a], [b]) => compareUtf8(a, b)),
  );
}

/** The catalog of an old state without the types and properties of which no values are read any more. */
export function withoutPurged(catalog: Catalog, purged: ReadonlySet<StableId>): Catalog {
  const isGone = (type: EntityType): boolean => {
    if (purged.has(type.id)) return true;
    const ends = type.kind === "edge" ? [type.source, type.target] : [];
    return ends.some((end) => purged.has(end.id));
  };
  const isUntouched = ({ id, properties }: EntityType) =>
    !purged.has(id) && !properties.some((property) => purged.has(property.id));
  if ([...catalog.typeById.values()].every(isUntouched)) return catalog;

  const typeById = new Map<StableId, EntityType>();
  const nodes = new Map<string, NodeType>();
  const edges = new Map<string, EdgeType>();
  for (const [name, type] of catalog.nodes) {
    if (isGone(type)) continue;
    const left = withoutProperties(type, purged);
    nodes.set(name, left);
    typeById.set(type.id, left);
  }
  for (const [name, type] of catalog.edges) {
    if (isGone(type)) continue;
    const source = typeById.get(type.source.id) as NodeType;
    const target = typeById.get(type.target.id) as NodeType;
    const left = { ...withoutProperties(type, purged), source, target };
    edges.set(name, left);
    typeById.set(type.id, left);
  }
  return {
    ...catalog,
    nodes,
    edges,
    edgesByFoldedName: new Map([...edges].map(([name, edge]) => [foldEdgeName(name), edge])),
    typeById,
    purged,
  };
}

function withoutProperties<T extends EntityType>(type: T, purged: ReadonlySet<StableId>): T {
  const properties = type.properties.filter(({ id }) => !purged.has(id));
  if (properties.length === type.properties.length) return type;
  const names = new Set(properties.map(({ name }) => name));
  return {
    ...type,
    properties: properties.map((property) =>
      property.embed === null || names.has(property.embed.source) ? property : { ...property, embed: null },
    ),
    constraints: type.constraints.filter((constraint) =>
      namedIn(constraint, type).every((name) => names.has(name)),
    ),
  };
}

/** The properties that a constraint names; ends of an edge are none. */
function namedIn(constraint: Constraint, { properties }: EntityType): string[] {
  const all = "properties" in constraint ? constraint.properties : [constraint.property];
  const declared = new Set(properties.map(({ name }) => name));
  return all.filter((name) => declared.has(name));
}
