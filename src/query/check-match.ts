// The `match` block: bindings, traversals, filters and `not`, checked top to bottom, so that a variable stands
// above its first use.

import type { Catalog, EdgeType, NodeType, PropertyType } from "../schema/catalog.ts";
import type {
  BindingClause,
  Expression,
  InlineMatch,
  MatchClause,
  NotClause,
  TraversalClause,
  Word,
} from "./ast.ts";
import { checkFilter } from "./check-filter.ts";
import { checkTextCall } from "./check-search.ts";
import { listNames, typeError } from "./diagnostics.ts";
import { checkEnumValue, fitLiteral, matchedType, NOW } from "./literals.ts";
import type { Clause, Constant } from "./plan.ts";
import { type BoundVariable, findProperty, type Scope, WILDCARD } from "./scope.ts";
import { compatible, isBlob, typeText } from "./types.ts";

/** What is wrong goes to the problems of the scope; the answer then lacks it, and no plan is made of it. */
export function checkClauses(clauses: readonly MatchClause[], scope: Scope): Clause[] {
  const checked: Clause[] = [];
  for (const clause of clauses) {
    const result = scope.problems.attempt(() => checkClause(clause, scope));
    if (result === null) giveUpNames(clause, scope);
    else checked.push(result);
  }
  return checked;
}

function giveUpNames(clause: MatchClause, scope: Scope): void {
  if (clause.kind === "binding") scope.giveUp(clause.variable.text);
  if (clause.kind !== "traversal") return;
  for (const word of [clause.left, clause.right, clause.edgeVariable]) {
    if (word !== null) scope.giveUp(word.text);
  }
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
  const type = scope.catalog.nodes.get(clause.type.text);
  if (type === undefined) throw unknownNodeType(scope.catalog, clause.type);
  const { slot } = bindNode(clause.variable, type, scope);
  const matches = clause.matches.flatMap(
    (match) => scope.problems.attempt(() => checkInlineMatch(match, type, scope)) ?? [],
  );
  return { kind: "binding", variable: slot, matches };
}

function unknownNodeType(catalog: Catalog, word: Word) {
  const name = word.text;
  return typeError(
    word,
    "T1",
    catalog.edges.has(name)
      ? `'${name}' is an edge type, a binding takes a node type`
      : `unknown node type '${name}' (the schema has ${listNames([...catalog.nodes.keys()])})`,
  );
}

function bindNode(word: Word, type: NodeType, scope: Scope): BoundVariable {
  const name = word.text;
  if (name === WILDCARD) {
    throw typeError(word, null, "`$_` cannot be bound to a node type; give the variable a name");
  }
  const bound = scope.variable(name);
  if (bound === undefined) return scope.declare({ kind: "node", name, type, wildcard: false });
  if (bound.info.kind === "edge") {
    throw typeError(word, "T23", `edge variable \`$${name}\` cannot be bound again as a node`);
  }
  if (bound.info.type.id !== type.id) {
    throw typeError(word, null, `variable \`$${name}\` already bound to type \`${bound.info.type.name}\``);
  }
  return bound;
}

function checkInlineMatch(match: InlineMatch, type: NodeType, scope: Scope) {
  const property = findProperty(type, match.property, "T2");
  const subject = `property '${type.name}.${property.name}'`;
  if (isBlob(property.type)) {
    throw typeError(match.property, "T3", `${subject} is a Blob and cannot be matched`);
  }
  return { property, value: checkMatchedValue(match.value, property.type, subject, scope) };
}

function checkMatchedValue(
  value: InlineMatch["value"],
  type: PropertyType,
  subject: string,
  scope: Scope,
): Constant {
  const target = matchedType(type);
  switch (value.kind) {
    case "literal":
      if (type.list && value.literal.kind === "list") {
        throw typeError(
          value,
          "T3",
          `${subject} is ${typeText(type)}: match it by one element, not by a list`,
        );
      }
      checkEnumValue(value, target, subject);
      return fitLiteral(value, target, subject);
    case "variable": {
      const parameter = scope.parameter(value.name);
      if (parameter === undefined) {
        throw typeError(value, "T6", `\`$${value.name}\` is not a declared parameter`);
      }
      if (!compatible(parameter, target)) {
        throw typeError(
          value,
          "T7",
          `${subject} is ${typeText(type)}, parameter \`$${value.name}\` is ${typeText(parameter)}`,
        );
      }
      return { kind: "parameter", name: value.name, type: parameter };
    }
    case "now":
      if (target.scalar !== "DateTime") {
        throw typeError(value, "T7", `${subject} is ${typeText(type)}, now() is DateTime`);
      }
      return NOW;
  }
}

// ---- traversals ----

function checkTraversal(clause: TraversalClause, scope: Scope): Clause {
  const { problems } = scope;
  const edge = findEdge(scope.catalog, clause.edge);
  problems.attempt(() => checkDirection(clause, edge));
  const edgeVariable = problems.attempt(() => checkEdgeVariable(clause, scope)) ?? null;
  const { min, max } = problems.attempt(() => checkHops(clause)) ?? ONE_HOP;
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
    edgeVariable:
      edgeVariable === null ? null : scope.declare({ kind: "edge", name: edgeVariable, type: edge }).slot,
    left: forward ? "from" : "to",
  };
}

