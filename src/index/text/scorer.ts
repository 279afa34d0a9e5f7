// The bm25 scores of a view's texts for the tokens of one query. A text's score is one sum, its tokens taken in the order
// of the query, however it was found: so a search that leaves out most texts says what one of all texts would.

import { BestFew } from "../../lib/best-few.ts";
import { UNINDEXED_SHARE } from "../limits.ts";
import type { Table } from "../table.ts";
import { lengthNorm, rarity, saturation } from "./bm25.ts";
import { countCurrent, firstAtLeast, isBaseCurrent, isCurrent } from "./current.ts";
import type { TextDelta } from "./text-delta.ts";
import type { Postings, TextIndex } from "./text-index.ts";

/** One token of the query. */
interface Term {
  readonly weight: number;
  /** Of the base's rows, whether or not the view still sees them. */
  readonly postings: Postings;
}

/** Entities and their scores, negated: the less, the better. */
export interface ScoredTexts {
  readonly numbers: Int32Array;
  readonly costs: Float64Array;
}

/** Sums of the same numbers in another order differ by less than this share. */
const ORDER_SLACK = 2 ** -40;

export class Scorer {
  private readonly terms: readonly Term[];
  /** Of a text with so many tokens. */
  private readonly norms: Float64Array;
  /** Scores of the texts that commits brought, where the view sees them. */
  private readonly changed = new Map<number, number>();

  constructor(
    private readonly table: Table,
    private readonly index: TextIndex,
    delta: TextDelta,
    tokens: readonly string[],
  ) {
    const added = delta.countsAt(table.version);
    const texts = index.texts + added.texts;
    const mean = (index.tokens + added.tokens) / Math.max(1, texts);
    this.norms = Float64Array.from({ length: index.longest + 1 }, (_, length) => lengthNorm(length, mean));
    this.terms = tokens.map((token) => {
      const postings = index.postings(token);
      const current = delta.of(token).filter((posting) => isCurrent(table, posting));
      const weight = rarity(texts, countCurrent(table, postings.rows) + current.length);
      for (const { number, frequency, length } of current) {
        const worth = weight * saturation(frequency, lengthNorm(length, mean));
        this.changed.set(number, (this.changed.get(number) ?? 0) + worth);
      }
      return { weight, postings };
    });
  }

  private scoreOf(number: number): number {
    if (isBaseCurrent(this.table, number)) return this.baseScore(number);
    return this.changed.get(number) ?? 0;
  }

  /** Reads the score of an entity, which is 0 where it has none of the tokens; about so many will be asked for. */
  reader(entities: number): (number: number) => number {
    if (entities * UNINDEXED_SHARE < this.table.bound) return (number) => this.scoreOf(number);
    const scores = this.allScores();
    return (number) => scores[number];
  }

