// The least and the greatest rank in each zone of a column: a scan passes over zones that hold nothing of what it seeks.

import { type Column, isValid } from "../../store/index.ts";
import { ZONE_ROWS } from "./limits.ts";
import { orderRank } from "./rank.ts";

/** Ranks from `least` to `greatest`, both included. */
export interface RankRange {
  readonly least: number;
  readonly greatest: number;
}

export class ZoneMap {
  /** Of a zone of nulls alone the least is above the greatest. */
  private readonly least: Float64Array;
  private readonly greatest: Float64Array;

  private constructor(
    private readonly rows: number,
    zones: number,
  ) {
    this.least = new Float64Array(zones).fill(Number.POSITIVE_INFINITY);
    this.greatest = new Float64Array(zones).fill(Number.NEGATIVE_INFINITY);
  }

  /** Null for a column whose values have no order. */
  static of(column: Column, rows: number): ZoneMap | null {
    const rank = orderRank(column);
    if (rank === null) return null;
    const map = new ZoneMap(rows, Math.ceil(rows / ZONE_ROWS));
    const { valid } = column;
    for (let zone = 0; zone < map.least.length; zone++) {
      const end = Math.min(rows, (zone + 1) * ZONE_ROWS);
      let least = Number.POSITIVE_INFINITY;
      let greatest = Number.NEGATIVE_INFINITY;
      for (let row = zone * ZONE_ROWS; row < end; row++) {
        if (valid !== null && !isValid(valid, row)) continue;
        const value = rank(row);
        if (value < least) least = value;
        if (value > greatest) greatest = value;
      }
      map.least[zone] = least;
      map.greatest[zone] = greatest;
    }
    return map;
  }

  /** Of these stretches of rows (from, to, from, to, …) what stands in zones that can hold a rank of the range. */
  within(stretches: readonly number[], range: RankRange): number[] {
    const kept: number[] = [];
    if (range.least > range.greatest) return kept;
    for (let i = 0; i < stretches.length; i += 2) {
      const to = Math.min(stretches[i + 1], this.rows);
      for (let from = stretches[i]; from < to; ) {
        const zone = Math.floor(from / ZONE_ROWS);
        const end = Math.min(to, (zone + 1) * ZONE_ROWS);
        if (this.least[zone] <= range.greatest && this.greatest[zone] >= range.least) {
          if (kept.length > 0 && kept[kept.length - 1] === from) kept[kept.length - 1] = end;
          else kept.push(from, end);
        }
        from = end;
      }
    }
    return kept;
  }
}
