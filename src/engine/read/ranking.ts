// The entities of one variable in order: what a rank function makes of the rows that the clauses left.

import type { Table } from "../../index/index.ts";
import type { VariableSlot } from "../../query/plan.ts";
import { flagsOf, keepFlagged } from "./flags.ts";
import { columnOf, type Relation, takeRows } from "./relation.ts";
import type { SortKey } from "./sort.ts";

/** Entities and what stands against each: the less, the better. Those that take no part are not in it. */
export interface Ranking {
  readonly numbers: Int32Array;
  readonly costs: Float64Array;
}

/** The numbers that a variable stands for in a relation, each once. */
export function distinctNumbers(relation: Relation, variable: VariableSlot): Int32Array {
  const numbers = columnOf(relation, variable);
  return relation.columns.size === 1 ? numbers : Int32Array.from(new Set(numbers));
}

/** The rows whose entity is ranked. */
export function rankedRows(
  relation: Relation,
  variable: VariableSlot,
  table: Table,
  { numbers: ranked }: Ranking,
): Relation {
  const numbers = columnOf(relation, variable);
  // Of a whole base table, a row's place is its number.
  if (numbers === table.base.all()) return takeRows(relation, ranked);
  return keepFlagged(relation, variable, flagsOf(ranked, table.bound), 1);
}

/** The key that puts the rows of ranked entities in their order. */
export function rankKey(
  relation: Relation,
  variable: VariableSlot,
  { numbers: ranked, costs }: Ranking,
): SortKey {
  const numbers = columnOf(relation, variable);
  const costOf = new Map<number, number>();
  for (let i = 0; i < ranked.length; i++) costOf.set(ranked[i], costs[i]);
  const values = new Float64Array(relation.length);
  for (let row = 0; row < values.length; row++) values[row] = costOf.get(numbers[row]) ?? Number.NaN;
  return { values, exact: null };
}
