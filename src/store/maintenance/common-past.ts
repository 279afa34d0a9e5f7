// What live branches have in common on branches that were deleted: a branch that was merged into two others leaves them a
// merge base that only its own log holds.

import type { Ancestor } from "../ancestry.ts";
import type { GraphContext } from "../context.ts";
import { stateOn } from "../time-travel.ts";
import type { BranchState } from "../types.ts";
import type { NeededStates } from "./marks.ts";
import { ifReadable } from "./restorable.ts";

/** The state at a base on a deleted branch; null where nobody noted its lineage, or a part of it is gone already. */
export async function stateInCommon(
  context: GraphContext,
  { record, ref }: Ancestor,
): Promise<BranchState | null> {
  return ref === null ? null : ifReadable(() => stateOn(context, ref, record));
}

export function neededInCommon({ ref, head, checkpoint }: BranchState): NeededStates {
  const { position } = checkpoint;
  return {
    ref,
    from: position + 1,
    to: head.position,
    checkpoint: position,
    first: head.version,
    checkpoints: [],
  };
}
