// Dead rows of a segment as an object of their own: one bit a row, least significant first.

import { deadKey } from "./layout.ts";
import { INLINE_DEAD_BYTES_MAX } from "./limits.ts";
import type { Objects } from "./objects.ts";
import { damaged } from "./stored-json.ts";
import type { DeadRows, SegmentRef } from "./types.ts";

/** Bytes that one row number takes inside a checkpoint, about. */
const INLINE_ROW_BYTES = 4;
const NO_ROWS = new Uint32Array(0);

/** Row numbers of the dead, ascending. */
export async function readDead(objects: Objects, dead: DeadRows): Promise<Uint32Array> {
  switch (dead.kind) {
    case "none":
      return NO_ROWS;
    case "rows":
      return dead.rows;
    case "object": {
      const rows = await objects.read(dead.key, (bytes, address) => decodeBitmap(bytes, address, dead.count));
      if (rows === null) throw damaged(objects.address(dead.key), "the dead rows are missing");
      return rows;
    }
  }
}

/** Ascending row numbers in the form that a checkpoint at `position` holds; a large set is written first. */
export async function storeDead(
  objects: Objects,
  segment: SegmentRef,
  position: number,
  rows: Uint32Array,
): Promise<DeadRows> {
  if (rows.length === 0) return { kind: "none" };
  if (rows.length * INLINE_ROW_BYTES <= INLINE_DEAD_BYTES_MAX) return { kind: "rows", rows };
  const bits = new Uint8Array((segment.rows + 7) >> 3);
  for (const row of rows) bits[row >> 3] |= 1 << (row & 7);
  const key = deadKey(segment.id, position);
  await objects.storage.put(key, bits);
  objects.keep(key, rows, rows.byteLength);
  return { kind: "object", key, count: rows.length };
}

function decodeBitmap(bits: Uint8Array, object: string, count: number): Uint32Array {
  const rows = new Uint32Array(count);
  let found = 0;
  for (let row = 0; row < bits.length * 8; row++) {
    if ((bits[row >> 3] & (1 << (row & 7))) !== 0) {
      if (found < count) rows[found] = row;
      found++;
    }
  }
  if (found !== count) throw damaged(object, `expected ${count} dead rows, found ${found}`);
  return rows;
}