/** By exact spelling, then ignoring case: schemas write `Knows`, traversals `knows`. */
function findEdge(catalog: Catalog, word: Word): EdgeType {
  const name = word.text;
  const edge = catalog.edges.get(name) ?? catalog.edgesByFoldedName.get(name.toLowerCase());
  if (edge !== undefined) return edge;
  const known = listNames([...catalog.edges.keys()]);
  throw typeError(word, "T4", `unknown edge '${name}' (the schema has ${known})`);
}

function checkDirection(clause: TraversalClause, edge: EdgeType): void {
  if (!clause.undirected || edge.source.id === edge.target.id) return;
  throw typeError(
    clause.edge,
    "T22",
    `undirected \`<${clause.edge.text}>\` needs equal ends, edge '${edge.name}' goes from ${edge.source.name} to ${edge.target.name}`,
  );
}

/** The name that the clause binds to the edge, or null. */
function checkEdgeVariable(clause: TraversalClause, scope: Scope): string | null {
  const word = clause.edgeVariable;
  if (word === null) return null;
  const name = word.text;
  if (clause.hops !== null) {
    throw typeError(
      word,
      "T23",
      `edge binding \`$${name}:${clause.edge.text}\` takes no hop bounds: it stands for a single edge`,
    );
  }
  if (name === WILDCARD) return null;
  if (name === clause.left.text || name === clause.right.text) {
    throw typeError(word, "T23", `edge variable \`$${name}\` is also an end of its traversal`);
  }
  if (scope.variable(name) !== undefined) {
    throw typeError(word, "T23", `edge variable \`$${name}\` is already bound`);
  }
  return name;
}

const ONE_HOP = { min: 1, max: 1 } as const;

function checkHops({ hops, edge }: TraversalClause): { min: number; max: number } {
  if (hops === null) return ONE_HOP;
  const { min, max } = hops;
  const subject = `hop bounds of '${edge.text}'`;
  if (min < 1) throw typeError(hops, "T15", `${subject} start at ${min}; the least is 1`);
  if (max === null) {
    throw typeError(
      hops,
      "T15",
      `unbounded traversal is disabled; give '${edge.text}' a greatest number of hops`,
    );
  }
  if (max < min) throw typeError(hops, "T15", `${subject} end at ${max}, before ${min}`);
  return { min, max };
}

/** Whether the left variable is at the edge's source: by the end that is typed already, the left one first. */
function isForward(clause: TraversalClause, edge: EdgeType, scope: Scope): boolean {
  const left = endpointType(clause.left, scope);
  if (left !== null) return isEnd(clause.left, left, edge.source, edge.target, edge);
  const right = endpointType(clause.right, scope);
  return right === null || isEnd(clause.right, right, edge.target, edge.source, edge);
}

function isEnd(word: Word, type: NodeType, near: NodeType, far: NodeType, edge: EdgeType): boolean {
  if (type.id === near.id) return true;
  if (type.id === far.id) return false;
  throw notAnEndpoint(word, type, edge);
}

function notAnEndpoint(word: Word, type: NodeType, edge: EdgeType) {
  const ends = `${edge.source.name} to ${edge.target.name}`;
  return typeError(
    word,
    "T5",
    `\`$${word.text}\` is a ${type.name}, which does not fit edge '${edge.name}' from ${ends}`,
  );
}

/** The node type that a variable has already; null for a wildcard and for a name not bound yet. */
function endpointType(word: Word, scope: Scope): NodeType | null {
  const bound = word.text === WILDCARD ? undefined : scope.variable(word.text);
  if (bound === undefined) return null;
  if (bound.info.kind === "edge") {
    throw typeError(word, "T23", `edge variable \`$${word.text}\` cannot be an end of a traversal`);
  }
  return bound.info.type;
}

function bindEndpoint(word: Word, demanded: NodeType, edge: EdgeType, scope: Scope): number {
  const name = word.text;
  const type = endpointType(word, scope);
  if (type !== null && type.id !== demanded.id) throw notAnEndpoint(word, type, edge);
  const bound = name === WILDCARD ? undefined : scope.variable(name);
  if (bound !== undefined) return bound.slot;
  return scope.declare({ kind: "node", name, type: demanded, wildcard: name === WILDCARD }).slot;
}

// ---- negation ----

function checkNot(clause: NotClause, scope: Scope): Clause {
  const failures = scope.problems.count;
  const clauses = checkClauses(clause.clauses, scope.inner());
  const isRelated = clause.clauses.some((inner) => mentionsVariableOf(inner, scope));
  if (!isRelated && scope.problems.count === failures) {
    throw typeError(
      clause.word,
      "T9",
      "a `not` block must refer to a variable bound outside of it, in a clause of its own",
    );
  }
  return { kind: "not", clauses };
}

function mentionsVariableOf(clause: MatchClause, outer: Scope): boolean {
  const isBound = (name: string) => name !== WILDCARD && outer.knows(name);
  const isMentioned = (expression: Expression): boolean =>
    expression.kind === "property"
      ? isBound(expression.variable)
      : expression.kind === "text" && isMentioned(expression.field);
  switch (clause.kind) {
    case "binding":
      return isBound(clause.variable.text);
    case "traversal":
      return isBound(clause.left.text) || isBound(clause.right.text);
    case "filter":
      return isMentioned(clause.left) || isMentioned(clause.right);
    case "text":
      return isMentioned(clause);
    case "not":
      return false;
  }
}
