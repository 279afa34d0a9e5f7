// The newest position of a log with as few requests as can be: a tail is short, so halving finds its end.

import { BranchClosed } from "./branch-log.ts";
import { genesisPlace } from "./checkpoint-read.ts";
import type { GraphContext } from "./context.ts";
import { readFloor } from "./floor.ts";
import { readHint } from "./hint.ts";
import { WINDOW, WINDOW_FORK } from "./limits.ts";
import { forkPosition } from "./lineage.ts";
import { readEntry } from "./log-read.ts";
import type { StoredRef } from "./refs.ts";
import type { LogPlace } from "./types.ts";

export interface FoundHead {
  readonly position: number;
  /** A checkpoint at or below it, and the schema there. */
  readonly checkpoint: LogPlace | null;
  readonly schemaDigest: string;
}

/** Throws BranchClosed where the log has ended. */
export async function findHead(context: GraphContext, stored: StoredRef): Promise<FoundHead> {
  const { ref } = stored;
  const hint = await readHint(context.objects, ref.id);
  // Without a hint the log still begins where cleanup says.
  const begun = hint === null ? Math.max(0, (await readFloor(context.objects, ref.id)) - 1) : hint.position;
  const known = Math.max(begun, forkPosition(ref));
  const exists = async (position: number): Promise<boolean> => {
    const entry = await readEntry(context.objects, { branch: ref.id, position });
    if (entry?.closed != null) throw new BranchClosed();
    return entry !== null;
  };
  // One more than a tail of main has, so that the end of a full one is seen without doubling.
  const expected = ref.lineage.length > 0 ? WINDOW_FORK : WINDOW + 1;
  const position = await lastPosition(known, expected, exists);
  const own = begun === 0 ? null : { branch: ref.id, position: begun };
  const inherited = stored.checkpoint ?? genesisPlace(context);
  return {
    position,
    checkpoint: own ?? (inherited.position === 0 ? null : inherited),
    schemaDigest: hint?.schemaDigest ?? stored.schemaDigest,
  };
}

/** The last position that exists, from `known` on, which does. Doubles the range when all of it is taken. */
async function lastPosition(
  known: number,
  range: number,
  exists: (position: number) => Promise<boolean>,
): Promise<number> {
  let there = known;
  let missing = known + range;
  while (missing - there > 1) {
    const middle = (there + missing) >> 1;
    if (await exists(middle)) there = middle;
    else missing = middle;
  }
  // The end of the range was never looked at.
  if (missing < known + range || !(await exists(missing))) return there;
  return lastPosition(missing, range * 2, exists);
}
