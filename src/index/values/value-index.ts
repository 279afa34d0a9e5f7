// The rows of a column in the order of their ranks, so that those of a range are found by two binary searches. Nulls are
// left out. Ranks are read from the column again: an index is four bytes a row.

import { partitionPoint } from "../../lib/partition-point.ts";
import type { Column } from "../../store/index.ts";
import { type Rank, valueRank } from "./rank.ts";
import { rowsByRank } from "./row-order.ts";
import type { RankRange } from "./zone-map.ts";

export class ValueIndex {
  private constructor(
    private readonly rows: Int32Array,
    private readonly rank: Rank,
  ) {}

  /** Null for a column whose values cannot be looked up. */
  static async build(
    column: Column,
    length: number,
    breathe: () => Promise<void>,
  ): Promise<ValueIndex | null> {
    const rank = valueRank(column);
    if (rank === null) return null;
    return new ValueIndex(await rowsByRank(column, rank, length, breathe), rank);
  }

  /** How many rows have a rank within a range. */
  count(range: RankRange): number {
    return this.end(range) - this.begin(range);
  }

  /** Those rows, by rank. Do not write to it. */
  find(range: RankRange): Int32Array {
    const begin = this.begin(range);
    return this.rows.subarray(begin, Math.max(begin, this.end(range)));
  }

  private begin({ least }: RankRange): number {
    return this.firstWhere((rank) => rank >= least);
  }

  private end({ least, greatest }: RankRange): number {
    return greatest < least ? this.begin({ least, greatest }) : this.firstWhere((rank) => rank > greatest);
  }

  private firstWhere(holds: (rank: number) => boolean): number {
    return partitionPoint(0, this.rows.length, (place) => !holds(this.rank(this.rows[place])));
  }
}
