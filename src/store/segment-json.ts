// References to segments and their dead rows, as they stand in log entries and checkpoints.

import type { JsonObject, JsonValue } from "../lib/json.ts";
import type { StableId } from "../schema/catalog.ts";
import type { StoredValue } from "./stored-json.ts";
import type { BatchRef, DeadRows, SegmentRef } from "./types.ts";

/** A batch is `[offset, length, rows, least, greatest, crc]`. */
export function segmentJson(segment: SegmentRef): JsonObject {
  return {
    id: segment.id,
    rows: segment.rows,
    bytes: segment.bytes,
    columns: segment.columns,
    layouts: segment.layouts,
    batches: segment.batches.map(({ offset, length, rows, least, greatest, crc }) => [
      offset,
      length,
      rows,
      least,
      greatest,
      crc,
    ]),
    ...(segment.crc === undefined ? {} : { crc: segment.crc }),
  };
}

export function readSegment(stored: StoredValue, type: StableId): SegmentRef {
  const batches = stored
    .member("batches")
    .items()
    .map(
      (batch): BatchRef => ({
        offset: batch.item(0).integer(),
        length: batch.item(1).integer(),
        rows: batch.item(2).integer(),
        least: batch.item(3).string(),
        greatest: batch.item(4).string(),
        crc: batch.item(5).integer(),
      }),
    );
  const rows = stored.member("rows").integer();
  if (batches.reduce((sum, batch) => sum + batch.rows, 0) !== rows) {
    stored.member("batches").fail(`batches of ${rows} rows together`);
  }
  return {
    id: stored.member("id").string(),
    type,
    rows,
    bytes: stored.member("bytes").integer(),
    columns: stored.member("columns").integers(),
    layouts: stored.member("layouts").strings(),
    batches,
    ...(stored.member("crc").isPresent ? { crc: stored.member("crc").integer() } : {}),
  };
}

/** Absent for none, the gaps between row numbers for some, `{key, count}` for an object. */
export function deadJson(dead: DeadRows): JsonValue | undefined {
  switch (dead.kind) {
    case "none":
      return undefined;
    case "rows":
      return Array.from(dead.rows, (row, i) => (i === 0 ? row : row - dead.rows[i - 1]));
    case "object":
      return { key: dead.key, count: dead.count };
  }
}

export function readDeadJson(stored: StoredValue, rows: number): DeadRows {
  if (!stored.isPresent) return { kind: "none" };
  if (!Array.isArray(stored.value)) {
    return { kind: "object", key: stored.member("key").string(), count: stored.member("count").integer() };
  }
  const gaps = stored.integers();
  const dead = new Uint32Array(gaps.length);
  let row = 0;
  for (const [i, gap] of gaps.entries()) {
    row += gap;
    if ((i > 0 && gap === 0) || row >= rows) stored.fail(`ascending row numbers below ${rows}`);
    dead[i] = row;
  }
  return { kind: "rows", rows: dead };
}
