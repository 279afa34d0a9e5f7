// The vector indexes of a base table, by property.

import type { StableId } from "../../schema/catalog.ts";
import type { RowBatch } from "../../store/index.ts";
import { VECTOR_INDEX_ROWS_MIN } from "./limits.ts";
import { VectorIndex } from "./vector-index.ts";

export class VectorIndexes {
  private readonly indexes = new Map<StableId, Promise<VectorIndex | null>>();
  /** Properties that were searched once. */
  private readonly searched = new Set<StableId>();

  constructor(private readonly rows: RowBatch) {}

  /**
   * The index over a property; null where comparing the vectors themselves is sooner done, as in the first search: making
   * the index takes three times as long as that, and pays where more searches follow.
   */
  async forSearch(property: StableId, breathe: () => Promise<void>): Promise<VectorIndex | null> {
    if (this.searched.has(property) || this.indexes.has(property)) return this.build(property, breathe);
    this.searched.add(property);
    return null;
  }

  /** Makes the index over a property, where that pays, is possible and was not done yet. */
  build(property: StableId, breathe: () => Promise<void>): Promise<VectorIndex | null> {
    let index = this.indexes.get(property);
    if (index === undefined) {
      const column = this.rows.columns.get(property);
      index =
        column?.kind === "vector" && this.rows.length >= VECTOR_INDEX_ROWS_MIN
          ? VectorIndex.build(column, this.rows.length, breathe)
          : Promise.resolve(null);
      this.indexes.set(property, index);
      // A build that was stopped is begun anew by whoever asks next.
      index.catch(() => this.indexes.delete(property));
    }
    return index;
  }
}
