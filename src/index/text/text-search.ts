// Full text over one property as a view sees it: the base's index, less the rows that commits touched, plus what those
// rows say now. Statistics are exact for the view.

import { compareUtf8 } from "../../lib/utf8.ts";
import type { Table } from "../table.ts";
import { editsBetween } from "./edit-distance.ts";
import type { DeltaPosting, TextDelta } from "./text-delta.ts";
import type { TextIndex } from "./text-index.ts";

const K1 = 1.2;
const B = 0.75;
/** Tokens of the corpus that a misspelled one may stand for. */
const FUZZY_TOKENS_MAX = 50;

export class TextSearch {
  constructor(
    private readonly table: Table,
    private readonly index: TextIndex,
    private readonly delta: TextDelta,
  ) {
    delta.extend();
  }

  /** One where an entity has any of the tokens. */
  matches(tokens: Iterable<string>): Uint8Array {
    const { isPlain } = this.table;
    const found = new Uint8Array(this.table.bound);
    for (const token of tokens) {
      const { rows } = this.index.postings(token);
      for (let i = 0; i < rows.length; i++) if (isPlain || this.isCurrentBase(rows[i])) found[rows[i]] = 1;
      for (const posting of this.delta.of(token)) if (this.isCurrent(posting)) found[posting.number] = 1;
    }
    return found;
  }

  /** The bm25 score of each entity for the tokens; 0 where it has none of them. */
  scores(tokens: readonly string[]): Float64Array {
    const { index, delta, table } = this;
    const { isPlain } = table;
    const added = delta.countsAt(table.version);
    const texts = index.texts + added.texts;
    const mean = (index.tokens + added.tokens) / Math.max(1, texts);
    const scores = new Float64Array(table.bound);
    for (const token of tokens) {
      const holders = this.holders(token);
      const rarity = Math.log(1 + (texts - holders + 0.5) / (holders + 0.5));
      const { rows, frequencies } = index.postings(token);
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i];
        if (isPlain || this.isCurrentBase(row))
          scores[row] += rarity * saturation(frequencies[i], index.lengths[row], mean);
      }
      for (const posting of delta.of(token)) {
        if (!this.isCurrent(posting)) continue;
        scores[posting.number] += rarity * saturation(posting.frequency, posting.length, mean);
      }
    }
    return scores;
  }

  /** Entities that have a token. */
  private holders(token: string): number {
    const { rows } = this.index.postings(token);
    let count = rows.length;
    if (!this.table.isPlain) for (let i = 0; i < rows.length; i++) if (!this.isCurrentBase(rows[i])) count--;
    for (const posting of this.delta.of(token)) if (this.isCurrent(posting)) count++;
    return count;
  }

  /** True where the base's row is what the view sees. */
  private isCurrentBase(row: number): boolean {
    return !this.table.isTouched(row) || this.table.place(row)?.batch === this.table.rows;
  }

  private isCurrent(posting: DeltaPosting): boolean {
    return posting.number < this.table.bound && this.table.place(posting.number) === posting.place;
  }

  /** The tokens of the corpus that each of these may be a misspelling of. */
  similar(tokens: readonly string[], edits: number): Set<string> {
    const vocabulary = new Set([...this.index.vocabulary(), ...this.delta.vocabulary()]);
    const found = new Set<string>();
    for (const token of tokens) {
      // The nearest first, so that the bound cuts off the farthest.
      const near = nearTokens(token, vocabulary, edits).filter((candidate) => this.holders(candidate) > 0);
      for (const candidate of near.slice(0, FUZZY_TOKENS_MAX)) found.add(candidate);
    }
    return found;
  }
}

/** Tokens within so many edits of one, by distance, then by bytes. */
function nearTokens(token: string, vocabulary: Iterable<string>, edits: number): string[] {
  const characters = [...token];
  const near: { readonly candidate: string; readonly distance: number }[] = [];
  for (const candidate of vocabulary) {
    // A character has one or two code units.
    if (candidate.length > 2 * (token.length + edits) || token.length > 2 * (candidate.length + edits))
      continue;
    const distance = editsBetween(characters, [...candidate], edits);
    if (distance !== null) near.push({ candidate, distance });
  }
  near.sort((a, b) => a.distance - b.distance || compareUtf8(a.candidate, b.candidate));
  return near.map(({ candidate }) => candidate);
}

function saturation(frequency: number, length: number, mean: number): number {
  return (frequency * (K1 + 1)) / (frequency + K1 * (1 - B + (B * length) / mean));
}
