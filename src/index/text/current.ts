// Which of the rows that have a token a view still sees.

import { partitionPoint } from "../../lib/partition-point.ts";
import type { Table } from "../table.ts";
import type { DeltaPosting } from "./text-delta.ts";

/** True where the base's row of a number is what the view sees. */
export function isBaseCurrent(table: Table, number: number): boolean {
  if (number >= table.base.length) return false;
  return !table.isTouched(number) || table.place(number)?.batch === table.rows;
}

/** True where the row that a commit brought is what the view sees. */
export function isCurrent(table: Table, posting: DeltaPosting): boolean {
  return posting.number < table.bound && table.place(posting.number) === posting.place;
}

/** How many of these base rows, in ascending order, the view sees. */
export function countCurrent(table: Table, rows: Int32Array): number {
  let count = rows.length;
  if (table.isPlain) return count;
  const { changed } = table.delta;
  if (rows.length < changed.length) {
    for (let i = 0; i < rows.length; i++) if (!isBaseCurrent(table, rows[i])) count--;
    return count;
  }
  for (const number of changed) {
    if (!isBaseCurrent(table, number) && rows[firstAtLeast(rows, number)] === number) count--;
  }
  return count;
}

/** The first place in ascending rows that is not below `row`. */
export function firstAtLeast(rows: Int32Array, row: number): number {
  return partitionPoint(0, rows.length, (place) => rows[place] < row);
}
