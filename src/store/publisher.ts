// Publishing on one branch: writes that wait together go out in one log entry, one conditional put at a time.

import { assert } from "../lib/assert.ts";
import { randomUnit } from "../lib/ports.ts";
import type { PublishRequest, PublishResult } from "./api.ts";
import { BranchClosed, type BranchLog } from "./branch-log.ts";
import { type Conflict, findConflict } from "./conflicts.ts";
import type { GraphContext } from "./context.ts";
import { decodeEntry, encodeEntry, type LogEntry } from "./entry.ts";
import { readFloor } from "./floor.ts";
import { gather } from "./gather.ts";
import { findRecord } from "./history.ts";
import { logKey } from "./layout.ts";
import {
  BACKOFF_MS_MAX,
  DRAFT_AGE_MS_MAX,
  FLOOR_CHECK_MS,
  GROUP_BYTES_MAX,
  GROUP_COMMITS_MAX,
  MOVE_ATTEMPTS_MAX,
  PREPARE_ATTEMPTS_MAX,
  UNPUBLISHED_AGE_MS_MAX,
} from "./limits.ts";
import type { ReadEntry } from "./log-read.ts";
import { type PreparedDraft, prepareDraft, recordOf } from "./prepared-draft.ts";
import { deletedMeanwhile, preconditionFailed, raceLost, recoveryRequired } from "./publish-errors.ts";
import { settlePut } from "./settle-put.ts";
import { DamagedObject } from "./stored-json.ts";
import type { BranchState, CommitId, CommitRecord, Draft, LoggedCommit, LogPlace } from "./types.ts";

type Outcome =
  | { readonly kind: "published"; readonly result: PublishResult }
  | { readonly kind: "conflict"; readonly conflict: Conflict; readonly head: BranchState };

interface Waiting {
  readonly prepared: PreparedDraft;
  readonly base: BranchState;
  readonly ifCommit: CommitId | null;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (reason: unknown) => void;
  moves: number;
}

interface Placed {
  readonly waiting: Waiting;
  readonly commit: LoggedCommit;
}

/** What becomes of the writes of a group. */
interface Sorted {
  /** Go into the entry, in this order. */
  readonly accepted: Placed[];
  /** Must be prepared again. */
  readonly refused: { readonly waiting: Waiting; readonly conflict: Conflict }[];
  /** Have to wait for the next round. */
  readonly later: Waiting[];
}

/** The wait of a loser doubles with each loss up to this many times. */
const BACKOFF_DOUBLINGS_MAX = 6;

export class Publisher {
  private queue: Waiting[] = [];
  private isRunning = false;
  /** The last put's duration, in ms: losers wait in proportion to what a race costs. */
  private putMs = 1;
  /** Writers at the last acknowledgement, those answered and those waiting, and when that was, in ms. */
  private writers = { count: 0, at: 0 };

  constructor(
    private readonly context: GraphContext,
    private readonly log: BranchLog,
    /** Called after every acknowledged entry. */
    private readonly onPublished: (log: BranchLog) => void,
  ) {}

  async publish(request: PublishRequest): Promise<PublishResult> {
    // A known state is good enough to prepare on when a stale one only costs a second try: nothing is asked beforehand.
    const known = request.repeat === "always" && request.ifCommit === undefined ? this.log.latest : null;
    let head = known ?? (await this.log.head());
    let isCurrent = known === null;
    for (let attempt = 1; ; attempt++) {
      this.checkPrecondition(request.ifCommit, head);
      const prepared = await this.prepare(request, head, isCurrent);
      if ("moved" in prepared) {
        head = prepared.moved;
        isCurrent = true;
        continue;
      }
      if (prepared.draft === null) return { commit: null, state: head };
      const outcome = await this.enqueue(prepared.draft, head, request.ifCommit ?? null);
      if (outcome.kind === "published") return outcome.result;
      if (request.repeat === "never" || attempt >= PREPARE_ATTEMPTS_MAX) {
        const isOverwrite = request.repeat === "never";
        throw raceLost(this.log.ref.name, head, outcome.head, outcome.conflict.type, isOverwrite);
      }
      head = outcome.head;
      isCurrent = false;
    }
  }

  /**
   * Prepares on a state. What a state that may be stale says no to (an error, or nothing to do) counts only when the head
   * is asked for and still the same; under a precondition nothing to do is checked so in any case.
   */
  private async prepare(
    request: PublishRequest,
    head: BranchState,
    isCurrent: boolean,
  ): Promise<{ readonly draft: Draft | null } | { readonly moved: BranchState }> {
    let draft: Draft | null;
    try {
      draft = await request.prepare(head);
    } catch (thrown) {
      const now = isCurrent ? head : await this.log.head();
      // On the same commit, what was read may have moved to newer segments.
      if (now.head.id === head.head.id && now.checkpoint === head.checkpoint) throw thrown;
      return { moved: now };
    }
    if (draft !== null || (isCurrent && request.ifCommit === undefined)) return { draft };
    const now = await this.log.head();
    return now.head.id === head.head.id ? { draft } : { moved: now };
  }

