// The texts of a property that commits brought since the base: an inverted index that only grows, as the delta does.
// Each entry says which row it was made from; whether that row is the entity's at a version, the delta knows.

import { partitionPoint } from "../../lib/partition-point.ts";
import type { Property } from "../../schema/catalog.ts";
import { isValid, textAt } from "../../store/index.ts";
import type { Delta, Place } from "../delta.ts";
import { profileOf, type TextProfile } from "./analyze.ts";
import { FREQUENCY_MAX } from "./text-index.ts";
import { Vocabulary } from "./vocabulary.ts";

/** One row's token: where the row is, how often it has the token, and how many tokens it has in all. */
export interface DeltaPosting {
  readonly number: number;
  readonly place: Place;
  readonly frequency: number;
  readonly length: number;
}

/** By how much texts and tokens differ from the base's. */
export interface TextCounts {
  readonly texts: number;
  readonly tokens: number;
}

const NO_TEXT: TextProfile = { frequencies: new Map(), length: 0 };

/** The profile of the text in one row. */
export function profileAt(property: Property, place: Place): TextProfile {
  const column = place.batch.columns.get(property.id);
  const isText = column !== undefined && column.kind === "utf8" && isValid(column.valid, place.row);
  return isText ? profileOf(textAt(column, place.row)) : NO_TEXT;
}

export class TextDelta {
  readonly vocabulary = new Vocabulary();
  private readonly postings = new Map<string, DeltaPosting[]>();
  /** Length of the newest text of each touched number. */
  private readonly lengths = new Map<number, number>();
  /** Running counts, one entry per change, by version. */
  private readonly versions: number[] = [];
  private readonly counts: TextCounts[] = [];
  private seen = 0;

  constructor(
    private readonly delta: Delta,
    private readonly property: Property,
  ) {}

  /** Takes in what the delta brought since the last look. */
  extend(): void {
    const { log } = this.delta;
    for (; this.seen < log.length; this.seen++) {
      const { version, number, place } = log[this.seen];
      const before = this.lengths.get(number) ?? this.baseLength(number);
      const profile = place === null ? NO_TEXT : profileAt(this.property, place);
      if (place !== null) this.add(number, place, profile);
      this.lengths.set(number, profile.length);
      const last = this.counts[this.counts.length - 1] ?? { texts: 0, tokens: 0 };
      this.versions.push(version);
      this.counts.push({
        texts: last.texts + Number(profile.length > 0) - Number(before > 0),
        tokens: last.tokens + profile.length - before,
      });
    }
  }

  private baseLength(number: number): number {
    const { base } = this.delta;
    return number < base.length ? profileAt(this.property, { batch: base.rows, row: number }).length : 0;
  }

  private add(number: number, place: Place, profile: TextProfile): void {
    for (const [token, frequency] of profile.frequencies) {
      const counted = Math.min(frequency, FREQUENCY_MAX);
      const posting = { number, place, frequency: counted, length: profile.length };
      const known = this.postings.get(token);
      if (known !== undefined) known.push(posting);
      else {
        this.postings.set(token, [posting]);
        this.vocabulary.add(token);
      }
    }
  }

  /** Rows that have a token, of every version. */
  of(token: string): readonly DeltaPosting[] {
    return this.postings.get(token) ?? [];
  }

  countsAt(version: number): TextCounts {
    const { versions } = this;
    const later = partitionPoint(0, versions.length, (place) => versions[place] <= version);
    return this.counts[later - 1] ?? { texts: 0, tokens: 0 };
  }
}
