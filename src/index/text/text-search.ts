// Full text over one property as a view sees it: the base's index, less the rows that commits touched, plus what those
// rows say now. Statistics are exact for the view.

import type { Property } from "../../schema/catalog.ts";
import { isValid, type RowBatch } from "../../store/column.ts";
import { textAt } from "../columns.ts";
import type { Place } from "../delta.ts";
import type { Table } from "../table.ts";
import { profileOf, type TextProfile } from "./analyze.ts";
import { isWithinEdits } from "./edit-distance.ts";
import type { TextIndex } from "./text-index.ts";

const K1 = 1.2;
const B = 0.75;
/** Tokens of the corpus that a misspelled one may stand for. */
const FUZZY_TOKENS_MAX = 50;

const profiles = new WeakMap<RowBatch, Map<string, TextProfile | null>>();

/** The profile of one text, analysed once; null where the row has none. */
export function profileAt(property: Property, place: Place): TextProfile | null {
  let known = profiles.get(place.batch);
  if (known === undefined) {
    known = new Map();
    profiles.set(place.batch, known);
  }
  const key = `${property.id}:${place.row}`;
  let profile = known.get(key);
  if (profile === undefined) {
    const column = place.batch.columns.get(property.id);
    const isText = column !== undefined && column.kind === "utf8" && isValid(column.valid, place.row);
    profile = isText ? profileOf(textAt(column, place.row)) : null;
    known.set(key, profile);
  }
  return profile;
}

interface TouchedText {
  readonly number: number;
  readonly profile: TextProfile;
}

export class TextSearch {
  /** Texts of the base that do not count any more. */
  private readonly gone: TouchedText[] = [];
  /** Texts that commits brought. */
  private readonly fresh: TouchedText[] = [];

  constructor(
    private readonly table: Table,
    property: Property,
    private readonly index: TextIndex,
  ) {
    for (const number of table.delta.changed) {
      if (number >= table.bound) continue;
      if (number < table.base.length) {
        const profile = profileAt(property, { batch: table.rows, row: number });
        if (profile !== null) this.gone.push({ number, profile });
      }
      const place = table.place(number);
      const profile = place === null ? null : profileAt(property, place);
      if (profile !== null) this.fresh.push({ number, profile });
    }
  }

  /** One where an entity has any of the tokens. */
  matches(tokens: Iterable<string>): Uint8Array {
    const found = new Uint8Array(this.table.bound);
    const wanted = [...tokens];
    for (const token of wanted) {
      const { rows } = this.index.postings(token);
      for (let i = 0; i < rows.length; i++) found[rows[i]] = 1;
    }
    for (const { number } of this.gone) found[number] = 0;
    for (const { number, profile } of this.fresh) {
      if (wanted.some((token) => profile.frequencies.has(token))) found[number] = 1;
    }
    return found;
  }

  /** The bm25 score of each entity for the tokens; 0 where it has none of them. */
  scores(tokens: readonly string[]): Float64Array {
    const { index, table, gone, fresh } = this;
    const sum = (texts: readonly TouchedText[], value: (profile: TextProfile) => number) =>
      texts.reduce((total, { profile }) => total + value(profile), 0);
    const isText = (profile: TextProfile) => (profile.length > 0 ? 1 : 0);
    const texts = index.texts - sum(gone, isText) + sum(fresh, isText);
    const length = (profile: TextProfile) => profile.length;
    const mean = (index.tokens - sum(gone, length) + sum(fresh, length)) / Math.max(1, texts);

    const scores = new Float64Array(table.bound);
    for (const token of tokens) {
      const has = (profile: TextProfile) => (profile.frequencies.has(token) ? 1 : 0);
      const { rows, frequencies } = index.postings(token);
      const holders = rows.length - sum(gone, has) + sum(fresh, has);
      if (holders === 0) continue;
      const rarity = Math.log(1 + (texts - holders + 0.5) / (holders + 0.5));
      for (let i = 0; i < rows.length; i++) {
        scores[rows[i]] += rarity * saturation(frequencies[i], index.lengths[rows[i]], mean);
      }
    }
    for (const { number } of gone) scores[number] = 0;
    this.scoreFresh(tokens, texts, mean, scores);
    return scores;
  }

  private scoreFresh(tokens: readonly string[], texts: number, mean: number, scores: Float64Array): void {
    for (const { number } of this.fresh) scores[number] = 0;
    for (const token of tokens) {
      const holders = this.holders(token);
      const rarity = Math.log(1 + (texts - holders + 0.5) / (holders + 0.5));
      for (const { number, profile } of this.fresh) {
        const frequency = profile.frequencies.get(token);
        if (frequency !== undefined) scores[number] += rarity * saturation(frequency, profile.length, mean);
      }
    }
  }

  /** Entities that have a token. */
  private holders(token: string): number {
    const count = (texts: readonly TouchedText[]) =>
      texts.filter(({ profile }) => profile.frequencies.has(token)).length;
    return this.index.postings(token).rows.length - count(this.gone) + count(this.fresh);
  }

  /** The tokens of the corpus that each of these may be a misspelling of. */
  similar(tokens: readonly string[], edits: number): Set<string> {
    const vocabulary = new Set(this.index.vocabulary());
    for (const { profile } of this.fresh)
      for (const token of profile.frequencies.keys()) vocabulary.add(token);
    const found = new Set<string>();
    for (const token of tokens) {
      let taken = 0;
      // The nearest first, so that the bound cuts off the farthest.
      for (let distance = 0; distance <= edits && taken < FUZZY_TOKENS_MAX; distance++) {
        const near = [...vocabulary]
          .filter((candidate) => isWithinEdits(token, candidate, distance))
          .filter((candidate) => distance === 0 || !isWithinEdits(token, candidate, distance - 1))
          .filter((candidate) => this.holders(candidate) > 0)
          .sort();
        for (const candidate of near.slice(0, FUZZY_TOKENS_MAX - taken)) found.add(candidate);
        taken += near.length;
      }
    }
    return found;
  }
}

function saturation(frequency: number, length: number, mean: number): number {
  return (frequency * (K1 + 1)) / (frequency + K1 * (1 - B + (B * length) / mean));
}
