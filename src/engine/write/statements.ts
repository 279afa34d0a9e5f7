// Runs the statements of one checked mutation, in order, over a view and what earlier statements staged.

import type { View } from "../../index/view.ts";
import { badRequest } from "../../lib/errors.ts";
import type { Ports } from "../../lib/ports.ts";
import { ulid } from "../../lib/ulid.ts";
import { resolveConstant } from "../../query/index.ts";
import type {
  Assignment,
  MutationPlan,
  MutationPredicate,
  Parameters,
  Statement,
  Value,
} from "../../query/plan.ts";
import type { EdgeType, EntityType, NodeType } from "../../schema/catalog.ts";
import { type KeyValue, nodeIdFromKey } from "../../schema/index.ts";
import type { Row } from "../../store/types.ts";
import type { BlobIntake } from "../blob/index.ts";
import { coerceValue } from "./coerce.ts";
import { compareValues } from "./compare.ts";
import type { EdgeRow } from "./image-check.ts";
import type { ReadSetBuilder } from "./reads.ts";
import type { Staging } from "./staging.ts";

export interface StatementContext {
  readonly view: View;
  readonly staging: Staging;
  readonly reads: ReadSetBuilder;
  readonly parameters: Parameters;
  /** `now()`, fixed once per request: milliseconds since the epoch. */
  readonly nowMs: number;
  readonly ports: Ports;
  readonly blobs: BlobIntake;
}

export interface Affected {
  nodes: number;
  edges: number;
}

/** Stages every statement; the counts add up per statement, a deleted entity counts once in all. */
export async function runStatements(plan: MutationPlan, context: StatementContext): Promise<Affected> {
  const affected: Affected = { nodes: 0, edges: 0 };
  for (const statement of plan.statements) await runStatement(statement, context, affected);
  return affected;
}

async function runStatement(
  statement: Statement,
  context: StatementContext,
  affected: Affected,
): Promise<void> {
  switch (statement.kind) {
    case "insertNode":
      context.staging.putNode(statement.type, newNode(statement.type, statement.assignments, context));
      affected.nodes += 1;
      return;
    case "insertEdge":
      context.staging.putEdge(statement.type, newEdge(statement.type, statement.assignments, context), null);
      affected.edges += 1;
      return;
    case "update":
      affected.nodes += await update(statement, context);
      return;
    case "deleteNode":
      for (const row of await matchingNodes(statement.type, statement.predicate, context)) {
        context.staging.deleteNode(statement.type, row.id);
        affected.nodes += 1;
        affected.edges += await deleteIncidentEdges(statement.type, row.id, context);
      }
      return;
    case "deleteEdge":
      for (const row of await matchingEdges(statement.type, statement.predicate, context)) {
        context.staging.deleteEdge(statement.type, { src: row.src, dst: row.dst, id: row.id });
        affected.edges += 1;
      }
      return;
  }
}

function newNode(type: NodeType, assignments: readonly Assignment[], context: StatementContext): Row {
  const values = assignedValues(type, assignments, context);
  if (type.key === null || type.keyAsDeclared === null)
    return { id: ulid(context.ports), src: null, dst: null, values };
  const key = type.key.map((property) => values[type.properties.indexOf(property)]);
  const nulls = type.key.filter((_, i) => key[i] === null);
  if (nulls.length > 0) {
    const names = type.keyAsDeclared;
    throw badRequest(
      names.length === 1
        ? `insert @key property '${names[0]}' cannot contain null`
        : `insert @key properties (${names.join(", ")}) cannot contain null`,
    );
  }
  refuseMissing(type, values);
  return { id: nodeIdFromKey(type, key as KeyValue[]), src: null, dst: null, values };
}

function newEdge(type: EdgeType, assignments: readonly Assignment[], context: StatementContext): EdgeRow {
  const endpoint = (end: "from" | "to"): string => {
    const assignment = assignments.find((candidate) => candidate.endpoint === end);
    const value = assignment === undefined ? null : resolve(assignment.value, context);
    if (typeof value !== "string") throw badRequest(`edge ${type.name} requires a node id for '${end}'`);
    return value;
  };
  const values = assignedValues(type, assignments, context);
  refuseMissing(type, values);
  return { id: ulid(context.ports), src: endpoint("from"), dst: endpoint("to"), values };
}

/** Values in the order of the type's properties; what is not assigned is null. */
function assignedValues(
  type: EntityType,
  assignments: readonly Assignment[],
  context: StatementContext,
): Value[] {
  const values: Value[] = type.properties.map(() => null);
  for (const { property, value } of assignments) {
    if (property === null) continue;
    const resolved = resolve(value, context);
    // A null key component has a message of its own, made where the id is derived.
    const isKey = type.kind === "node" && (type.key?.includes(property) ?? false);
    values[type.properties.indexOf(property)] =
      resolved === null && isKey ? null : coerceValue(type.name, property, resolved, context.blobs);
  }
  return values;
}

function refuseMissing(type: EntityType, values: readonly Value[]): void {
  const missing = type.properties.find((property, i) => values[i] === null && !property.type.nullable);
  if (missing !== undefined) {
    throw badRequest(`insert into ${type.name}: missing required property '${missing.name}'`);
  }
}

