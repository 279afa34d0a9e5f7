// Text predicates and rank functions: what they search, what they search for, and how the answers are ranked.

import type { Expression, RankExpression, TextExpression } from "./ast.ts";
import { type TypeErrorCode, typeError } from "./diagnostics.ts";
import { literalConstant, vectorConstant } from "./literals.ts";
import type { Constant, RankArm, RankFunction, TextCall } from "./plan.ts";
import { propertyOperand, type Scope, unboundVariable } from "./scope.ts";
import { isInteger, isText, typeText, vectorWidth } from "./types.ts";

/** `expected` and `negated` where the call is compared with a Bool; alone it must hold. */
export function checkTextCall(
  call: TextExpression,
  scope: Scope,
  expected: Constant | true = true,
  negated = false,
): TextCall {
  const code = call.function === "match_text" ? "T20" : "T19";
  const field = checkTextField(call.function, code, call.field, scope);
  return {
    kind: "text",
    function: call.function,
    variable: field.variable,
    property: field.property,
    query: checkTextQuery(call.function, code, call.query, scope),
    maxEdits: call.maxEdits === null ? null : checkMaxEdits(call.maxEdits, scope),
    expected,
    negated,
  };
}

function checkTextField(name: string, code: TypeErrorCode, field: Expression, scope: Scope) {
  if (field.kind !== "property") {
    throw typeError(
      code,
      `the field of ${name} must be a String property of a node variable, such as \`$d.title\``,
    );
  }
  refuseEdgeVariable(name, field.variable, scope);
  const operand = propertyOperand(scope, field.variable, field.property);
  if (!isText(operand.type)) {
    const subject = `\`$${field.variable}.${field.property}\``;
    throw typeError(code, `the field of ${name} must be a String, ${subject} is ${typeText(operand.type)}`);
  }
  return operand;
}

function refuseEdgeVariable(name: string, variable: string, scope: Scope): void {
  if (scope.variable(variable)?.info.kind === "edge") {
    throw typeError("T23", `${name} searches nodes, \`$${variable}\` is an edge variable`);
  }
}

function checkTextQuery(name: string, code: TypeErrorCode, query: Expression, scope: Scope): Constant {
  const constant = constantOf(query, scope);
  if (constant === null || !isText(constant.type)) {
    throw typeError(code, `the query of ${name} must be a String literal or parameter`);
  }
  return constant;
}

/** A literal or a parameter; null for everything else, which is no search query. */
function constantOf(expression: Expression, scope: Scope): Constant | null {
  if (expression.kind === "literal") return literalConstant(expression.literal);
  if (expression.kind !== "variable") return null;
  const type = scope.parameter(expression.name);
  if (type !== undefined) return { kind: "parameter", name: expression.name, type };
  if (scope.variable(expression.name) === undefined) throw unboundVariable(expression.name);
  return null;
}

function checkMaxEdits(expression: Expression, scope: Scope): Constant {
  const constant = constantOf(expression, scope);
  if (constant === null || !isInteger(constant.type)) {
    throw typeError("T19", "max_edits of fuzzy must be an integer literal or parameter");
  }
  if (constant.kind === "literal" && Number(constant.value) < 0) {
    throw typeError("T19", `max_edits of fuzzy must not be negative, got ${constant.value}`);
  }
  return constant;
}

export function checkRank(expression: RankExpression, scope: Scope): RankFunction {
  if (expression.kind !== "rrf") return checkArm(expression, scope);
  return {
    kind: "rrf",
    first: checkRrfArm(expression.first, scope),
    second: checkRrfArm(expression.second, scope),
    k: expression.k === null ? null : checkRrfConstant(expression.k, scope),
  };
}

function checkRrfArm(expression: Expression, scope: Scope): RankArm {
  if (expression.kind !== "nearest" && expression.kind !== "bm25") {
    throw typeError("T21", "rrf fuses two rankings, each a nearest(…) or bm25(…)");
  }
  return checkArm(expression, scope);
}

function checkRrfConstant(expression: Expression, scope: Scope): Constant {
  const constant = constantOf(expression, scope);
  if (constant === null || !isInteger(constant.type)) {
    throw typeError("T21", "k of rrf must be an integer literal or parameter");
  }
  if (constant.kind === "literal" && Number(constant.value) <= 0) {
    throw typeError("T21", `k of rrf must be greater than 0, got ${constant.value}`);
  }
  return constant;
}

function checkArm(expression: Exclude<RankExpression, { kind: "rrf" }>, scope: Scope): RankArm {
  if (expression.kind === "nearest") return checkNearest(expression, scope);
  const { variable, property } = checkTextField("bm25", "T20", expression.field, scope);
  return { kind: "bm25", variable, property, query: checkTextQuery("bm25", "T20", expression.query, scope) };
}

function checkNearest(expression: Extract<RankExpression, { kind: "nearest" }>, scope: Scope): RankArm {
  const subject = `\`$${expression.variable}.${expression.property}\``;
  refuseEdgeVariable("nearest", expression.variable, scope);
  const bound = scope.variable(expression.variable);
  if (bound === undefined)
    throw typeError("T15", `nearest(${subject}, …): variable \`$${expression.variable}\` is not bound`);
  const property = bound.info.type.properties.find(({ name }) => name === expression.property);
  if (property === undefined) {
    throw typeError(
      "T15",
      `nearest(${subject}, …): type '${bound.info.type.name}' has no property '${expression.property}'`,
    );
  }
  const width = vectorWidth(property.type);
  if (width === null) {
    throw typeError("T15", `nearest ranks by a Vector property, ${subject} is ${typeText(property.type)}`);
  }
  const query = checkNearestQuery(expression.query, subject, width, scope);
  return { kind: "nearest", variable: bound.slot, property, query };
}

function checkNearestQuery(query: Expression, subject: string, width: number, scope: Scope): Constant {
  const constant =
    query.kind === "literal" && query.literal.kind === "list"
      ? vectorConstant(query.literal)
      : constantOf(query, scope);
  if (constant !== null && isText(constant.type)) return constant;
  const found = constant === null ? null : vectorWidth(constant.type);
  if (constant === null || found === null) {
    throw typeError("T15", "the query of nearest must be a Vector or String, as a literal or a parameter");
  }
  if (found !== width) {
    throw typeError("T15", `nearest: ${subject} is Vector(${width}), the query is Vector(${found})`);
  }
  return constant;
}
