// Where the rows of a write go: small ones into the log entry, so that a small write is one object, else into segments.

import { ulid } from "../lib/ulid.ts";
import type { EntityType } from "../schema/catalog.ts";
import type { RowWriter } from "./api.ts";
import type { RowBatch } from "./column.ts";
import type { GraphContext } from "./context.ts";
import { inlineBytes } from "./inline-rows.ts";
import { segmentKey } from "./layout.ts";
import { INLINE_BYTES_MAX, KEEP_WRITTEN_BYTES_MAX } from "./limits.ts";
import { batchOf } from "./row-codec.ts";
import { keepWritten } from "./segment-read.ts";
import { encodeSegment } from "./segment-write.ts";
import type { Row, SegmentRef, TypeChanges } from "./types.ts";
import { Unpublished } from "./unpublished.ts";

/** Rows take more bytes as JSON than this each, so that many need not be measured. */
const ROW_BYTES_MIN = 5;

export function rowWriter(context: GraphContext): RowWriter {
  let inlineLeft = INLINE_BYTES_MAX;
  const unpublished = new Unpublished(context);

  async function writeBatch(
    type: EntityType,
    batch: RowBatch,
  ): Promise<Pick<TypeChanges, "rows" | "segments">> {
    if (batch.length === 0) return { rows: null, segments: [] };
    if (batch.length * ROW_BYTES_MIN <= inlineLeft) {
      const bytes = inlineBytes(batch);
      if (bytes <= inlineLeft) {
        inlineLeft -= bytes;
        return { rows: batch, segments: [] };
      }
    }
    return { rows: null, segments: [await writeSegment(context, type, batch, unpublished)] };
  }

  return {
    write: (type, rows: readonly Row[]) => writeBatch(type, batchOf(rows, type)),
    writeBatch,
    writeSegment: (type, batch) => writeSegment(context, type, batch, unpublished),
  };
}

/** Writes a sorted batch as a segment. `unpublished` are the others of a write that may take long. */
export async function writeSegment(
  { objects, ports }: GraphContext,
  type: EntityType,
  batch: RowBatch,
  unpublished?: Unpublished,
): Promise<SegmentRef> {
  await unpublished?.renew();
  const { ref, bytes } = await encodeSegment(ulid(ports), type, batch);
  const key = segmentKey(type.id, ref.id);
  await objects.storage.put(key, bytes);
  unpublished?.note(key);
  if (bytes.length <= KEEP_WRITTEN_BYTES_MAX) keepWritten(objects, ref, bytes);
  return ref;
}
