// What a client is told about a query: the catalog entry of a stored one, and the operation that a plan is.

import { compareUtf8 } from "../lib/utf8.ts";
import type { Catalog, EntityType, NodeType, PropertyType, ScalarName } from "../schema/catalog.ts";
import type { QueryDeclaration } from "./ast.ts";
import type { Clause, MutationPlan, QueryPlan, ReadPlan, ReturnItem } from "./plan.ts";
import { elementType, vectorWidth } from "./types.ts";

/** The words that JSON clients know types by. */
export type ValueKind =
  | "string"
  | "bool"
  | "int"
  | "bigint"
  | "float"
  | "date"
  | "datetime"
  | "blob"
  | "vector"
  | "list"
  | "object";

interface ValueDescriptor {
  readonly kind: ValueKind;
  /** Only for lists. */
  readonly item_kind?: ValueKind;
  /** Only for vectors. */
  readonly vector_dim?: number;
  readonly nullable: boolean;
}

export type NamedValue = { readonly name: string } & ValueDescriptor;

export interface CatalogEntry {
  readonly name: string;
  readonly tool_name: string;
  readonly description?: string;
  readonly instruction?: string;
  readonly mutation: boolean;
  readonly params: readonly NamedValue[];
}

export interface TypeReference {
  readonly kind: "node" | "edge";
  readonly type_name: string;
}

export interface OperationDescriptor {
  readonly result: readonly NamedValue[];
  readonly reads: readonly TypeReference[];
  readonly writes: readonly TypeReference[];
}

const KINDS: Readonly<Record<ScalarName, ValueKind>> = {
  String: "string",
  Bool: "bool",
  I32: "int",
  U32: "int",
  I64: "bigint",
  U64: "bigint",
  F32: "float",
  F64: "float",
  Date: "date",
  DateTime: "datetime",
  Blob: "blob",
};

function describeType(type: PropertyType): ValueDescriptor {
  if (type.list)
    return { kind: "list", item_kind: describeType(elementType(type)).kind, nullable: type.nullable };
  if (typeof type.scalar === "object") {
    return { kind: "vector", vector_dim: type.scalar.vector, nullable: type.nullable };
  }
  return { kind: KINDS[type.scalar], nullable: type.nullable };
}

/** The entry of a stored query in the catalog; `toolName` where the registry overrides it. */
export function catalogEntry(declaration: QueryDeclaration, toolName = declaration.name): CatalogEntry {
  const { name, description, instruction } = declaration;
  return {
    name,
    tool_name: toolName,
    ...(description !== null && { description }),
    ...(instruction !== null && { instruction }),
    mutation: declaration.kind === "mutation",
    params: declaration.params.map((param) => ({ name: param.name, ...describeType(param.type) })),
  };
}

/** What is well-formed and yet of little use in a stored query. */
export function catalogWarnings(declaration: QueryDeclaration): string[] {
  return declaration.params
    .filter(({ type }) => vectorWidth(type) !== null)
    .map(
      ({ name }) =>
        `parameter \`$${name}\` is a Vector, which agents cannot supply; a String parameter is embedded when the query runs`,
    );
}

/** What a checked query answers with, and which types it reads and writes. */
export function describeOperation(plan: QueryPlan, catalog: Catalog): OperationDescriptor {
  return plan.kind === "read" ? describeRead(plan) : describeMutation(plan, catalog);
}

function describeRead(plan: ReadPlan): OperationDescriptor {
  const reads = new Set<EntityType>();
  collectReads(plan.clauses, plan, reads);
  return { result: plan.items.map(describeItem), reads: references(reads), writes: [] };
}

function describeItem({ shortName, expression }: ReturnItem): NamedValue {
  const described = describeType(expression.type);
  return { name: shortName, ...described, ...(expression.kind === "variable" && { kind: "object" }) };
}

function collectReads(clauses: readonly Clause[], plan: ReadPlan, reads: Set<EntityType>): void {
  for (const clause of clauses) {
    if (clause.kind === "binding") reads.add(plan.variables[clause.variable].type);
    if (clause.kind === "traversal") reads.add(clause.edge).add(clause.edge.source).add(clause.edge.target);
    if (clause.kind === "not") collectReads(clause.clauses, plan, reads);
  }
}

function describeMutation(plan: MutationPlan, catalog: Catalog): OperationDescriptor {
  const reads = new Set<EntityType>();
  const writes = new Set<EntityType>();
  for (const statement of plan.statements) {
    reads.add(statement.type);
    writes.add(statement.type);
    if (statement.kind === "insertEdge") reads.add(statement.type.source).add(statement.type.target);
    if (statement.kind !== "deleteNode") continue;
    for (const edge of incidentEdges(statement.type, catalog)) {
      reads.add(edge);
      writes.add(edge);
    }
  }
  return { result: [], reads: references(reads), writes: references(writes) };
}

function incidentEdges(node: NodeType, catalog: Catalog) {
  return [...catalog.edges.values()].filter(
    ({ source, target }) => source.id === node.id || target.id === node.id,
  );
}

/** Each type once, nodes before edges, then by name. */
function references(types: ReadonlySet<EntityType>): TypeReference[] {
  const byId = new Map([...types].map((type) => [type.id, type]));
  return [...byId.values()]
    .sort((a, b) => (a.kind === b.kind ? compareUtf8(a.name, b.name) : a.kind === "node" ? -1 : 1))
    .map(({ kind, name }) => ({ kind, type_name: name }));
}
