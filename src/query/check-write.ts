// A mutation: inserts, updates and deletes against the types they name.

import { ALREADY_TOLD } from "../lib/problems.ts";
import type { EdgeType, NodeType, PropertyType } from "../schema/catalog.ts";
import type { AssignmentClause, MutationDeclaration, PredicateClause, StatementClause, Word } from "./ast.ts";
import { listNames, typeError } from "./diagnostics.ts";
import { checkEnumValue, fitLiteral, NOW } from "./literals.ts";
import type { Assignment, Constant, MutationPredicate, Statement } from "./plan.ts";
import { findProperty, type Scope } from "./scope.ts";
import { compatible, isBlob, isScalar, isText, scalarType, typeText } from "./types.ts";

export function checkStatements(declaration: MutationDeclaration, scope: Scope): Statement[] {
  return declaration.statements.flatMap(
    (statement) => scope.problems.attempt(() => checkStatement(statement, scope)) ?? [],
  );
}

function checkStatement(statement: StatementClause, scope: Scope): Statement {
  const type = findType(statement, scope);
  switch (statement.kind) {
    case "insert": {
      const assignments = checkInsert(statement, type, scope);
      return type.kind === "node"
        ? { kind: "insertNode", type, assignments }
        : { kind: "insertEdge", type, assignments };
    }
    case "update": {
      if (type.kind === "edge") {
        throw typeError(
          statement.type,
          "T16",
          `update takes node types, '${type.name}' is an edge type; delete and insert the edge`,
        );
      }
      const [assignments, predicate] = scope.problems.both(
        () => checkAssignments(statement, type, scope),
        () => checkPredicate(statement.predicate, type, scope),
      );
      return { kind: "update", type, assignments, predicate };
    }
    case "delete": {
      const predicate = checkPredicate(statement.predicate, type, scope);
      return type.kind === "node"
        ? { kind: "deleteNode", type, predicate }
        : { kind: "deleteEdge", type, predicate };
    }
  }
}

/** A name that a node type and an edge type share means the node type. */
function findType({ kind, type: word }: StatementClause, scope: Scope): NodeType | EdgeType {
  const type = scope.catalog.nodes.get(word.text) ?? scope.catalog.edges.get(word.text);
  if (type !== undefined) return type;
  const known = listNames([...scope.catalog.nodes.keys(), ...scope.catalog.edges.keys()]);
  throw typeError(
    word,
    "T10",
    `${kind} of unknown node or edge type '${word.text}' (the schema has ${known})`,
  );
}

// ---- assignments ----

type Assigning = Exclude<StatementClause, { kind: "delete" }>;

type Endpoint = "from" | "to";
const isEndpoint = (type: NodeType | EdgeType, name: string): name is Endpoint =>
  type.kind === "edge" && (name === "from" || name === "to");

/** Ids of nodes, which edges name their ends by. */
const ENDPOINT_TYPE: PropertyType = scalarType("String");

function checkInsert(statement: Assigning, type: NodeType | EdgeType, scope: Scope): Assignment[] {
  const assignments = checkAssignments(statement, type, scope);
  const assigned = new Set(statement.assignments.map(({ property }) => property.text));
  // A name that the type lacks may be a slip for one that it demands.
  for (const name of assigned) if (!hasProperty(type, name)) throw ALREADY_TOLD;
  const missing = missingFrom(type, assigned);
  if (missing.length > 0) {
    throw typeError(statement.type, "T12", `insert ${type.name} must provide ${missing.join(" and ")}`);
  }
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

function checkAssignments(statement: Assigning, type: NodeType | EdgeType, scope: Scope): Assignment[] {
  if (statement.assignments.length === 0) {
    throw typeError(statement.type, "T10", `a statement on '${type.name}' assigns nothing`);
  }
  const seen = new Set<string>();
  return statement.assignments.flatMap((clause) => {
    const { property } = clause;
    const checked = scope.problems.attempt(() => {
      if (seen.has(property.text)) {
        throw typeError(property, "T13", `property '${property.text}' of '${type.name}' is assigned twice`);
      }
      seen.add(property.text);
      if (statement.kind === "update") refuseKeyAssignment(property, type);
      return checkAssignment(clause, type, scope);
    });
    return checked ?? [];
  });
}

function refuseKeyAssignment(word: Word, type: NodeType | EdgeType): void {
  if (type.kind === "edge" || type.key?.some(({ name }) => name === word.text) !== true) return;
  throw typeError(word, null, `cannot update @key property '${word.text}' — delete and re-insert instead`);
}

function checkAssignment(
  { property: word, value }: AssignmentClause,
  type: NodeType | EdgeType,
  scope: Scope,
): Assignment {
  const name = word.text;
  const subject = `property '${type.name}.${name}'`;
  if (isEndpoint(type, name)) {
    return { property: null, endpoint: name, value: checkValue(value, ENDPOINT_TYPE, subject, scope) };
  }
  const property = findProperty(type, word, "T11");
  if (value.kind === "literal") checkEnumValue(value, property.type, subject);
  return { property, endpoint: null, value: checkValue(value, property.type, subject, scope) };
}

const hasProperty = (type: NodeType | EdgeType, name: string) =>
  isEndpoint(type, name) || type.properties.some((property) => property.name === name);

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
        throw typeError(value, "T3", `${subject} is a Blob and takes a Blob or String parameter, no literal`);
      }
      return fitLiteral(value, target, subject);
    case "variable": {
      const type = scope.parameter(value.name);
      if (type === undefined) throw typeError(value, "T14", `\`$${value.name}\` is not a declared parameter`);
      if (!compatible(type, target) && !(isBlob(target) && isText(type))) {
        throw typeError(
          value,
          "T7",
          `${subject} is ${typeText(target)}, parameter \`$${value.name}\` is ${typeText(type)}`,
        );
      }
      return { kind: "parameter", name: value.name, type };
    }
    case "now":
      if (target.list || target.scalar !== "DateTime") {
        throw typeError(value, "T7", `${subject} is ${typeText(target)}, now() is DateTime`);
      }
      return NOW;
    case "null":
      if (!target.nullable)
        throw typeError(value, "T3", `${subject} is ${typeText(target)} and cannot be null`);
      return { kind: "literal", value: null, type: target };
  }
}

// ---- predicates ----

function checkPredicate(clause: PredicateClause, type: NodeType | EdgeType, scope: Scope): MutationPredicate {
  const { property: word, operator, value } = clause;
  const name = word.text;
  const subject = `property '${type.name}.${name}'`;
  if (isEndpoint(type, name)) {
    return { target: { endpoint: name }, operator, value: checkValue(value, ENDPOINT_TYPE, subject, scope) };
  }
  const property = findProperty(type, word, "T11");
  if (isBlob(property.type)) throw typeError(word, "T11", `${subject} is a Blob and cannot stand in where`);
  if (!isScalar(property.type))
    throw typeError(word, "T7", `${subject} is ${typeText(property.type)}; where compares scalars`);
  return { target: { property }, operator, value: checkValue(value, property.type, subject, scope) };
}