  private checkPrecondition(expected: CommitId | undefined, head: BranchState): void {
    if (expected !== undefined && !holdsAt(head, expected)) {
      throw preconditionFailed(this.log.ref.name, expected, head.head.id);
    }
  }

  private async enqueue(draft: Draft, base: BranchState, ifCommit: CommitId | null): Promise<Outcome> {
    const prepared = await prepareDraft(this.context, draft);
    return new Promise((resolve, reject) => {
      this.queue.push({ prepared, base, ifCommit, resolve, reject, moves: 0 });
      if (!this.isRunning) {
        this.isRunning = true;
        // Whoever is about to enqueue in this turn goes along.
        queueMicrotask(() => this.run());
      }
    });
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0) {
      await this.gatherWriters();
      const group = this.queue.splice(0, GROUP_COMMITS_MAX);
      try {
        await this.publishGroup(group);
      } catch (thrown) {
        this.queue = this.queue.filter((waiting) => !group.includes(waiting));
        for (const waiting of group) waiting.reject(thrown);
      }
    }
    this.isRunning = false;
  }

  private async gatherWriters(): Promise<void> {
    const { ports } = this.context;
    // Writers of long ago have gone.
    if (ports.now() - this.writers.at > this.putMs) return;
    const expected = Math.min(this.writers.count, GROUP_COMMITS_MAX);
    await gather(ports, this.putMs, expected, () => this.queue.length);
  }

  /** Publishes what can be published of a group, in order; the rest is answered, or waits for the next round. */
  private async publishGroup(group: readonly Waiting[]): Promise<void> {
    const head = await this.knownHead();
    const { accepted, refused, later } = this.accept(group, head);
    const isPublished = accepted.length === 0 || (await this.put(head, accepted));
    const now = this.log.latest ?? head;
    if (isPublished) {
      for (const { waiting, conflict } of refused) waiting.resolve({ kind: "conflict", conflict, head: now });
    } else {
      // What they conflict with may not have landed: they are judged again.
      later.unshift(...refused.map(({ waiting }) => waiting));
    }
    this.queue.unshift(...later);
  }

  /** The head to publish on. After a long silence it is asked for: cleanup may have been where the known one leads. */
  private async knownHead(): Promise<BranchState> {
    const { latest, headReadAt } = this.log;
    assert(latest !== null, "a draft is prepared on a state");
    return this.context.ports.now() - headReadAt > FLOOR_CHECK_MS ? this.log.catchUp() : latest;
  }

  /** Checks each draft against what came since its base, those before it in the group included, and places it. */
  private accept(group: readonly Waiting[], head: BranchState): Sorted {
    const sorted: Sorted = { accepted: [], refused: [], later: [] };
    let last = head.head;
    let bytes = 0;
    for (const waiting of group) {
      const { prepared, ifCommit } = waiting;
      const isFirst = sorted.accepted.length === 0;
      bytes += prepared.bytes;
      if (!isFirst && (ifCommit !== null || bytes > GROUP_BYTES_MAX)) {
        sorted.later.push(waiting);
        continue;
      }
      if (ifCommit !== null && !holdsAt(head, ifCommit)) {
        waiting.reject(preconditionFailed(this.log.ref.name, ifCommit, head.head.id));
        continue;
      }
      const conflict = this.conflictOf(waiting, sorted.accepted);
      if (conflict !== null) {
        sorted.refused.push({ waiting, conflict });
        continue;
      }
      last = recordOf(prepared.draft, last, this.log.ref.id, head.position + 1);
      sorted.accepted.push({ waiting, commit: { record: last, changes: prepared.draft.changes } });
    }
    return sorted;
  }

  private conflictOf({ prepared, base, moves }: Waiting, before: readonly Placed[]): Conflict | null {
    const since = this.log.commitsSince(base);
    // Cleanup takes old objects that no commit names for what a crashed writer left.
    const isOld = this.context.ports.now() - prepared.begunAt > DRAFT_AGE_MS_MAX;
    if (since === null || isOld || moves > MOVE_ATTEMPTS_MAX) return { type: null };
    const all = [...since, ...before.map(({ commit }) => commit)];
    return findConflict(prepared.draft, all, base.catalog, base.head.schemaDigest);
  }

  /** False where the entry is not known to have landed; its writes are answered, or queued again. */
  private async put(head: BranchState, placed: readonly Placed[]): Promise<boolean> {
    const { objects, ports } = this.context;
    const commits = placed.map(({ commit }) => commit);
    const entry: LogEntry = { position: head.position + 1, commits, closed: null };
    const deletes = new Map(placed.flatMap(({ waiting }) => [...waiting.prepared.deletesObjects]));
    const bytes = encodeEntry(entry, deletes);
    const place: LogPlace = { branch: this.log.ref.id, position: entry.position };
    const key = logKey(place.branch, place.position);
    const isOurs = (stored: Uint8Array) =>
      firstCommitOf(objects.address(key), stored, place) === commits[0].record.id;
    const startedAt = ports.now();
    const outcome = await settlePut(objects.storage, ports, key, bytes, isOurs);
    this.putMs = Math.max(1, ports.now() - startedAt);
    const standing = outcome === "won" ? await this.standingOf(commits[0].record) : outcome;
    switch (standing) {
      case "won":
        await this.acknowledge(placed, { ...entry, bytes: bytes.length }, startedAt);
        return true;
      case "lost":
        await this.retry(placed);
        return false;
      case "unreachable":
      case "deleted": {
        const errorOf = standing === "deleted" ? deletedMeanwhile : recoveryRequired;
        for (const { waiting, commit } of placed)
          waiting.reject(errorOf(this.log.ref.name, commit.record.id));
        return false;
      }
    }
  }

  /**
   * After a long sleep the position that was won may be one that cleanup emptied, where nobody reads any more. A floor above
   * it does not tell: it may have been raised over an entry that had landed before. The history does, for it lists every
   * commit for good. Of a branch that was deleted cleanup removes even the end, but none before it is an hour old: until
   * then whoever wins a position comes before the end.
   */
  private async standingOf(first: CommitRecord): Promise<"won" | "lost" | "deleted" | "unreachable"> {
    const elapsedMs = this.context.ports.now() - this.log.headReadAt;
    if (elapsedMs <= FLOOR_CHECK_MS) return "won";
    try {
      const [floor, isDeleted] = await Promise.all([
        readFloor(this.context.objects, first.branch),
        this.log.isDeleted(),
      ]);
      if (isDeleted) return elapsedMs <= UNPUBLISHED_AGE_MS_MAX ? "won" : "deleted";
      if (first.position >= floor) return "won";
      const head = await this.log.reopen();
      return (await findRecord(this.context, head, first.id)) === null ? "lost" : "won";
    } catch (thrown) {
      return thrown instanceof BranchClosed ? "deleted" : "unreachable";
    }
  }

  private async acknowledge(placed: readonly Placed[], entry: ReadEntry, startedAt: number): Promise<void> {
    // A commit that changes the schema conflicts with every other, so it is alone in its entry.
    const { schema } = placed[0].waiting.prepared.draft;
    if (schema !== null) this.context.keepCatalog(schema.digest, schema.catalog);
    this.context.objects.keep(logKey(this.log.ref.id, entry.position), entry, entry.bytes);
    await this.log.append(entry, schema);
    this.log.confirm(startedAt);
    this.writers = { count: placed.length + this.queue.length, at: this.context.ports.now() };
    const state = this.log.latest;
    assert(state !== null, "a log that was appended to is open");
    for (const { waiting, commit } of placed) {
      waiting.resolve({ kind: "published", result: { commit: commit.record, state } });
    }
    this.onPublished(this.log);
  }

  /** The position went to somebody else: read what came, wait a little, and queue again. */
  private async retry(placed: readonly Placed[]): Promise<void> {
    await this.log.catchUp();
    const { ports } = this.context;
    const moves = ++placed[0].waiting.moves;
    for (const { waiting } of placed.slice(1)) waiting.moves++;
    const longest = Math.min(BACKOFF_MS_MAX, this.putMs * 2 ** Math.min(moves, BACKOFF_DOUBLINGS_MAX));
    await ports.sleep(longest * randomUnit(ports));
    this.queue.unshift(...placed.map(({ waiting }) => waiting));
  }
}

/** Id of an entry's first commit; null for what is no entry: whoever reads on complains of that, or is led around it. */
function firstCommitOf(address: string, bytes: Uint8Array, place: LogPlace): CommitId | null {
  try {
    return decodeEntry(address, bytes, place).commits[0]?.record.id ?? null;
  } catch (thrown) {
    if (thrown instanceof DamagedObject) return null;
    throw thrown;
  }
}

/** Whether the branch stands at a commit, commits without a logical change left out of account (decision 21). */
function holdsAt(head: BranchState, expected: CommitId): boolean {
  for (const record of newestFirst(head)) {
    if (record.id === expected) return true;
    if (record.operation !== "optimize") return false;
    if (record.parent === expected) return true;
  }
  return false;
}

function* newestFirst(state: BranchState): Generator<CommitRecord> {
  for (let i = state.tail.length - 1; i >= 0; i--) yield state.tail[i].record;
  const { commits } = state.checkpoint.history;
  for (let i = commits.length - 1; i >= 0; i--) yield commits[i];
}
