// What live branches have in common on branches that were deleted: a branch that was merged into two others leaves them a
// merge base that only its own log holds.

import type { Ancestor } from "../ancestry.ts";
import type { GraphContext } from "../context.ts";
import { recordBelow } from "../history.ts";
import { stateOn } from "../time-travel.ts";
import type { BranchState, CommitRecord } from "../types.ts";
import type { NeededStates } from "./marks.ts";
import { ifReadable } from "./restorable.ts";

/** The state at a base on a deleted branch; null where nobody noted its lineage, or a part of it is gone already. */
export async function stateInCommon(
  context: GraphContext,
  { record, ref }: Ancestor,
): Promise<BranchState | null> {
  return ref === null ? null : ifReadable(() => stateOn(context, ref, record));
}

/** Where the deleted branches left others: what changed since such a state is told from there. */
export async function forksOf(
  context: GraphContext,
  states: readonly BranchState[],
): Promise<CommitRecord[]> {
  const forks: CommitRecord[] = [];
  for (const state of states) {
    for (const { until } of state.ref.lineage) forks.push(await recordBelow(context, state, until));
  }
  return forks;
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
