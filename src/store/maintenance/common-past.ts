// What live branches have in common on branches that were deleted: a branch that was merged into two others leaves them a
// merge base that only its own log holds.

import type { Ancestor } from "../ancestry.ts";
import type { GraphContext } from "../context.ts";
import { type KeptRange, type Retention, readRetention, type VersionedRetention } from "../floor.ts";
import { PARALLEL_REQUESTS_MAX } from "../limits.ts";
import { inParallel } from "../parallel.ts";
import { stateOn } from "../time-travel.ts";
import type { BranchId, BranchState } from "../types.ts";
import type { NeededStates } from "./marks.ts";
import { ifReadable } from "./restorable.ts";
import type { Survey } from "./survey.ts";

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

/** A log that no live branch reads, of which some states stay. */
export interface LogInCommon {
  readonly log: BranchId;
  readonly before: VersionedRetention | null;
  /** Null where it stays as it is. */
  readonly retention: Retention | null;
}

/** What the floors of these logs have to say, so that nobody takes the rest of them for kept. */
export async function logsInCommon(
  context: GraphContext,
  { logs }: Survey,
  states: readonly BranchState[],
): Promise<LogInCommon[]> {
  const kept = new Map<BranchId, KeptRange[]>();
  for (const { ref, head, checkpoint } of states) {
    for (const log of [...ref.lineage.map(({ branch }) => branch), ref.id])
      if (!logs.has(log)) kept.set(log, kept.get(log) ?? []);
    const { version, position } = head;
    kept
      .get(head.branch)
      ?.push({ first: version, last: version, checkpoint: checkpoint.position, to: position });
  }
  return inParallel([...kept], PARALLEL_REQUESTS_MAX, async ([log, ranges]) => {
    const before = await readRetention(context.objects, log);
    const sorted = ranges.sort((a, b) => a.first - b.first);
    const isSame = before !== null && Bun.deepEquals(before.kept, sorted);
    const retention = { floor: before?.floor ?? 0, kept: sorted, lost: before?.lost ?? [] };
    return { log, before, retention: isSame ? null : retention };
  });
}
