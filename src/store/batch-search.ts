// Finding rows in sorted batches by id, or by src, dst and id.

import { encodeUtf8 } from "../lib/utf8.ts";
import { sortColumns } from "./builder.ts";
import type { RowBatch, Utf8Column } from "./column.ts";
import { textAt } from "./column-value.ts";
import { compareBytes } from "./sort.ts";

/** What orders a row: its id, or src, dst and id of an edge. */
export type RowKey = readonly string[];

/** One text for a key, different for different keys. */
export const keyText = (key: RowKey): string =>
  key.length === 1 ? key[0] : key.map((part) => `${part.length}:${part}`).join("");

export const keyAt = (batch: RowBatch, row: number): RowKey =>
  sortColumns(batch).map((column) => textAt(column, row));

/** The row with this key, or -1. */
export function findRow(batch: RowBatch, key: RowKey): number {
  const columns = sortColumns(batch);
  const parts = key.map(encodeUtf8);
  let low = 0;
  let high = batch.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareKey(parts, columns, middle);
    if (order === 0) return middle;
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return -1;
}

function compareKey(parts: readonly Uint8Array[], columns: readonly Utf8Column[], row: number): number {
  for (const [i, part] of parts.entries()) {
    const order = compareBytes(part, 0, part.length, columns[i], row);
    if (order !== 0) return order;
  }
  return 0;
}