  /** The scores of those of these entities that have a token. */
  scoresOf(numbers: Int32Array): ScoredTexts {
    const scoreOf = this.reader(numbers.length);
    const found: number[] = [];
    const costs: number[] = [];
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i];
      const score = scoreOf(number);
      if (score === 0) continue;
      found.push(number);
      costs.push(-score);
    }
    return { numbers: Int32Array.from(found), costs: Float64Array.from(costs) };
  }

  /** The `wanted` best of these entities, and those that are as good as the last of them; in no order. */
  bestOf(numbers: Int32Array, wanted: number): ScoredTexts {
    const { table } = this;
    if (numbers.length * UNINDEXED_SHARE < table.bound || wanted * UNINDEXED_SHARE > table.bound)
      return this.atLeast(this.scoresOf(numbers), wanted);
    const wantedFlags = numbers === table.all() ? null : flagsOf(numbers, table.bound);
    const isWanted = (number: number) => wantedFlags === null || wantedFlags[number] === 1;
    const changed = [...this.changed.keys()].filter(isWanted);
    const found = changed.concat(this.candidates(wanted, this.currentOf(wantedFlags)));
    const costs = Float64Array.from(found, (number) => -this.scoreOf(number));
    return this.atLeast({ numbers: Int32Array.from(found), costs }, wanted);
  }

  /**
   * Those of a few entities that have a token, best first, and the place of each among all the numbers that have one, from 0.
   * At equal scores `compare` decides.
   */
  placesOf(
    entities: Int32Array,
    numbers: Int32Array,
    compare: (a: number, b: number) => number,
  ): { readonly entities: readonly number[]; readonly places: Int32Array } {
    const scoreOf = this.reader(numbers.length);
    const isBefore = (a: number, b: number) =>
      scoreOf(a) > scoreOf(b) || (scoreOf(a) === scoreOf(b) && compare(a, b) < 0);
    const sorted = [...entities].filter((entity) => scoreOf(entity) > 0);
    sorted.sort((a, b) => scoreOf(b) - scoreOf(a) || compare(a, b));
    const places = new Int32Array(sorted.length);
    const least = sorted.length === 0 ? Number.POSITIVE_INFINITY : scoreOf(sorted[sorted.length - 1]);
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i];
      if (scoreOf(number) < least) continue;
      // It pushes back all from the first entity on that it stands before.
      let low = 0;
      let high = sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (isBefore(number, sorted[middle])) high = middle;
        else low = middle + 1;
      }
      if (low < sorted.length) places[low]++;
    }
    for (let i = 1; i < places.length; i++) places[i] += places[i - 1];
    return { entities: sorted, places };
  }

  /** Those of the entities that are as good as the last of the `wanted` best. */
  private atLeast({ numbers, costs }: ScoredTexts, wanted: number): ScoredTexts {
    if (numbers.length <= wanted) return { numbers, costs };
    const best = new BestFew(wanted, () => 0);
    for (let i = 0; i < numbers.length; i++) best.offer(i, costs[i]);
    const kept = Int32Array.from(numbers.keys()).filter((i) => costs[i] <= best.limit);
    return {
      numbers: kept.map((i) => numbers[i]),
      costs: Float64Array.from(kept, (i) => costs[i]),
    };
  }

  /** One for each base row that is wanted and that the view still sees; null: all of them. */
  private currentOf(wanted: Uint8Array | null): Uint8Array | null {
    const { table } = this;
    if (table.isPlain) return wanted;
    const flags = wanted?.slice() ?? new Uint8Array(table.bound).fill(1);
    for (const number of table.delta.changed) {
      if (number < table.bound && !isBaseCurrent(table, number)) flags[number] = 0;
    }
    return flags;
  }

  /** Base rows among which the `wanted` best of the flagged ones are. */
  private candidates(wanted: number, flags: Uint8Array | null): number[] {
    const sums = this.index.zeros();
    for (const { weight, postings } of this.terms) this.add(sums, weight, postings);
    const best = new BestFew(wanted, () => 0);
    const found: number[] = [];
    let least = Number.MIN_VALUE;
    for (let row = 0; row < sums.length; row++) {
      if (sums[row] < least || (flags !== null && flags[row] === 0)) continue;
      found.push(row);
      best.offer(row, -sums[row]);
      if (best.limit < 0) least = -best.limit * (1 - ORDER_SLACK);
    }
    return found.filter((row) => sums[row] >= least);
  }

  private allScores(): Float64Array {
    const scores = new Float64Array(this.table.bound);
    for (const { weight, postings } of this.terms) this.add(scores, weight, postings);
    if (this.table.isPlain) return scores;
    for (const number of this.table.delta.changed) {
      if (number < scores.length) scores[number] = this.scoreOf(number);
    }
    return scores;
  }

  private add(sums: Float64Array, weight: number, { rows, frequencies }: Postings): void {
    const { norms } = this;
    const { lengths } = this.index;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      sums[row] += weight * saturation(frequencies[i], norms[lengths[row]]);
    }
  }

  private baseScore(row: number): number {
    let score = 0;
    for (const { weight, postings } of this.terms) {
      const at = firstAtLeast(postings.rows, row);
      if (postings.rows[at] !== row) continue;
      score += weight * saturation(postings.frequencies[at], this.norms[this.index.lengths[row]]);
    }
    return score;
  }
}

function flagsOf(numbers: Int32Array, bound: number): Uint8Array {
  const flags = new Uint8Array(bound);
  for (let i = 0; i < numbers.length; i++) flags[numbers[i]] = 1;
  return flags;
}
