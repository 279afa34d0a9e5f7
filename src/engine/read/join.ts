// Brings together what no traversal links: by an equality that both sides share, or as a product.

import type { Value } from "../../query/plan.ts";
import type { FilterClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { PRODUCT_BLOCK_ROWS } from "./limits.ts";
import { checkRows, columnOf, concatRelations, NumberList, type Relation, takeRows } from "./relation.ts";
import { inSlices } from "./slices.ts";

/** The two sides row by row: row `left[i]` of the one beside row `right[i]` of the other. */
function beside(left: Relation, leftRows: Int32Array, right: Relation, rightRows: Int32Array): Relation {
  const a = takeRows(left, leftRows);
  const b = takeRows(right, rightRows);
  const columns = new Map([...a.columns, ...b.columns]);
  return { length: leftRows.length, columns, weights: multiplied(a.weights, b.weights) };
}

function multiplied(a: Float64Array | null, b: Float64Array | null): Float64Array | null {
  if (a === null || b === null) return a ?? b;
  return a.map((weight, row) => weight * b[row]);
}

/** Every row of the one with every row of the other, narrowed block by block. */
export async function product(
  context: ReadContext,
  left: Relation,
  right: Relation,
  narrow: (block: Relation) => Relation,
): Promise<Relation> {
  const parts: Relation[] = [];
  let kept = 0;
  const pairs = left.length * right.length;
  for (let first = 0; first < Math.max(1, pairs); first += PRODUCT_BLOCK_ROWS) {
    const count = Math.min(PRODUCT_BLOCK_ROWS, pairs - first);
    const leftRows = new Int32Array(count);
    const rightRows = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      leftRows[i] = (first + i) / right.length;
      rightRows[i] = (first + i) % right.length;
    }
    const block = narrow(beside(left, leftRows, right, rightRows));
    if (block.length > 0 || parts.length === 0) parts.push(block);
    kept += block.length;
    checkRows(kept);
    // The parts are laid end to end when all are there.
    context.memory.check(kept * block.columns.size * 2 * Int32Array.BYTES_PER_ELEMENT);
    await context.worked(count);
  }
  return concatRelations(parts);
}

/** The two properties of an equality that links the sides, the left side's first. */
function sharedKey(filter: FilterClause, left: Relation, right: Relation) {
  const a = filter.left;
  const b = filter.right;
  if (a.kind === "property" && b.kind === "property") {
    if (left.columns.has(a.variable) && right.columns.has(b.variable)) return [a, b] as const;
    if (left.columns.has(b.variable) && right.columns.has(a.variable)) return [b, a] as const;
  }
  throw new Error("invariant broken: the filter links nothing");
}

/** The rows of both sides for which an equality holds. */
export async function equalityJoin(
  context: ReadContext,
  left: Relation,
  right: Relation,
  filter: FilterClause,
): Promise<Relation> {
  const [leftKey, rightKey] = sharedKey(filter, left, right);
  const rightRowsByKey = new Map<Value, number[]>();
  const rightTable = context.table(rightKey.variable);
  const rightNumbers = columnOf(right, rightKey.variable);
  await inSlices(context, right.length, (row) => {
    const value = hashable(rightTable.value(rightNumbers[row], rightKey.property));
    if (value === null) return 0;
    const rows = rightRowsByKey.get(value);
    if (rows === undefined) rightRowsByKey.set(value, [row]);
    else rows.push(row);
    return 1;
  });
  const leftTable = context.table(leftKey.variable);
  const leftNumbers = columnOf(left, leftKey.variable);
  const leftRows = new NumberList();
  const rightRows = new NumberList();
  await inSlices(context, left.length, (row) => {
    const value = hashable(leftTable.value(leftNumbers[row], leftKey.property));
    const matches = (value === null ? undefined : rightRowsByKey.get(value)) ?? [];
    for (const match of matches) {
      leftRows.push(row);
      rightRows.push(match);
    }
    return matches.length;
  });
  context.memory.check(
    leftRows.length * (left.columns.size + right.columns.size) * Int32Array.BYTES_PER_ELEMENT,
  );
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
