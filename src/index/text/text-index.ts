// The inverted index of one string column of a base table, in typed arrays: for each token the rows that have it and how
// often, in row order; for each row its number of tokens.

import { isValid, textAt, type Utf8Column } from "../../store/index.ts";
import { tableSize } from "../id-hash.ts";
import { POSTINGS_PER_BREATH, TEXT_BUILD_SLICE } from "../limits.ts";
import type { MovedRows } from "../moved-rows.ts";
import { TOKEN_BYTES_MAX, tokenOf, wordsOf } from "./analyze.ts";
import { lengthNorm } from "./bm25.ts";
import { Vocabulary } from "./vocabulary.ts";

export interface Postings {
  readonly rows: Int32Array;
  readonly frequencies: Uint16Array;
}

const NO_POSTINGS: Postings = { rows: new Int32Array(0), frequencies: new Uint16Array(0) };
/** A token that occurs more often than this in one text counts as if it did not. */
export const FREQUENCY_MAX = 0xffff;

export class TextIndex {
  /** Tokens of the row with the most. */
  readonly longest: number;
  private ordered: Vocabulary | null = null;
  /** The norms of the last mean that was asked for. */
  private known: { readonly meanLength: number; readonly norms: Float64Array } | null = null;
  private scratch = new Float64Array(0);

  constructor(
    private readonly numbers: ReadonlyMap<string, number>,
    /** Postings of token n: entries begin[n] to begin[n + 1]. */
    private readonly begin: Int32Array,
    private readonly rows: Int32Array,
    private readonly frequencies: Uint16Array,
    /** Tokens of each row. */
    readonly lengths: Int32Array,
    /** Rows with at least one token. */
    readonly texts: number,
    /** Tokens of all rows. */
    readonly tokens: number,
  ) {
    this.longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  }

  postings(token: string): Postings {
    const number = this.numbers.get(token);
    if (number === undefined) return NO_POSTINGS;
    const start = this.begin[number];
    const end = this.begin[number + 1];
    return { rows: this.rows.subarray(start, end), frequencies: this.frequencies.subarray(start, end) };
  }

  /** What the length of a text takes from its tokens, by that length. */
  norms(meanLength: number): Float64Array {
    if (this.known?.meanLength !== meanLength) {
      const length = this.longest + 1;
      this.known = { meanLength, norms: Float64Array.from({ length }, (_, i) => lengthNorm(i, meanLength)) };
    }
    return this.known.norms;
  }

  /** So many zeros, to be used up before anything is awaited: everybody gets the same memory. */
  zeros(length: number): Float64Array {
    if (this.scratch.length < length) this.scratch = new Float64Array(length);
    return this.scratch.subarray(0, length).fill(0);
  }

  /** The same texts in other rows, and beside them those of `added`, whose rows are numbered by themselves. */
  async moved(
    { rowOf, added: addedRows, length }: MovedRows,
    added: TextIndex,
    breathe: () => Promise<void>,
  ): Promise<TextIndex> {
    const numbers = new Map<string, number>();
    const begin = [0];
    const rows = new Int32Array(this.rows.length + added.rows.length);
    const frequencies = new Uint16Array(rows.length);
    const into = { rows, frequencies };
    let end = 0;
    const take = (token: string) => {
      const before = end;
      end = mergePostings(this.postings(token), rowOf, added.postings(token), addedRows, into, end);
      // A token that no text has any more is none.
      if (end === before) return;
      numbers.set(token, numbers.size);
      begin.push(end);
    };
    let breathed = 0;
    for (const token of new Set([...this.numbers.keys(), ...added.numbers.keys()])) {
      take(token);
      if (end - breathed < POSTINGS_PER_BREATH) continue;
      breathed = end;
      await breathe();
    }
    const lengths = new Int32Array(length);
    for (let row = 0; row < rowOf.length; row++) if (rowOf[row] >= 0) lengths[rowOf[row]] = this.lengths[row];
    for (let row = 0; row < addedRows.length; row++) lengths[addedRows[row]] = added.lengths[row];
    let texts = 0;
    let tokens = 0;
    for (let row = 0; row < length; row++) {
      if (lengths[row] > 0) texts++;
      tokens += lengths[row];
    }
    return new TextIndex(
      numbers,
      Int32Array.from(begin),
      rows.slice(0, end),
      frequencies.slice(0, end),
      lengths,
      texts,
      tokens,
    );
  }

  allTokens(): Iterable<string> {
    return this.numbers.keys();
  }

