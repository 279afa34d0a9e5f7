// Solutions in columns: one Int32Array of node or edge numbers per bound variable, all of one length.

import { tooLarge } from "../../lib/errors.ts";
import type { VariableSlot } from "../../query/plan.ts";
import { INTERMEDIATE_ROWS_MAX } from "./limits.ts";

export interface Relation {
  readonly length: number;
  readonly columns: ReadonlyMap<VariableSlot, Int32Array>;
}

export function columnOf(relation: Relation, slot: VariableSlot): Int32Array {
  const column = relation.columns.get(slot);
  if (column === undefined) throw new Error(`invariant broken: variable ${slot} is read before it is bound`);
  return column;
}

/** The given rows, in the order given. */
export function takeRows(relation: Relation, rows: Int32Array): Relation {
  const columns = new Map<VariableSlot, Int32Array>();
  for (const [slot, column] of relation.columns) columns.set(slot, takeNumbers(column, rows));
  return { length: rows.length, columns };
}

/** Rows `from` up to `to`; shares memory with the relation. */
export function sliceRows(relation: Relation, from: number, to: number): Relation {
  if (from === 0 && to === relation.length) return relation;
  const columns = new Map<VariableSlot, Int32Array>();
  for (const [slot, column] of relation.columns) columns.set(slot, column.subarray(from, to));
  return { length: to - from, columns };
}

export function takeNumbers(column: Int32Array, rows: Int32Array): Int32Array {
  const out = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = column[rows[i]];
  return out;
}

/** The rows for which `isKept` holds; the relation itself where that is all of them. */
export function keepRows(relation: Relation, isKept: (row: number) => boolean): Relation {
  const rows = new Int32Array(relation.length);
  let count = 0;
  for (let row = 0; row < relation.length; row++) if (isKept(row)) rows[count++] = row;
  return count === relation.length ? relation : takeRows(relation, rows.subarray(0, count));
}

/** A list of numbers that grows; the fastest way to collect an unknown count of them. */
export class NumberList {
  private values: Int32Array;
  length = 0;

  constructor(capacity = 256) {
    this.values = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      checkRows(this.values.length);
      const larger = new Int32Array(this.values.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  at(index: number): number {
    return this.values[index];
  }

  /** What was collected; shares memory with the list. */
  array(): Int32Array {
    return this.values.subarray(0, this.length);
  }
}

/** Refuses a step that would hold more rows than a query may. */
export function checkRows(rows: number): void {
  if (rows > INTERMEDIATE_ROWS_MAX)
    throw tooLarge("rows between the steps of a query", INTERMEDIATE_ROWS_MAX, rows);
}

export function emptyRelation(slots: Iterable<VariableSlot>): Relation {
  return { length: 0, columns: new Map(Array.from(slots, (slot) => [slot, new Int32Array(0)])) };
}

/** Rows of relations with the same variables, one after the other. */
export function concatRelations(parts: readonly Relation[]): Relation {
  if (parts.length === 1) return parts[0];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const columns = new Map<VariableSlot, Int32Array>();
  for (const slot of parts[0].columns.keys()) {
    const column = new Int32Array(length);
    let at = 0;
    for (const part of parts) {
      column.set(columnOf(part, slot), at);
      at += part.length;
    }
    columns.set(slot, column);
  }
  return { length, columns };
}
