// A graph's schema and its past as plain data that can be made smaller: what is left out of it always leaves a sound graph.

import type { Value } from "../../src/query/plan.ts";
import type { PropertyType } from "../../src/schema/catalog.ts";
import { canonicalKeyText, describeType, type KeyValue } from "../../src/schema/index.ts";
import type { DeletedEdge, Row } from "../../src/store/index.ts";
import { type Change, History, keyOf } from "../index/history.ts";

export interface PropertyModel {
  readonly name: string;
  readonly type: PropertyType;
  readonly isIndexed: boolean;
  /** Contributed by an interface of the type's own. */
  readonly isInherited: boolean;
}

export interface NodeModel {
  readonly name: string;
  /** Names of key properties; none: ids are given. */
  readonly key: readonly string[];
  readonly properties: readonly PropertyModel[];
}

export interface EdgeModel {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly properties: readonly PropertyModel[];
}

export interface SchemaModel {
  readonly nodes: readonly NodeModel[];
  readonly edges: readonly EdgeModel[];
}

export interface EntityModel {
  readonly id: string;
  /** Edges only. */
  readonly src?: string;
  readonly dst?: string;
  readonly values: Readonly<Record<string, Value>>;
}

export type Operation =
  | { readonly kind: "put"; readonly type: string; readonly entity: EntityModel }
  | { readonly kind: "delete"; readonly type: string; readonly id: string }
  | { readonly kind: "clear"; readonly type: string };

export interface GraphModel {
  readonly schema: SchemaModel;
  readonly commits: readonly (readonly Operation[])[];
}

/** The schema as a `.pg` source. */
export function schemaText({ nodes, edges }: SchemaModel): string {
  const parts: string[] = [];
  for (const { name, key, properties } of nodes) {
    const inherited = properties.filter(({ isInherited }) => isInherited);
    if (inherited.length > 0) parts.push(`interface I${name} { ${inherited.map(propertyText).join("  ")} }`);
    const own = properties.filter(({ isInherited }) => !isInherited).map(propertyText);
    const rules = key.length > 0 ? [`@key(${key.join(", ")})`] : [];
    const head = inherited.length > 0 ? `node ${name} implements I${name}` : `node ${name}`;
    parts.push(`${head} { ${[...own, ...rules].join("  ")} }`);
  }
  for (const { name, from, to, properties } of edges) {
    parts.push(`edge ${name}: ${from} -> ${to} { ${properties.map(propertyText).join("  ")} }`);
  }
  return parts.join("\n");
}

const propertyText = ({ name, type, isIndexed }: PropertyModel): string =>
  `${name}: ${describeType(type)}${isIndexed ? " @index" : ""}`;

/** The id of a node with these values. */
export function nodeId({ key, properties }: NodeModel, values: Readonly<Record<string, Value>>): string {
  // A composite id lists its parts by stable ids, which are handed out by name at first.
  const texts = key.toSorted().map((name) => {
    const property = properties.find((candidate) => candidate.name === name);
    if (property === undefined) throw new Error(`no key property ${name}`);
    return canonicalKeyText(values[name] as KeyValue, property.type);
  });
  return texts.length === 1 ? texts[0] : JSON.stringify(texts);
}

/** Live entities by type and id. */
type State = Map<string, Map<string, EntityModel>>;

/** The commits as the store would take them: edges whose ends are missing are left out, or go with their nodes. */
export function historyOf({ schema, commits }: GraphModel): History {
  const history = new History(schemaText(schema));
  let state: State = new Map([...schema.nodes, ...schema.edges].map(({ name }) => [name, new Map()]));
  for (const operations of commits) {
    const next = apply(schema, state, operations);
    const cleared = new Set(
      operations.flatMap((operation) => (operation.kind === "clear" ? [operation.type] : [])),
    );
    const changes = [...schema.nodes, ...schema.edges].flatMap(({ name }): Change[] => {
      const change = changeOf(
        history,
        name,
        entitiesOf(state, name),
        entitiesOf(next, name),
        cleared.has(name),
      );
      return change === null ? [] : [change];
    });
    history.commit(...changes);
    state = next;
  }
  return history;
}

const entitiesOf = (state: State, type: string) => state.get(type) ?? new Map<string, EntityModel>();

function apply(schema: SchemaModel, before: State, operations: readonly Operation[]): State {
  const state: State = new Map([...before].map(([type, entities]) => [type, new Map(entities)]));
  for (const operation of operations) {
    const entities = entitiesOf(state, operation.type);
    if (operation.kind === "clear") entities.clear();
    else if (operation.kind === "delete") entities.delete(operation.id);
    else entities.set(operation.entity.id, operation.entity);
  }
  for (const { name, from, to } of schema.edges) {
    const entities = entitiesOf(state, name);
    for (const { id, src = "", dst = "" } of [...entities.values()]) {
      if (!entitiesOf(state, from).has(src) || !entitiesOf(state, to).has(dst)) entities.delete(id);
    }
  }
  return state;
}

/** What leads from one set of entities to another; null where nothing does. */
function changeOf(
  history: History,
  name: string,
  before: ReadonlyMap<string, EntityModel>,
  after: ReadonlyMap<string, EntityModel>,
  isCleared: boolean,
): Change | null {
  const type = history.catalog.nodes.get(name) ?? history.edge(name);
  const rowOf = ({ id, values, src, dst }: EntityModel): Row => history.row(type, id, values, src, dst);
  const kept = new Set([...after.values()].map((entity) => keyOf(rowOf(entity))));
  const gone = isCleared ? [] : [...before.values()].filter((entity) => !kept.has(keyOf(rowOf(entity))));
  const put = [...after.values()].filter((entity) => isCleared || before.get(entity.id) !== entity);
  if (!isCleared && gone.length === 0 && put.length === 0) return null;
  const removed =
    type.kind === "node"
      ? { deletedNodes: gone.map(({ id }) => id) }
      : { deletedEdges: gone.map(({ id, src = "", dst = "" }): DeletedEdge => ({ src, dst, id })) };
  return { type, replaced: isCleared, ...removed, rows: put.map(rowOf) };
}
