// What mutations and loads do, written down as simply as possible: whole states of plain objects.

import type { Value } from "../../src/query/plan.ts";
import type { PropertyType } from "../../src/schema/catalog.ts";
import { type EntityModel, nodeId, type SchemaModel } from "./graph-model.ts";
import { compare } from "./order.ts";
import { type Condition, propertiesOf, type StatementModel, type StoryStep } from "./story.ts";

/** Entities by type and id. Edges that a mutation inserted have ids of our own. */
export type World = ReadonlyMap<string, ReadonlyMap<string, EntityModel>>;
type Draft = Map<string, Map<string, EntityModel>>;

export interface Affected {
  readonly nodes: number;
  readonly edges: number;
}

export const emptyWorld = ({ nodes, edges }: SchemaModel): World =>
  new Map([...nodes, ...edges].map(({ name }) => [name, new Map()]));

const draftOf = (world: World): Draft =>
  new Map([...world].map(([type, entities]) => [type, new Map(entities)]));
const entitiesOf = (world: Draft, type: string) => world.get(type) ?? new Map<string, EntityModel>();

let edgesMade = 0;

/** The state after a mutation and what it touched; null where it is refused because an edge has no end. */
export function mutated(
  schema: SchemaModel,
  world: World,
  statements: readonly StatementModel[],
): { readonly world: World; readonly affected: Affected } | null {
  const draft = draftOf(world);
  const affected = { nodes: 0, edges: 0 };
  for (const statement of statements) {
    const isNode = schema.nodes.some(({ name }) => name === statement.type);
    const count = apply(schema, draft, statement);
    affected.edges += count.edges;
    affected.nodes += isNode ? count.nodes : 0;
  }
  return looseEdges(schema, draft).length > 0 ? null : { world: draft, affected };
}

function apply(schema: SchemaModel, draft: Draft, statement: StatementModel): Affected {
  const entities = entitiesOf(draft, statement.type);
  const node = schema.nodes.find(({ name }) => name === statement.type);
  const properties = propertiesOf(schema, statement.type);
  if (statement.kind === "insert") {
    const unset = Object.fromEntries(properties.map(({ name }) => [name, null]));
    const values = { ...unset, ...statement.entity.values };
    const id = node === undefined ? `made ${edgesMade++}` : nodeId(node, values);
    entities.set(id, { ...statement.entity, id, values });
    return node === undefined ? { nodes: 0, edges: 1 } : { nodes: 1, edges: 0 };
  }
  const typeOf = (name: string) => properties.find((property) => property.name === name)?.type ?? null;
  const matching = [...entities.values()].filter((entity) => holds(entity, statement.where, typeOf));
  if (statement.kind === "update") {
    for (const entity of matching) {
      entities.set(entity.id, { ...entity, values: { ...entity.values, ...statement.values } });
    }
    return { nodes: matching.length, edges: 0 };
  }
  for (const { id } of matching) entities.delete(id);
  if (node === undefined) return { nodes: 0, edges: matching.length };
  const loose = looseEdges(schema, draft);
  for (const { type, id } of loose) entitiesOf(draft, type).delete(id);
  return { nodes: matching.length, edges: loose.length };
}

function holds(
  entity: EntityModel,
  { name, operator, value }: Condition,
  typeOf: (name: string) => PropertyType | null,
): boolean {
  const ends: Readonly<Record<string, Value>> = { from: entity.src ?? null, to: entity.dst ?? null };
  const type = typeOf(name);
  const stored = type === null ? ends[name] : entity.values[name];
  if (stored === null || stored === undefined || value === null) return false;
  const order = compare(stored, type?.scalar === "F32" ? Math.fround(Number(value)) : value);
  const truths: Readonly<Record<string, boolean>> = {
    "=": order === 0,
    "!=": order !== 0,
    "<": order < 0,
    "<=": order <= 0,
    ">": order > 0,
    ">=": order >= 0,
  };
  return truths[operator];
}

/** Edges with an end that is not there. */
function looseEdges(schema: SchemaModel, draft: Draft): { readonly type: string; readonly id: string }[] {
  return schema.edges.flatMap(({ name, from, to }) =>
    [...entitiesOf(draft, name).values()]
      .filter(
        ({ src = "", dst = "" }) => !entitiesOf(draft, from).has(src) || !entitiesOf(draft, to).has(dst),
      )
      .map(({ id }) => ({ type: name, id })),
  );
}

/** The state after a load that replaces what it names; null where it is refused because an edge has no end. */
export function loaded(
  schema: SchemaModel,
  world: World,
  step: Extract<StoryStep, { kind: "load" }>,
): World | null {
  const draft = draftOf(world);
  for (const { type, entity } of step.entities) entitiesOf(draft, type).set(entity.id, entity);
  return looseEdges(schema, draft).length > 0 ? null : draft;
}

/** A state as text, in an order of its own; the ids of edges do not count. */
export function worldText(schema: SchemaModel, world: World): string {
  const lines = [...schema.nodes, ...schema.edges].flatMap(({ name, properties }) =>
    [...(world.get(name)?.values() ?? [])].map(({ id, src, dst, values }) => {
      const told = properties.map(
        (property) => `${property.name}=${valueText(values[property.name] ?? null)}`,
      );
      return `${name} ${src === undefined ? id : `${src} -> ${dst}`} ${told.join(" ")}`;
    }),
  );
  return lines.sort().join("\n");
}

function valueText(value: Value): string {
  if (value instanceof Float32Array) return `[${value.join(",")}]`;
  if (Array.isArray(value)) return `[${value.map(valueText).join(",")}]`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
