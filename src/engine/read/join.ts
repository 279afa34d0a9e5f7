// Brings together what no traversal links: rows that share values, or, where nothing links them, every row with every other.
// Pairs are made in blocks, which other conditions narrow at once, so that only what passes is ever held.

import type { FilterClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { rowsByCode, sharedEntries } from "./join-entries.ts";
import { PAIR_BLOCK_ROWS } from "./limits.ts";
import { checkRows, concatRelations, NumberList, type Relation, takeRows } from "./relation.ts";

export type Narrow = (block: Relation) => Relation;

/** The two sides row by row: row `left[i]` of the one beside row `right[i]` of the other. */
export function beside(
  left: Relation,
  leftRows: Int32Array,
  right: Relation,
  rightRows: Int32Array,
): Relation {
  const a = takeRows(left, leftRows);
  const b = takeRows(right, rightRows);
  const columns = new Map([...a.columns, ...b.columns]);
  return { length: leftRows.length, columns, weights: multiplied(a.weights, b.weights) };
}

function multiplied(a: Float64Array | null, b: Float64Array | null): Float64Array | null {
  if (a === null || b === null) return a ?? b;
  return a.map((weight, row) => weight * b[row]);
}

/** The pairs of rows for which all links hold, and that `narrow` lets through. */
export async function join(
  context: ReadContext,
  left: Relation,
  right: Relation,
  links: readonly FilterClause[],
  narrow: Narrow,
): Promise<Relation> {
  const shared = await sharedEntries(context, left, right, links);
  const { begins, rows } = rowsByCode(shared.right, shared.size);
  const leftRows = new NumberList(PAIR_BLOCK_ROWS);
  const rightRows = new NumberList(PAIR_BLOCK_ROWS);
  const parts: Relation[] = [];
  let kept = 0;
  const finishBlock = async () => {
    const block = narrow(beside(left, leftRows.array(), right, rightRows.array()));
    if (block.length > 0 || parts.length === 0) parts.push(block);
    kept += block.length;
    checkRows(kept);
    // The parts are laid end to end when all are there.
    context.memory.check(kept * block.columns.size * 2 * Int32Array.BYTES_PER_ELEMENT);
    const pairs = leftRows.length;
    leftRows.clear();
    rightRows.clear();
    await context.worked(pairs);
  };
  for (let entry = 0; entry < shared.left.rows.length; entry++) {
    const code = shared.left.codes[entry];
    for (let at = begins[code]; at < begins[code + 1]; at++) {
      leftRows.push(shared.left.rows[entry]);
      rightRows.push(rows[at]);
      if (leftRows.length === PAIR_BLOCK_ROWS) await finishBlock();
    }
  }
  await finishBlock();
  return concatRelations(parts);
}
