// Opening a branch cold: hint, then checkpoint, schema and the entries since, all asked for at once.

import { findCheckpoint, genesisPlace, tryCheckpoint } from "./checkpoint-read.ts";
import type { GraphContext } from "./context.ts";
import { readFloor } from "./floor.ts";
import { type Hint, readHint } from "./hint.ts";
import { logKey } from "./layout.ts";
import { WINDOW, WINDOW_FORK, WINDOW_MAX } from "./limits.ts";
import { forkPosition } from "./lineage.ts";
import { type ReadEntry, readEntries, readWindow } from "./log-read.ts";
import type { StoredRef } from "./refs.ts";
import { afterCommit, checkpointState } from "./replay.ts";
import type { BranchState, Checkpoint, LogPlace } from "./types.ts";

export interface OpenedState {
  readonly state: BranchState;
  readonly tailBytes: readonly { readonly position: number; readonly bytes: number }[];
  readonly closed: boolean;
  /** As it stood when the branch was opened. */
  readonly hint: Hint | null;
}

/** The head of a branch, read from storage in two waves (three where the tail is long). */
export async function openState(context: GraphContext, stored: StoredRef): Promise<OpenedState> {
  const { ref } = stored;
  const hint = await readHint(context.objects, ref.id);
  const place: LogPlace =
    hint === null
      ? (stored.checkpoint ?? genesisPlace(context))
      : { branch: ref.id, position: hint.position };
  const window = ref.lineage.length > 0 ? WINDOW_FORK : WINDOW;
  const [checkpoint, entries, floor] = await Promise.all([
    tryCheckpoint(context, ref, place),
    // Where one is missing, another checkpoint may lead around it; if none does, that is said below.
    entriesAfter(context, stored, place.position, window).catch(() => null),
    // Without a hint nothing else says that the log does not begin here any more.
    hint === null ? readFloor(context.objects, ref.id) : 0,
    // Fetched ahead, beside the others; whatever is wrong with it is said where it is needed.
    context.catalogOf(hint?.schemaDigest ?? stored.schemaDigest).catch(() => null),
  ]);
  if (checkpoint !== null && entries !== null && floor <= Math.max(place.position, forkPosition(ref)) + 1)
    return { ...(await replay(context, stored, checkpoint, entries)), hint };
  const found = await findCheckpoint(context, ref, Number.MAX_SAFE_INTEGER);
  const since = await entriesAfter(context, stored, found.position, WINDOW_MAX);
  return { ...(await replay(context, stored, found, since)), hint };
}

/** Inherited entries, whose number is known, and the branch's own, up to the first missing position. */
async function entriesAfter(
  context: GraphContext,
  { ref }: StoredRef,
  position: number,
  firstWindow: number,
): Promise<ReadEntry[]> {
  const fork = forkPosition(ref);
  const ownFrom = Math.max(position, fork) + 1;
  const [inherited, first] = await Promise.all([
    readEntries(context.objects, ref, position + 1, fork),
    readWindow(context.objects, ref.id, ownFrom, firstWindow),
  ]);
  const own = [...first];
  for (let size = firstWindow, last = first; last.length === size; own.push(...last)) {
    // Most tails end where the next checkpoint is due.
    const untilDue = WINDOW - inherited.length - own.length;
    size = untilDue > 0 ? untilDue : Math.min(Math.max(size * 2, WINDOW), WINDOW_MAX);
    last = await readWindow(context.objects, ref.id, ownFrom + own.length, size);
  }
  return [...inherited, ...own];
}

async function replay(
  context: GraphContext,
  { ref }: StoredRef,
  checkpoint: Checkpoint,
  entries: readonly ReadEntry[],
): Promise<Omit<OpenedState, "hint">> {
  const commits = entries.flatMap((entry) => entry.commits);
  const { schemaDigest } = commits.at(-1)?.record ?? checkpoint.head;
  // Schemas before the last one are not asked for: nobody reads the states between.
  const catalog = await context.catalogOf(schemaDigest);
  let state = checkpointState(ref, checkpoint, catalog);
  for (const commit of commits) {
    const { branch, position } = commit.record;
    state = afterCommit(state, commit, catalog, context.objects.address(logKey(branch, position)));
  }
  return {
    state,
    tailBytes: entries.map(({ position, bytes }) => ({ position, bytes })),
    closed: entries.at(-1)?.closed != null,
  };
}
