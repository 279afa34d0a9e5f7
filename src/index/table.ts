// A type's rows as one view sees them: a base table and a delta, as of a version.

import { partitionPoint } from "../lib/partition-point.ts";
import { encodeUtf8 } from "../lib/utf8.ts";
import type { Value } from "../query/plan.ts";
import type { EntityType, Property, StableId } from "../schema/catalog.ts";
import type { Column, Row, RowBatch } from "../store/index.ts";
import { rowAt, sortRows, textAt, valueAt } from "../store/index.ts";
import type { BaseTable } from "./base-table.ts";
import { compareText, compareToBytes } from "./columns.ts";
import type { Delta, Place } from "./delta.ts";
import type { TextIndex } from "./text/text-index.ts";
import { TextSearch } from "./text/text-search.ts";

/** A base and what happened since; `delta` is null where nothing did. */
export interface TableImage {
  readonly base: BaseTable;
  readonly delta: Delta;
}

export class Table<T extends EntityType = EntityType> {
  readonly base: BaseTable;
  readonly delta: Delta;
  /** Rows of the base; for a number that `isTouched` denies, the row of that number is the entity's. */
  readonly rows: RowBatch;
  readonly bound: number;
  readonly count: number;
  /** No number is touched: the base's columns tell everything. */
  readonly isPlain: boolean;
  private readonly searches = new Map<StableId, TextSearch>();
  private live: Int32Array | null = null;

  constructor(
    readonly type: T,
    readonly image: TableImage,
    readonly version: number,
  ) {
    this.base = image.base;
    this.delta = image.delta;
    this.rows = image.base.rows;
    this.bound = this.base.length + this.delta.created.length;
    this.count = this.delta.countAt(version);
    this.isPlain = this.delta.changed.length === 0;
  }

  isTouched(number: number): boolean {
    return this.delta.isTouched(number);
  }

  /** Where a number's values stand, or null where it is not live. */
  place(number: number): Place | null {
    return this.delta.placeAt(number, this.version);
  }

  isLive(number: number): boolean {
    if (number < 0 || number >= this.bound) return false;
    return !this.isTouched(number) || this.place(number) !== null;
  }

  /** Numbers of the live entities, ascending. Do not write to it. */
  all(): Int32Array {
    if (this.isPlain) return this.base.all();
    this.live ??= this.liveNumbers();
    return this.live;
  }

  /** The same numbers by the bytes of their ids. Do not write to it. */
  allById(): Int32Array {
    const all = this.all();
    const inBase = partitionPoint(0, all.length, (place) => all[place] < this.base.length);
    const base = this.baseById(all, inBase);
    if (inBase === all.length) return base;
    const created = all.slice(inBase).sort((a, b) => this.compareIds(a, b));
    const out = new Int32Array(all.length);
    for (let i = 0, j = 0; i + j < out.length; ) {
      const isBase = j === created.length || (i < inBase && this.compareIds(base[i], created[j]) < 0);
      out[i + j] = isBase ? base[i++] : created[j++];
    }
    return out;
  }

  /** The first `count` of the live numbers, which are those of base rows, by their ids. */
  private baseById(all: Int32Array, count: number): Int32Array {
    const live = all.subarray(0, count);
    if (this.type.kind === "node") return live;
    const { order } = sortRows([this.rows.ids], this.base.length);
    if (order === null) return live;
    const out = new Int32Array(count);
    let next = 0;
    for (const number of order) if (this.isPlain || this.isLive(number)) out[next++] = number;
    return out;
  }

  private liveNumbers(): Int32Array {
    const { base, delta, bound } = this;
    const out = new Int32Array(bound);
    let count = 0;
    for (let first = 0; first < bound; first += 8) {
      const end = Math.min(first + 8, bound);
      // Eight base rows at once where nothing touched them.
      const isUntouched =
        first + 8 <= base.length && (delta.touched === null || delta.touched[first >> 3] === 0);
      for (let number = first; number < end; number++) {
        if (isUntouched || this.isLive(number)) out[count++] = number;
      }
    }
    return out.slice(0, count);
  }

  id(number: number): string {
    if (number < this.base.length) return textAt(this.rows.ids, number);
    return this.delta.created[number - this.base.length].id;
  }

  /** Orders two numbers by the bytes of their ids. */
  compareIds(a: number, b: number): number {
    const { ids } = this.rows;
    if (a < this.base.length && b < this.base.length) {
      return this.type.kind === "node" ? a - b : compareText(ids, a, ids, b);
    }
    if (a < this.base.length) return compareToBytes(ids, a, encodeUtf8(this.id(b)));
    if (b < this.base.length) return -compareToBytes(ids, b, encodeUtf8(this.id(a)));
    return Buffer.compare(encodeUtf8(this.id(a)), encodeUtf8(this.id(b)));
  }

  column(property: Property): Column | undefined {
    return this.rows.columns.get(property.id);
  }

  value(number: number, property: Property): Value {
    if (!this.isTouched(number)) return propertyAt(this.rows, number, property);
    const place = this.place(number);
    return place === null ? null : propertyAt(place.batch, place.row, property);
  }

  /** Full text over a property, with the base's index of it. */
  textSearch(property: Property, index: TextIndex): TextSearch {
    let search = this.searches.get(property.id);
    if (search === undefined) {
      search = new TextSearch(this, index, this.delta.text(property));
      this.searches.set(property.id, search);
    }
    return search;
  }

  row(number: number): Row {
    const place = this.place(number);
    if (place === null) throw new Error(`invariant broken: ${this.type.name} ${number} is not live`);
    return rowAt(place.batch, place.row, this.type);
  }
}

/** True for the only key property of a type: no two entities have the same value, and each has one. */
export function isWholeKey(type: EntityType, property: Property): boolean {
  return type.kind === "node" && type.key !== null && type.key.length === 1 && type.key[0].id === property.id;
}

/** A property's value in one row; a property without a column reads as null. */
export function propertyAt(batch: RowBatch, row: number, property: Property): Value {
  const column = batch.columns.get(property.id);
  return column === undefined ? null : valueAt(column, row);
}
