// A mutation: inserts, updates and deletes against the types they name.

import type { EdgeType, NodeType, Property, PropertyType } from "../schema/catalog.ts";
import type { AssignmentClause, MutationDeclaration, PredicateClause, StatementClause } from "./ast.ts";
import { typeError } from "./diagnostics.ts";
import { checkEnumValue, fitLiteral, NOW } from "./literals.ts";
import { atPlace } from "./places.ts";
import type { Assignment, Constant, MutationPredicate, Statement } from "./plan.ts";
import { describeMissing, type Scope } from "./scope.ts";
import { compatible, isBlob, isScalar, isText, scalarType, typeText } from "./types.ts";

export function checkStatements(declaration: MutationDeclaration, scope: Scope): Statement[] {
  return declaration.statements.map((statement) =>
    atPlace(statement, () => checkStatement(statement, scope)),
  );
}

function checkStatement(statement: StatementClause, scope: Scope): Statement {
  const type = findType(statement, scope);
  switch (statement.kind) {
    case "insert":
      return type.kind === "node"
        ? { kind: "insertNode", type, assignments: checkInsert(statement.assignments, type, scope) }
        : { kind: "insertEdge", type, assignments: checkInsert(statement.assignments, type, scope) };
    case "update": {
      if (type.kind === "edge") {
        throw typeError(
          "T16",
          `update takes node types, '${type.name}' is an edge type; delete and insert the edge`,
        );
      }
      const assignments = checkAssignments(statement.assignments, type, scope);
      refuseKeyAssignment(assignments, type);
      return {
        kind: "update",
        type,
        assignments,
        predicate: checkPredicate(statement.predicate, type, scope),
      };
    }
    case "delete":
      return type.kind === "node"
        ? { kind: "deleteNode", type, predicate: checkPredicate(statement.predicate, type, scope) }
        : { kind: "deleteEdge", type, predicate: checkPredicate(statement.predicate, type, scope) };
  }
}

/** A name that a node type and an edge type share means the node type. */
function findType(statement: StatementClause, scope: Scope): NodeType | EdgeType {
  const type = scope.catalog.nodes.get(statement.type) ?? scope.catalog.edges.get(statement.type);
  if (type === undefined)
    throw typeError("T10", `${statement.kind} of unknown node or edge type '${statement.type}'`);
  return type;
}

// ---- assignments ----

type Endpoint = "from" | "to";
const isEndpoint = (type: NodeType | EdgeType, name: string): name is Endpoint =>
  type.kind === "edge" && (name === "from" || name === "to");

/** Ids of nodes, which edges name their ends by. */
const ENDPOINT_TYPE: PropertyType = scalarType("String");

function checkInsert(
  clauses: readonly AssignmentClause[],
  type: NodeType | EdgeType,
  scope: Scope,
): Assignment[] {
  const assignments = checkAssignments(clauses, type, scope);
  const missing = missingFrom(type, new Set(clauses.map(({ property }) => property)));
  if (missing.length > 0) throw typeError("T12", `insert ${type.name} must provide ${missing.join(" and ")}`);
  return assignments;
}

/** What an insert that assigns these names leaves out, as the error says it. */
function missingFrom(type: NodeType | EdgeType, assigned: ReadonlySet<string>): string[] {
  const ends = type.kind === "edge" ? ["from", "to"].filter((end) => !assigned.has(end)) : [];
  // The text that an `@embed` vector is made of stands in for the vector, as far as checking goes.
  const properties = type.properties.filter(
    ({ name, type: { nullable }, embed }) =>
      !nullable && !assigned.has(name) && (embed === null || !assigned.has(embed.source)),
  );
  const named = properties.map(({ name, embed }) =>
    embed === null ? `'${name}'` : `'${name}' or @embed source '${embed.source}'`,
  );
  return [
    ...ends.map((end) => `endpoint '${end}'`),
    ...(named.length === 0 ? [] : [`non-nullable property ${named.join(", ")}`]),
  ];
}

function checkAssignments(
  clauses: readonly AssignmentClause[],
  type: NodeType | EdgeType,
  scope: Scope,
): Assignment[] {
  if (clauses.length === 0) throw typeError("T10", `a statement on '${type.name}' assigns nothing`);
  const seen = new Set<string>();
  return clauses.map((clause) => {
    if (seen.has(clause.property)) {
      throw typeError("T13", `property '${clause.property}' of '${type.name}' is assigned twice`);
    }
    seen.add(clause.property);
    return checkAssignment(clause, type, scope);
  });
}

function checkAssignment(
  { property: name, value }: AssignmentClause,
  type: NodeType | EdgeType,
  scope: Scope,
): Assignment {
  const subject = `property '${type.name}.${name}'`;
  if (isEndpoint(type, name)) {
    return { property: null, endpoint: name, value: checkValue(value, ENDPOINT_TYPE, subject, scope) };
  }
  const property = findProperty(type, name);
  if (value.kind === "literal") checkEnumValue(value.literal, property.type, subject);
  return { property, endpoint: null, value: checkValue(value, property.type, subject, scope) };
}

function findProperty(type: NodeType | EdgeType, name: string): Property {
  const property = type.properties.find((candidate) => candidate.name === name);
  if (property === undefined) throw typeError("T11", describeMissing(type, name));
  return property;
}

function refuseKeyAssignment(assignments: readonly Assignment[], type: NodeType): void {
  for (const { property } of assignments) {
    if (property !== null && type.key?.some(({ id }) => id === property.id)) {
      throw typeError(null, `cannot update @key property '${property.name}' — delete and re-insert instead`);
    }
  }
}

/** A constant that a property can hold: T3 for a literal, T7 for a parameter or now() that it cannot. */
function checkValue(
  value: AssignmentClause["value"],
  target: PropertyType,
  subject: string,
  scope: Scope,
): Constant {
  switch (value.kind) {
    case "literal":
      if (isBlob(target)) {
        throw typeError("T3", `${subject} is a Blob and takes a Blob or String parameter, no literal`);
      }
      return fitLiteral(value.literal, target, subject);
    case "variable": {
      const type = scope.parameter(value.name);
      if (type === undefined) throw typeError("T14", `\`$${value.name}\` is not a declared parameter`);
      if (!compatible(type, target) && !(isBlob(target) && isText(type))) {
        throw typeError(
          "T7",
          `${subject} is ${typeText(target)}, parameter \`$${value.name}\` is ${typeText(type)}`,
        );
      }
      return { kind: "parameter", name: value.name, type };
    }
    case "now":
      if (target.list || target.scalar !== "DateTime") {
        throw typeError("T7", `${subject} is ${typeText(target)}, now() is DateTime`);
      }
      return NOW;
    case "null":
      if (!target.nullable) throw typeError("T3", `${subject} is ${typeText(target)} and cannot be null`);
      return { kind: "literal", value: null, type: target };
  }
}

// ---- predicates ----

function checkPredicate(clause: PredicateClause, type: NodeType | EdgeType, scope: Scope): MutationPredicate {
  const { property: name, operator, value } = clause;
  const subject = `property '${type.name}.${name}'`;
  if (isEndpoint(type, name)) {
    return { target: { endpoint: name }, operator, value: checkValue(value, ENDPOINT_TYPE, subject, scope) };
  }
  const property = findProperty(type, name);
  if (isBlob(property.type)) throw typeError("T11", `${subject} is a Blob and cannot stand in where`);
  if (!isScalar(property.type))
    throw typeError("T7", `${subject} is ${typeText(property.type)}; where compares scalars`);
  return { target: { property }, operator, value: checkValue(value, property.type, subject, scope) };
}
