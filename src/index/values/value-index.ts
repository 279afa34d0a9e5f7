// The rows of a column in the order of their ranks, so that those of a range are found by two binary searches. Nulls are
// left out. Ranks are read from the column again: an index is four bytes a row.

import { type Column, isValid } from "../../store/index.ts";
import { type Rank, valueRank } from "./rank.ts";
import type { RankRange } from "./zone-map.ts";

const DIGIT_BITS = 16;
const DIGITS = 2 ** DIGIT_BITS;

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
    return new ValueIndex(await sortedRows(column, rank, length, breathe), rank);
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
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.rank(this.rows[middle]))) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Rows with their ranks as 64 bits that sort as integers. */
interface Keyed {
  readonly rows: Int32Array;
  readonly lows: Uint32Array;
  readonly highs: Uint32Array;
}

const keyed = (length: number): Keyed => ({
  rows: new Int32Array(length),
  lows: new Uint32Array(length),
  highs: new Uint32Array(length),
});

/** Sorts by digits of 16 bits, the last ones first; equal ranks stay in the order of their rows. */
async function sortedRows(
  column: Column,
  rank: Rank,
  length: number,
  breathe: () => Promise<void>,
): Promise<Int32Array> {
  let from = keysOf(column, rank, length);
  let to = keyed(from.rows.length);
  for (const [word, shift] of [
    ["lows", 0],
    ["lows", DIGIT_BITS],
    ["highs", 0],
    ["highs", DIGIT_BITS],
  ] as const) {
    await breathe();
    if (sortByDigit(from, to, word, shift)) [from, to] = [to, from];
  }
  return from.rows;
}

function keysOf({ valid }: Column, rank: Rank, length: number): Keyed {
  const keys = keyed(length);
  const double = new Float64Array(1);
  const words = new Uint32Array(double.buffer);
  let count = 0;
  for (let row = 0; row < length; row++) {
    if (valid !== null && !isValid(valid, row)) continue;
    const value = rank(row);
    if (Number.isNaN(value)) continue;
    // Both zeroes are one value.
    double[0] = value === 0 ? 0 : value;
    // Of a negative number all bits are turned, of another only the sign: so bits sort as numbers do.
    const mask = words[1] >>> 31 === 1 ? 0xffffffff : 0;
    keys.rows[count] = row;
    keys.lows[count] = words[0] ^ mask;
    keys.highs[count++] = words[1] ^ (mask | 0x80000000);
  }
  return {
    rows: keys.rows.subarray(0, count),
    lows: keys.lows.subarray(0, count),
    highs: keys.highs.subarray(0, count),
  };
}

/** False where all keys have the same digit: nothing was moved then. */
function sortByDigit(from: Keyed, to: Keyed, word: "lows" | "highs", shift: number): boolean {
  const keys = from[word];
  const places = new Int32Array(DIGITS);
  for (let i = 0; i < keys.length; i++) places[(keys[i] >>> shift) & (DIGITS - 1)]++;
  if (keys.length === 0 || places[(keys[0] >>> shift) & (DIGITS - 1)] === keys.length) return false;
  let place = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = places[digit];
    places[digit] = place;
    place += count;
  }
  for (let i = 0; i < keys.length; i++) {
    const at = places[(keys[i] >>> shift) & (DIGITS - 1)]++;
    to.rows[at] = from.rows[i];
    to.lows[at] = from.lows[i];
    to.highs[at] = from.highs[i];
  }
  return true;
}
