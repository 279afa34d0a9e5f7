// What helps to find rows of a base table by value, property by property: made when scans have shown that it pays.

import type { StableId } from "../../schema/catalog.ts";
import type { Column, RowBatch } from "../../store/index.ts";
import {
  FOUND_ROW_COST,
  INDEXED_ROWS_MIN,
  SCANS_BEFORE_DECLARED_INDEX,
  SCANS_BEFORE_INDEX,
  SCANS_BEFORE_ZONES,
  WAITED_INDEX_ROWS_MAX,
} from "./limits.ts";
import { ValueIndex } from "./value-index.ts";
import { ZoneMap } from "./zone-map.ts";

/** A property, or an end of an edge. */
export type FieldId = StableId | "src" | "dst";

export class ColumnIndexes {
  private readonly zoneMaps = new Map<FieldId, ZoneMap | null>();
  private readonly building = new Map<FieldId, Promise<ValueIndex | null>>();
  private readonly built = new Map<FieldId, ValueIndex>();
  /** Scans of a field, complete or not. */
  private readonly scans = new Map<FieldId, number>();
  /** Rows that scans of a field went through although they found few. */
  private readonly wastedRows = new Map<FieldId, number>();

  constructor(private readonly rows: RowBatch) {}

  column(field: FieldId): Column | undefined {
    if (field === "src" || field === "dst") return this.rows[field] ?? undefined;
    return this.rows.columns.get(field);
  }

  /** The zones of a field; null where measuring them would not pay yet, or is not possible. */
  zones(field: FieldId): ZoneMap | null {
    if ((this.scans.get(field) ?? 0) < SCANS_BEFORE_ZONES) return null;
    let map = this.zoneMaps.get(field);
    if (map === undefined) {
      const column = this.column(field);
      map = column === undefined ? null : ZoneMap.of(column, this.rows.length);
      this.zoneMaps.set(field, map);
    }
    return map;
  }

  /** The index over a field, where there is one. */
  values(field: FieldId): ValueIndex | null {
    return this.built.get(field) ?? null;
  }

  /** Notes a scan; `found` of the rows that it went through were sought. */
  scanned(field: FieldId, rows: number, found: number): void {
    this.scans.set(field, (this.scans.get(field) ?? 0) + 1);
    const wasted = rows - found * FOUND_ROW_COST;
    if (wasted > 0) this.wastedRows.set(field, (this.wastedRows.get(field) ?? 0) + wasted);
  }

  /**
   * The index over a field; begins to make it once scans have cost as much as that does. Nobody waits for a long column:
   * the scan at hand is done sooner.
   */
  async valuesWhenDue(
    field: FieldId,
    isDeclared: boolean,
    breathe: () => Promise<void>,
  ): Promise<ValueIndex | null> {
    if (this.isIndexDue(field, isDeclared)) {
      const making = this.build(field, breathe);
      if (this.rows.length <= WAITED_INDEX_ROWS_MAX) await making;
    }
    return this.values(field);
  }

  private isIndexDue(field: FieldId, isDeclared: boolean): boolean {
    if (this.building.has(field) || this.rows.length < INDEXED_ROWS_MIN) return false;
    const scans = isDeclared ? SCANS_BEFORE_DECLARED_INDEX : SCANS_BEFORE_INDEX;
    return (this.wastedRows.get(field) ?? 0) >= (this.rows.length * scans) / 2;
  }

  /** Makes the index over a field, where that is possible and was not done yet. */
  build(field: FieldId, breathe: () => Promise<void>): Promise<ValueIndex | null> {
    let index = this.building.get(field);
    if (index === undefined) {
      const column = this.column(field);
      index =
        column === undefined ? Promise.resolve(null) : ValueIndex.build(column, this.rows.length, breathe);
      this.building.set(field, index);
      index.then(
        (made) => made !== null && this.built.set(field, made),
        // A build that was stopped is begun anew by whoever asks next.
        () => this.building.delete(field),
      );
    }
    return index;
  }
}
