// What really happened, as the bucket saw it: every commit the moment it is put, with the state that the model gives it,
// and every branch from its ref to its end. Built from the bytes alone, without the store's own readers.

import { brokenRule, EMPTY, mergeStates, type Outcome, type State } from "./model.ts";

export interface Commit {
  readonly id: string;
  readonly parent: Commit | null;
  readonly merged: Commit | null;
  /** Position on the first-parent chain; genesis is 1. */
  readonly version: number;
  readonly position: number;
  /** Names the operation that made it; null for genesis and where nothing was changed. */
  readonly mark: string | null;
  /** A compaction: it holds what its parent held. */
  readonly isMaintenance: boolean;
  readonly authoredAt: string;
  readonly branch: Branch;
  /** It came with its branch. */
  readonly isFirst: boolean;
  readonly state: State;
}

/** One life of a branch: a name that is deleted and made again is another branch. */
export interface Branch {
  readonly id: string;
  readonly name: string;
  readonly ancestors: readonly string[];
  /** When it came, was closed, and when its name was free again (steps of the timeline). */
  readonly createdAt: number;
  closedAt: number;
  removedAt: number;
  /** Each create that was told of its success made a branch of its own. */
  isCreateClaimed: boolean;
  lastPosition: number;
  /** Every head that it had, oldest first. */
  readonly reigns: Reign[];
}

export interface Reign {
  readonly commit: Commit;
  readonly from: number;
  until: number;
  /** False for a commit that was published together with a later one: nobody can have read it as a head. */
  readonly isHead: boolean;
}

/** What the history asks of those who know what was meant. */
export interface Meanings {
  /** The state that a commit must have, or a reason why there can be no such commit. */
  stateOf(mark: string, branch: Branch, parent: Commit, merged: Commit | null): State | string;
  /** Somebody compacted a branch; answers what is wrong with that, or null. */
  compacted(branch: Branch): string | null;
  /** An object was deleted; the same. */
  deleted(key: string): string | null;
  /** A branch came, with a commit or without; answers what is wrong with that, or null. */
  created(branch: Branch, fork: Commit, isLoaded: boolean): string | null;
  closed(branch: Branch): string | null;
}

const NEVER = Number.POSITIVE_INFINITY;

interface StoredCommit {
  readonly id: string;
  readonly parent: string | null;
  readonly merged_parent?: string;
  readonly actor?: string;
  readonly operation: string;
  readonly authored_at: string;
  readonly version: number;
}

interface StoredEntry {
  readonly closed?: string;
  readonly commits: readonly StoredCommit[];
}

export class History {
  readonly commits = new Map<string, Commit>();
  /** By branch id, in the order they came. */
  readonly branches = new Map<string, Branch>();
  /** Digest of the schema that the graph began with. */
  firstSchema = "";
  /** Log entries that cleanup deleted: without any, every state can be replayed from the first one on. */
  readonly reclaimed = new Set<string>();
  private readonly byMark = new Map<string, Commit>();
  /** Entries of logs whose branches have no name yet: a load that makes its branch writes the commit first. */
  private readonly unborn = new Map<string, { readonly position: number; readonly entry: StoredEntry }[]>();

  constructor(
    private readonly step: () => number,
    private readonly meanings: Meanings,
    private readonly fail: (what: string) => void,
  ) {}

  commitOf(mark: string): Commit | null {
    return this.byMark.get(mark) ?? null;
  }

  branchesNamed(name: string): Branch[] {
    return [...this.branches.values()].filter((branch) => branch.name === name);
  }

  /** The branch that has the name now, its log open or closed. */
  holder(name: string): Branch | null {
    return this.branchesNamed(name).find(({ removedAt }) => removedAt === NEVER) ?? null;
  }

  live(): Branch[] {
    return [...this.branches.values()].filter(({ closedAt }) => closedAt === NEVER);
  }

