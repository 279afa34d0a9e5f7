// The `order` block: each key resolved to a property, a returned item or a rank function.

import { ALREADY_TOLD } from "../lib/problems.ts";
import type { Span } from "../lib/source.ts";
import type { PropertyType } from "../schema/catalog.ts";
import type { Expression, OrderClauseKey, PropertyExpression, ReadDeclaration } from "./ast.ts";
import { checkRank } from "./check-search.ts";
import { describeOperand, typeError } from "./diagnostics.ts";
import type { OrderKey, RankFunction, ReturnItem } from "./plan.ts";
import { propertyOperand, type Scope } from "./scope.ts";
import { isBlob, isScalar, typeText } from "./types.ts";

interface OrderContext {
  readonly scope: Scope;
  /** Null for an item that does not check. */
  readonly items: readonly (ReturnItem | null)[];
  /** Items by alias; of several with one alias the last, whose value the rows carry. */
  readonly byAlias: ReadonlyMap<string, number>;
  /** Group keys by property; null where nothing is aggregated and every property can order. */
  readonly byProperty: ReadonlyMap<string, number> | null;
}

export function checkOrder(
  declaration: ReadDeclaration,
  items: OrderContext["items"],
  aggregated: boolean,
  scope: Scope,
): OrderKey[] {
  const aliases = declaration.items.flatMap(({ alias }, index) =>
    alias === null ? [] : [[alias, index] as const],
  );
  const context = {
    scope,
    items,
    byAlias: new Map(aliases),
    byProperty: aggregated ? groupKeys(items) : null,
  };
  const ranksByNearest = declaration.order.some(({ expression }) => expression.kind === "nearest");
  return declaration.order.flatMap((written, index) => {
    const key = scope.problems.attempt(() => {
      const checked = checkKey(written, index === 0, context);
      if (declaration.limit === null) refuseUnlimited(written.expression, checked, items);
      if (ranksByNearest && written.expression.kind === "alias") {
        throw typeError(
          written.expression,
          "T18",
          "a query that orders by nearest cannot also order by an alias",
        );
      }
      return checked;
    });
    return key ?? [];
  });
}

function groupKeys(items: OrderContext["items"]): Map<string, number> {
  return new Map(
    items.flatMap((item, index) =>
      item?.expression.kind === "property"
        ? [[propertyKey(item.expression.variable, item.expression.property.id), index] as const]
        : [],
    ),
  );
}

const propertyKey = (variable: number, property: number) => `${variable}.${property}`;

function refuseUnlimited(at: Span, key: OrderKey, items: OrderContext["items"]): void {
  const rank = orderedRank(key, items);
  if (rank?.kind === "nearest") throw typeError(at, "T17", "ordering by nearest needs a limit");
  if (rank?.kind === "rrf") throw typeError(at, "T21", "ordering by rrf needs a limit");
}

/** The rank function behind a key, written there or behind its alias. */
function orderedRank(key: OrderKey, items: OrderContext["items"]): RankFunction | null {
  if (key.kind === "rank") return key.rank;
  const expression = key.kind === "item" ? items[key.item]?.expression : undefined;
  return expression?.kind === "rank" ? expression.rank : null;
}

function checkKey(
  { expression, descending }: OrderClauseKey,
  isFirst: boolean,
  context: OrderContext,
): OrderKey {
  switch (expression.kind) {
    case "alias":
      return { kind: "item", item: checkAlias(expression, context), descending };
    case "property":
      return checkProperty(expression, descending, context);
    case "bm25":
    case "nearest":
    case "rrf":
      if (!isFirst) throw unsupportedOrdering(expression, `${expression.kind}(…) must be the first key`);
      return { kind: "rank", rank: checkRank(expression, context.scope) };
    default:
      throw unsupportedOrdering(
        expression,
        `order by a property, an alias or a rank function, not by ${describeOperand(expression)}`,
      );
  }
}

const unsupportedOrdering = (at: Span, reason: string) =>
  typeError(at, null, `unsupported ordering expression: ${reason}`);

function checkAlias(
  expression: Extract<Expression, { kind: "alias" }>,
  { items, byAlias }: OrderContext,
): number {
  const { name } = expression;
  const index = byAlias.get(name);
  if (index === undefined) throw typeError(expression, null, `alias '${name}' not found for ordering`);
  const item = items[index];
  if (item === null) throw ALREADY_TOLD;
  checkOrderable(expression, item.expression.type, `alias '${name}'`);
  return index;
}

function checkProperty(
  expression: PropertyExpression,
  descending: boolean,
  { scope, byProperty }: OrderContext,
): OrderKey {
  const operand = propertyOperand(scope, expression);
  const subject = describeOperand(expression);
  if (isBlob(operand.type)) {
    throw typeError(expression, "T24", `${subject} is a Blob and cannot be ordered by`);
  }
  checkOrderable(expression, operand.type, subject);
  if (byProperty === null) return { kind: "property", operand, descending };
  const item = byProperty.get(propertyKey(operand.variable, operand.property.id));
  if (item === undefined) {
    throw unsupportedOrdering(
      expression,
      `${subject} is not returned, and an aggregated query orders by what it returns`,
    );
  }
  return { kind: "item", item, descending };
}

function checkOrderable(at: Span, type: PropertyType, subject: string): void {
  if (!isScalar(type)) throw unsupportedOrdering(at, `${subject} is ${typeText(type)}, which has no order`);
}
