// Rows of one type on their way into a commit: collected in columns, written out as segments whenever they grow large,
// and at the end either inline in the log entry or in one last segment.

import type { EntityType } from "../../schema/catalog.ts";
import { BatchBuilder, type GraphStore, inlineBytes } from "../../store/index.ts";
import type { Row, SegmentRef, TypeChanges } from "../../store/types.ts";
import { BYTES_IN_MEMORY_MAX, ROWS_IN_MEMORY_MAX } from "../load/limits.ts";
import { INLINE_BYTES_MAX } from "./limits.ts";

export interface RowSink {
  append(row: Row): void;
}

/** The inline bytes that one commit may still use: a small write is one object. */
export class InlineBudget {
  private left = INLINE_BYTES_MAX;

  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }
}

export class SegmentedRows implements RowSink {
  private builder: BatchBuilder;
  private readonly segments: Promise<SegmentRef>[] = [];

  constructor(
    private readonly store: GraphStore,
    private readonly type: EntityType,
    private readonly budget: InlineBudget,
  ) {
    this.builder = new BatchBuilder(type);
  }

  append(row: Row): void {
    this.builder.append(row);
    if (this.builder.length >= ROWS_IN_MEMORY_MAX || this.builder.byteLength >= BYTES_IN_MEMORY_MAX) {
      this.flush();
    }
  }

  /** Writes what is left; segments are in the order in which they were filled. */
  async finish(): Promise<Pick<TypeChanges, "rows" | "segments">> {
    if (this.segments.length === 0) {
      if (this.builder.length === 0) return { rows: null, segments: [] };
      const rows = this.builder.finish();
      if (this.budget.take(inlineBytes(rows))) return { rows, segments: [] };
      return { rows: null, segments: [await this.store.writeSegment(this.type, rows)] };
    }
    if (this.builder.length > 0) this.flush();
    return { rows: null, segments: await Promise.all(this.segments) };
  }

  private flush(): void {
    const rows = this.builder.finish();
    this.builder = new BatchBuilder(this.type);
    this.segments.push(this.store.writeSegment(this.type, rows));
  }
}
