// Rows whose last word is spoken only when all of the input is read: a later row of the same id takes the place of an
// earlier one (merge), and the ends of an edge may have to be respelled (permissive). They are collected and written out
// like any others; a segment that holds rows which did not last is then written again without them.

import { assert } from "../../lib/assert.ts";
import { TextSet } from "../../lib/text-set.ts";
import { Uint32List } from "../../lib/uint32-list.ts";
import type { EntityType } from "../../schema/catalog.ts";
import {
  BatchBuilder,
  type GraphStore,
  type RowBatch,
  type RowWriter,
  rowAt,
  shapeOf,
  sortBatch,
  takeRows,
  textAt,
  Utf8Builder,
  type Utf8Column,
} from "../../store/index.ts";
import type { Row, SegmentRef, TypeChanges } from "../../store/types.ts";
import { BATCHES_AT_A_TIME } from "./limits.ts";
import { type RowHolder, type RowMemory, rowBytes } from "./row-memory.ts";

/** Ids of an edge's ends by other spellings of them; null where there are none. */
export interface EndSpellings {
  readonly src: ReadonlyMap<string, string> | null;
  readonly dst: ReadonlyMap<string, string> | null;
}

/** Rows that were written out before the input had ended. */
interface Part {
  readonly segment: Promise<SegmentRef>;
  /** Places of its rows in the input are below this. */
  readonly until: number;
}

export class PendingRows implements RowHolder {
  heldBytes = 0;
  /** Ids whose rows replace one another, and of each the place in the input of the row that counts so far. */
  private readonly replaceable = new TextSet();
  private readonly newest = new Uint32List();
  private hasRepeats = false;
  private appended = 0;
  private builder: BatchBuilder;
  private readonly parts: Part[] = [];
  /** Both filled by `settle`. */
  private readonly segments: SegmentRef[] = [];
  private last: RowBatch | null = null;

  constructor(
    private readonly type: EntityType,
    private readonly store: GraphStore,
    private readonly writer: RowWriter,
    private readonly memory: RowMemory,
  ) {
    this.builder = new BatchBuilder(shapeOf(type));
    memory.add(this);
  }

  /** Ids whose rows replace one another. */
  get ids(): TextSet {
    return this.replaceable;
  }

  /** True where a row took the place of another. */
  get isFolded(): boolean {
    return this.hasRepeats;
  }

  /** Appends a row; one that is `replaceable` takes the place of an earlier such row of its id. */
  append(row: Row, replaceable: boolean): void {
    if (replaceable) this.noteNewest(row.id);
    this.appended++;
    this.builder.append(row);
    const bytes = rowBytes(row);
    this.heldBytes += bytes;
    this.memory.grew(bytes);
    if (this.builder.length >= this.memory.limits.rows) this.writeOut();
  }

  writeOut(): void {
    const { batch } = sortBatch(this.takeHeld());
    const segment = this.writer.writeSegment(this.type, batch);
    this.memory.writes(segment);
    this.parts.push({ segment, until: this.appended });
  }

  /**
   * To be called when all is read: respells ends, and shows each row that lasts (those that were appended as replaceable,
   * or all of them) to `onRow`.
   */
  async settle(
    ends: EndSpellings | null,
    shows: "replaceable" | "all",
    onRow: (row: Row) => void,
  ): Promise<void> {
    const show = (batch: RowBatch) => {
      if (shows === "replaceable" && this.replaceable.size === 0) return;
      for (let row = 0; row < batch.length; row++) {
        if (shows === "all" || this.replaceable.has(textAt(batch.ids, row)))
          onRow(rowAt(batch, row, this.type));
      }
    };
    for (const part of this.parts) {
      const segment = await this.settlePart(part, ends, show);
      if (segment !== null) this.segments.push(segment);
    }
    this.last = respelled(this.takeHeld(), ends);
    show(this.last);
  }

