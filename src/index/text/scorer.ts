// The bm25 scores of a view's texts for the tokens of one query. A text's score is one exact sum, whether it is looked up or
// one of all.

import { BestFew } from "../../lib/best-few.ts";
import { UNINDEXED_SHARE } from "../limits.ts";
import type { Table } from "../table.ts";
import { lengthNorm, rarity, worth } from "./bm25.ts";
import { countCurrent, firstAtLeast, isBaseCurrent, isCurrent } from "./current.ts";
import type { TextDelta } from "./text-delta.ts";
import type { Postings, TextIndex } from "./text-index.ts";

/** A token of the query that is in the base. */
interface Term {
  readonly weight: number;
  /** Rows that have it, whether or not the view still sees them. */
  readonly postings: Postings;
}

/** Entities and their scores, negated: the less, the better. */
export interface ScoredTexts {
  readonly numbers: Int32Array;
  readonly costs: Float64Array;
}

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
    this.norms = index.norms(mean);
    this.terms = tokens.flatMap((token) => {
      const postings = index.postings(token);
      const current = delta.of(token).filter((posting) => isCurrent(table, posting));
      const weight = rarity(texts, countCurrent(table, postings.rows) + current.length);
      for (const { number, frequency, length } of current) {
        const added = worth(weight, frequency, lengthNorm(length, mean));
        this.changed.set(number, (this.changed.get(number) ?? 0) + added);
      }
      return postings.rows.length === 0 ? [] : [{ weight, postings }];
    });
  }

  /**
   * The scores of these entities, 0 where one has none of the tokens. To be used up before anything is awaited: it may be
   * memory that the next query takes.
   */
  scoresFor(numbers: Int32Array): Float64Array {
    const { bound } = this.table;
    if (numbers.length * this.terms.length * UNINDEXED_SHARE < bound) {
      const scores = new Float64Array(numbers.length);
      for (let i = 0; i < numbers.length; i++) scores[i] = this.scoreOf(numbers[i]);
      return scores;
    }
    const all = this.allScores();
    // Every number there is, each in its place.
    if (numbers.length === bound && numbers === this.table.all()) return all;
    const scores = new Float64Array(numbers.length);
    for (let i = 0; i < numbers.length; i++) scores[i] = all[numbers[i]];
    return scores;
  }

  /** Those of these entities that have a token. */
  matching(numbers: Int32Array): ScoredTexts {
    const scores = this.scoresFor(numbers);
    return taken(
      numbers,
      scores,
      Int32Array.from(numbers.keys()).filter((i) => scores[i] > 0),
    );
  }

  /** The `wanted` best of these entities, and those that are as good as the last of them; in no order. */
  bestOf(numbers: Int32Array, wanted: number): ScoredTexts {
    const scores = this.scoresFor(numbers);
    return taken(numbers, scores, bestPlaces(scores, wanted));
  }

  /**
   * The place of each of some entities, and of the `wanted` best, among all of `numbers` that have a token: best first, from
   * 0. At equal scores `compare` decides. Entities without a token are left out.
   */
  placesOf(
    some: Iterable<number>,
    numbers: Int32Array,
    wanted: number,
    compare: (a: number, b: number) => number,
  ): { readonly entities: Int32Array; readonly places: Int32Array } {
    const scores = this.scoresFor(numbers);
    const asked = new Map<number, number>();
    for (const place of bestPlaces(scores, wanted)) asked.set(numbers[place], scores[place]);
    for (const entity of some) asked.set(entity, this.scoreOf(entity));
    const sorted = [...asked].filter(([, score]) => score > 0);
    sorted.sort(([a, x], [b, y]) => y - x || compare(a, b));
    const entities = Int32Array.from(sorted, ([entity]) => entity);
    return {
      entities,
      places: placesAmong(
        entities,
        sorted.map(([, score]) => score),
        numbers,
        scores,
        compare,
      ),
    };
  }

  private scoreOf(number: number): number {
    if (isBaseCurrent(this.table, number)) return this.baseScore(number);
    return this.changed.get(number) ?? 0;
  }

  /** By number. */
  private allScores(): Float64Array {
    const scores = this.index.zeros(this.table.bound);
    for (const { weight, postings } of this.terms) this.add(scores, weight, postings);
    if (this.table.isPlain) return scores;
    for (const number of this.table.delta.changed) {
      if (number < scores.length && !isBaseCurrent(this.table, number)) {
        scores[number] = this.changed.get(number) ?? 0;
      }
    }
    return scores;
  }

  private add(sums: Float64Array, weight: number, { rows, frequencies }: Postings): void {
    const { norms } = this;
    const { lengths } = this.index;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      sums[row] += worth(weight, frequencies[i], norms[lengths[row]]);
    }
  }

  private baseScore(row: number): number {
    let score = 0;
    for (const { weight, postings } of this.terms) {
      const at = firstAtLeast(postings.rows, row);
      if (postings.rows[at] !== row) continue;
      score += worth(weight, postings.frequencies[at], this.norms[this.index.lengths[row]]);
    }
    return score;
  }
}

/** How many of `numbers` stand before each of the entities, which are given best first with their scores. */
function placesAmong(
  entities: Int32Array,
  entityScores: readonly number[],
  numbers: Int32Array,
  scores: Float64Array,
  compare: (a: number, b: number) => number,
): Int32Array {
  const held = Float64Array.from(entityScores);
  const places = new Int32Array(held.length);
  const least = held[held.length - 1];
  for (let i = 0; i < numbers.length; i++) {
    const score = scores[i];
    if (score < least) continue;
    let first = 0;
    let end = held.length;
    while (first < end) {
      const middle = (first + end) >> 1;
      if (held[middle] <= score) end = middle;
      else first = middle + 1;
    }
    while (first < held.length && held[first] === score && compare(numbers[i], entities[first]) >= 0) first++;
    // It pushes back all from the first on that it stands before.
    if (first < held.length) places[first]++;
  }
  for (let i = 1; i < places.length; i++) places[i] += places[i - 1];
  return places;
}

/** Places of the `wanted` greatest scores above 0, and of those that equal the last of them. */
function bestPlaces(scores: Float64Array, wanted: number): number[] {
  const best = new BestFew(wanted, () => 0);
  const found: number[] = [];
  let least = Number.MIN_VALUE;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] < least) continue;
    found.push(i);
    best.offer(i, -scores[i]);
    if (best.limit < 0) least = -best.limit;
  }
  return found.filter((i) => scores[i] >= least);
}

function taken(numbers: Int32Array, scores: Float64Array, places: ArrayLike<number>): ScoredTexts {
  return {
    numbers: Int32Array.from(places, (place) => numbers[place]),
    costs: Float64Array.from(places, (place) => -scores[place]),
  };
}
