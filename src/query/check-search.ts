// Text predicates and rank functions: what they search, what they search for, and how the answers are ranked.

import type { Expression, PropertyExpression, RankExpression, TextExpression } from "./ast.ts";
import { describeOperand, type TypeErrorCode, typeError } from "./diagnostics.ts";
import { vectorConstant } from "./literals.ts";
import { constantOf } from "./operands.ts";
import type { Constant, RankArm, RankFunction, TextCall } from "./plan.ts";
import { propertyOperand, type Scope } from "./scope.ts";
import { isInteger, isText, typeText, vectorWidth } from "./types.ts";

/** `expected` and `negated` where the call is compared with a Bool; alone it must hold. */
export function checkTextCall(
  call: TextExpression,
  scope: Scope,
  expected: Constant | true = true,
  negated = false,
): TextCall {
  const code = call.function === "match_text" ? "T20" : "T19";
  const [{ variable, property }, query] = scope.problems.both(
    () => checkTextField(call.function, code, call.field, scope),
    () => checkTextQuery(call.function, code, call.query, scope),
  );
  return {
    kind: "text",
    function: call.function,
    variable,
    property,
    query,
    maxEdits: call.maxEdits === null ? null : checkMaxEdits(call.maxEdits, scope),
    expected,
    negated,
  };
}

function checkTextField(name: string, code: TypeErrorCode, field: Expression, scope: Scope) {
  if (field.kind !== "property") {
    throw typeError(
      field,
      code,
      `the field of ${name} must be a String property of a node variable, such as \`$d.title\``,
    );
  }
  refuseEdgeVariable(name, field, scope);
  const operand = propertyOperand(scope, field);
  if (!isText(operand.type)) {
    const is = `${describeOperand(field)} is ${typeText(operand.type)}`;
    throw typeError(field, code, `the field of ${name} must be a String, ${is}`);
  }
  return operand;
}

function refuseEdgeVariable(name: string, target: PropertyExpression, scope: Scope): void {
  if (scope.variable(target.variable)?.info.kind === "edge") {
    throw typeError(target, "T23", `${name} searches nodes, \`$${target.variable}\` is an edge variable`);
  }
}

function checkTextQuery(name: string, code: TypeErrorCode, query: Expression, scope: Scope): Constant {
  const constant = constantOf(query, scope);
  if (constant === null || !isText(constant.type)) {
    throw typeError(query, code, `the query of ${name} must be a String literal or parameter`);
  }
  return constant;
}

function checkMaxEdits(expression: Expression, scope: Scope): Constant {
  const constant = constantOf(expression, scope);
  if (constant === null || !isInteger(constant.type)) {
    throw typeError(expression, "T19", "max_edits of fuzzy must be an integer literal or parameter");
  }
  if (constant.kind === "literal" && Number(constant.value) < 0) {
    throw typeError(expression, "T19", `max_edits of fuzzy must not be negative, got ${constant.value}`);
  }
  return constant;
}

export function checkRank(expression: RankExpression, scope: Scope): RankFunction {
  if (expression.kind !== "rrf") return checkArm(expression, scope);
  const [first, second] = scope.problems.both(
    () => checkRrfArm(expression.first, scope),
    () => checkRrfArm(expression.second, scope),
  );
  return {
    kind: "rrf",
    first,
    second,
    k: expression.k === null ? null : checkRrfConstant(expression.k, scope),
  };
}

function checkRrfArm(expression: Expression, scope: Scope): RankArm {
  if (expression.kind !== "nearest" && expression.kind !== "bm25") {
    throw typeError(expression, "T21", "rrf fuses two rankings, each a nearest(…) or bm25(…)");
  }
  return checkArm(expression, scope);
}

function checkRrfConstant(expression: Expression, scope: Scope): Constant {
  const constant = constantOf(expression, scope);
  if (constant === null || !isInteger(constant.type)) {
    throw typeError(expression, "T21", "k of rrf must be an integer literal or parameter");
  }
  if (constant.kind === "literal" && Number(constant.value) <= 0) {
    throw typeError(expression, "T21", `k of rrf must be greater than 0, got ${constant.value}`);
  }
  return constant;
}

function checkArm(expression: Exclude<RankExpression, { kind: "rrf" }>, scope: Scope): RankArm {
  if (expression.kind === "nearest") return checkNearest(expression, scope);
  const [{ variable, property }, query] = scope.problems.both(
    () => checkTextField("bm25", "T20", expression.field, scope),
    () => checkTextQuery("bm25", "T20", expression.query, scope),
  );
  return { kind: "bm25", variable, property, query };
}

function checkNearest(
  { target, query }: Extract<RankExpression, { kind: "nearest" }>,
  scope: Scope,
): RankArm {
  const subject = describeOperand(target);
  refuseEdgeVariable("nearest", target, scope);
  const bound = scope.variable(target.variable);
  if (bound === undefined) {
    throw typeError(target, "T15", `nearest(${subject}, …): variable \`$${target.variable}\` is not bound`);
  }
  const property = bound.info.type.properties.find(({ name }) => name === target.property);
  if (property === undefined) {
    throw typeError(
      target,
      "T15",
      `nearest(${subject}, …): type '${bound.info.type.name}' has no property '${target.property}'`,
    );
  }
  const width = vectorWidth(property.type);
  if (width === null) {
    throw typeError(
      target,
      "T15",
      `nearest ranks by a Vector property, ${subject} is ${typeText(property.type)}`,
    );
  }
  const constant = checkNearestQuery(query, subject, width, scope);
  return { kind: "nearest", variable: bound.slot, property, query: constant };
}

function checkNearestQuery(query: Expression, subject: string, width: number, scope: Scope): Constant {
  const constant =
    query.kind === "literal" && query.literal.kind === "list"
      ? vectorConstant(query.literal)
      : constantOf(query, scope);
  if (constant !== null && isText(constant.type)) return constant;
  const found = constant === null ? null : vectorWidth(constant.type);
  if (constant === null || found === null) {
    throw typeError(
      query,
      "T15",
      "the query of nearest must be a Vector or String, as a literal or a parameter",
    );
  }
  if (found !== width) {
    throw typeError(query, "T15", `nearest: ${subject} is Vector(${width}), the query is Vector(${found})`);
  }
  return constant;
}
