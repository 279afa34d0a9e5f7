// Live edges by what does not order them, their ids or targets, in a type that is not in memory: every row is looked at,
// a segment at a time, and only what was found is kept. The commits of the tail are asked first, newest first.

import type { TextSet } from "../lib/text-set.ts";
import type { EdgeType } from "../schema/catalog.ts";
import type { BranchState, Row, RowBatch } from "../store/index.ts";
import { rowAt } from "../store/index.ts";
import { edgeColumns } from "./base-table.ts";
import type { BatchCache } from "./batch-cache.ts";
import { entityAt } from "./delta.ts";
import { edgeKey } from "./merge-layers.ts";
import { changesOf } from "./type-image.ts";

/** The live edges of a state whose ids, or targets, are among the wanted. */
export async function scanEdges(
  cache: BatchCache,
  state: BranchState,
  type: EdgeType,
  column: "ids" | "dst",
  wanted: TextSet,
): Promise<Row[]> {
  const found: Row[] = [];
  /** Edges about which a newer commit had the last word. */
  const settled = new Set<string>();
  const scan = (batch: RowBatch, firstRow: number, dead: ReadonlySet<number>) => {
    const { bytes, offsets } = edgeColumns(batch)[column];
    for (let row = 0; row < batch.length; row++) {
      if (!wanted.hasBytes(bytes, offsets[row], offsets[row + 1]) || dead.has(firstRow + row)) continue;
      const key = edgeKey(entityAt("edge", batch, row));
      if (!settled.has(key)) found.push(rowAt(batch, row, type));
      settled.add(key);
    }
  };

  for (const commit of state.tail.toReversed()) {
    const changes = changesOf(commit, type);
    if (changes === null) continue;
    if (changes.rows !== null) scan(changes.rows, 0, NONE);
    for (const segment of changes.segments) {
      for (const batch of await cache.readWhole(segment)) scan(batch, 0, NONE);
    }
    for (const edge of changes.deletedEdges) settled.add(edgeKey(edge));
    if (changes.replaced) return found;
  }
  for (const { segment, dead } of state.checkpoint.types.get(type.id)?.segments ?? []) {
    const [batches, deadRows] = await Promise.all([cache.readWhole(segment), cache.deadRows(dead)]);
    const isDead = new Set(deadRows);
    let firstRow = 0;
    for (const batch of batches) {
      scan(batch, firstRow, isDead);
      firstRow += batch.length;
    }
  }
  return found;
}

const NONE: ReadonlySet<number> = new Set();
