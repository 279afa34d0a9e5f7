// The lowest position of a log that may still be read; cleanup raises it before it deletes what lies below.

import { floorKey } from "./layout.ts";
import type { Objects } from "./objects.ts";
import { StoredValue } from "./stored-json.ts";
import type { BranchId } from "./types.ts";

/** 0 where nothing was ever cleaned up. */
export async function readFloor(objects: Objects, branch: BranchId): Promise<number> {
  const key = floorKey(branch);
  const stored = await objects.storage.get(key);
  return stored === null
    ? 0
    : StoredValue.parse(objects.address(key), stored.bytes).member("position").integer();
}
