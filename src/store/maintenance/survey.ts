// What a graph consists of when maintenance begins: every live branch at its head, and every log that one of them reads.

import type { GraphContext } from "../context.ts";
import { readRetention, type VersionedRetention } from "../floor.ts";
import type { Hint } from "../hint.ts";
import { recordBelow } from "../history.ts";
import { checkpointsPrefix, positionIn } from "../layout.ts";
import { PARALLEL_REQUESTS_MAX } from "../limits.ts";
import { openState } from "../open-state.ts";
import { inParallel } from "../parallel.ts";
import { listRefNames, mainRef, readRef, type StoredRef } from "../refs.ts";
import type { BranchId, BranchState } from "../types.ts";

/** A log as part of a branch's history: positions and versions, first and last. */
export interface LogPart {
  readonly log: BranchId;
  readonly from: number;
  readonly until: number;
  readonly firstVersion: number;
  /** Below `firstVersion` where the branch has no commit of its own. */
  readonly lastVersion: number;
}

export interface LiveBranch {
  readonly stored: StoredRef;
  readonly state: BranchState;
  readonly hint: Hint | null;
  /** Oldest first; the last one is its own log. */
  readonly parts: readonly LogPart[];
}

/** A log that is read by live branches. */
export interface LiveLog {
  readonly part: LogPart;
  /** A branch whose history holds all of it that is read. */
  readonly branch: LiveBranch;
  /** Ascending. */
  readonly checkpoints: readonly LogCheckpoint[];
  readonly retention: VersionedRetention | null;
}

export interface LogCheckpoint {
  readonly position: number;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly modifiedAt: number;
}

export interface Survey {
  /** Main first. */
  readonly branches: readonly LiveBranch[];
  readonly logs: ReadonlyMap<BranchId, LiveLog>;
  /** Logs that are closed while the branch still has its name: deletions that were interrupted. */
  readonly closed: ReadonlySet<BranchId>;
}

/** Throws where a live branch cannot be read. */
export async function surveyGraph(context: GraphContext): Promise<Survey> {
  const { branches, closed } = await readBranches(context);
  return { branches, logs: await logsOf(context, branches), closed };
}

/** Every branch that has a name, as storage has it now. */
async function readBranches(context: GraphContext): Promise<Pick<Survey, "branches" | "closed">> {
  const names = await listRefNames(context.objects);
  const refs = await inParallel(names, PARALLEL_REQUESTS_MAX, (name) => readRef(context.objects, name));
  const stored = [mainRef(context.graph), ...refs.filter((ref) => ref !== null)];
  const opened = await inParallel(stored, PARALLEL_REQUESTS_MAX, (ref) => openState(context, ref));
  const branches: LiveBranch[] = [];
  const closed = new Set<BranchId>();
  for (const [i, { state, hint, closed: isClosed }] of opened.entries()) {
    if (isClosed) closed.add(state.ref.id);
    else branches.push({ stored: stored[i], state, hint, parts: await partsOf(context, state) });
  }
  return { branches, closed };
}

async function partsOf(context: GraphContext, state: BranchState): Promise<LogPart[]> {
  const { ref, position, head } = state;
  const parts: LogPart[] = [];
  let from = 0;
  let firstVersion = 1;
  for (const { branch, until } of ref.lineage) {
    const { version } = await recordBelow(context, state, until);
    parts.push({ log: branch, from, until, firstVersion, lastVersion: version });
    from = until + 1;
    firstVersion = version + 1;
  }
  parts.push({ log: ref.id, from, until: position, firstVersion, lastVersion: head.version });
  return parts;
}

async function logsOf(
  context: GraphContext,
  branches: readonly LiveBranch[],
): Promise<Map<BranchId, LiveLog>> {
  const longest = new Map<BranchId, { part: LogPart; branch: LiveBranch }>();
  for (const branch of branches) {
    for (const part of branch.parts) {
      const known = longest.get(part.log);
      if (known === undefined || known.part.until < part.until) longest.set(part.log, { part, branch });
    }
  }
  const logs = await inParallel(
    [...longest.values()],
    PARALLEL_REQUESTS_MAX,
    async (log): Promise<LiveLog> => {
      const [checkpoints, retention] = await Promise.all([
        listCheckpoints(context, log.part.log),
        readRetention(context.objects, log.part.log),
      ]);
      return { ...log, checkpoints, retention };
    },
  );
  return new Map(logs.map((log) => [log.part.log, log]));
}

/** Checkpoints of a log, ascending. */
export async function listCheckpoints({ objects }: GraphContext, log: BranchId): Promise<LogCheckpoint[]> {
  const found: LogCheckpoint[] = [];
  const prefix = checkpointsPrefix(log);
  for (let startAfter: string | null = ""; startAfter !== null; ) {
    const page = await objects.storage.list(prefix, startAfter === "" ? {} : { startAfter });
    for (const { key, modifiedAt } of page.objects) {
      const position = positionIn(key);
      if (position !== null) found.push({ position, modifiedAt });
    }
    startAfter = page.next;
  }
  return found;
}
