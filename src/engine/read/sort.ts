// Puts rows in order by several keys. Keys are numbers where they can be; where all of them are small integers, a row's
// keys and its place go into one double, and the engine's own sort of numbers does the work.

import { ROWS_PER_LOOK } from "./limits.ts";

/** Ascending by `values`; rows that tie there go on to `exact`, where there is one. */
export interface SortKey {
  readonly values: Float64Array;
  readonly exact: ((a: number, b: number) => number) | null;
}

/** A limit below this share of the rows is reached by keeping the best so far. */
const TOP_SHARE = 4;

/**
 * The first `limit` rows of `count`, in order. The keys tell all rows apart, or which comes first does not matter. `check`
 * is called now and then, and may throw.
 */
export function sortedRows(
  count: number,
  keys: readonly SortKey[],
  limit: number | null,
  check: () => void,
): Int32Array {
  const wanted = Math.min(limit ?? count, count);
  if (wanted === 0) return new Int32Array(0);
  const telling = keys.filter((key) => key.exact !== null || !isConstant(key.values));
  const compare = comparator(telling);
  if (wanted * TOP_SHARE < count) return bestRows(count, telling, compare, wanted, check);
  const packed = packedOrder(count, telling);
  if (packed !== null) return packed.subarray(0, wanted);
  const rows = new Int32Array(count);
  for (let row = 0; row < count; row++) rows[row] = row;
  let compared = 0;
  const checked = (a: number, b: number) => {
    if (++compared % ROWS_PER_LOOK === 0) check();
    return compare(a, b);
  };
  return rows.sort(checked).subarray(0, wanted);
}

function isConstant(values: Float64Array): boolean {
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return false;
  return true;
}

/** Ends with the row itself, so that the order is always total. */
function comparator(keys: readonly SortKey[]): (a: number, b: number) => number {
  return (a, b) => {
    for (const { values, exact } of keys) {
      const x = values[a];
      const y = values[b];
      if (x !== y) return x < y ? -1 : 1;
      const order = exact === null ? 0 : exact(a, b);
      if (order !== 0) return order;
    }
    return a - b;
  };
}

/** Keeps the best rows in a heap whose root is the worst of them. */
function bestRows(
  count: number,
  keys: readonly SortKey[],
  compare: (a: number, b: number) => number,
  wanted: number,
  check: () => void,
): Int32Array {
  const heap = new Int32Array(wanted);
  let size = 0;
  const sinkFrom = (start: number) => {
    let at = start;
    for (;;) {
      let worst = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < size && compare(heap[child], heap[worst]) > 0) worst = child;
      }
      if (worst === at) return;
      [heap[at], heap[worst]] = [heap[worst], heap[at]];
      at = worst;
    }
  };
  const first = keys[0]?.values;
  for (let row = 0; row < count; row++) {
    if (row % ROWS_PER_LOOK === ROWS_PER_LOOK - 1) check();
    // Most rows are worse by their first key alone.
    if (size === wanted && first !== undefined && first[row] > first[heap[0]]) continue;
    if (size < wanted) {
      heap[size++] = row;
      if (size === wanted) for (let i = (size >> 1) - 1; i >= 0; i--) sinkFrom(i);
    } else if (compare(row, heap[0]) < 0) {
      heap[0] = row;
      sinkFrom(0);
    }
  }
  return heap.sort(compare);
}

/** The order where all keys and the row's place fit into the integers of a double; else null. */
function packedOrder(count: number, keys: readonly SortKey[]): Int32Array | null {
  let range = count;
  const ranges: { least: number; size: number }[] = [];
  for (const { values, exact } of keys) {
    if (exact !== null) return null;
    let least = values[0];
    let greatest = values[0];
    for (let row = 0; row < count; row++) {
      const value = values[row];
      if (!Number.isInteger(value)) return null;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
    const size = greatest - least + 1;
    range *= size;
    if (range > Number.MAX_SAFE_INTEGER) return null;
    ranges.push({ least, size });
  }
  const packed = new Float64Array(count);
  for (let k = 0; k < keys.length; k++) {
    const { values } = keys[k];
    const { least, size } = ranges[k];
    for (let row = 0; row < count; row++) packed[row] = packed[row] * size + (values[row] - least);
  }
  for (let row = 0; row < count; row++) packed[row] = packed[row] * count + row;
  packed.sort();
  const rows = new Int32Array(count);
  for (let i = 0; i < count; i++) rows[i] = packed[i] % count;
  return rows;
}
