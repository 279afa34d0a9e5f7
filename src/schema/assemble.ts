// Resolved schema + stable ids -> catalog.

import { assert } from "../lib/assert.ts";
import { sha256Hex } from "../lib/digest.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type {
  Catalog,
  Constraint,
  EdgeType,
  EntityType,
  InterfaceType,
  NodeType,
  Property,
  StableId,
} from "./catalog.ts";
import { type Identities, identityKey, type TypeIdentity } from "./identity.ts";
import { foldEdgeName } from "./names.ts";
import type { ResolvedEdge, ResolvedNode, ResolvedSchema, ResolvedType, Rule } from "./resolved.ts";

/** Builds the catalog; every type and property must have its identity. */
export function assembleCatalog(schema: ResolvedSchema, identities: Identities): Catalog {
  const types = schema.types.toSorted((a, b) => compareUtf8(a.name, b.name));
  const interfaces = new Map<string, InterfaceType>();
  const nodes = new Map<string, NodeType>();
  for (const type of types) {
    const identity = identityOf(type, identities);
    const properties = assembleProperties(type, identity);
    if (type.kind === "interface") {
      interfaces.set(type.name, { id: identity.id, name: type.name, properties });
    } else if (type.kind === "node") {
      nodes.set(type.name, assembleNode(type, identity.id, properties));
    }
  }
  const edges = new Map<string, EdgeType>();
  for (const type of types) {
    if (type.kind !== "edge") continue;
    const identity = identityOf(type, identities);
    edges.set(type.name, assembleEdge(type, identity.id, assembleProperties(type, identity), nodes));
  }
  const entities: EntityType[] = [...nodes.values(), ...edges.values()];
  return {
    digest: sha256Hex(schema.source),
    source: schema.source,
    nodes,
    edges,
    edgesByFoldedName: new Map([...edges.values()].map((edge) => [foldEdgeName(edge.name), edge])),
    interfaces,
    typeById: new Map(entities.map((type) => [type.id, type])),
    nextId: identities.nextId,
    purged: identities.purged,
  };
}

function identityOf(type: ResolvedType, identities: Identities): TypeIdentity {
  const identity = identities.types.get(identityKey(type));
  assert(identity !== undefined, "every type has a stable id");
  return identity;
}

function assembleProperties(type: ResolvedType, identity: TypeIdentity): Property[] {
  return type.properties.map(({ name, type: propertyType, annotations, embed }) => {
    const id = identity.properties.get(name);
    assert(id !== undefined, "every property has a stable id");
    return { id, name, type: propertyType, annotations, embed };
  });
}

const isConstraint = (rule: Rule): rule is Constraint => rule.kind !== "key";

function assembleNode(type: ResolvedNode, id: StableId, properties: readonly Property[]): NodeType {
  const keyNames = type.keyAsDeclared;
  const key =
    keyNames === null
      ? null
      : properties.filter((property) => keyNames.includes(property.name)).sort((a, b) => a.id - b.id);
  return {
    kind: "node",
    id,
    name: type.name,
    properties,
    key,
    keyAsDeclared: keyNames,
    constraints: type.rules.filter(isConstraint),
    implements: type.implements,
    annotations: type.annotations,
  };
}

function assembleEdge(
  type: ResolvedEdge,
  id: StableId,
  properties: readonly Property[],
  nodes: ReadonlyMap<string, NodeType>,
): EdgeType {
  const source = nodes.get(type.source);
  const target = nodes.get(type.target);
  assert(source !== undefined && target !== undefined, "the ends of every edge are node types");
  return {
    kind: "edge",
    id,
    name: type.name,
    properties,
    source,
    target,
    cardinality: type.cardinality,
    constraints: type.rules.filter(isConstraint),
    annotations: type.annotations,
  };
}
