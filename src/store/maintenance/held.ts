// States that somebody may hold in memory: whatever was a head not long ago, on whatever checkpoint was noted then. They
// expire like all others, but their objects stay for as long as a reader may still come back for them.

import type { GraphContext } from "../context.ts";
import { recordBelow } from "../history.ts";
import { logKey, logPrefix, positionIn } from "../layout.ts";
import type { NeededStates } from "./marks.ts";
import type { LiveBranch, Survey } from "./survey.ts";

/** States of a branch that were its head at `since` (in ms) or later. */
export async function heldStates(
  context: GraphContext,
  { logs }: Survey,
  { stored, state, hint }: LiveBranch,
  since: number,
): Promise<NeededStates> {
  const { ref, position: to } = state;
  const log = logs.get(ref.id);
  const own = log?.checkpoints ?? [];
  const old = own.findLast(({ modifiedAt }) => modifiedAt < since)?.position ?? 0;
  // Who opened the branch before the newest one was noted stands on the one before. Where nothing is noted, the floor leads.
  const noted = hint === null ? (log?.retention?.floor ?? 0) - 1 : Math.min(hint.position, old);
  const checkpoint = noted > 0 ? noted : (stored.checkpoint?.position ?? 0);
  const head = await lastBefore(context, ref.id, checkpoint, since);
  const { version } = await recordBelow(context, state, Math.max(head, checkpoint));
  return {
    ref,
    from: checkpoint + 1,
    to,
    checkpoint,
    first: version,
    checkpoints: own.map(({ position }) => position),
  };
}

/** Position of the newest entry of a log that was written before `since`, after a position; that position if none was. */
async function lastBefore(
  { objects }: GraphContext,
  log: string,
  after: number,
  since: number,
): Promise<number> {
  let last = after;
  for (let startAfter: string | null = logKey(log, after); startAfter !== null; ) {
    const page = await objects.storage.list(logPrefix(log), { startAfter });
    for (const { key, modifiedAt } of page.objects) {
      const position = positionIn(key);
      if (position !== null && position > last && modifiedAt < since) last = position;
    }
    startAfter = page.next;
  }
  return last;
}
