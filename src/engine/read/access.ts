// The way to a variable's first rows: its key, or the whole type.

import type { Constant, Value, VariableSlot } from "../../query/plan.ts";
import type { NodeType } from "../../schema/catalog.ts";
import { type KeyValue, nodeIdFromKey } from "../../schema/index.ts";
import type { Condition } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { scanWhere } from "./filter.ts";
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
  const values: KeyValue[] = [];
  for (const property of type.key) {
    let constant: Constant | undefined;
    for (const condition of conditions) constant ??= demanded(condition, variable, property.id);
    if (constant === undefined) return undefined;
    const value = resolve(constant);
    const isFloat = property.type.scalar === "F32" || property.type.scalar === "F64";
    const key = isFloat && typeof value === "bigint" ? Number(value) : value;
    if (key === null || typeof key === "object") return null;
    if (typeof key === "number" && !Number.isFinite(key)) return null;
    values.push(key);
  }
  return nodeIdFromKey(type, values);
}

/** Numbers of the entities that a scan leaves, each once. */
export function scan(
  context: ReadContext,
  { variable, access, conditions }: Extract<Step, { kind: "scan" }>,
  all: readonly Condition[],
): Int32Array {
  const table = context.nodes(variable);
  if (access === "scan") return scanWhere(context, table, conditions);
  const id = demandedId(table.type, variable, all, (constant) => context.value(constant));
  const number = id === null || id === undefined ? -1 : table.find(id);
  return number < 0 ? new Int32Array(0) : Int32Array.of(number);
}
