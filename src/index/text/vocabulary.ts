// The tokens of a corpus in order, so that those near a misspelled one are found without looking at all: tokens with a
// beginning in common share the work on it, and where a beginning is too far off already, all that go on from it are left out.

/** New tokens stand in order by themselves until there are more than this, and than a quarter of the others. */
const RECENT_MIN = 512;
const RECENT_SHARE = 4;

/** Takes a token and by how many edits it differs. */
export type NearToken = (token: string, edits: number) => void;

export class Vocabulary {
  private sorted: string[] = [];
  private recent: string[] = [];
  private isRecentSorted = true;
  /** Length of the longest token. */
  private longest = 0;

  /** Takes in a token that it does not have. */
  add(token: string): void {
    this.recent.push(token);
    this.isRecentSorted = false;
    this.longest = Math.max(this.longest, token.length);
  }

  /**
   * Finds the tokens that so many insertions, deletions and replacements of characters turn into this one (Levenshtein), in no
   * order. Answers how many characters it looked at.
   */
  near(token: string, edits: number, found: NearToken): number {
    this.order();
    return this.walk(this.sorted, token, edits, found) + this.walk(this.recent, token, edits, found);
  }

  /** By code units: whatever the order, what begins alike stands together. */
  private order(): void {
    if (this.isRecentSorted) return;
    this.recent.sort();
    this.isRecentSorted = true;
    if (this.recent.length <= Math.max(RECENT_MIN, this.sorted.length / RECENT_SHARE)) return;
    this.sorted = this.sorted.concat(this.recent).sort();
    this.recent = [];
  }

  /** The table of edit distances, a row for each character of the tokens, kept while beginnings are shared. */
  private walk(sorted: readonly string[], query: string, edits: number, found: NearToken): number {
    const wanted = Array.from(query, codeOf);
    const width = wanted.length + 1;
    const table = new Uint8Array((this.longest + 1) * width);
    for (let i = 0; i < width; i++) table[i] = i;
    const beginning = new Int32Array(this.longest);
    /** Characters of `beginning` whose rows are in the table. */
    let known = 0;
    let rows = 0;
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
        rows++;
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
    return rows;
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

/**
 * The first place from `start` on whose token does not begin so; those that do stand together. Asked thousands of times by one
 * fuzzy search, which takes 1.4 times as long where a function is handed to partitionPoint each time.
 */
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