async function update(
  statement: Extract<Statement, { kind: "update" }>,
  context: StatementContext,
): Promise<number> {
  const { type, assignments } = statement;
  const rows = await matchingNodes(type, statement.predicate, context);
  if (rows.length === 0) return 0;
  const assigned = assignments.flatMap(({ property, value }) =>
    property === null
      ? []
      : [
          {
            column: type.properties.indexOf(property),
            value: coerceValue(type.name, property, resolve(value, context), context.blobs),
          },
        ],
  );
  for (const row of rows) {
    const values = [...row.values];
    for (const { column, value } of assigned) values[column] = value;
    context.staging.putNode(type, { ...row, values });
  }
  return rows.length;
}

/** Live nodes, as earlier statements left them, that match; in the order of their numbers, then newly inserted ones. */
async function matchingNodes(
  type: NodeType,
  predicate: MutationPredicate,
  context: StatementContext,
): Promise<Row[]> {
  const { view, staging, reads } = context;
  const matches = nodeMatcher(type, predicate, context);
  const staged = staging.stagedNodes(type);
  const keyId = idFromKeyPredicate(type, predicate, context);
  if (keyId !== null) {
    reads.lookedUp(type.id, [keyId]);
    const row = staged.has(keyId) ? staged.get(keyId) : (await view.lookupNodes(type, [keyId]))[0];
    return row && matches(row) ? [row] : [];
  }
  reads.scanned(type.id);
  await view.load([type]);
  const reader = view.nodes(type);
  const found: Row[] = [];
  for (const node of reader.all()) {
    // Only rows that match are built whole; the predicate's own column decides first.
    if (!matches.column(reader.value(node, matches.property))) continue;
    if (!staged.has(reader.id(node))) found.push(reader.row(node));
  }
  for (const row of staged.values()) if (row !== null && matches(row)) found.push(row);
  return found;
}

interface NodeMatcher {
  (row: Row): boolean;
  readonly property: NodeType["properties"][number];
  readonly column: (value: Value) => boolean;
}

function nodeMatcher(type: NodeType, predicate: MutationPredicate, context: StatementContext): NodeMatcher {
  if (!("property" in predicate.target)) throw badRequest(`node type ${type.name} has no end points`);
  const { property } = predicate.target;
  const column = type.properties.indexOf(property);
  const right = resolve(predicate.value, context);
  const decide = (value: Value) => compareValues(predicate.operator, value, right, property.type);
  return Object.assign((row: Row) => decide(row.values[column]), { property, column: decide });
}

/** The id that `key = value` names, when the type's key is that one property; null otherwise. */
function idFromKeyPredicate(
  type: NodeType,
  predicate: MutationPredicate,
  context: StatementContext,
): string | null {
  if (predicate.operator !== "=" || !("property" in predicate.target)) return null;
  const { property } = predicate.target;
  if (type.key === null || type.key.length !== 1 || type.key[0] !== property) return null;
  const value = resolve(predicate.value, context);
  if (typeof value !== "string" || property.type.scalar !== "String") return null;
  return nodeIdFromKey(type, [value]);
}

async function matchingEdges(
  type: EdgeType,
  predicate: MutationPredicate,
  context: StatementContext,
): Promise<EdgeRow[]> {
  const { view, staging, reads } = context;
  const right = resolve(predicate.value, context);
  const rows = await candidateEdges();
  return rows.filter((row) => staging.edge(type, row.id)?.row !== null) as EdgeRow[];

  async function candidateEdges(): Promise<Row[]> {
    const { target, operator } = predicate;
    if ("endpoint" in target) {
      if (operator === "=" && typeof right === "string") {
        reads.counted(type.id, [right]);
        return target.endpoint === "from"
          ? view.lookupEdgesFrom(type, [right])
          : view.lookupEdgesTo(type, [right]);
      }
      const idType = { scalar: "String", list: false, nullable: false, enumValues: null } as const;
      return (await allEdges()).filter((row) =>
        compareValues(operator, target.endpoint === "from" ? row.src : row.dst, right, idType),
      );
    }
    const column = type.properties.indexOf(target.property);
    return (await allEdges()).filter((row) =>
      compareValues(operator, row.values[column], right, target.property.type),
    );
  }

  async function allEdges(): Promise<Row[]> {
    reads.scanned(type.id);
    await view.load([type, type.source, type.target]);
    const reader = view.edges(type);
    return [...reader.all()].map((edge) => reader.row(edge));
  }
}

/** Stages the removal of every edge that touches the node; answers how many were not yet removed. */
async function deleteIncidentEdges(type: NodeType, id: string, context: StatementContext): Promise<number> {
  const { view, staging, reads } = context;
  let removed = 0;
  for (const edge of view.catalog.edges.values()) {
    const rows: Row[] = [];
    if (edge.source.id === type.id) rows.push(...(await view.lookupEdgesFrom(edge, [id])));
    if (edge.target.id === type.id) rows.push(...(await view.lookupEdgesTo(edge, [id])));
    if (edge.source.id === type.id || edge.target.id === type.id) reads.counted(edge.id, [id]);
    for (const row of rows as EdgeRow[]) {
      if (staging.edge(edge, row.id)?.row === null) continue;
      staging.deleteEdge(edge, { src: row.src, dst: row.dst, id: row.id });
      removed += 1;
    }
  }
  return removed;
}

function resolve(value: Assignment["value"], context: StatementContext): Value {
  return resolveConstant(value, context.parameters, context.nowMs);
}
