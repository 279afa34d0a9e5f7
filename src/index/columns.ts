// Work on columns as a whole: laying batches end to end, and comparing strings by their bytes.

import type { RowBatch, Utf8Column } from "../store/index.ts";
import { allRows, gather } from "./gather.ts";

/** Orders two byte ranges as unsigned bytes, a prefix first. */
export function compareRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

/** Orders two rows of two string columns. */
export function compareText(a: Utf8Column, aRow: number, b: Utf8Column, bRow: number): number {
  return compareRanges(
    a.bytes,
    a.offsets[aRow],
    a.offsets[aRow + 1],
    b.bytes,
    b.offsets[bRow],
    b.offsets[bRow + 1],
  );
}

/** Orders a row against encoded text. */
export function compareToBytes(column: Utf8Column, row: number, bytes: Uint8Array): number {
  return compareRanges(column.bytes, column.offsets[row], column.offsets[row + 1], bytes, 0, bytes.length);
}

/** Batches of one type end to end; a property that only some of them have is null in the rows of the others. */
export function concatBatches(batches: readonly RowBatch[]): RowBatch {
  return gather(batches, allRows(batches));
}
