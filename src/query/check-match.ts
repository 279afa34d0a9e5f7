// The `match` block: bindings, traversals, filters and `not`, checked top to bottom, so that a variable stands
// above its first use.

import type { Catalog, EdgeType, NodeType, PropertyType } from "../schema/catalog.ts";
import type {
  BindingClause,
  Expression,
  FilterClause,
  InlineMatch,
  MatchClause,
  NotClause,
  TraversalClause,
} from "./ast.ts";
import { checkTextCall } from "./check-search.ts";
import { describeOperand, typeError } from "./diagnostics.ts";
import { checkEnumValue, fitLiteral, literalConstant, matchedType, NOW } from "./literals.ts";
import { atPlace } from "./places.ts";
import type { Clause, ComparisonOperator, Constant, Operand } from "./plan.ts";
import {
  type BoundVariable,
  bareEdgeVariable,
  describeMissing,
  propertyOperand,
  type Scope,
  unboundVariable,
  WILDCARD,
} from "./scope.ts";
import {
  compatible,
  elementType,
  isBlob,
  isBoolean,
  isScalar,
  isText,
  temporalHint,
  typeText,
} from "./types.ts";

export function checkClauses(clauses: readonly MatchClause[], scope: Scope): Clause[] {
  return clauses.map((clause) => atPlace(clause, () => checkClause(clause, scope)));
}

function checkClause(clause: MatchClause, scope: Scope): Clause {
  switch (clause.kind) {
    case "binding":
      return checkBinding(clause, scope);
    case "traversal":
      return checkTraversal(clause, scope);
    case "filter":
      return checkFilter(clause, scope);
    case "text":
      return checkTextCall(clause, scope);
    case "not":
      return checkNot(clause, scope);
  }
}

// ---- bindings ----

function checkBinding(clause: BindingClause, scope: Scope): Clause {
  const type = scope.catalog.nodes.get(clause.type);
  if (type === undefined) throw typeError("T1", unknownNodeType(scope.catalog, clause.type));
  const { slot } = bindNode(clause.variable, type, scope);
  const matches = clause.matches.map((match) => checkInlineMatch(match, type, scope));
  return { kind: "binding", variable: slot, matches };
}

function unknownNodeType(catalog: Catalog, name: string): string {
  return catalog.edges.has(name)
    ? `'${name}' is an edge type, a binding takes a node type`
    : `unknown node type '${name}'`;
}

function bindNode(name: string, type: NodeType, scope: Scope): BoundVariable {
  if (name === WILDCARD)
    throw typeError(null, "`$_` cannot be bound to a node type; give the variable a name");
  const bound = scope.variable(name);
  if (bound === undefined) return scope.declare({ kind: "node", name, type, wildcard: false });
  if (bound.info.kind === "edge") {
    throw typeError("T23", `edge variable \`$${name}\` cannot be bound again as a node`);
  }
  if (bound.info.type.id !== type.id) {
    throw typeError(null, `variable \`$${name}\` already bound to type \`${bound.info.type.name}\``);
  }
  return bound;
}

function checkInlineMatch(match: InlineMatch, type: NodeType, scope: Scope) {
  const property = type.properties.find(({ name }) => name === match.property);
  if (property === undefined) throw typeError("T2", describeMissing(type, match.property));
  const subject = `property '${type.name}.${property.name}'`;
  if (isBlob(property.type)) throw typeError("T3", `${subject} is a Blob and cannot be matched`);
  return { property, value: checkMatchedValue(match, property.type, subject, scope) };
}

function checkMatchedValue(match: InlineMatch, type: PropertyType, subject: string, scope: Scope): Constant {
  const { value } = match;
  const target = matchedType(type);
  switch (value.kind) {
    case "literal":
      if (type.list && value.literal.kind === "list") {
        throw typeError("T3", `${subject} is ${typeText(type)}: match it by one element, not by a list`);
      }
      checkEnumValue(value.literal, target, subject);
      return fitLiteral(value.literal, target, subject);
    case "variable": {
      const parameter = scope.parameter(value.name);
      if (parameter === undefined) throw typeError("T6", `\`$${value.name}\` is not a declared parameter`);
      if (!compatible(parameter, target)) {
        throw typeError(
          "T7",
          `${subject} is ${typeText(type)}, parameter \`$${value.name}\` is ${typeText(parameter)}`,
        );
      }
      return { kind: "parameter", name: value.name, type: parameter };
    }
    case "now":
      if (target.scalar !== "DateTime")
        throw typeError("T7", `${subject} is ${typeText(type)}, now() is DateTime`);
      return NOW;
  }
}

// ---- traversals ----

