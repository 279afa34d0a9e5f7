// A read: what it returns, under which names and types.

import type { PropertyType } from "../schema/catalog.ts";
import type { Expression, ReadDeclaration, ReturnClauseItem } from "./ast.ts";
import { checkClauses } from "./check-match.ts";
import { checkOrder } from "./check-order.ts";
import { checkRank, checkTextCall } from "./check-search.ts";
import { describeOperand, typeError } from "./diagnostics.ts";
import { type NodeOperand, resolveOperand } from "./operands.ts";
import type { AggregateFunction, Operand, ReadPlan, ReturnExpression, ReturnItem } from "./plan.ts";
import type { Scope } from "./scope.ts";
import { isBlob, isNumeric, isText, nullable, scalarType, typeText } from "./types.ts";

export function checkRead(declaration: ReadDeclaration, scope: Scope): Omit<ReadPlan, "name" | "parameters"> {
  const clauses = checkClauses(declaration.match, scope);
  const aggregated = declaration.items.some(({ expression }) => expression.kind === "aggregate");
  const items = declaration.items.map((item) =>
    scope.problems.attempt(() => {
      const checked = checkItem(item, scope);
      if (aggregated) checkGrouped(item.expression);
      return checked;
    }),
  );
  const order = checkOrder(declaration, items, aggregated, scope);
  return {
    kind: "read",
    variables: scope.variables,
    clauses,
    items: items.flatMap((item) => item ?? []),
    aggregated,
    order,
    limit: declaration.limit,
  };
}

// ---- return ----

function checkItem({ expression, alias }: ReturnClauseItem, scope: Scope): ReturnItem {
  return {
    column: alias ?? columnName(expression),
    shortName: alias ?? shortName(expression),
    expression: checkReturned(expression, scope),
  };
}

/** How rows call an item without alias: an aggregate by its argument. */
function columnName(expression: Expression): string {
  if (expression.kind === "property") return `${expression.variable}.${expression.property}`;
  return expression.kind === "aggregate" ? columnName(expression.argument) : shortName(expression);
}

/** How the operation descriptor calls an item without alias. */
function shortName(expression: Expression): string {
  switch (expression.kind) {
    case "property":
      return expression.property;
    case "variable":
    case "alias":
      return expression.name;
    case "aggregate":
    case "text":
      return expression.function;
    default:
      return expression.kind;
  }
}

function checkReturned(expression: Expression, scope: Scope): ReturnExpression {
  switch (expression.kind) {
    case "aggregate":
      return checkAggregate(expression.function, expression.argument, scope);
    case "text":
      return { kind: "textMatch", call: checkTextCall(expression, scope), type: scalarType("Bool") };
    case "bm25":
    case "nearest":
    case "rrf":
      return { kind: "rank", rank: checkRank(expression, scope), type: scalarType("F64") };
    default:
      return checkPlainValue(expression, scope);
  }
}

function checkPlainValue(expression: Expression, scope: Scope): Operand | NodeOperand {
  const value = resolveOperand(expression, scope);
  if (value === null) {
    throw typeError(expression, null, `${describeOperand(expression)} is no value to return`);
  }
  if (isBlob(value.type)) {
    throw typeError(
      expression,
      "T24",
      `${describeOperand(expression)} is a Blob, which a read cannot return; use the blob API`,
    );
  }
  return value;
}

const AGGREGATE_ARGUMENTS: ReadonlySet<Expression["kind"]> = new Set([
  "literal",
  "now",
  "property",
  "variable",
]);

function checkAggregate(name: AggregateFunction, argument: Expression, scope: Scope): ReturnExpression {
  if (!AGGREGATE_ARGUMENTS.has(argument.kind)) {
    throw typeError(
      argument,
      "T8",
      `${name} takes a property, a variable or a constant, not ${describeOperand(argument)}`,
    );
  }
  const value = checkPlainValue(argument, scope);
  checkAggregated(name, argument, value);
  return { kind: "aggregate", function: name, argument: value, type: aggregateType(name, value.type) };
}

function checkAggregated(name: AggregateFunction, argument: Expression, value: Operand | NodeOperand): void {
  if (name === "count") return;
  const subject = `${describeOperand(argument)} is ${value.kind === "variable" ? "a node" : typeText(value.type)}`;
  if (name === "sum" || name === "avg") {
    if (value.kind === "variable" || !isNumeric(value.type)) {
      throw typeError(argument, "T8", `${name} takes numbers, ${subject}`);
    }
  } else if (!isNumeric(value.type) && !isText(value.type)) {
    throw typeError(argument, "T8", `${name} takes numbers or Strings, ${subject}`);
  }
}

function aggregateType(name: AggregateFunction, argument: PropertyType): PropertyType {
  if (name === "count") return nullable(scalarType("I64"));
  return nullable(name === "sum" || name === "avg" ? scalarType("F64") : argument);
}

const GROUPED_KINDS: ReadonlySet<Expression["kind"]> = new Set(["aggregate", "property", "variable"]);

function checkGrouped(expression: Expression): void {
  if (GROUPED_KINDS.has(expression.kind)) return;
  throw typeError(
    expression,
    "T9",
    `beside an aggregate, return only properties and variables: ${describeOperand(expression)} is neither`,
  );
}
