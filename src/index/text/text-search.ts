// Full text over one property as a view sees it: the base's index, less the rows that commits touched, plus what those
// rows say now. Statistics are exact for the view.

import { compareUtf8 } from "../../lib/utf8.ts";
import type { Table } from "../table.ts";
import { countCurrent, isBaseCurrent, isCurrent } from "./current.ts";
import { editsBetween } from "./edit-distance.ts";
import { Scorer } from "./scorer.ts";
import type { TextDelta } from "./text-delta.ts";
import type { TextIndex } from "./text-index.ts";

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
      for (let i = 0; i < rows.length; i++)
        if (isPlain || isBaseCurrent(this.table, rows[i])) found[rows[i]] = 1;
      for (const posting of this.delta.of(token))
        if (isCurrent(this.table, posting)) found[posting.number] = 1;
    }
    return found;
  }

  /** The bm25 scores of texts for the distinct tokens of a query. */
  scorer(tokens: readonly string[]): Scorer {
    return new Scorer(this.table, this.index, this.delta, tokens);
  }

  /** The tokens of the corpus that each of these may be a misspelling of. */
  similar(tokens: readonly string[], edits: number): Set<string> {
    const vocabulary = new Set([...this.index.vocabulary(), ...this.delta.vocabulary()]);
    const found = new Set<string>();
    for (const token of tokens) {
      // The nearest first, so that the bound cuts off the farthest.
      const near = nearTokens(token, vocabulary, edits).filter((candidate) => this.isHeld(candidate));
      for (const candidate of near.slice(0, FUZZY_TOKENS_MAX)) found.add(candidate);
    }
    return found;
  }

  /** True where an entity has the token. */
  private isHeld(token: string): boolean {
    const { table } = this;
    if (countCurrent(table, this.index.postings(token).rows) > 0) return true;
    return this.delta.of(token).some((posting) => isCurrent(table, posting));
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
