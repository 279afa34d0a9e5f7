// The `order` block: each key resolved to a property, a returned item or a rank function.

import type { PropertyType } from "../schema/catalog.ts";
import type { Expression, OrderClauseKey, ReadDeclaration } from "./ast.ts";
import { checkRank } from "./check-search.ts";
import { describeOperand, typeError } from "./diagnostics.ts";
import { atPlace } from "./places.ts";
import type { OrderKey, RankFunction, ReturnItem } from "./plan.ts";
import { propertyOperand, type Scope } from "./scope.ts";
import { isBlob, isScalar, typeText } from "./types.ts";

interface OrderContext {
  readonly scope: Scope;
  readonly items: readonly ReturnItem[];
  /** Items by alias; of several with one alias the last, whose value the rows carry. */
  readonly byAlias: ReadonlyMap<string, number>;
  /** Group keys by property; null where nothing is aggregated and every property can order. */
  readonly byProperty: ReadonlyMap<string, number> | null;
}

export function checkOrder(
  declaration: ReadDeclaration,
  items: readonly ReturnItem[],
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
  const keys = declaration.order.map((key, index) => atPlace(key, () => checkKey(key, index === 0, context)));
  if (declaration.limit === null) refuseUnlimited(keys, items);
  const ranksByNearest = keys.some((key) => key.kind === "rank" && key.rank.kind === "nearest");
  if (ranksByNearest && declaration.order.some(({ expression }) => expression.kind === "alias")) {
    throw typeError("T18", "a query that orders by nearest cannot also order by an alias");
  }
  return keys;
}

function groupKeys(items: readonly ReturnItem[]): Map<string, number> {
  return new Map(
    items.flatMap(({ expression }, index) =>
      expression.kind === "property"
        ? [[propertyKey(expression.variable, expression.property.id), index] as const]
        : [],
    ),
  );
}

const propertyKey = (variable: number, property: number) => `${variable}.${property}`;

function refuseUnlimited(keys: readonly OrderKey[], items: readonly ReturnItem[]): void {
  for (const key of keys) {
    const rank = orderedRank(key, items);
    if (rank?.kind === "nearest") throw typeError("T17", "ordering by nearest needs a limit");
    if (rank?.kind === "rrf") throw typeError("T21", "ordering by rrf needs a limit");
  }
}

/** The rank function behind a key, written there or behind its alias. */
function orderedRank(key: OrderKey, items: readonly ReturnItem[]): RankFunction | null {
  if (key.kind === "rank") return key.rank;
  if (key.kind !== "item") return null;
  const { expression } = items[key.item];
  return expression.kind === "rank" ? expression.rank : null;
}

function checkKey(
  { expression, descending }: OrderClauseKey,
  isFirst: boolean,
  context: OrderContext,
): OrderKey {
  switch (expression.kind) {
    case "alias":
      return { kind: "item", item: checkAlias(expression.name, context), descending };
    case "property":
      return checkProperty(expression, descending, context);
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

function checkAlias(alias: string, { items, byAlias }: OrderContext): number {
  const index = byAlias.get(alias);
  if (index === undefined) throw typeError(null, `alias '${alias}' not found for ordering`);
  checkOrderable(items[index].expression.type, `alias '${alias}'`);
  return index;
}

function checkProperty(
  expression: Extract<Expression, { kind: "property" }>,
  descending: boolean,
  { scope, byProperty }: OrderContext,
): OrderKey {
  const operand = propertyOperand(scope, expression.variable, expression.property);
  const subject = describeOperand(expression);
  if (isBlob(operand.type)) throw typeError("T24", `${subject} is a Blob and cannot be ordered by`);
  checkOrderable(operand.type, subject);
  if (byProperty === null) return { kind: "property", operand, descending };
  const item = byProperty.get(propertyKey(operand.variable, operand.property.id));
  if (item === undefined) {
    throw unsupportedOrdering(
      `${subject} is not returned, and an aggregated query orders by what it returns`,
    );
  }
  return { kind: "item", item, descending };
}

function checkOrderable(type: PropertyType, subject: string): void {
  if (!isScalar(type)) throw unsupportedOrdering(`${subject} is ${typeText(type)}, which has no order`);
}
