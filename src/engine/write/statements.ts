// Runs the statements of one checked mutation, in order, over a view and what earlier statements staged.

import { badRequest } from "../../lib/errors.ts";
import type { Ports } from "../../lib/ports.ts";
import { ulid } from "../../lib/ulid.ts";
import { resolveConstant } from "../../query/index.ts";
import type { Assignment, MutationPlan, Statement, Value } from "../../query/plan.ts";
import type { EdgeType, EntityType, NodeType } from "../../schema/catalog.ts";
import { type KeyValue, nodeIdFromKey } from "../../schema/index.ts";
import type { Row } from "../../store/types.ts";
import type { BlobIntake } from "../blob/index.ts";
import { coerceValue } from "./coerce.ts";
import type { EdgeRow } from "./image-check.ts";
import { edgeOf, type MatchContext, matchEdges, matchNodes } from "./matching.ts";

export interface StatementContext extends MatchContext {
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
    case "deleteNode": {
      const { nodes, edges } = await deleteNodes(statement, context);
      affected.nodes += nodes;
      affected.edges += edges;
      return;
    }
    case "deleteEdge":
      for (const edge of await matchEdges(statement.type, statement.predicate, context)) {
        context.staging.deleteEdge(statement.type, edge);
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
  const matched = await matchNodes(type, statement.predicate, context);
  if (matched.count === 0) return 0;
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
  for (const { row, committed } of matched.rows()) {
    const values = [...row.values];
    for (const { column, value } of assigned) values[column] = value;
    context.staging.putNode(type, { ...row, values }, committed);
  }
  return matched.count;
}

/** Stages the removal of matching nodes and of every edge that touches one of them. */
async function deleteNodes(
  { type, predicate }: Extract<Statement, { kind: "deleteNode" }>,
  context: StatementContext,
): Promise<Affected> {
  const ids = [...(await matchNodes(type, predicate, context)).ids()];
  for (const id of ids) context.staging.deleteNode(type, id);
  return { nodes: ids.length, edges: await deleteIncidentEdges(type, ids, context) };
}

/** Answers how many edges were not yet removed. */
async function deleteIncidentEdges(
  type: NodeType,
  ids: readonly string[],
  { view, staging, reads }: StatementContext,
): Promise<number> {
  let removed = 0;
  if (ids.length === 0) return removed;
  for (const edge of view.catalog.edges.values()) {
    const rows: Row[] = [];
    if (edge.source.id === type.id) rows.push(...(await view.lookupEdgesFrom(edge, ids)));
    if (edge.target.id === type.id) rows.push(...(await view.lookupEdgesTo(edge, ids)));
    if (edge.source.id === type.id || edge.target.id === type.id) reads.counted(edge.id, ids);
    for (const row of rows) {
      if (staging.edge(edge, row.id)?.row === null) continue;
      staging.deleteEdge(edge, edgeOf(row));
      removed += 1;
    }
  }
  return removed;
}

function resolve(value: Assignment["value"], context: StatementContext): Value {
  return resolveConstant(value, context.parameters, context.nowMs);
}