  /** Its tokens in order, made when somebody misspells one. */
  vocabulary(): Vocabulary {
    if (this.ordered === null) {
      this.ordered = new Vocabulary();
      for (const token of this.numbers.keys()) this.ordered.add(token);
    }
    return this.ordered;
  }
}

/** Writes the postings of two indexes in row order, less those of rows that went away, from `at` on; answers where they end. */
function mergePostings(
  own: Postings,
  rowOf: Int32Array,
  other: Postings,
  addedRows: Int32Array,
  { rows, frequencies }: Postings,
  at: number,
): number {
  const ownCount = own.rows.length;
  const otherCount = other.rows.length;
  let end = at;
  let next = 0;
  let nextRow = otherCount === 0 ? Number.POSITIVE_INFINITY : addedRows[other.rows[0]];
  for (let i = 0; i < ownCount; i++) {
    const row = rowOf[own.rows[i]];
    if (row < 0) continue;
    while (nextRow < row) {
      rows[end] = nextRow;
      frequencies[end++] = other.frequencies[next++];
      nextRow = next === otherCount ? Number.POSITIVE_INFINITY : addedRows[other.rows[next]];
    }
    rows[end] = row;
    frequencies[end++] = own.frequencies[i];
  }
  for (; next < otherCount; next++) {
    rows[end] = addedRows[other.rows[next]];
    frequencies[end++] = other.frequencies[next];
  }
  return end;
}

/** An index over no rows. */
export function emptyTextIndex(length: number): TextIndex {
  return new TextIndex(
    new Map(),
    new Int32Array(1),
    new Int32Array(0),
    new Uint16Array(0),
    new Int32Array(length),
    0,
    0,
  );
}

/** Builds the index of a column, letting other work run between slices. */
export async function buildTextIndex(
  column: Utf8Column,
  length: number,
  breathe: () => Promise<void>,
): Promise<TextIndex> {
  const builder = new Builder(column, length);
  for (let row = 0; row < length; row += TEXT_BUILD_SLICE) {
    builder.add(row, Math.min(length, row + TEXT_BUILD_SLICE));
    await breathe();
  }
  return builder.finish();
}

class Builder {
  private readonly numbers = new Map<string, number>();
  private readonly words: WordTable;
  private readonly otherWords = new Map<string, number>();
  private readonly lengths: Int32Array;
  /** One entry per (row, token), in row order. */
  private entryTokens = new Int32Array(1 << 16);
  private entryFrequencies = new Uint16Array(1 << 16);
  private readonly rowBegin: Int32Array;
  private entries = 0;
  /** Of each token: the last row that had it, and its entry there. */
  private lastRow = new Int32Array(1 << 12).fill(-1);
  private lastEntry = new Int32Array(1 << 12);
  private texts = 0;
  private tokens = 0;

  constructor(
    private readonly column: Utf8Column,
    private readonly length: number,
  ) {
    this.lengths = new Int32Array(length);
    this.rowBegin = new Int32Array(length + 1);
    this.words = new WordTable((word) => {
      const token = tokenOf(word);
      return token === null ? -1 : this.numberOf(token);
    });
  }

  private numberOf(token: string): number {
    const known = this.numbers.get(token);
    if (known !== undefined) return known;
    const number = this.numbers.size;
    this.numbers.set(token, number);
    if (number === this.lastRow.length) {
      this.lastRow = grown(this.lastRow, new Int32Array(number * 2).fill(-1));
      this.lastEntry = grown(this.lastEntry, new Int32Array(number * 2));
    }
    return number;
  }

  add(first: number, end: number): void {
    for (let row = first; row < end; row++) {
      if (isValid(this.column.valid, row)) this.addRow(row);
      if (this.lengths[row] > 0) this.texts++;
      this.rowBegin[row + 1] = this.entries;
    }
  }

  private addRow(row: number): void {
    const { bytes, offsets } = this.column;
    const end = offsets[row + 1];
    let at = offsets[row];
    for (let i = at; i < end; i++) {
      if (bytes[i] >= 0x80) {
        this.addText(row);
        return;
      }
    }
    while (at < end) {
      if (WORD_BYTE[bytes[at]] === 0) {
        at++;
        continue;
      }
      const start = at;
      let hash = 0;
      while (at < end) {
        const lower = WORD_BYTE[bytes[at]];
        if (lower === 0) break;
        hash = (Math.imul(hash, 31) + lower) | 0;
        at++;
      }
      if (at - start >= TOKEN_BYTES_MAX) continue;
      const number = this.words.find(bytes, start, at, hash);
      if (number >= 0) this.addToken(row, number);
    }
  }

