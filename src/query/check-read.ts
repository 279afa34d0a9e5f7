// A read: what it returns, under which names and types, in which order.

import type { PropertyType } from "../schema/catalog.ts";
import type { Expression, OrderClauseKey, ReadDeclaration, ReturnClauseItem } from "./ast.ts";
import { checkClauses } from "./check-match.ts";
import { checkRank, checkTextCall } from "./check-search.ts";
import { describeOperand, typeError } from "./diagnostics.ts";
import { literalConstant, NOW } from "./literals.ts";
import type {
  AggregateFunction,
  OrderKey,
  RankFunction,
  ReadPlan,
  ReturnExpression,
  ReturnItem,
} from "./plan.ts";
import { bareEdgeVariable, propertyOperand, type Scope, unboundVariable } from "./scope.ts";
import { isBlob, isNumeric, isScalar, isText, nullable, scalarType, typeText } from "./types.ts";

export function checkRead(declaration: ReadDeclaration, scope: Scope): Omit<ReadPlan, "name" | "parameters"> {
  const clauses = checkClauses(declaration.match, scope);
  const checked = declaration.items.map((item) => checkItem(item, scope));
  const aggregated = checked.some(({ expression }) => expression.kind === "aggregate");
  if (aggregated) checkGroupKeys(declaration.items);
  const items = declaration.items.map((item, index) => ({ alias: item.alias, item: checked[index] }));
  const order = checkOrder(declaration, { scope, items, aggregated });
  return {
    kind: "read",
    variables: scope.variables,
    clauses,
    items: checked,
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

type PlainValue = Extract<ReturnExpression, { kind: "aggregate" }>["argument"];

function checkPlainValue(expression: Expression, scope: Scope): PlainValue {
  const value = resolvePlainValue(expression, scope);
  if (isBlob(value.type)) {
    throw typeError(
      "T24",
      `${describeOperand(expression)} is a Blob, which a read cannot return; use the blob API`,
    );
  }
  return value;
}

function resolvePlainValue(expression: Expression, scope: Scope): PlainValue {
  switch (expression.kind) {
    case "literal":
      return literalConstant(expression.literal);
    case "now":
      return NOW;
    case "property":
      return propertyOperand(scope, expression.variable, expression.property);
    case "variable":
      return resolveVariable(expression.name, scope);
    default:
      throw typeError(null, `${describeOperand(expression)} is no value to return`);
  }
}

function resolveVariable(name: string, scope: Scope): PlainValue {
  const type = scope.parameter(name);
  if (type !== undefined) return { kind: "parameter", name, type };
  const bound = scope.variable(name);
  if (bound === undefined) throw unboundVariable(name);
  if (bound.info.kind === "edge") throw bareEdgeVariable(name);
  return { kind: "variable", variable: bound.slot, type: scalarType("String") };
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
      "T8",
      `${name} takes a property, a variable or a constant, not ${describeOperand(argument)}`,
    );
  }
  const value = checkPlainValue(argument, scope);
  checkAggregated(name, argument, value);
  return { kind: "aggregate", function: name, argument: value, type: aggregateType(name, value.type) };
}

function checkAggregated(name: AggregateFunction, argument: Expression, value: PlainValue): void {
  if (name === "count") return;
  const subject = `${describeOperand(argument)} is ${value.kind === "variable" ? "a node" : typeText(value.type)}`;
  if (name === "sum" || name === "avg") {
    if (value.kind === "variable" || !isNumeric(value.type)) {
      throw typeError("T8", `${name} takes numbers, ${subject}`);
    }
  } else if (!isNumeric(value.type) && !isText(value.type)) {
    throw typeError("T8", `${name} takes numbers or Strings, ${subject}`);
  }
}

function aggregateType(name: AggregateFunction, argument: PropertyType): PropertyType {
  if (name === "count") return nullable(scalarType("I64"));
  return nullable(name === "sum" || name === "avg" ? scalarType("F64") : argument);
}

