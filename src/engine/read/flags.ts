// Sets of entities as one byte for each number of a table: the fastest to ask about one row after the other.

import type { VariableSlot } from "../../query/plan.ts";
import { columnOf, type Relation, takeRows } from "./relation.ts";

/** One for each of these numbers. */
export function flagsOf(numbers: Int32Array, bound: number): Uint8Array {
  const flags = new Uint8Array(bound);
  for (let i = 0; i < numbers.length; i++) flags[numbers[i]] = 1;
  return flags;
}

/** The rows whose entity has a flag of this value. */
export function keepFlagged(
  relation: Relation,
  variable: VariableSlot,
  flags: Uint8Array,
  value: number,
): Relation {
  const numbers = columnOf(relation, variable);
  const rows = new Int32Array(relation.length);
  let count = 0;
  for (let row = 0; row < numbers.length; row++) {
    rows[count] = row;
    if (flags[numbers[row]] === value) count++;
  }
  return count === relation.length ? relation : takeRows(relation, rows.subarray(0, count));
}
