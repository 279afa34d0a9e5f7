// Rows of one type on their way into a commit: collected in columns, and written out as a segment whenever they grow
// large.

import type { EntityType } from "../../schema/catalog.ts";
import { BatchBuilder, type RowWriter, shapeOf } from "../../store/index.ts";
import type { Row, SegmentRef, TypeChanges } from "../../store/types.ts";
import { type RowHolder, type RowMemory, rowBytes } from "./row-memory.ts";

export class RowSink implements RowHolder {
  heldBytes = 0;
  private builder: BatchBuilder;
  private readonly segments: Promise<SegmentRef>[] = [];

  constructor(
    private readonly type: EntityType,
    private readonly writer: RowWriter,
    private readonly memory: RowMemory,
  ) {
    this.builder = new BatchBuilder(shapeOf(type));
    memory.add(this);
  }

  append(row: Row): void {
    this.builder.append(row);
    const bytes = rowBytes(row);
    this.heldBytes += bytes;
    this.memory.grew(bytes);
    if (this.builder.length >= this.memory.limits.rows) this.writeOut();
  }

  writeOut(): void {
    const { batch } = this.builder.finish();
    this.builder = new BatchBuilder(shapeOf(this.type));
    this.memory.shrank(this.heldBytes);
    this.heldBytes = 0;
    const segment = this.writer.writeSegment(this.type, batch);
    this.memory.writes(segment);
    this.segments.push(segment);
  }

  /** Writes what is left; segments stand in the order in which they were filled. */
  async finish(): Promise<Pick<TypeChanges, "rows" | "segments">> {
    if (this.segments.length === 0) {
      return this.writer.writeBatch(this.type, this.builder.finish().batch);
    }
    if (this.builder.length > 0) this.writeOut();
    return { rows: null, segments: await Promise.all(this.segments) };
  }
}
