// Finding the checkpoint that a state starts from.

import { decodeCheckpoint, genesisCheckpoint } from "./checkpoint.ts";
import type { GraphContext } from "./context.ts";
import { checkpointKey, checkpointsPrefix, positionIn } from "./layout.ts";
import { logOwner } from "./lineage.ts";
import type { BranchRef, Checkpoint, LogPlace } from "./types.ts";

/** The checkpoint at a place of the branch's history; null where it is missing. Damaged ones throw. */
export async function readCheckpoint(
  { objects, graph }: GraphContext,
  ref: BranchRef,
  place: LogPlace,
): Promise<Checkpoint | null> {
  if (place.position === 0) return genesisCheckpoint(graph.genesis);
  return objects.read(checkpointKey(place.branch, place.position), (bytes, address) =>
    decodeCheckpoint(address, bytes, place, ref),
  );
}

/** The checkpoint as it is on storage, whatever is remembered of it; null where that is none or a damaged one. */
export async function rereadCheckpoint(
  { objects }: GraphContext,
  ref: BranchRef,
  place: LogPlace,
): Promise<Checkpoint | null> {
  const key = checkpointKey(place.branch, place.position);
  const stored = await objects.storage.get(key);
  if (stored === null) return null;
  try {
    const checkpoint = decodeCheckpoint(objects.address(key), stored.bytes, place, ref);
    objects.keep(key, checkpoint, stored.bytes.length);
    return checkpoint;
  } catch {
    return null;
  }
}

/** As readCheckpoint, with null for a damaged one too: what is derived may be lost. */
export async function tryCheckpoint(
  context: GraphContext,
  ref: BranchRef,
  place: LogPlace,
): Promise<Checkpoint | null> {
  try {
    return await readCheckpoint(context, ref, place);
  } catch {
    return null;
  }
}

/**
 * The newest sound checkpoint at or below a position, and not below `from`, found by listing: the way out where the one
 * that should be there is not. Ends at genesis, from which every state can be replayed.
 */
export async function findCheckpoint(
  context: GraphContext,
  ref: BranchRef,
  position: number,
  from = 0,
): Promise<Checkpoint> {
  const logs = [...ref.lineage.map(({ branch }) => branch), ref.id];
  for (const branch of logs.reverse()) {
    for (const candidate of (await listCheckpoints(context, branch)).reverse()) {
      if (candidate < from) break;
      const isInHistory = candidate <= position && logOwner(ref, candidate) === branch;
      const found = isInHistory ? await tryCheckpoint(context, ref, { branch, position: candidate }) : null;
      if (found !== null) return found;
    }
  }
  return genesisCheckpoint(context.graph.genesis);
}

async function listCheckpoints({ objects }: GraphContext, branch: string): Promise<number[]> {
  const positions: number[] = [];
  let startAfter: string | undefined;
  for (;;) {
    const page = await objects.storage.list(
      checkpointsPrefix(branch),
      startAfter === undefined ? {} : { startAfter },
    );
    for (const { key } of page.objects) positions.push(positionIn(key) ?? 0);
    if (page.next === null) return positions.filter((position) => position > 0);
    startAfter = page.next;
  }
}

/** Where a branch that never made a checkpoint starts from. */
export const genesisPlace = ({ graph }: GraphContext): LogPlace => ({ branch: graph.mainId, position: 0 });