  /** Told of every put that takes effect. */
  put(key: string, text: () => string): void {
    const log = /^branches\/([^/]+)\/log\/(\d+)\.json$/.exec(key);
    if (log !== null) this.appended(log[1], Number(log[2]), JSON.parse(text()));
    else if (key.startsWith("refs/") && text() === "") this.freed(decodeName(key));
    else if (key.startsWith("refs/")) this.named(JSON.parse(text()));
    else if (key === "graph.json") this.began(JSON.parse(text()));
  }

  /** Told of every delete. */
  deleted(key: string): void {
    if (/\/log\//.test(key)) this.reclaimed.add(key);
    const wrong = this.meanings.deleted(key);
    if (wrong !== null) this.fail(wrong);
  }

  /** A deleted branch leaves an empty object under its name. */
  private freed(name: string): void {
    const branch = this.holder(name);
    if (branch === null) return;
    if (branch.closedAt === NEVER) this.fail(`the name of branch '${name}', which is alive, was given free`);
    branch.removedAt = this.step();
  }

  private began(graph: { main: string; schema: string; genesis: StoredCommit }): void {
    this.firstSchema = graph.schema;
    const main = this.addBranch(graph.main, "main", [], 0);
    const { id, version, authored_at } = graph.genesis;
    const genesis: Commit = {
      ...{ id, parent: null, merged: null, version, position: 0, mark: null, authoredAt: authored_at },
      ...{ branch: main, isFirst: false, state: EMPTY, isMaintenance: false },
    };
    this.commits.set(id, genesis);
    this.reign(main, genesis, true);
  }

  private named(ref: { name: string; branch: string; lineage: { branch: string; until: number }[] }): void {
    const before = this.holder(ref.name);
    if (before !== null && before.closedAt === NEVER)
      this.fail(`the ref of branch '${ref.name}' was overwritten`);
    if (before !== null) before.removedAt = this.step();
    const from = ref.lineage[ref.lineage.length - 1];
    const source = this.branches.get(from.branch);
    const fork = source?.reigns.findLast(
      ({ commit, isHead }) => isHead && commit.position === from.until,
    )?.commit;
    if (fork === undefined) {
      this.fail(
        `branch '${ref.name}' was forked from position ${from.until} of ${from.branch}, which is no head`,
      );
      return;
    }
    const ancestors = ref.lineage.map(({ branch }) => branch);
    const branch = this.addBranch(ref.branch, ref.name, ancestors, from.until);
    const first = this.unborn.get(ref.branch) ?? [];
    // Nobody can have seen the branch without the commit that came with it.
    this.reign(branch, fork, first.length === 0);
    const wrong = this.meanings.created(branch, fork, first.length > 0);
    if (wrong !== null) this.fail(wrong);
    for (const { position, entry } of first) this.appended(ref.branch, position, entry);
  }

  private addBranch(id: string, name: string, ancestors: readonly string[], position: number): Branch {
    const branch: Branch = {
      ...{ id, name, ancestors, createdAt: this.step(), closedAt: NEVER, removedAt: NEVER },
      ...{ isCreateClaimed: false, lastPosition: position, reigns: [] },
    };
    this.branches.set(id, branch);
    return branch;
  }

  private appended(id: string, position: number, entry: StoredEntry): void {
    const branch = this.branches.get(id);
    if (branch === undefined) {
      this.unborn.set(id, [...(this.unborn.get(id) ?? []), { position, entry }]);
      return;
    }
    if (this.reclaimed.has(logKey(id, position))) {
      // A writer slept through a cleanup: nobody reads there any more, and it has to find that out.
      return;
    }
    if (position !== branch.lastPosition + 1) {
      this.fail(`position ${position} of '${branch.name}' came after ${branch.lastPosition}`);
      return;
    }
    if (branch.closedAt !== NEVER) {
      this.fail(`an entry of '${branch.name}' came after it was closed`);
      return;
    }
    branch.lastPosition = position;
    for (const [i, stored] of entry.commits.entries())
      this.committed(branch, position, stored, i === entry.commits.length - 1);
    if (entry.closed === undefined) return;
    branch.closedAt = this.step();
    const wrong = this.meanings.closed(branch);
    if (wrong !== null) this.fail(wrong);
  }

  private committed(branch: Branch, position: number, stored: StoredCommit, isHead: boolean): void {
    const head = branch.reigns[branch.reigns.length - 1].commit;
    const what = `commit ${stored.id} of '${branch.name}'`;
    if (stored.parent !== head.id || stored.version !== head.version + 1) {
      this.fail(`${what} does not follow the head ${head.id}`);
      return;
    }
    if (this.commits.has(stored.id)) {
      this.fail(`${what} is there twice`);
      return;
    }
    const mark = stored.actor ?? null;
    if (mark !== null && this.byMark.has(mark)) {
      this.fail(`${mark} was committed twice`);
      return;
    }
    const merged =
      stored.merged_parent === undefined ? null : (this.commits.get(stored.merged_parent) ?? null);
    if (merged === null && stored.merged_parent !== undefined) {
      this.fail(`${what} merges ${stored.merged_parent}, which nobody made`);
      return;
    }
    const isMaintenance = stored.operation === "optimize";
    const state = isMaintenance
      ? (this.meanings.compacted(branch) ?? head.state)
      : this.meanings.stateOf(mark ?? "", branch, head, merged);
    if (typeof state === "string") {
      this.fail(`${what}: ${state}`);
      return;
    }
    const broken = brokenRule(state);
    if (broken !== null) {
      this.fail(`${what} breaks a rule: ${broken}`);
      return;
    }
    const { id, version, authored_at: authoredAt } = stored;
    const isFirst = this.unborn.has(branch.id) && branch.reigns.length === 1;
    const place = { parent: head, merged, version, position, branch, isFirst };
    const commit: Commit = { id, ...place, mark, isMaintenance, authoredAt, state };
    this.commits.set(id, commit);
    if (mark !== null) this.byMark.set(mark, commit);
    this.reign(branch, commit, isHead);
  }

  private reign(branch: Branch, commit: Commit, isHead: boolean): void {
    const last = branch.reigns.at(-1);
    if (last !== undefined) last.until = this.step();
    branch.reigns.push({ commit, from: this.step(), until: NEVER, isHead });
  }
}

const logKey = (branch: string, position: number): string =>
  `branches/${branch}/log/${String(position).padStart(20, "0")}.json`;

const decodeName = (key: string): string => decodeURIComponent(key.slice("refs/".length, -".json".length));

/** The first-parent chain, newest first. */
export function chainOf(head: Commit): Commit[] {
  const chain: Commit[] = [];
  for (let commit: Commit | null = head; commit !== null; commit = commit.parent) chain.push(commit);
  return chain;
}

/** The commits that a merge may take for its base: nearest common ancestors, ties included. */
export function mergeBases(a: Commit, b: Commit): Commit[] {
  const fromA = distances(a);
  const fromB = distances(b);
  const common = [...fromA.keys()].filter((commit) => fromB.has(commit));
  const covered = new Set(
    common.flatMap((commit) => [...distances(commit).keys()].filter((other) => other !== commit)),
  );
  const nearest = common.filter((commit) => !covered.has(commit));
  const sum = (commit: Commit) => (fromA.get(commit) ?? 0) + (fromB.get(commit) ?? 0);
  const least = Math.min(...nearest.map(sum));
  const close = nearest.filter((commit) => sum(commit) === least);
  const newest = Math.max(...close.map(({ version }) => version));
  return close.filter(({ version }) => version === newest);
}

function distances(from: Commit): Map<Commit, number> {
  const known = new Map([[from, 0]]);
  for (const [commit, distance] of known) {
    for (const parent of [commit.parent, commit.merged])
      if (parent !== null && !known.has(parent)) known.set(parent, distance + 1);
  }
  return known;
}

/** What merging one head into another comes to. `nothing`: it is merged already. */
export function mergeOutcomes(source: Commit, target: Commit): Outcome[] {
  return mergeBases(source, target).map((base) =>
    base === source ? { kind: "nothing" } : mergeStates(base.state, source.state, target.state),
  );
}
