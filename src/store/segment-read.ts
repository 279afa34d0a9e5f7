// Record batches out of segments: a ranged read brings the bytes of one, which become columns without copying.

import { assert } from "../lib/assert.ts";
import type { StableId } from "../schema/catalog.ts";
import { decodeBatch } from "./batch-decode.ts";
import type { RowBatch } from "./column.ts";
import { type ColumnLayout, parseLayout } from "./column-layout.ts";
import { segmentKey } from "./layout.ts";
import {
  KEEP_WHOLE_BYTES_MAX,
  PARALLEL_REQUESTS_MAX,
  RANGE_GAP_BYTES_MAX,
  WHOLE_SEGMENT_BYTES_MAX,
} from "./limits.ts";
import type { Objects } from "./objects.ts";
import { inParallel } from "./parallel.ts";
import { damaged } from "./stored-json.ts";
import type { BatchRef, SegmentRef } from "./types.ts";

/** Batches [from, to) of a segment, read with one request. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** Decoded record batches of a segment, all of them or those at the given places, in the order asked. */
export async function readSegmentBatches(
  objects: Objects,
  segment: SegmentRef,
  wanted?: readonly number[],
): Promise<RowBatch[]> {
  const places = wanted ?? segment.batches.map((_, place) => place);
  // Who reads all of a large segment keeps its rows in a form of its own.
  const isKept = wanted !== undefined || segment.bytes <= KEEP_WHOLE_BYTES_MAX;
  const found = new Map<number, RowBatch>();
  const missing: number[] = [];
  for (const place of new Set(places)) {
    const cached = objects.cache.get<RowBatch>(cacheKey(objects, segment, place));
    if (cached === undefined) missing.push(place);
    else found.set(place, cached);
  }
  await inParallel(spansOf(segment, missing), PARALLEL_REQUESTS_MAX, async (span) => {
    for (const [place, batch] of await readSpan(objects, segment, span)) {
      found.set(place, batch);
      if (isKept) keep(objects, segment, place, batch);
    }
  });
  return places.map((place) => {
    const batch = found.get(place);
    assert(batch !== undefined, `batch ${place} of segment ${segment.id} was read`);
    return batch;
  });
}

/** Puts the batches of a segment that was just written where readers look first. */
export function keepWritten(objects: Objects, segment: SegmentRef, bytes: Uint8Array): void {
  const span = { from: 0, to: segment.batches.length };
  for (const [place, batch] of decodeSpan(objects, segment, span, bytes, 0)) {
    keep(objects, segment, place, batch);
  }
}

function keep(objects: Objects, segment: SegmentRef, place: number, batch: RowBatch): void {
  objects.cache.put(cacheKey(objects, segment, place), batch, segment.batches[place].length);
}

function cacheKey(objects: Objects, segment: SegmentRef, place: number): string {
  return `${objects.address(segmentKey(segment.type, segment.id))}#${place}`;
}

/** Groups wanted batches into requests: near ones share one, and a small segment is read as a whole. */
function spansOf(segment: SegmentRef, places: readonly number[]): Span[] {
  if (places.length === 0) return [];
  const all = segment.batches;
  if (segment.bytes <= WHOLE_SEGMENT_BYTES_MAX) return [{ from: 0, to: all.length }];
  const spans: { from: number; to: number }[] = [];
  for (const place of [...places].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    const lastBatch = last === undefined ? undefined : all[last.to - 1];
    const gap =
      lastBatch === undefined
        ? Number.POSITIVE_INFINITY
        : all[place].offset - (lastBatch.offset + lastBatch.length);
    if (last !== undefined && gap <= RANGE_GAP_BYTES_MAX) last.to = place + 1;
    else spans.push({ from: place, to: place + 1 });
  }
  return spans;
}

function readSpan(objects: Objects, segment: SegmentRef, span: Span): Promise<[number, RowBatch][]> {
  const key = segmentKey(segment.type, segment.id);
  return objects.sharedLoad(`${objects.address(key)}#${span.from}-${span.to}`, async () => {
    const start = segment.batches[span.from].offset;
    const last = segment.batches[span.to - 1];
    const length = last.offset + last.length - start;
    const bytes = await objects.storage.getRange(key, start, length);
    if (bytes === null) throw damaged(objects.address(key), "the segment is missing");
    if (bytes.length !== length) {
      throw damaged(objects.address(key), `expected ${length} bytes at ${start}, found ${bytes.length}`);
    }
    return decodeSpan(objects, segment, span, bytes, start);
  });
}

/** Decodes the batches of a span; `bytes` begin at `start` of the file. */
function decodeSpan(
  objects: Objects,
  segment: SegmentRef,
  span: Span,
  bytes: Uint8Array,
  start: number,
): [number, RowBatch][] {
  const object = objects.address(segmentKey(segment.type, segment.id));
  // Views of wider numbers must begin at multiples of their width; messages do so within the file.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const layouts = new Map(
    segment.columns.map((id, i): [StableId, ColumnLayout] => {
      const layout = parseLayout(segment.layouts[i]);
      if (layout === null) throw damaged(object, `unknown column layout '${segment.layouts[i]}'`);
      return [id, layout];
    }),
  );
  const decoded: [number, RowBatch][] = [];
  for (let place = span.from; place < span.to; place++) {
    const ref: BatchRef = segment.batches[place];
    const encoded = aligned.subarray(ref.offset - start, ref.offset - start + ref.length);
    if (Bun.hash.crc32(encoded) !== ref.crc)
      throw damaged(object, `record batch ${place} fails its checksum`);
    const batch = decodeBatch(object, encoded, ref.rows, layouts);
    decoded.push([place, batch]);
  }
  return decoded;
}
