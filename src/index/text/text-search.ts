// Full text over one property as a view sees it: the base's index, less the rows that commits touched, plus what those
// rows say now. Statistics are exact for the view.

import { compareUtf8 } from "../../lib/utf8.ts";
import type { Table } from "../table.ts";
import { countCurrent, isBaseCurrent, isCurrent } from "./current.ts";
import { Scorer } from "./scorer.ts";
import type { TextDelta } from "./text-delta.ts";
import type { TextIndex } from "./text-index.ts";

/** Tokens of the corpus that a misspelled one may stand for. */
const FUZZY_TOKENS_MAX = 50;
/** What it takes to hold a character of a token against all of another, in looks at a row. */
const WORK_PER_CHARACTER = 8;

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
    const { table, index, delta } = this;
    const found = new Uint8Array(table.bound);
    const all = [...tokens];
    for (const token of all) {
      const { rows } = index.postings(token);
      for (let i = 0; i < rows.length; i++) found[rows[i]] = 1;
    }
    for (const number of table.delta.changed) {
      if (number < table.bound && !isBaseCurrent(table, number)) found[number] = 0;
    }
    for (const token of all) {
      for (const posting of delta.of(token)) if (isCurrent(table, posting)) found[posting.number] = 1;
    }
    return found;
  }

  /** The bm25 scores of texts for the distinct tokens of a query. */
  scorer(tokens: readonly string[]): Scorer {
    return new Scorer(this.table, this.index, this.delta, tokens);
  }

  /** The tokens of the corpus that each of these may be a misspelling of. `worked` is told of each stretch of work. */
  async similar(
    tokens: readonly string[],
    edits: number,
    worked: (work: number) => Promise<void> | undefined,
  ): Promise<Set<string>> {
    const found = new Set<string>();
    for (const token of tokens) {
      const distances = new Map<string, number>();
      const note = (candidate: string, distance: number) => distances.set(candidate, distance);
      const looked =
        this.index.vocabulary().near(token, edits, note) + this.delta.vocabulary.near(token, edits, note);
      await worked(looked * WORK_PER_CHARACTER);
      // The nearest first, so that the bound cuts off the farthest.
      const near = [...distances].sort(([a, x], [b, y]) => x - y || compareUtf8(a, b));
      let taken = 0;
      for (const [candidate] of near) {
        if (taken === FUZZY_TOKENS_MAX) break;
        if (!this.isHeld(candidate)) continue;
        found.add(candidate);
        taken++;
      }
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
