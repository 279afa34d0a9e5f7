// Values as doubles that keep their order: where a value is less than another, its rank is not greater. So one kind of
// zone map and one kind of index serve all properties; what ranks leave open is settled by the values themselves.

import type { Column, Utf8Column } from "../../store/index.ts";
import { hashBytes } from "../id-hash.ts";

/** The rank of a row that has a value. */
export type Rank = (row: number) => number;

/** As many leading bytes of a text as a double holds exactly. */
export const PREFIX_BYTES = 6;

/** Ranks in the order of the values; null for columns whose values have none. */
export function orderRank(column: Column): Rank | null {
  switch (column.kind) {
    case "i32":
    case "u32":
    case "f32":
    case "f64":
    case "date": {
      const { values } = column;
      return (row) => values[row];
    }
    case "i64":
    case "datetime": {
      const words = new Int32Array(column.values.buffer, column.values.byteOffset, column.values.length * 2);
      return (row) => words[2 * row + 1] * 2 ** 32 + (words[2 * row] >>> 0);
    }
    case "u64": {
      const words = new Uint32Array(column.values.buffer, column.values.byteOffset, column.values.length * 2);
      return (row) => words[2 * row + 1] * 2 ** 32 + words[2 * row];
    }
    case "bool": {
      const { bits } = column;
      return (row) => (bits[row >> 3] >> (row & 7)) & 1;
    }
    case "utf8":
      return (row) => prefixRank(column, row);
    default:
      return null;
  }
}

function prefixRank({ bytes, offsets }: Utf8Column, row: number): number {
  const end = offsets[row + 1];
  let rank = 0;
  for (let at = offsets[row], last = at + PREFIX_BYTES; at < last; at++)
    rank = rank * 256 + (at < end ? bytes[at] : 0);
  return rank;
}

/** The rank of a text, as of one whose missing bytes are `filler`: 0 for itself, 255 for the last text that it begins. */
export function textRank(text: Uint8Array, filler: 0 | 255): number {
  let rank = 0;
  for (let at = 0; at < PREFIX_BYTES; at++) rank = rank * 256 + (at < text.length ? text[at] : filler);
  return rank;
}

/** Ranks by which rows of an equal value are found together; texts go by a hash, since many begin alike. */
export function valueRank(column: Column): Rank | null {
  if (column.kind === "bool") return null;
  if (column.kind !== "utf8") return orderRank(column);
  const { bytes, offsets } = column;
  return (row) => hashRank(bytes, offsets[row], offsets[row + 1]);
}

export function hashRank(bytes: Uint8Array, start: number, end: number): number {
  return hashBytes(bytes, start, end) >>> 0;
}
