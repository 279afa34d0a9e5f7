// Long loops in short stretches, so that other work runs in between, and a read that nobody waits for any more ends.

import type { ReadContext } from "./context.ts";
import { WORK_PER_SLICE } from "./limits.ts";

/** Calls `handle` for each row; it answers how much work that was (edges looked at, say). */
export async function inSlices(
  context: ReadContext,
  rows: number,
  handle: (row: number) => number,
): Promise<void> {
  for (let row = 0; row < rows; ) {
    let work = 0;
    for (; row < rows && work < WORK_PER_SLICE; row++) work += 1 + handle(row);
    await context.worked(work);
  }
}
