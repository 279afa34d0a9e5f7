// The nearest common ancestor of two heads, both parents of every commit followed. Generations (above those of both
// parents) give an order in which a commit is met only after everything that descends from it, so the walk ends as soon
// as nothing but ancestors of what was found is left: its cost follows what happened since.

import { assert } from "../lib/assert.ts";
import type { GraphContext } from "./context.ts";
import { knownCommits, recordAt, recordIn } from "./history.ts";
import { logOwner } from "./lineage.ts";
import { readEntry } from "./log-read.ts";
import type { BranchId, BranchRef, BranchState, CommitId, CommitRecord, LogPlace } from "./types.ts";

/** A commit, and a branch, which may be deleted, on whose first-parent chain it is; null where nobody noted which. */
export interface Ancestor {
  readonly record: CommitRecord;
  readonly ref: BranchRef | null;
}

interface Visit extends Ancestor {
  /** Distance from each head; infinite where it was not reached from there. */
  fromA: number;
  fromB: number;
  /** An ancestor of a common ancestor. */
  isBeyond: boolean;
}

/** The head of the live branch whose own log it is; null where there is none. */
export type FindChain = (log: BranchId) => Promise<BranchState | null>;

/**
 * Of the common ancestors that are not ancestors of another one: smallest sum of distances, then higher version.
 * `findChain` is asked for commits of third branches whose log entries cleanup removed.
 */
export async function commonAncestor(
  context: GraphContext,
  a: BranchState,
  b: BranchState,
  findChain: FindChain,
): Promise<Ancestor> {
  const parents = new Parents(context, [a, b], findChain);
  const visits = new Map<CommitId, Visit>();
  const queue: Visit[] = [];
  const reach = ({ record, ref }: Ancestor, fromA: number, fromB: number, isBeyond: boolean) => {
    let visit = visits.get(record.id);
    if (visit === undefined) {
      visit = { record, ref, fromA, fromB, isBeyond };
      visits.set(record.id, visit);
      queue.push(visit);
    } else {
      visit.fromA = Math.min(visit.fromA, fromA);
      visit.fromB = Math.min(visit.fromB, fromB);
      visit.isBeyond ||= isBeyond;
    }
  };
  reach({ record: a.head, ref: a.ref }, 0, Number.POSITIVE_INFINITY, false);
  reach({ record: b.head, ref: b.ref }, Number.POSITIVE_INFINITY, 0, false);
  const found: Visit[] = [];
  while (queue.some(({ isBeyond }) => !isBeyond)) {
    const visit = takeNewest(queue);
    const isCommon = Number.isFinite(visit.fromA + visit.fromB);
    if (isCommon && !visit.isBeyond) found.push(visit);
    // Who comes before what was found may cost a request, and matters only while something else is left to meet.
    if (isCommon && queue.every(({ isBeyond }) => isBeyond)) break;
    for (const parent of await parents.of(visit)) {
      reach(parent, visit.fromA + 1, visit.fromB + 1, visit.isBeyond || isCommon);
    }
  }
  const nearest = found.sort(
    (x, y) => x.fromA + x.fromB - (y.fromA + y.fromB) || y.record.version - x.record.version,
  )[0];
  assert(nearest !== undefined, "commits of one graph have the genesis in common");
  return nearest;
}

function takeNewest(queue: Visit[]): Visit {
  let newest = 0;
  for (let i = 1; i < queue.length; i++) {
    if (queue[i].record.generation > queue[newest].record.generation) newest = i;
  }
  return queue.splice(newest, 1)[0];
}

/** Finds the records of parents: at hand, in packs of the two chains, or in the log that a merge came from. */
class Parents {
  private readonly known = new Map<CommitId, CommitRecord>();

  constructor(
    private readonly context: GraphContext,
    private readonly states: readonly BranchState[],
    private readonly findChain: FindChain,
  ) {
    for (const state of states) for (const record of knownCommits(state)) this.known.set(record.id, record);
  }

  /** A merged parent whose log is gone has no ancestors that could matter: its branch was deleted and cleaned up. */
  async of(child: Ancestor): Promise<Ancestor[]> {
    const { record, ref } = child;
    const [first, merged] = [await this.firstParent(child), await this.mergedParent(record)];
    const found: Ancestor[] = [];
    if (first !== null) found.push({ record: first, ref });
    if (merged !== null) found.push({ record: merged, ref: record.mergedFrom?.ref ?? null });
    return found;
  }

  private async firstParent({ record, ref }: Ancestor): Promise<CommitRecord | null> {
    const { parent, version, branch, position } = record;
    if (parent === null) return null;
    const known = this.known.get(parent);
    if (known !== undefined) return known;
    for (const state of this.states) {
      const found = await recordAt(this.context, state, version - 1);
      if (found?.id === parent) return found;
    }
    const before = { branch: ref === null ? branch : logOwner(ref, position - 1), position: position - 1 };
    return (await this.inLog({ branch, position }, parent)) ?? this.inLog(before, parent);
  }

  private async mergedParent({ mergedParent, mergedFrom }: CommitRecord): Promise<CommitRecord | null> {
    if (mergedParent === null) return null;
    const known = this.known.get(mergedParent);
    return known ?? (mergedFrom === null ? null : this.inLog(mergedFrom, mergedParent));
  }

  private async inLog(place: LogPlace, id: CommitId): Promise<CommitRecord | null> {
    if (place.position === 0) return this.context.graph.genesis.id === id ? this.context.graph.genesis : null;
    const entry = await readEntry(this.context.objects, place);
    for (const { record } of entry?.commits ?? []) this.known.set(record.id, record);
    return this.known.get(id) ?? (entry === null ? this.inChain(place, id) : null);
  }

  private async inChain(place: LogPlace, id: CommitId): Promise<CommitRecord | null> {
    const state = await this.findChain(place.branch);
    return state === null ? null : recordIn(this.context, state, place.position, id);
  }
}