  /** Writes what is left. */
  async finish(): Promise<Pick<TypeChanges, "rows" | "segments">> {
    assert(this.last !== null, "pending rows are settled before they are finished");
    const { batch } = sortBatch(this.last);
    if (this.segments.length === 0) return this.writer.writeBatch(this.type, batch);
    if (batch.length > 0) this.segments.push(await this.writer.writeSegment(this.type, batch));
    return { rows: null, segments: this.segments };
  }

  /** The rows in memory without those that were replaced since, in the order of the input. */
  private takeHeld(): RowBatch {
    const batch = this.builder.finishUnsorted();
    const first = this.appended - batch.length;
    this.builder = new BatchBuilder(shapeOf(this.type));
    this.memory.shrank(this.heldBytes);
    this.heldBytes = 0;
    if (!this.hasRepeats) return batch;
    return kept(batch, (row) => {
      const place = this.placeOfNewest(textAt(batch.ids, row));
      return place === null || place === first + row;
    });
  }

  private noteNewest(id: string): void {
    const before = this.replaceable.size;
    const number = this.replaceable.add(id);
    if (number === before) {
      this.newest.push(this.appended);
    } else {
      this.hasRepeats = true;
      this.newest.set(number, this.appended);
    }
  }

  /** Null for an id whose rows do not replace one another. */
  private placeOfNewest(id: string): number | null {
    const number = this.replaceable.numberOf(id);
    return number < 0 ? null : this.newest.at(number);
  }

  /** A part as it is when all is read: the same segment where all of it lasted, or another, or none. */
  private async settlePart(
    part: Part,
    ends: EndSpellings | null,
    show: (batch: RowBatch) => void,
  ): Promise<SegmentRef | null> {
    const segment = await part.segment;
    const settled = (batch: RowBatch): RowBatch => {
      const lasts = (row: number) => (this.placeOfNewest(textAt(batch.ids, row)) ?? 0) < part.until;
      return respelled(this.hasRepeats ? kept(batch, lasts) : batch, ends);
    };
    let isChanged = false;
    for await (const batch of this.batchesOf(segment)) {
      const last = settled(batch);
      isChanged ||= last !== batch;
      show(last);
    }
    if (!isChanged) return segment;
    const builder = new BatchBuilder(shapeOf(this.type));
    for await (const batch of this.batchesOf(segment)) {
      const last = settled(batch);
      for (let row = 0; row < last.length; row++) builder.appendFrom(last, row);
    }
    return builder.length === 0 ? null : this.writer.writeSegment(this.type, builder.finish().batch);
  }

  private async *batchesOf(segment: SegmentRef): AsyncIterable<RowBatch> {
    for (let from = 0; from < segment.batches.length; from += BATCHES_AT_A_TIME) {
      const places = segment.batches.slice(from, from + BATCHES_AT_A_TIME).map((_, i) => from + i);
      yield* await this.store.readSegmentBatches(segment, places);
    }
  }
}

/** The rows that a test keeps; the batch itself where it keeps all. */
function kept(batch: RowBatch, isKept: (row: number) => boolean): RowBatch {
  const rows: number[] = [];
  for (let row = 0; row < batch.length; row++) if (isKept(row)) rows.push(row);
  return rows.length === batch.length ? batch : takeRows(batch, Uint32Array.from(rows));
}

/** The batch with the ends of its edges respelled; itself where none has another spelling. */
function respelled(batch: RowBatch, ends: EndSpellings | null): RowBatch {
  if (ends === null || batch.src === null || batch.dst === null) return batch;
  const src = respelledColumn(batch.src, batch.length, ends.src);
  const dst = respelledColumn(batch.dst, batch.length, ends.dst);
  return src === batch.src && dst === batch.dst ? batch : { ...batch, src, dst };
}

function respelledColumn(
  column: Utf8Column,
  length: number,
  spellings: ReadonlyMap<string, string> | null,
): Utf8Column {
  if (spellings === null) return column;
  const builder = new Utf8Builder();
  let isChanged = false;
  for (let row = 0; row < length; row++) {
    const id = spellings.get(textAt(column, row));
    isChanged ||= id !== undefined;
    if (id === undefined) builder.appendFrom(column, row);
    else builder.appendText(id);
  }
  return isChanged ? builder.finish() : column;
}
