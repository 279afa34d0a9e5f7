// Merge bases of all pairs of branches in one walk from the heads towards genesis. Every commit is met after all that
// descends from it, with the set of branches that it was reached from; it is a base of some pair where two of its children
// bring together branches that neither child had alone.

import { assert } from "../../lib/assert.ts";
import type { Ancestor } from "../ancestry.ts";
import type { GraphContext } from "../context.ts";
import { recordAt, recordIn } from "../history.ts";
import { logOwner } from "../lineage.ts";
import { readEntry } from "../log-read.ts";
import type { BranchId, BranchState, CommitId, CommitRecord, LogPlace } from "../types.ts";

export interface MergeBases {
  readonly bases: readonly Ancestor[];
  /** Entries of logs without a live branch that lie between merged branches: without them a base could not be found. */
  readonly links: readonly LogPlace[];
}

/** Branches, by number, that a commit was reached from. Runs of commits share one set. */
type Reach = ReadonlySet<number>;

/** A commit, and where its parents are found. */
interface Met extends Ancestor {
  /** A live branch whose first-parent chain holds the commit; null in a log without one. */
  readonly chain: BranchState | null;
}

interface Visit extends Met {
  /** Distinct sets of its children. */
  readonly reaches: Reach[];
}

export async function mergeBases(context: GraphContext, heads: readonly BranchState[]): Promise<MergeBases> {
  const walk = new Walk(context, heads);
  for (const [i, state] of heads.entries()) walk.reach(onChain(state.head, state), new Set([i]));
  await walk.run();
  return { bases: walk.bases, links: walk.links };
}

const onChain = (record: CommitRecord, chain: BranchState): Met => ({ record, ref: chain.ref, chain });

class Walk {
  readonly bases: Ancestor[] = [];
  readonly links: LogPlace[] = [];
  private readonly queue = new VisitQueue();
  private readonly chains: ReadonlyMap<BranchId, BranchState>;
  /** Visits that wait and may still lead to a base. */
  private open = 0;

  constructor(
    private readonly context: GraphContext,
    private readonly heads: readonly BranchState[],
  ) {
    this.chains = new Map(heads.map((state) => [state.ref.id, state]));
  }

  reach(met: Met, reach: Reach): void {
    const known = this.queue.get(met.record.id);
    if (known === undefined) {
      this.queue.add({ ...met, reaches: [reach] });
      if (reach.size < this.heads.length) this.open++;
      return;
    }
    if (known.reaches.includes(reach)) return;
    const wasOpen = this.isOpen(known);
    known.reaches.push(reach);
    if (wasOpen && !this.isOpen(known)) this.open--;
  }

  async run(): Promise<void> {
    while (this.open > 0) {
      const visit = this.queue.take();
      if (this.isOpen(visit)) this.open--;
      const together = union(visit.reaches);
      if (visit.reaches.every(({ size }) => size < together.size)) this.bases.push(visit);
      for (const parent of await this.parentsOf(visit)) this.reach(parent, together);
    }
  }

  /** What one child reaches from every branch is no news to any pair, and neither is what comes before it. */
  private isOpen({ reaches }: Visit): boolean {
    return reaches.every(({ size }) => size < this.heads.length);
  }

  private async parentsOf(visit: Visit): Promise<Met[]> {
    const found = [await this.firstParent(visit), await this.mergedParent(visit.record)];
    return found.filter((parent) => parent !== null);
  }

  private async firstParent({ record, ref, chain }: Visit): Promise<Met | null> {
    const { parent, version, branch, position } = record;
    if (parent === null) return null;
    if (chain !== null) {
      const found = await recordAt(this.context, chain, version - 1);
      return found === null ? null : onChain(found, chain);
    }
    const before = { branch: ref === null ? branch : logOwner(ref, position - 1), position: position - 1 };
    // Where the log began, its branch was forked from one of the live ones, or from another that is gone.
    const isWithin = before.branch === branch && ref !== null;
    const live = isWithin ? null : await this.inLive(parent, version - 1);
    if (live !== null) return live;
    const linked = (await this.linked({ branch, position }, parent)) ?? (await this.linked(before, parent));
    if (linked !== null) return { record: linked, ref, chain: null };
    return isWithin ? this.inLive(parent, version - 1) : null;
  }

  private async inLive(id: CommitId, version: number): Promise<Met | null> {
    for (const state of this.heads) {
      const record = await recordAt(this.context, state, version);
      if (record?.id === id) return onChain(record, state);
    }
    return null;
  }

  private async mergedParent({ mergedParent, mergedFrom }: CommitRecord): Promise<Met | null> {
    if (mergedParent === null || mergedFrom === null) return null;
    const chain = this.chains.get(mergedFrom.branch) ?? null;
    if (chain !== null) {
      const found = await recordIn(this.context, chain, mergedFrom.position, mergedParent);
      return found === null ? null : onChain(found, chain);
    }
    const found = await this.linked(mergedFrom, mergedParent);
    return found === null ? null : { record: found, ref: mergedFrom.ref, chain: null };
  }

  /** A commit in a log whose branch was deleted. */
  private async linked(place: LogPlace, id: CommitId): Promise<CommitRecord | null> {
    if (place.position === 0) return null;
    const entry = await readEntry(this.context.objects, place);
    const commit = entry?.commits.find(({ record }) => record.id === id);
    if (commit === undefined) return null;
    this.links.push(place);
    return commit.record;
  }
}

function union(reaches: readonly Reach[]): Reach {
  if (reaches.length === 1) return reaches[0];
  const all = new Set<number>();
  for (const reach of reaches) for (const branch of reach) all.add(branch);
  return reaches.find(({ size }) => size === all.size) ?? all;
}

/** Visits by descending generation, which is an order from children to parents. A binary heap. */
class VisitQueue {
  private readonly heap: Visit[] = [];
  private readonly known = new Map<CommitId, Visit>();

  get(id: CommitId): Visit | undefined {
    return this.known.get(id);
  }

  add(visit: Visit): void {
    this.known.set(visit.record.id, visit);
    const { heap } = this;
    let at = heap.push(visit) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (generation(heap[parent]) >= generation(heap[at])) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  take(): Visit {
    const { heap } = this;
    const [top] = heap;
    const last = heap.pop();
    assert(last !== undefined, "a visit is taken while some wait");
    this.known.delete(top.record.id);
    if (heap.length === 0) return top;
    heap[0] = last;
    for (let at = 0; ; ) {
      let greatest = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && generation(heap[child]) > generation(heap[greatest])) greatest = child;
      }
      if (greatest === at) return top;
      this.swap(at, greatest);
      at = greatest;
    }
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b], this.heap[a]];
  }
}

const generation = ({ record }: Visit): number => record.generation;