function checkGroupKeys(items: readonly ReturnClauseItem[]): void {
  for (const { expression } of items) {
    if (expression.kind === "aggregate" || expression.kind === "property" || expression.kind === "variable")
      continue;
    throw typeError(
      "T9",
      `beside an aggregate, return only properties and variables: ${describeOperand(expression)} is neither`,
    );
  }
}

// ---- order ----

interface OrderContext {
  readonly scope: Scope;
  readonly items: readonly { readonly alias: string | null; readonly item: ReturnItem }[];
  readonly aggregated: boolean;
}

function checkOrder(declaration: ReadDeclaration, context: OrderContext): OrderKey[] {
  const keys = declaration.order.map((key, index) => checkOrderKey(key, index === 0, context));
  for (const key of keys) {
    const rank = orderedRank(key, context);
    if (rank !== null && declaration.limit === null) refuseUnlimited(rank);
  }
  const ranksByNearest = keys.some((key) => key.kind === "rank" && key.rank.kind === "nearest");
  if (ranksByNearest && declaration.order.some(({ expression }) => expression.kind === "alias")) {
    throw typeError("T18", "a query that orders by nearest cannot also order by an alias");
  }
  return keys;
}

/** The rank function behind a key, written there or behind its alias. */
function orderedRank(key: OrderKey, context: OrderContext): RankFunction | null {
  if (key.kind === "rank") return key.rank;
  if (key.kind !== "item") return null;
  const { expression } = context.items[key.item].item;
  return expression.kind === "rank" ? expression.rank : null;
}

function refuseUnlimited(rank: RankFunction): void {
  if (rank.kind === "nearest") throw typeError("T17", "ordering by nearest needs a limit");
  if (rank.kind === "rrf") throw typeError("T21", "ordering by rrf needs a limit");
}

function checkOrderKey(
  { expression, descending }: OrderClauseKey,
  isFirst: boolean,
  context: OrderContext,
): OrderKey {
  switch (expression.kind) {
    case "alias":
      return { kind: "item", item: orderableItem(expression.name, context), descending };
    case "property":
      return checkOrderedProperty(expression, descending, context);
    case "bm25":
    case "nearest":
    case "rrf":
      if (!isFirst) throw unsupportedOrdering(`${expression.kind}(…) must be the first key`);
      return { kind: "rank", rank: checkRank(expression, context.scope) };
    default:
      throw unsupportedOrdering(
        `order by a property, an alias or a rank function, not by ${describeOperand(expression)}`,
      );
  }
}

const unsupportedOrdering = (reason: string) => typeError(null, `unsupported ordering expression: ${reason}`);

/** The item of that alias; of several the last, whose value the rows carry. */
function orderableItem(alias: string, context: OrderContext): number {
  const index = context.items.findLastIndex((item) => item.alias === alias);
  if (index === -1) throw typeError(null, `alias '${alias}' not found for ordering`);
  checkOrderable(context.items[index].item.expression.type, `alias '${alias}'`);
  return index;
}

function checkOrderedProperty(
  expression: Extract<Expression, { kind: "property" }>,
  descending: boolean,
  context: OrderContext,
): OrderKey {
  const operand = propertyOperand(context.scope, expression.variable, expression.property);
  const subject = describeOperand(expression);
  if (isBlob(operand.type)) throw typeError("T24", `${subject} is a Blob and cannot be ordered by`);
  checkOrderable(operand.type, subject);
  if (!context.aggregated) return { kind: "property", operand, descending };
  const item = context.items.findIndex(
    ({ item: { expression: key } }) =>
      key.kind === "property" && key.variable === operand.variable && key.property.id === operand.property.id,
  );
  if (item === -1)
    throw unsupportedOrdering(
      `${subject} is not returned, and an aggregated query orders by what it returns`,
    );
  return { kind: "item", item, descending };
}

function checkOrderable(type: PropertyType, subject: string): void {
  if (!isScalar(type)) throw unsupportedOrdering(`${subject} is ${typeText(type)}, which has no order`);
}
