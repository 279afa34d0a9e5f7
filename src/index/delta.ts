// What commits did to a type since its base table was made. Every change carries the version of its commit, so one delta
// serves all views from the base's version on: a view asks for a row "as of version v". Changes are only ever appended.

import { compareUtf8 } from "../lib/utf8.ts";
import type { Property, StableId } from "../schema/catalog.ts";
import type { DeletedEdge, RowBatch, TypeChanges } from "../store/index.ts";
import { textAt } from "../store/index.ts";
import { type BaseTable, edgeColumns } from "./base-table.ts";
import { concatBatches } from "./columns.ts";
import { GATHERED_ROWS } from "./limits.ts";
import { edgeKey } from "./merge-layers.ts";
import { TextDelta } from "./text/text-delta.ts";

/** Where a row's values stand. A delta moves its rows together now and then: ask again after any wait. */
export interface Place {
  readonly batch: RowBatch;
  readonly row: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Rows of one commit that still stand in a batch of their own. */
interface LooseBatch {
  readonly batch: RowBatch;
  readonly places: readonly Mutable<Place>[];
}

/** What a commit did to one entity. */
export interface Change {
  readonly version: number;
  readonly number: number;
  readonly place: Place | null;
}

interface Stamp {
  readonly version: number;
  /** Null: dead from this version on. */
  readonly place: Place | null;
}

/** An entity that the base does not hold; its number is the base's length plus its place in the list. */
export type NewEntity = DeletedEdge;

export class Delta {
  /** Numbers whose rows have stamps, as a bitmap over the base; null while no base row was touched. */
  touched: Uint8Array | null = null;
  readonly created: NewEntity[] = [];
  /** Touched numbers in the order of their first change. */
  readonly changed: number[] = [];
  /** Every change, oldest first; without a place: a deletion. */
  readonly log: Change[] = [];
  /** Of string properties that were searched. */
  private readonly texts = new Map<StableId, TextDelta>();
  private readonly loose: LooseBatch[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly stamps = new Map<number, Stamp[]>();
  private readonly counts: { version: number; count: number }[];

  constructor(
    readonly kind: "node" | "edge",
    readonly base: BaseTable,
    /** The version at which the base stands. */
    readonly from: number,
  ) {
    this.counts = [{ version: from, count: base.length }];
  }

  /** Adds a commit. It neither replaces the type nor brings segments: for those a new base is made. */
  apply(version: number, changes: TypeChanges): void {
    let count = this.counts[this.counts.length - 1].count;
    for (const id of changes.deletedNodes)
      count += this.stamp(this.numberOf({ src: "", dst: "", id }), version, null);
    for (const edge of changes.deletedEdges) count += this.stamp(this.numberOf(edge), version, null);
    const batch = changes.rows;
    const places: Mutable<Place>[] = [];
    for (let row = 0; batch !== null && row < batch.length; row++) {
      const place = { batch, row };
      count += this.stamp(this.numberOrNew(entityAt(this.kind, batch, row)), version, place);
      places.push(place);
    }
    if (batch !== null && batch.length < GATHERED_ROWS) this.gather({ batch, places });
    this.counts.push({ version, count });
  }

  /** Lays the rows of many small commits into one batch: a batch of one row costs a hundred times its bytes. */
  private gather(loose: LooseBatch): void {
    this.loose.push(loose);
    const rows = this.loose.reduce((sum, { batch }) => sum + batch.length, 0);
    if (rows < GATHERED_ROWS) return;
    const batch = concatBatches(this.loose.map((part) => part.batch));
    let row = 0;
    for (const { places } of this.loose) {
      for (const place of places) {
        place.batch = batch;
        place.row = row++;
      }
    }
    this.loose.length = 0;
  }

  /** Adds a stamp and answers by how much the number of live entities changed. */
  private stamp(number: number, version: number, place: Place | null): number {
    if (number < 0) return 0;
    let stamps = this.stamps.get(number);
    if (stamps === undefined) {
      stamps = [];
      this.stamps.set(number, stamps);
      this.changed.push(number);
      if (number < this.base.length) {
        this.touched ??= new Uint8Array((this.base.length + 7) >> 3);
        this.touched[number >> 3] |= 1 << (number & 7);
      }
    }
    const last = stamps[stamps.length - 1];
    const wasLive = last === undefined ? number < this.base.length : last.place !== null;
    // The last word of a commit counts.
    if (last !== undefined && last.version === version) stamps.pop();
    stamps.push({ version, place });
    this.log.push({ version, number, place });
    return Number(place !== null) - Number(wasLive);
  }

  /** The number of an entity that this table has ever known, live or not, else -1. */
  numberOf(entity: NewEntity): number {
    const row = this.kind === "node" ? this.base.find(entity.id) : this.base.findEdge(entity);
    if (row >= 0) return row;
    return this.numbers.get(this.key(entity)) ?? -1;
  }

  private numberOrNew(entity: NewEntity): number {
    const known = this.numberOf(entity);
    if (known >= 0) return known;
    const number = this.base.length + this.created.length;
    this.created.push(entity);
    this.numbers.set(this.key(entity), number);
    return number;
  }

  private key(entity: NewEntity): string {
    return this.kind === "node" ? entity.id : edgeKey(entity);
  }

  /** True where a number's row may differ from the base's. */
  isTouched(number: number): boolean {
    if (number >= this.base.length) return true;
    return this.touched !== null && (this.touched[number >> 3] & (1 << (number & 7))) !== 0;
  }

  /** The row of a number as of a version, or null where the entity is not live then. */
  placeAt(number: number, version: number): Place | null {
    const stamps = this.stamps.get(number);
    if (stamps !== undefined) {
      for (let i = stamps.length - 1; i >= 0; i--) if (stamps[i].version <= version) return stamps[i].place;
    }
    return number < this.base.length ? { batch: this.base.rows, row: number } : null;
  }

  /** What identifies the entity of a number. */
  entity(number: number): NewEntity {
    return number < this.base.length
      ? entityAt(this.kind, this.base.rows, number)
      : this.created[number - this.base.length];
  }

  /** A copy that knows nothing after a version and can be extended by itself. */
  upTo(version: number): Delta {
    const copy = new Delta(this.kind, this.base, this.from);
    copy.touched = this.touched?.slice() ?? null;
    copy.created.push(...this.created);
    copy.changed.push(...this.changed);
    for (const change of this.log) if (change.version <= version) copy.log.push(change);
    for (const [key, number] of this.numbers) copy.numbers.set(key, number);
    for (const [number, stamps] of this.stamps) {
      copy.stamps.set(
        number,
        stamps.filter((stamp) => stamp.version <= version),
      );
    }
    copy.counts.length = 0;
    copy.counts.push(...this.counts.filter((entry) => entry.version <= version));
    return copy;
  }

  /** Full text of what commits brought to a property. */
  text(property: Property): TextDelta {
    let text = this.texts.get(property.id);
    if (text === undefined) {
      text = new TextDelta(this, property);
      this.texts.set(property.id, text);
    }
    return text;
  }

  /** Live entities as of a version. */
  countAt(version: number): number {
    for (let i = this.counts.length - 1; i > 0; i--) {
      if (this.counts[i].version <= version) return this.counts[i].count;
    }
    return this.counts[0].count;
  }
}

/** What identifies a row; `src` and `dst` are empty for nodes. */
export function entityAt(kind: "node" | "edge", batch: RowBatch, row: number): NewEntity {
  const id = textAt(batch.ids, row);
  if (kind === "node") return { src: "", dst: "", id };
  const { src, dst } = edgeColumns(batch);
  return { src: textAt(src, row), dst: textAt(dst, row), id };
}

/** The order of a table's rows. */
export function compareKeys(a: NewEntity, b: NewEntity): number {
  return compareUtf8(a.src, b.src) || compareUtf8(a.dst, b.dst) || compareUtf8(a.id, b.id);
}