function checkTraversal(clause: TraversalClause, scope: Scope): Clause {
  const edge = findEdge(scope.catalog, clause.edge);
  if (clause.undirected && edge.source.id !== edge.target.id) {
    throw typeError(
      "T22",
      `undirected \`<${clause.edge}>\` needs equal ends, edge '${edge.name}' goes from ${edge.source.name} to ${edge.target.name}`,
    );
  }
  checkEdgeVariable(clause, scope);
  const { min, max } = checkHops(clause);
  const forward = isForward(clause, edge, scope);
  const left = bindEndpoint(clause.left, forward ? edge.source : edge.target, edge, scope);
  const right = bindEndpoint(clause.right, forward ? edge.target : edge.source, edge, scope);
  return {
    kind: "traversal",
    edge,
    from: forward ? left : right,
    to: forward ? right : left,
    undirected: clause.undirected,
    minHops: min,
    maxHops: max,
    edgeVariable: declareEdgeVariable(clause, edge, scope),
    left: forward ? "from" : "to",
  };
}

/** By exact spelling, then ignoring case: schemas write `Knows`, traversals `knows`. */
function findEdge(catalog: Catalog, name: string): EdgeType {
  const edge = catalog.edges.get(name) ?? catalog.edgesByFoldedName.get(name.toLowerCase());
  if (edge !== undefined) return edge;
  const known = [...catalog.edges.keys()].join(", ");
  throw typeError(
    "T4",
    `unknown edge '${name}' (${known === "" ? "the schema has none" : `the schema has ${known}`})`,
  );
}

function checkEdgeVariable(clause: TraversalClause, scope: Scope): void {
  const name = clause.edgeVariable;
  if (name === null) return;
  if (clause.hops !== null) {
    throw typeError(
      "T23",
      `edge binding \`$${name}:${clause.edge}\` takes no hop bounds: it stands for a single edge`,
    );
  }
  if (name === WILDCARD) return;
  if (name === clause.left || name === clause.right) {
    throw typeError("T23", `edge variable \`$${name}\` is also an end of its traversal`);
  }
  if (scope.variable(name) !== undefined) {
    throw typeError("T23", `edge variable \`$${name}\` is already bound`);
  }
}

function declareEdgeVariable(clause: TraversalClause, edge: EdgeType, scope: Scope): number | null {
  const name = clause.edgeVariable;
  return name === null || name === WILDCARD ? null : scope.declare({ kind: "edge", name, type: edge }).slot;
}

function checkHops(clause: TraversalClause): { min: number; max: number } {
  if (clause.hops === null) return { min: 1, max: 1 };
  const { min, max } = clause.hops;
  if (min < 1) throw typeError("T15", `hop bounds of '${clause.edge}' start at ${min}; the least is 1`);
  if (max === null) {
    throw typeError(
      "T15",
      `unbounded traversal is disabled; give '${clause.edge}' a greatest number of hops`,
    );
  }
  if (max < min) throw typeError("T15", `hop bounds of '${clause.edge}' end at ${max}, before ${min}`);
  return { min, max };
}

/** Whether the left variable is at the edge's source: by the end that is typed already, the left one first. */
function isForward(clause: TraversalClause, edge: EdgeType, scope: Scope): boolean {
  const left = endpointType(clause.left, scope);
  if (left !== null) return isEnd(clause.left, left, edge.source, edge.target, edge);
  const right = endpointType(clause.right, scope);
  return right === null || isEnd(clause.right, right, edge.target, edge.source, edge);
}

function isEnd(name: string, type: NodeType, near: NodeType, far: NodeType, edge: EdgeType): boolean {
  if (type.id === near.id) return true;
  if (type.id === far.id) return false;
  throw notAnEndpoint(name, type, edge);
}

function notAnEndpoint(name: string, type: NodeType, edge: EdgeType) {
  const ends = `${edge.source.name} to ${edge.target.name}`;
  return typeError(
    "T5",
    `\`$${name}\` is a ${type.name}, which does not fit edge '${edge.name}' from ${ends}`,
  );
}

/** The node type that a variable has already; null for a wildcard and for a name not bound yet. */
function endpointType(name: string, scope: Scope): NodeType | null {
  const bound = name === WILDCARD ? undefined : scope.variable(name);
  if (bound === undefined) return null;
  if (bound.info.kind === "edge") {
    throw typeError("T23", `edge variable \`$${name}\` cannot be an end of a traversal`);
  }
  return bound.info.type;
}

function bindEndpoint(name: string, demanded: NodeType, edge: EdgeType, scope: Scope): number {
  const type = endpointType(name, scope);
  if (type !== null && type.id !== demanded.id) throw notAnEndpoint(name, type, edge);
  const bound = name === WILDCARD ? undefined : scope.variable(name);
  if (bound !== undefined) return bound.slot;
  return scope.declare({ kind: "node", name, type: demanded, wildcard: name === WILDCARD }).slot;
}

