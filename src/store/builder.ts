// A batch of rows of one type, built by appending and finished in the order of a segment.

import { assert } from "../lib/assert.ts";
import type { EntityType, StableId } from "../schema/catalog.ts";
import type { Column, RowBatch, Utf8Column } from "./column.ts";
import { type ColumnBuilder, columnBuilder, Utf8Builder } from "./column-builder.ts";
import { type ColumnLayout, layoutOfType } from "./column-layout.ts";
import { takeColumn } from "./column-value.ts";
import { sortRows } from "./sort.ts";
import type { Row } from "./types.ts";

/** What a batch is made of: an edge has ends, and each property a layout. */
export interface BatchShape {
  readonly kind: "node" | "edge";
  readonly columns: ReadonlyMap<StableId, ColumnLayout>;
}

export function shapeOf(type: EntityType): BatchShape {
  const columns = new Map(type.properties.map((property) => [property.id, layoutOfType(property.type)]));
  return { kind: type.kind, columns };
}

export interface SortedRows {
  /** Sorted; rows with equal ids (src, dst and id of edges) stand side by side, the one appended first before. */
  readonly batch: RowBatch;
  /** For each row of the batch, the how-manieth it was appended; null where rows were appended in order. */
  readonly order: Uint32Array | null;
  /** Rows of the batch that repeat the row before, ascending. */
  readonly repeats: Uint32Array;
}

/**
 * Appends rows as a whole (`append`), or column by column: then every column of `columns`, `ids` and the ends get one
 * value for each row, and a column may be of any builder's own fast kind (see column-builder.ts).
 */
export class BatchBuilder {
  readonly ids = new Utf8Builder();
  readonly src: Utf8Builder | null;
  readonly dst: Utf8Builder | null;
  readonly columns: ReadonlyMap<StableId, ColumnBuilder>;
  private readonly byPlace: readonly ColumnBuilder[];

  constructor(readonly shape: BatchShape) {
    this.src = shape.kind === "edge" ? new Utf8Builder() : null;
    this.dst = shape.kind === "edge" ? new Utf8Builder() : null;
    this.columns = new Map(Array.from(shape.columns, ([id, layout]) => [id, columnBuilder(layout)]));
    this.byPlace = [...this.columns.values()];
  }

  get length(): number {
    return this.ids.length;
  }

  /** Appends a row whose values stand in the order of the shape's columns. */
  append(row: Row): void {
    assert(row.values.length === this.byPlace.length, "a row has one value for each column");
    this.ids.appendText(row.id);
    this.appendEnds(row);
    for (let i = 0; i < this.byPlace.length; i++) this.byPlace[i].append(row.values[i]);
  }

  /** Appends a row of another batch; columns that it does not have read as null. */
  appendFrom(batch: RowBatch, row: number): void {
    this.ids.appendFrom(batch.ids, row);
    if (this.src !== null && this.dst !== null) {
      assert(batch.src !== null && batch.dst !== null, "rows of edges have ends");
      this.src.appendFrom(batch.src, row);
      this.dst.appendFrom(batch.dst, row);
    }
    for (const [id, builder] of this.columns) {
      const column = batch.columns.get(id);
      if (column === undefined) builder.appendNull();
      else builder.appendFrom(column, row);
    }
  }

  /** The rows in the order they were appended. The builder is used up. */
  finishUnsorted(): RowBatch {
    const { length } = this;
    const columns = new Map<StableId, Column>();
    for (const [id, builder] of this.columns) {
      assert(builder.length === length, "columns of a batch have one length");
      columns.set(id, builder.finish());
    }
    return {
      length,
      ids: this.ids.finish(),
      src: this.src?.finish() ?? null,
      dst: this.dst?.finish() ?? null,
      columns,
    };
  }

  /** The rows in the order of a segment. The builder is used up. */
  finish(): SortedRows {
    return sortBatch(this.finishUnsorted());
  }

  private appendEnds(row: Row): void {
    if (this.src === null || this.dst === null) return;
    assert(row.src !== null && row.dst !== null, "a row of an edge has ends");
    this.src.appendText(row.src);
    this.dst.appendText(row.dst);
  }
}

/** The columns that order a batch. */
export function sortColumns(batch: RowBatch): Utf8Column[] {
  return batch.src === null || batch.dst === null ? [batch.ids] : [batch.src, batch.dst, batch.ids];
}

/** Brings a batch into the order of a segment; one that is sorted comes back as it is. */
export function sortBatch(batch: RowBatch): SortedRows {
  const { order, repeats } = sortRows(sortColumns(batch), batch.length);
  return { batch: order === null ? batch : takeRows(batch, order), order, repeats };
}

/** The rows with these numbers, in their order. */
export function takeRows(batch: RowBatch, rows: Uint32Array): RowBatch {
  const columns = new Map<StableId, Column>();
  for (const [id, column] of batch.columns) columns.set(id, takeColumn(column, rows));
  return {
    length: rows.length,
    ids: takeColumn(batch.ids, rows),
    src: batch.src === null ? null : takeColumn(batch.src, rows),
    dst: batch.dst === null ? null : takeColumn(batch.dst, rows),
    columns,
  };
}
