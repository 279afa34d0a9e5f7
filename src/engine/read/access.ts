// The ways to a variable's first rows: its key, or the whole type; and what either is expected to yield.

import type { Constant, Value, VariableSlot } from "../../query/plan.ts";
import type { NodeType } from "../../schema/catalog.ts";
import { type KeyValue, nodeIdFromKey } from "../../schema/index.ts";
import type { Condition, TraversalClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";

/** How many entities an equality, another filter and a text search let through, by rule of thumb. */
const EQUALITY_SHARE = 1 / 20;
const FILTER_SHARE = 1 / 3;
const TEXT_SHARE = 1 / 10;
/** A walk of several hops is taken to reach this many times what one hop reaches. */
const WALK_FACTOR = 8;

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

/** Numbers of the entities that a variable may stand for, before its conditions are tested. */
export function scan(
  context: ReadContext,
  variable: VariableSlot,
  conditions: readonly Condition[],
): Int32Array {
  const table = context.nodes(variable);
  const id = demandedId(table.type, variable, conditions, (constant) => context.value(constant));
  if (id === undefined) return table.all();
  const number = id === null ? -1 : table.find(id);
  return number < 0 ? new Int32Array(0) : Int32Array.of(number);
}

/** Rows that a scan is expected to leave. */
export function estimateScan(
  context: ReadContext,
  variable: VariableSlot,
  conditions: readonly Condition[],
): number {
  const table = context.nodes(variable);
  if (demandedId(table.type, variable, conditions, (constant) => context.value(constant)) !== undefined)
    return 1;
  let estimate = table.count;
  for (const condition of conditions) {
    if (condition.slots.length !== 1 || condition.slots[0] !== variable) continue;
    if (condition.kind === "match") estimate *= EQUALITY_SHARE;
    else if (condition.kind === "text") estimate *= TEXT_SHARE;
    else if (condition.kind === "filter") {
      estimate *= condition.clause.operator === "=" ? EQUALITY_SHARE : FILTER_SHARE;
    }
  }
  return estimate;
}

/** Rows that following a traversal from so many rows is expected to yield. */
export function estimateTraversal(
  context: ReadContext,
  clause: TraversalClause,
  rows: number,
  start: "from" | "to" | "both",
): number {
  // Closing a circle can only narrow.
  if (start === "both") return rows;
  const edges = context.source.edges(clause.edge);
  const nodes = start === "from" ? edges.sources : edges.targets;
  const fanOut = (edges.count / Math.max(1, nodes.count)) * (clause.undirected ? 2 : 1);
  return rows * (clause.maxHops > 1 ? fanOut * WALK_FACTOR : fanOut);
}
