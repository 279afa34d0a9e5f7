// The ways to a variable's entities: its key, or what its conditions say of its properties.

import { isWholeKey, type Table } from "../../index/index.ts";
import type { Constant, Value, VariableSlot } from "../../query/plan.ts";
import type { NodeType, Property } from "../../schema/catalog.ts";
import { type KeyValue, nodeIdFromKey } from "../../schema/index.ts";
import type { NumberTest } from "./column-test.ts";
import { type Comparison, comparisonOf, isUnique } from "./comparison.ts";
import type { Condition } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { shareOf } from "./estimates.ts";
import { conditionTest } from "./filter.ts";
import { type Access, type Scanned, scanTable, wayTo } from "./scan.ts";
import type { Step } from "./steps.ts";

/** The value that a condition demands a property of a variable to equal, or undefined. */
function demanded(condition: Condition, variable: VariableSlot, propertyId: number): Constant | undefined {
  if (condition.kind === "match") {
    return condition.slots[0] === variable && condition.match.property.id === propertyId
      ? condition.match.value
      : undefined;
  }
  if (condition.kind !== "filter" || condition.clause.operator !== "=") return undefined;
  const { left, right } = condition.clause;
  for (const [operand, other] of [
    [left, right],
    [right, left],
  ]) {
    const isKey =
      operand.kind === "property" && operand.variable === variable && operand.property.id === propertyId;
    if (isKey && other.kind !== "property") return other;
  }
  return undefined;
}

/** For each key property the first condition that demands a value of it; null where a property goes without. */
export function demandingConditions(
  type: NodeType,
  variable: VariableSlot,
  conditions: readonly Condition[],
): Condition[] | null {
  const found = (type.key ?? []).flatMap(
    (property) =>
      conditions.find((condition) => demanded(condition, variable, property.id) !== undefined) ?? [],
  );
  return type.key !== null && found.length === type.key.length ? found : null;
}

/** The only id that a variable's conditions leave, `null` for none at all; undefined where they leave several. */
export function demandedId(
  type: NodeType,
  variable: VariableSlot,
  conditions: readonly Condition[],
  resolve: (constant: Constant) => Value,
): string | null | undefined {
  if (type.key === null) return undefined;
  const values: Value[] = [];
  for (const property of type.key) {
    let constant: Constant | undefined;
    for (const condition of conditions) constant ??= demanded(condition, variable, property.id);
    if (constant === undefined) return undefined;
    values.push(resolve(constant));
  }
  return idOfKey(type, type.key, values);
}

/** The id that values of a key spell; null where no entity can have them. */
export function idOfKey(type: NodeType, key: readonly Property[], values: readonly Value[]): string | null {
  const own: KeyValue[] = [];
  for (const [i, value] of values.entries()) {
    const { scalar } = key[i].type;
    const part = (scalar === "F32" || scalar === "F64") && typeof value === "bigint" ? Number(value) : value;
    if (part === null || typeof part === "object") return null;
    if (typeof part === "number" && !Number.isFinite(part)) return null;
    own.push(part);
  }
  return nodeIdFromKey(type, own);
}

/** The way to the entities that meet conditions on a variable, and about how many those are. */
export function estimatedWay(
  context: ReadContext,
  variable: VariableSlot,
  conditions: readonly Condition[],
): { access: Access; rows: number } {
  const table = context.table(variable);
  const { type } = table;
  const resolve = (constant: Constant) => context.value(constant);
  if (type.kind === "node" && demandedId(type, variable, conditions, resolve) !== undefined) {
    return { access: "id", rows: 1 };
  }
  const compared = conditions.map((condition) => ({
    condition,
    comparison: comparisonOf(context, condition),
  }));
  const comparisons = compared.flatMap(({ comparison }) => comparison ?? []);
  const way = wayTo(table, comparisons);
  if (comparisons.some(({ field, operator }) => operator === "=" && isUnique(type, field))) {
    return { access: way.access, rows: 1 };
  }
  const share = (isTold: (comparison: Comparison) => boolean) =>
    compared.reduce(
      (product, { condition, comparison }) =>
        comparison !== null && isTold(comparison) ? product : product * shareOf(condition),
      1,
    );
  const overall = share(() => false);
  // Rows that commits touched are looked at besides.
  const touched = table.isPlain ? 0 : table.delta.changed.length;
  switch (way.access) {
    case "values":
    case "ids":
      return { access: way.access, rows: way.rows * share((own) => own === way.by) + touched * overall };
    case "key range": {
      const isKey = ({ field }: Comparison) => typeof field === "object" && isWholeKey(type, field);
      return { access: way.access, rows: way.rows * share(isKey) + touched * overall };
    }
    default:
      return { access: way.access, rows: Math.min(way.rows + touched, table.count * overall) };
  }
}

/** Finds the entities of a scan, each once. */
export async function scan(
  context: ReadContext,
  { variable, access, conditions }: Extract<Step, { kind: "scan" }>,
  all: readonly Condition[],
): Promise<Scanned> {
  if (access !== "id") return scanConditions(context, context.table(variable), conditions);
  const table = context.nodes(variable);
  const id = demandedId(table.type, variable, all, (constant) => context.value(constant));
  const number = id === null || id === undefined ? -1 : table.find(id);
  const numbers = number < 0 ? new Int32Array(0) : Int32Array.of(number);
  return { numbers, rows: numbers.length, access };
}

/** The entities of a table that meet conditions, which name one variable and no other. */
export function scanConditions(
  context: ReadContext,
  table: Table,
  conditions: readonly Condition[],
): Promise<Scanned> {
  const comparisons: Comparison[] = [];
  const others: NumberTest[] = [];
  for (const condition of conditions) {
    const compared = comparisonOf(context, condition);
    if (compared !== null) comparisons.push(compared);
    else others.push(conditionTest(context, condition));
  }
  return scanTable(table, comparisons, others, context);
}
