// Sorts the rows of a column by their ranks: by digits of 16 bits, the last ones first, so that equal ranks stay in the
// order of their rows. Long columns are gone through in slices, between which others run.

import { type Column, isValid } from "../../store/index.ts";
import { SORT_SLICE_ROWS } from "./limits.ts";
import type { Rank } from "./rank.ts";

const DIGIT_BITS = 16;
const DIGITS = 2 ** DIGIT_BITS;

/** Rows with the bits of their ranks, which sort as unsigned integers do; of 32 bits there are no low ones. */
interface Keyed {
  readonly rows: Int32Array;
  readonly highs: Uint32Array;
  readonly lows: Uint32Array | null;
}

type Breathe = () => Promise<void>;

const keyed = (length: number, isWide: boolean): Keyed => ({
  rows: new Int32Array(length),
  highs: new Uint32Array(length),
  lows: isWide ? new Uint32Array(length) : null,
});

/** The rows that have a rank, in the order of their ranks. */
export async function rowsByRank(
  column: Column,
  rank: Rank,
  length: number,
  breathe: Breathe,
): Promise<Int32Array> {
  let from = await keysOf(column, rank, length, breathe);
  let to = keyed(from.rows.length, from.lows !== null);
  for (const word of ["lows", "highs"] as const) {
    for (const shift of [0, DIGIT_BITS]) {
      if (from[word] !== null && (await sortByDigit(from, to, word, shift, breathe))) [from, to] = [to, from];
    }
  }
  return from.rows;
}

/** Ranks of these columns are integers of 32 bits: numbers of this least value on, or hashes. */
const LEAST_OF_32_BITS: Partial<Record<Column["kind"], number>> = {
  utf8: 0,
  u32: 0,
  i32: -(2 ** 31),
  date: -(2 ** 31),
};

async function keysOf(column: Column, rank: Rank, length: number, breathe: Breathe): Promise<Keyed> {
  const least = LEAST_OF_32_BITS[column.kind];
  const keys = keyed(length, least === undefined);
  const double = new Float64Array(1);
  const words = new Uint32Array(double.buffer);
  let count = 0;
  for (let first = 0; first < length; first += SORT_SLICE_ROWS) {
    const end = Math.min(length, first + SORT_SLICE_ROWS);
    for (let row = first; row < end; row++) {
      if (!isValid(column.valid, row)) continue;
      const value = rank(row);
      if (Number.isNaN(value)) continue;
      keys.rows[count] = row;
      if (keys.lows === null) {
        keys.highs[count++] = value - (least ?? 0);
        continue;
      }
      // Both zeroes are one value.
      double[0] = value === 0 ? 0 : value;
      // Of a negative number all bits are turned, of another only the sign: so bits sort as numbers do.
      const mask = words[1] >>> 31 === 1 ? 0xffffffff : 0;
      keys.lows[count] = words[0] ^ mask;
      keys.highs[count++] = words[1] ^ (mask | 0x80000000);
    }
    await breathe();
  }
  return {
    rows: keys.rows.subarray(0, count),
    highs: keys.highs.subarray(0, count),
    lows: keys.lows?.subarray(0, count) ?? null,
  };
}

/** False where all keys have the same digit: nothing was moved then. */
async function sortByDigit(
  from: Keyed,
  to: Keyed,
  word: "lows" | "highs",
  shift: number,
  breathe: Breathe,
): Promise<boolean> {
  const digits = from[word] ?? from.highs;
  const { length } = digits;
  const places = new Int32Array(DIGITS);
  for (let first = 0; first < length; first += SORT_SLICE_ROWS) {
    const end = Math.min(length, first + SORT_SLICE_ROWS);
    for (let i = first; i < end; i++) places[(digits[i] >>> shift) & (DIGITS - 1)]++;
    await breathe();
  }
  if (length === 0 || places[(digits[0] >>> shift) & (DIGITS - 1)] === length) return false;
  for (let digit = 0, place = 0; digit < DIGITS; digit++) {
    const count = places[digit];
    places[digit] = place;
    place += count;
  }
  for (let first = 0; first < length; first += SORT_SLICE_ROWS) {
    move(from, to, digits, shift, places, first, Math.min(length, first + SORT_SLICE_ROWS));
    await breathe();
  }
  return true;
}

function move(
  from: Keyed,
  to: Keyed,
  digits: Uint32Array,
  shift: number,
  places: Int32Array,
  first: number,
  end: number,
): void {
  for (let i = first; i < end; i++) {
    const at = places[(digits[i] >>> shift) & (DIGITS - 1)]++;
    to.rows[at] = from.rows[i];
    to.highs[at] = from.highs[i];
    if (from.lows !== null && to.lows !== null) to.lows[at] = from.lows[i];
  }
}
