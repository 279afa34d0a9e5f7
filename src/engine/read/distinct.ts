// The distinct values of some columns of a relation: what a `not` block is asked about once, however many rows share it.

import type { VariableSlot } from "../../query/plan.ts";
import type { ReadContext } from "./context.ts";
import { MAP_ENTRY_BYTES } from "./limits.ts";
import { columnOf, NumberList, type Relation, takeRows } from "./relation.ts";
import { inSlices } from "./slices.ts";

/** Each distinct combination once, and for each row which of them it has. */
export interface DistinctTuples {
  readonly rowOf: Int32Array;
  readonly distinct: Relation;
}

export async function distinctTuples(
  context: ReadContext,
  relation: Relation,
  slots: readonly VariableSlot[],
): Promise<DistinctTuples> {
  const columns = slots.map((slot) => columnOf(relation, slot));
  let rowOf = new Int32Array(relation.length);
  let firsts = Int32Array.of(...(relation.length === 0 ? [] : [0]));
  for (const column of columns) ({ rowOf, firsts } = await refined(context, rowOf, column));
  const shared = new Map(slots.map((slot, i) => [slot, columns[i]]));
  const distinct = takeRows({ length: relation.length, columns: shared, weights: null }, firsts);
  return { rowOf, distinct };
}

/** Splits groups of rows by the numbers of one more column. */
async function refined(context: ReadContext, groupOf: Int32Array, column: Int32Array) {
  let bound = 1;
  for (let row = 0; row < column.length; row++) if (column[row] >= bound) bound = column[row] + 1;
  const groups = new Map<number, number>();
  const rowOf = new Int32Array(groupOf.length);
  const firsts = new NumberList();
  await inSlices(context, groupOf.length, (row) => {
    const key = groupOf[row] * bound + column[row];
    let group = groups.get(key);
    if (group === undefined) {
      group = groups.size;
      groups.set(key, group);
      firsts.push(row);
    }
    rowOf[row] = group;
    context.memory.check(groups.size * MAP_ENTRY_BYTES);
    return 1;
  });
  return { rowOf, firsts: firsts.array().slice() };
}