  /** A text with letters beyond ASCII. */
  private addText(row: number): void {
    for (const word of wordsOf(textAt(this.column, row))) {
      let number = this.otherWords.get(word);
      if (number === undefined) {
        const token = tokenOf(word);
        number = token === null ? -1 : this.numberOf(token);
        this.otherWords.set(word, number);
      }
      if (number >= 0) this.addToken(row, number);
    }
  }

  private addToken(row: number, number: number): void {
    this.lengths[row]++;
    this.tokens++;
    if (this.lastRow[number] === row) {
      const entry = this.lastEntry[number];
      if (this.entryFrequencies[entry] < FREQUENCY_MAX) this.entryFrequencies[entry]++;
      return;
    }
    if (this.entries === this.entryTokens.length) {
      this.entryTokens = grown(this.entryTokens, new Int32Array(this.entries * 2));
      this.entryFrequencies = grown(this.entryFrequencies, new Uint16Array(this.entries * 2));
    }
    this.lastRow[number] = row;
    this.lastEntry[number] = this.entries;
    this.entryTokens[this.entries] = number;
    this.entryFrequencies[this.entries++] = 1;
  }

  finish(): TextIndex {
    const begin = new Int32Array(this.numbers.size + 1);
    for (let entry = 0; entry < this.entries; entry++) begin[this.entryTokens[entry] + 1]++;
    for (let number = 0; number < this.numbers.size; number++) begin[number + 1] += begin[number];
    const next = begin.slice();
    const rows = new Int32Array(this.entries);
    const frequencies = new Uint16Array(this.entries);
    for (let row = 0; row < this.length; row++) {
      for (let entry = this.rowBegin[row]; entry < this.rowBegin[row + 1]; entry++) {
        const place = next[this.entryTokens[entry]]++;
        rows[place] = row;
        frequencies[place] = this.entryFrequencies[entry];
      }
    }
    return new TextIndex(this.numbers, begin, rows, frequencies, this.lengths, this.texts, this.tokens);
  }
}

function grown<T extends Int32Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Lower case of each ASCII letter and digit, else 0. */
const WORD_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return byte < 0x80 && /[0-9A-Za-z]/.test(character) ? character.toLowerCase().charCodeAt(0) : 0;
});

/** Words as they are spelled, in lower case, each resolved to its token's number once. */
class WordTable {
  private slots = new Int32Array(tableSize(1 << 14));
  private arena = new Uint8Array(1 << 18);
  private used = 0;
  private count = 0;
  private starts = new Int32Array(1 << 14);
  private hashes = new Int32Array(1 << 14);
  private numbers = new Int32Array(1 << 14);

  constructor(private readonly resolve: (word: string) => number) {}

  /** Number of the word's token, or -1 where the word is dropped. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.slots.length - 1;
    let slot = mix(hash) & mask;
    for (;;) {
      const word = this.slots[slot] - 1;
      if (word < 0) return this.add(bytes, start, end, hash, slot);
      if (this.hashes[word] === hash && this.isWord(word, bytes, start, end)) return this.numbers[word];
      slot = (slot + 1) & mask;
    }
  }

  private isWord(word: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.starts[word];
    if (this.starts[word + 1] - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) if (this.arena[j] !== WORD_BYTE[bytes[i]]) return false;
    return true;
  }

  private add(bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const word = this.count++;
    if (this.count + 1 > this.starts.length) {
      this.starts = grown(this.starts, new Int32Array(this.starts.length * 2));
      this.hashes = grown(this.hashes, new Int32Array(this.hashes.length * 2));
      this.numbers = grown(this.numbers, new Int32Array(this.numbers.length * 2));
    }
    if (this.used + end - start > this.arena.length) {
      const larger = new Uint8Array(this.arena.length * 2);
      larger.set(this.arena);
      this.arena = larger;
    }
    let text = "";
    for (let i = start; i < end; i++) {
      const lower = WORD_BYTE[bytes[i]];
      this.arena[this.used++] = lower;
      text += String.fromCharCode(lower);
    }
    this.starts[word + 1] = this.used;
    this.hashes[word] = hash;
    this.numbers[word] = this.resolve(text);
    this.slots[slot] = word + 1;
    if (this.count * 2 > this.slots.length) this.grow();
    return this.numbers[word];
  }

  private grow(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let word = 0; word < this.count; word++) {
      let slot = mix(this.hashes[word]) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = word + 1;
    }
  }
}

function mix(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}
