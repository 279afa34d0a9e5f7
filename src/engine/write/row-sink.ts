// Rows of one type on their way into a commit: collected in columns, and written out as a segment whenever they grow
// large, so that a load holds a bounded number of rows however long its input is.

import type { Value } from "../../query/plan.ts";
import type { EntityType } from "../../schema/catalog.ts";
import { BatchBuilder, type RowWriter, shapeOf } from "../../store/index.ts";
import type { Row, SegmentRef, TypeChanges } from "../../store/types.ts";
import { BYTES_IN_MEMORY_MAX, ROWS_IN_MEMORY_MAX } from "../load/limits.ts";

export class RowSink {
  private builder: BatchBuilder;
  private bytes = 0;
  private readonly segments: Promise<SegmentRef>[] = [];

  constructor(
    private readonly writer: RowWriter,
    private readonly type: EntityType,
  ) {
    this.builder = new BatchBuilder(shapeOf(type));
  }

  append(row: Row): void {
    this.builder.append(row);
    for (const value of row.values) this.bytes += valueBytes(value);
    if (this.builder.length >= ROWS_IN_MEMORY_MAX || this.bytes >= BYTES_IN_MEMORY_MAX) this.flush();
  }

  /** Writes what is left; segments stand in the order in which they were filled. */
  async finish(): Promise<Pick<TypeChanges, "rows" | "segments">> {
    if (this.segments.length === 0) {
      return this.writer.writeBatch(this.type, this.builder.finish().batch);
    }
    if (this.builder.length > 0) this.flush();
    return { rows: null, segments: await Promise.all(this.segments) };
  }

  private flush(): void {
    const { batch } = this.builder.finish();
    this.builder = new BatchBuilder(shapeOf(this.type));
    this.bytes = 0;
    this.segments.push(this.writer.writeSegment(this.type, batch));
  }
}

const FIXED_BYTES = 8;

/** About what a value takes in its column. */
function valueBytes(value: Value): number {
  if (typeof value === "string") return value.length + FIXED_BYTES;
  if (value instanceof Float32Array) return value.byteLength;
  if (Array.isArray(value)) {
    let bytes = FIXED_BYTES;
    for (const item of value as readonly Value[]) bytes += valueBytes(item);
    return bytes;
  }
  return FIXED_BYTES;
}
