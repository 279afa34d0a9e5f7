// Whether a state that expired is still all there: what was a head not long ago keeps its objects for a while.

import { OmnigraphError } from "../../lib/errors.ts";
import type { GraphContext } from "../context.ts";
import { segmentKey } from "../layout.ts";
import { PARALLEL_REQUESTS_MAX } from "../limits.ts";
import { inParallel } from "../parallel.ts";
import { DamagedObject } from "../stored-json.ts";
import { stateAt } from "../time-travel.ts";
import type { BranchState, CommitRecord } from "../types.ts";

/** Null where a part of what is read is gone. What storage says of itself is thrown. */
export async function ifReadable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (thrown) {
    const isGone = thrown instanceof OmnigraphError && thrown.kind === "gone";
    if (isGone || thrown instanceof DamagedObject) return null;
    throw thrown;
  }
}

/** Whether the state at a commit of a branch's history can be read with all its rows. */
export async function isThere(
  context: GraphContext,
  head: BranchState,
  record: CommitRecord,
): Promise<boolean> {
  const state = await ifReadable(() => stateAt(context, head, record, "needed"));
  if (state === null) return false;
  const keys: string[] = [];
  for (const { segments } of state.checkpoint.types.values()) {
    for (const { segment, dead } of segments) {
      keys.push(segmentKey(segment.type, segment.id));
      if (dead.kind === "object") keys.push(dead.key);
    }
  }
  for (const { changes } of state.tail) {
    for (const { segments } of changes) for (const { type, id } of segments) keys.push(segmentKey(type, id));
  }
  const { storage } = context.objects;
  const found = await inParallel(keys, PARALLEL_REQUESTS_MAX, (key) => storage.head(key));
  return found.every((object) => object !== null);
}
