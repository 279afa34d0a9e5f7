// Who holds a tuple of a unique constraint. The base's tuples are laid out once per base and property list; those of the
// delta are followed commit by commit, and every answer is checked against the version at hand.

import type { Value } from "../query/plan.ts";
import type { EntityType, Property, PropertyType } from "../schema/catalog.ts";
import { tupleReader } from "../schema/index.ts";
import type { RowBatch } from "../store/index.ts";
import { textAt } from "../store/index.ts";
import { propertyAt, type Table, type TableImage } from "./table.ts";

/** The canonical spelling of a key value (spec 01 §9). */
export type KeyText = (value: boolean | number | bigint | string, type: PropertyType) => string;

type TupleReader = (batch: RowBatch, row: number) => string | null;

export class UniqueIndex {
  private readonly base = new Map<string, number[]>();
  private readonly changed = new Map<string, Set<number>>();
  private seen = 0;
  private readonly read: TupleReader;

  constructor(
    private readonly image: TableImage,
    parts: readonly TuplePart[],
    keyText: KeyText,
  ) {
    this.read = tupleReader(partReaders(parts, keyText));
    const { rows } = image.base;
    for (let row = 0; row < rows.length; row++) {
      const tuple = this.read(rows, row);
      if (tuple === null) continue;
      const holders = this.base.get(tuple);
      if (holders === undefined) this.base.set(tuple, [row]);
      else holders.push(row);
    }
  }

  /** Ids of the live entities that spell a tuple. */
  holders(table: Table, tuple: string): string[] {
    this.extend();
    const candidates = new Set([...(this.base.get(tuple) ?? []), ...(this.changed.get(tuple) ?? [])]);
    const ids: string[] = [];
    for (const number of candidates) {
      const place = table.place(number);
      if (place !== null && this.read(place.batch, place.row) === tuple) ids.push(table.id(number));
    }
    return ids;
  }

  private extend(): void {
    const { log } = this.image.delta;
    for (; this.seen < log.length; this.seen++) {
      const { number, place } = log[this.seen];
      const tuple = place === null ? null : this.read(place.batch, place.row);
      if (tuple === null) continue;
      const holders = this.changed.get(tuple);
      if (holders === undefined) this.changed.set(tuple, new Set([number]));
      else holders.add(number);
    }
  }
}

/** What a tuple is made of: an end of an edge, or a property. */
export type TuplePart = "src" | "dst" | Property;

/** The parts that a constraint of a type names. */
export function tupleParts(type: EntityType, names: readonly string[]): TuplePart[] {
  return names.map((name) => {
    if (name === "src" || name === "dst") return name;
    const property = type.properties.find((candidate) => candidate.name === name);
    if (property === undefined) throw new Error(`invariant broken: ${type.name} has no property ${name}`);
    return property;
  });
}

function partReaders(tuple: readonly TuplePart[], keyText: KeyText): TupleReader[] {
  return tuple.map((part): TupleReader => {
    if (part === "src" || part === "dst") return (batch, row) => textAt(batch[part] ?? batch.ids, row);
    return (batch, row) => {
      const value = propertyAt(batch, row, part);
      return isKeyValue(value) ? keyText(value, part.type) : null;
    };
  });
}

function isKeyValue(value: Value): value is boolean | number | bigint | string {
  return value !== null && typeof value !== "object";
}
