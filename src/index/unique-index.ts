// Who holds a tuple of a unique constraint. The base is asked for candidates; tuples of the delta are followed commit by
// commit, and every answer is checked against the version at hand.

import type { Value } from "../query/plan.ts";
import type { EntityType, Property, PropertyType } from "../schema/catalog.ts";
import { tupleReader } from "../schema/index.ts";
import type { RowBatch } from "../store/index.ts";
import { textAt } from "../store/index.ts";
import { propertyAt, type Table, type TableImage } from "./table.ts";
import { type Candidates, candidatesIn } from "./unique-candidates.ts";

/** The canonical spelling of a key value (spec 01 §9). */
export type KeyText = (value: boolean | number | bigint | string, type: PropertyType) => string;

type TupleReader = (batch: RowBatch, row: number) => string | null;

export class UniqueIndex {
  private readonly changed = new Map<string, Set<number>>();
  private seen = 0;
  private readonly read: TupleReader;
  private readonly candidates: Candidates;

  constructor(
    private readonly image: TableImage,
    parts: readonly TuplePart[],
    keyText: KeyText,
  ) {
    const { base } = image;
    const read = tupleReader(partReaders(parts, keyText));
    this.read = read;
    this.candidates = candidatesIn(base, parts, (row) => read(base.rows, row));
  }

  /** Ids of the live entities that spell each of some tuples, where there are any. */
  async holders(table: Table, tuples: readonly string[]): Promise<Map<string, string[]>> {
    const wanted = new Set(tuples);
    const numbers = new Set(await this.candidates([...wanted]));
    this.extend();
    for (const tuple of wanted) for (const number of this.changed.get(tuple) ?? []) numbers.add(number);
    const holders = new Map<string, string[]>();
    for (const number of numbers) {
      const place = table.place(number);
      const tuple = place === null ? null : this.read(place.batch, place.row);
      if (tuple === null || !wanted.has(tuple)) continue;
      const ids = holders.get(tuple);
      if (ids === undefined) holders.set(tuple, [table.id(number)]);
      else ids.push(table.id(number));
    }
    return holders;
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
