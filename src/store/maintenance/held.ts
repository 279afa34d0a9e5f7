// States that somebody may hold in memory: whatever was a head not long ago, on whatever checkpoint was noted then. They
// expire like all others, but their objects stay for as long as a reader may still come back for them.

import { tryCheckpoint } from "../checkpoint-read.ts";
import type { GraphContext } from "../context.ts";
import { recordBelow } from "../history.ts";
import { logKey, logPrefix, positionIn } from "../layout.ts";
import { forkPosition } from "../lineage.ts";
import type { Checkpoint } from "../types.ts";
import type { NeededStates } from "./marks.ts";
import type { LiveBranch, LiveLog, Survey } from "./survey.ts";

/** States of a branch that were its head at `since` (in ms) or later. */
export async function heldStates(
  context: GraphContext,
  { logs }: Survey,
  branch: LiveBranch,
  since: number,
): Promise<NeededStates> {
  const { ref, position: to } = branch.state;
  const log = logs.get(ref.id);
  const checkpoint = await baseOf(context, log, branch, since);
  // What came before its fork was never the head of this branch.
  const first = Math.max(checkpoint, forkPosition(ref));
  const head = await lastBefore(context, ref.id, first, since);
  const { version } = await recordBelow(context, branch.state, head);
  const checkpoints = (log?.checkpoints ?? []).map(({ position }) => position);
  return { ref, from: checkpoint + 1, to, checkpoint, first: version, checkpoints };
}

/** Position of the checkpoint that the oldest of these states is read from. */
async function baseOf(
  context: GraphContext,
  log: LiveLog | undefined,
  { stored, state, hint }: LiveBranch,
  since: number,
): Promise<number> {
  const { ref } = state;
  const own = log?.checkpoints ?? [];
  const old = own.findLast(({ modifiedAt }) => modifiedAt < since)?.position ?? 0;
  // Who opened the branch before the newest one was noted stands on the one before. Where nothing is noted, the floor leads.
  const noted = hint === null ? (log?.retention?.floor ?? 0) - 1 : Math.min(hint.position, old);
  const read = (position: number) => tryCheckpoint(context, ref, { branch: ref.id, position });
  let base: Checkpoint | null = null;
  // One that is damaged is read by nobody: who opens the branch stands on an older one.
  for (const { position } of own.toReversed()) {
    if (position <= noted) base ??= await read(position);
  }
  // What repair gave up nobody holds: it begins anew behind that.
  const lastLost = log?.retention?.lost.at(-1)?.[1] ?? 0;
  const version = base?.head.version ?? 0;
  if (version < lastLost) {
    for (const { position } of own) {
      const behind = await read(position);
      if (behind !== null && behind.head.version > lastLost) return position;
    }
  }
  return base?.position ?? stored.checkpoint?.position ?? 0;
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
