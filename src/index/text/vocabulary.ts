// The tokens of a corpus in order, so that those near a misspelled one are found without looking at all: tokens with a
// beginning in common share the work on it, and where a beginning is too far off already, all that go on from it are left out.

import { editsBetween } from "./edit-distance.ts";

/** New tokens wait unsorted until there are more than this, and than a quarter of the sorted ones. */
const WAITING_MIN = 512;
const WAITING_SHARE = 4;

/** Takes a token and by how many edits it differs. */
export type NearToken = (token: string, edits: number) => void;

export class Vocabulary {
  private sorted: string[] = [];
  private waiting: string[] = [];
  /** Length of the longest token. */
  private longest = 0;

  /** Takes in a token that it does not have. */
  add(token: string): void {
    this.waiting.push(token);
    this.longest = Math.max(this.longest, token.length);
  }

  /** Finds the tokens that so many insertions, deletions and replacements of characters turn into this one, in no order. */
  near(token: string, edits: number, found: NearToken): void {
    if (this.waiting.length > Math.max(WAITING_MIN, this.sorted.length / WAITING_SHARE)) this.sort();
    const characters = [...token];
    for (const other of this.waiting) {
      const distance = editsBetween(characters, [...other], edits);
      if (distance !== null) found(other, distance);
    }
    this.walk(token, edits, found);
  }

  private sort(): void {
    // By code units: whatever the order, what begins alike stands together.
    this.sorted = this.sorted.concat(this.waiting).sort();
    this.waiting = [];
  }

  /** The table of edit distances (Levenshtein), a row for each character of the tokens, kept while beginnings are shared. */
  private walk(query: string, edits: number, found: NearToken): void {
    const { sorted } = this;
    const wanted = Array.from(query, codeOf);
    const width = wanted.length + 1;
    const table = new Uint8Array((this.longest + 1) * width);
    for (let i = 0; i < width; i++) table[i] = i;
    const beginning = new Int32Array(this.longest);
    /** Characters of `beginning` whose rows are in the table. */
    let known = 0;
    for (let place = 0; place < sorted.length; ) {
      const token = sorted[place];
      let depth = 0;
      let at = 0;
      while (depth < known && at < token.length) {
        const code = token.codePointAt(at) as number;
        if (code !== beginning[depth]) break;
        depth++;
        at += unitsOf(code);
      }
      let least = 0;
      while (at < token.length && least <= edits) {
        const code = token.codePointAt(at) as number;
        beginning[depth++] = code;
        at += unitsOf(code);
        least = addRow(table, depth, width, code, wanted);
      }
      known = depth;
      if (least > edits) {
        place = firstWithout(sorted, place + 1, token.slice(0, at));
        continue;
      }
      const distance = table[depth * width + width - 1];
      if (distance <= edits) found(token, distance);
      place++;
    }
  }
}

const codeOf = (character: string): number => character.codePointAt(0) as number;
const unitsOf = (code: number): number => (code > 0xffff ? 2 : 1);

/** Fills the row of one more character and answers the least distance in it. */
function addRow(
  table: Uint8Array,
  depth: number,
  width: number,
  code: number,
  wanted: readonly number[],
): number {
  const row = depth * width;
  const above = row - width;
  table[row] = depth;
  let least = depth;
  for (let i = 1; i < width; i++) {
    const replaced = table[above + i - 1] + (wanted[i - 1] === code ? 0 : 1);
    const other = Math.min(table[above + i], table[row + i - 1]) + 1;
    const distance = Math.min(replaced, other);
    table[row + i] = distance;
    if (distance < least) least = distance;
  }
  return least;
}

/** The first place from `start` on whose token does not begin so; those that do stand together. */
function firstWithout(sorted: readonly string[], start: number, beginning: string): number {
  let step = 1;
  let low = start;
  while (low + step <= sorted.length && sorted[low + step - 1].startsWith(beginning)) {
    low += step;
    step *= 2;
  }
  let high = Math.min(sorted.length, low + step - 1);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle].startsWith(beginning)) low = middle + 1;
    else high = middle;
  }
  return low;
}
