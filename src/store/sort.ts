// The order of rows in a segment: by one or more text columns, each by its UTF-8 bytes. Four bytes of all rows are
// sorted at a time, as plain 64-bit numbers (the bytes above the row number), and only runs of equal bytes go on.

import type { Utf8Column } from "./column.ts";

/** Runs up to this many rows are sorted by comparing whole texts. */
const SMALL_RUN = 12;
const KEY_BYTES = 4;

export interface SortedOrder {
  /** Row numbers in ascending order of their texts, equal rows in their order; null where they stand so already. */
  readonly order: Uint32Array | null;
  /** Places in that order whose row equals the one before in all columns, ascending. */
  readonly repeats: Uint32Array;
}

/** Sorts rows 0 to `length` by the columns, the first one first. */
export function sortRows(columns: readonly Utf8Column[], length: number): SortedOrder {
  const repeats: number[] = [];
  if (isSorted(columns, length)) {
    for (let row = 1; row < length; row++) if (compareRows(columns, row - 1, row) === 0) repeats.push(row);
    return { order: null, repeats: Uint32Array.from(repeats) };
  }
  const order = new Uint32Array(length);
  for (let row = 0; row < length; row++) order[row] = row;
  new RunSorter(columns, order).sort(0, length, 0, 0);
  for (let i = 1; i < length; i++) if (compareRows(columns, order[i - 1], order[i]) === 0) repeats.push(i);
  return { order, repeats: Uint32Array.from(repeats) };
}

/** Whether rows stand in ascending order; equal ones count as sorted. */
export function isSorted(columns: readonly Utf8Column[], length: number): boolean {
  for (let row = 1; row < length; row++) {
    if (compareRows(columns, row - 1, row) > 0) return false;
  }
  return true;
}

function compareRows(columns: readonly Utf8Column[], a: number, b: number): number {
  for (const column of columns) {
    const order = compareBytes(column.bytes, column.offsets[a], column.offsets[a + 1], column, b);
    if (order !== 0) return order;
  }
  return 0;
}

/** Orders bytes [start, end) against a row of a column. */
export function compareBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  column: Utf8Column,
  row: number,
): number {
  const otherStart = column.offsets[row];
  const otherLength = column.offsets[row + 1] - otherStart;
  const length = end - start;
  const shared = Math.min(length, otherLength);
  const other = column.bytes;
  for (let i = 0; i < shared; i++) {
    const difference = bytes[start + i] - other[otherStart + i];
    if (difference !== 0) return difference;
  }
  return length - otherLength;
}

class RunSorter {
  constructor(
    private readonly columns: readonly Utf8Column[],
    private readonly order: Uint32Array,
  ) {}

  /** Sorts order[from, to), whose rows agree in the columns before `column` and in the first `depth` bytes of it. */
  sort(from: number, to: number, column: number, depth: number): void {
    if (to - from < 2 || column === this.columns.length) return;
    if (to - from <= SMALL_RUN) this.insertionSort(from, to);
    else this.keySort(from, to, column, depth);
  }

  private keySort(from: number, to: number, column: number, depth: number): void {
    const { offsets, bytes } = this.columns[column];
    const skip = depth + this.sharedBytes(from, to, column, depth);
    const keys = new BigUint64Array(to - from);
    const halves = new Uint32Array(keys.buffer);
    for (let i = from; i < to; i++) {
      const row = this.order[i];
      const start = offsets[row] + skip;
      const end = offsets[row + 1];
      let key = 0;
      for (let at = start; at < start + KEY_BYTES; at++) key = (key << 8) | (at < end ? bytes[at] : 0);
      halves[2 * (i - from)] = row;
      halves[2 * (i - from) + 1] = key;
    }
    keys.sort();
    let runStart = from;
    for (let i = from; i < to; i++) {
      this.order[i] = halves[2 * (i - from)];
      const isLast = i + 1 === to;
      if (isLast || halves[2 * (i - from) + 1] !== halves[2 * (i + 1 - from) + 1]) {
        // The rest of the run is in `order` by now: rows were copied up to and with i.
        if (i > runStart) this.sortTied(runStart, i + 1, column, skip + KEY_BYTES);
        runStart = i + 1;
      }
    }
  }

  /** Rows that agree in `depth` bytes padded with zeros: those that end there come first, the shorter first. */
  private sortTied(from: number, to: number, column: number, depth: number): void {
    const { offsets } = this.columns[column];
    const lengthOf = (row: number) => offsets[row + 1] - offsets[row];
    const rows = Array.from(this.order.subarray(from, to));
    const ended = rows
      .filter((row) => lengthOf(row) <= depth)
      .sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
    if (ended.length > 0) {
      this.order.set(ended, from);
      this.order.set(
        rows.filter((row) => lengthOf(row) > depth),
        from + ended.length,
      );
    }
    for (let i = 0; i < ended.length; ) {
      let next = i + 1;
      while (next < ended.length && lengthOf(ended[next]) === lengthOf(ended[i])) next++;
      this.sort(from + i, from + next, column + 1, 0);
      i = next;
    }
    this.sort(from + ended.length, to, column, depth);
  }

  /** How many bytes from `depth` on all texts of the run share. */
  private sharedBytes(from: number, to: number, column: number, depth: number): number {
    const { offsets, bytes } = this.columns[column];
    const first = offsets[this.order[from]] + depth;
    let shared = offsets[this.order[from] + 1] - first;
    for (let i = from + 1; i < to && shared > 0; i++) {
      const start = offsets[this.order[i]] + depth;
      const length = Math.min(shared, offsets[this.order[i] + 1] - start);
      let same = 0;
      while (same < length && bytes[first + same] === bytes[start + same]) same++;
      shared = same;
    }
    return Math.max(shared, 0);
  }

  private insertionSort(from: number, to: number): void {
    const { order, columns } = this;
    for (let i = from + 1; i < to; i++) {
      const row = order[i];
      let at = i;
      while (at > from) {
        const before = compareRows(columns, order[at - 1], row);
        if (before < 0 || (before === 0 && order[at - 1] < row)) break;
        order[at] = order[at - 1];
        at--;
      }
      order[at] = row;
    }
  }
}