// ---- filters ----

function checkFilter(clause: FilterClause, scope: Scope): Clause {
  if (clause.left.kind === "text" || clause.right.kind === "text")
    return checkComparedTextCall(clause, scope);
  const left = checkOperand(clause.left, scope);
  const right = checkOperand(clause.right, scope);
  checkOperandTypes(left.type, clause.operator, right.type);
  return { kind: "filter", left, operator: clause.operator, right };
}

/** `search(…) = false` and the like: a text predicate beside a Bool that is known before rows are read. */
function checkComparedTextCall(clause: FilterClause, scope: Scope): Clause {
  const [call, other] =
    clause.left.kind === "text" ? [clause.left, clause.right] : ([clause.right, clause.left] as const);
  if (call.kind !== "text" || (clause.operator !== "=" && clause.operator !== "!=")) {
    throw typeError("T7", "a text predicate compares by = or != only");
  }
  const expected = other.kind === "text" ? null : checkOperand(other, scope);
  if (expected === null || expected.kind === "property" || !isBoolean(expected.type)) {
    throw typeError("T7", `${call.function}(…) compares with a Bool literal or parameter only`);
  }
  return checkTextCall(call, scope, expected, clause.operator === "!=");
}

function checkOperand(expression: Expression, scope: Scope): Operand {
  const operand = resolveOperand(expression, scope);
  if (isBlob(operand.type))
    throw typeError("T24", `${describeOperand(expression)} is a Blob and cannot be compared`);
  return operand;
}

function resolveOperand(expression: Expression, scope: Scope): Operand {
  switch (expression.kind) {
    case "literal":
      return literalConstant(expression.literal);
    case "now":
      return NOW;
    case "property":
      return propertyOperand(scope, expression.variable, expression.property);
    case "variable":
      return resolveParameter(expression.name, scope);
    default:
      throw typeError("T7", `${describeOperand(expression)} cannot be an operand of a filter`);
  }
}

function resolveParameter(name: string, scope: Scope): Constant {
  const type = scope.parameter(name);
  if (type !== undefined) return { kind: "parameter", name, type };
  const bound = scope.variable(name);
  if (bound === undefined) throw unboundVariable(name);
  if (bound.info.kind === "edge") throw bareEdgeVariable(name);
  throw typeError(
    "T7",
    `node variable \`$${name}\` is not a scalar; compare one of its properties, \`$${name}.…\``,
  );
}

function checkOperandTypes(left: PropertyType, operator: ComparisonOperator, right: PropertyType): void {
  switch (operator) {
    case "contains":
      if (left.list ? isScalar(right) && compatible(elementType(left), right) : isText(left) && isText(right))
        return;
      throw operandError(
        left,
        operator,
        right,
        "needs a list and a value of its element type, or two Strings",
      );
    case "starts_with":
      if (isText(left) && isText(right)) return;
      throw operandError(left, operator, right, "needs two Strings");
    default:
      if (!isScalar(left) || !isScalar(right)) {
        throw operandError(left, operator, right, "compares scalars, neither lists nor vectors");
      }
      if (!compatible(left, right)) throw operandError(left, operator, right, "needs compatible types");
  }
}

function operandError(left: PropertyType, operator: ComparisonOperator, right: PropertyType, rule: string) {
  return typeError(
    "T7",
    `cannot apply '${operator}' to ${typeText(left)} and ${typeText(right)}: it ${rule}${temporalHint(left, right)}`,
  );
}

// ---- negation ----

function checkNot(clause: NotClause, scope: Scope): Clause {
  const clauses = checkClauses(clause.clauses, scope.inner());
  if (!clause.clauses.some((inner) => mentionsVariableOf(inner, scope))) {
    throw typeError(
      "T9",
      "a `not` block must refer to a variable bound outside of it, in a clause of its own",
    );
  }
  return { kind: "not", clauses };
}

function mentionsVariableOf(clause: MatchClause, outer: Scope): boolean {
  const isBound = (name: string) => name !== WILDCARD && outer.variable(name) !== undefined;
  const isMentioned = (expression: Expression): boolean =>
    expression.kind === "property"
      ? isBound(expression.variable)
      : expression.kind === "text" && isMentioned(expression.field);
  switch (clause.kind) {
    case "binding":
      return isBound(clause.variable);
    case "traversal":
      return isBound(clause.left) || isBound(clause.right);
    case "filter":
      return isMentioned(clause.left) || isMentioned(clause.right);
    case "text":
      return isMentioned(clause);
    case "not":
      return false;
  }
}
