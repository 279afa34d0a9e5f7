// Brings together what no traversal links: by an equality that both sides share, or as a product.

import type { Value } from "../../query/plan.ts";
import type { FilterClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { PRODUCT_BLOCK_ROWS } from "./limits.ts";
import { checkRows, columnOf, concatRelations, NumberList, type Relation, takeRows } from "./relation.ts";

/** The two sides row by row: row `left[i]` of the one beside row `right[i]` of the other. */
function beside(left: Relation, leftRows: Int32Array, right: Relation, rightRows: Int32Array): Relation {
  const columns = new Map([...takeRows(left, leftRows).columns, ...takeRows(right, rightRows).columns]);
  return { length: leftRows.length, columns };
}

/** Every row of the one with every row of the other, narrowed block by block. */
export async function product(
  context: ReadContext,
  left: Relation,
  right: Relation,
  narrow: (block: Relation) => Relation,
): Promise<Relation> {
  const rowsPerBlock = Math.max(1, Math.floor(PRODUCT_BLOCK_ROWS / Math.max(1, right.length)));
  const parts: Relation[] = [];
  let kept = 0;
  for (let first = 0; first < Math.max(1, left.length); first += rowsPerBlock) {
    const count = Math.min(rowsPerBlock, left.length - first);
    const leftRows = new Int32Array(count * right.length);
    const rightRows = new Int32Array(count * right.length);
    for (let i = 0, at = 0; i < count; i++) {
      for (let j = 0; j < right.length; j++, at++) {
        leftRows[at] = first + i;
        rightRows[at] = j;
      }
    }
    const block = narrow(beside(left, leftRows, right, rightRows));
    if (block.length > 0 || parts.length === 0) parts.push(block);
    kept += block.length;
    checkRows(kept);
    await context.worked(leftRows.length);
  }
  return concatRelations(parts);
}

/** The two properties of an equality that links the sides, the left side's first; null where the filter is no such thing. */
function sharedKey(filter: FilterClause, left: Relation, right: Relation) {
  const a = filter.left;
  const b = filter.right;
  if (filter.operator !== "=" || a.kind !== "property" || b.kind !== "property") return null;
  if (left.columns.has(a.variable) && right.columns.has(b.variable)) return [a, b] as const;
  if (left.columns.has(b.variable) && right.columns.has(a.variable)) return [b, a] as const;
  return null;
}

export function links(filter: FilterClause, left: Relation, right: Relation): boolean {
  return sharedKey(filter, left, right) !== null;
}

/** The rows of both sides for which an equality holds. */
export function equalityJoin(
  context: ReadContext,
  left: Relation,
  right: Relation,
  filter: FilterClause,
): Relation {
  const key = sharedKey(filter, left, right);
  if (key === null) throw new Error("invariant broken: the filter links nothing");
  const [leftKey, rightKey] = key;
  const rightRowsByKey = new Map<Value, number[]>();
  const rightTable = context.table(rightKey.variable);
  const rightNumbers = columnOf(right, rightKey.variable);
  for (let row = 0; row < right.length; row++) {
    const value = hashable(rightTable.value(rightNumbers[row], rightKey.property));
    if (value === null) continue;
    const rows = rightRowsByKey.get(value);
    if (rows === undefined) rightRowsByKey.set(value, [row]);
    else rows.push(row);
  }
  const leftTable = context.table(leftKey.variable);
  const leftNumbers = columnOf(left, leftKey.variable);
  const leftRows = new NumberList();
  const rightRows = new NumberList();
  for (let row = 0; row < left.length; row++) {
    const value = hashable(leftTable.value(leftNumbers[row], leftKey.property));
    for (const match of (value === null ? undefined : rightRowsByKey.get(value)) ?? []) {
      leftRows.push(row);
      rightRows.push(match);
    }
  }
  return beside(left, leftRows.array(), right, rightRows.array());
}

/** Equal numbers of different kinds as one map key: a bigint wherever a double is not exact. */
export function hashable(value: Value): Value {
  if (typeof value === "bigint") {
    const narrow = Number(value);
    return Number.isSafeInteger(narrow) ? narrow : value;
  }
  return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)
    ? BigInt(value)
    : value;
}
