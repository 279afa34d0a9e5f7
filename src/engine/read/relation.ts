// Solutions in columns: one Int32Array of node or edge numbers per bound variable, all of one length. Where only the
// number of solutions matters, rows that came to look alike are one row of a weight.

import { tooLarge } from "../../lib/errors.ts";
import type { VariableSlot } from "../../query/plan.ts";
import { INTERMEDIATE_ROWS_MAX } from "./limits.ts";

export interface Relation {
  readonly length: number;
  readonly columns: ReadonlyMap<VariableSlot, Int32Array>;
  /** How many solutions a row stands for; null: each for one. */
  readonly weights: Float64Array | null;
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
  return { length: rows.length, columns, weights: takeWeights(relation.weights, rows) };
}

export function takeNumbers(column: Int32Array, rows: Int32Array): Int32Array {
  const out = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = column[rows[i]];
  return out;
}

export function takeWeights(weights: Float64Array | null, rows: Int32Array): Float64Array | null {
  if (weights === null) return null;
  const out = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = weights[rows[i]];
  return out;
}

/** The rows for which `isKept` holds; the relation itself where that is all of them. */
export function keepRows(relation: Relation, isKept: (row: number) => boolean): Relation {
  const rows = new Int32Array(relation.length);
  let count = 0;
  for (let row = 0; row < relation.length; row++) if (isKept(row)) rows[count++] = row;
  return count === relation.length ? relation : takeRows(relation, rows.subarray(0, count));
}

/** Without the columns that `isKept` denies; the rows stay. */
export function keepColumns(relation: Relation, isKept: (slot: VariableSlot) => boolean): Relation {
  const columns = new Map([...relation.columns].filter(([slot]) => isKept(slot)));
  return columns.size === relation.columns.size ? relation : { ...relation, columns };
}

/** Bytes of memory that a relation's columns take. */
export function bytesOf({ length, columns, weights }: Relation): number {
  const rowBytes =
    columns.size * Int32Array.BYTES_PER_ELEMENT + (weights === null ? 0 : Float64Array.BYTES_PER_ELEMENT);
  return length * rowBytes;
}

/** How many solutions a relation stands for. */
export function solutionsOf({ length, weights }: Relation): number {
  if (weights === null) return length;
  let sum = 0;
  for (let row = 0; row < length; row++) sum += weights[row];
  return sum;
}

/** A list of numbers that grows; the fastest way to collect an unknown count of them. */
export class NumberList {
  private values: Int32Array;
  length = 0;

  constructor(capacity = 256) {
    this.values = new Int32Array(Math.max(1, capacity));
  }

  push(value: number): void {
    if (this.length === this.values.length) this.grow(this.length + 1);
    this.values[this.length++] = value;
  }

  /** Adds a stretch of numbers. */
  append(numbers: Int32Array, from: number, to: number): void {
    const length = this.length + to - from;
    if (length > this.values.length) this.grow(length);
    const { values } = this;
    let at = this.length;
    for (let i = from; i < to; i++) values[at++] = numbers[i];
    this.length = length;
  }

  private grow(length: number): void {
    checkRows(length);
    const larger = new Int32Array(Math.max(length, this.values.length * 2));
    larger.set(this.values);
    this.values = larger;
  }

  at(index: number): number {
    return this.values[index];
  }

  clear(): void {
    this.length = 0;
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
  return {
    length: 0,
    columns: new Map(Array.from(slots, (slot) => [slot, new Int32Array(0)])),
    weights: null,
  };
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
  return { length, columns, weights: concatWeights(parts, length) };
}

function concatWeights(parts: readonly Relation[], length: number): Float64Array | null {
  if (parts.every((part) => part.weights === null)) return null;
  const weights = new Float64Array(length).fill(1);
  let at = 0;
  for (const part of parts) {
    if (part.weights !== null) weights.set(part.weights, at);
    at += part.length;
  }
  return weights;
}
