// Clients that write again as soon as they are answered come back one after the other. Where a put takes long, the first of
// them must not leave without the rest: they would take turns, one entry for the first and one for all others.

import type { Ports } from "../lib/ports.ts";
import { GATHER_PUT_MS_MIN, GATHER_SHARE_MAX, GATHER_STEP_SHARE } from "./limits.ts";

/** Waits until `expected` writes are in the queue, as long as more keep coming and a put of `putMs` is worth it. */
export async function gather(
  ports: Ports,
  putMs: number,
  expected: number,
  queued: () => number,
): Promise<void> {
  if (putMs < GATHER_PUT_MS_MIN) return;
  const stepMs = putMs * GATHER_STEP_SHARE;
  let before = 0;
  for (let waitedMs = 0; waitedMs < putMs * GATHER_SHARE_MAX; waitedMs += stepMs) {
    if (queued() >= expected || queued() === before) return;
    before = queued();
    await ports.sleep(stepMs);
  }
}
