// Which versions of which log stay readable: what the policy says, and what no policy may take.

import type { GraphContext } from "../context.ts";
import { recordAt } from "../history.ts";
import { readEntry } from "../log-read.ts";
import type { BranchId, BranchState, CommitRecord } from "../types.ts";
import { stateInCommon } from "./common-past.ts";
import { mergeBases } from "./merge-bases.ts";
import { isThere } from "./restorable.ts";
import type { LiveLog, Survey } from "./survey.ts";
import { difference, intersection, joined, type Span } from "./versions.ts";

/** A commit expires when it is beyond every limit that is given. */
export interface CleanupPolicy {
  /** Newest commits of each branch's first-parent chain. */
  readonly keep: number | null;
  readonly olderThanMs: number | null;
}

export interface Kept {
  readonly versions: ReadonlyMap<BranchId, readonly Span[]>;
  /** Keys of log entries that stay beside those. */
  readonly links: Awaited<ReturnType<typeof mergeBases>>["links"];
  /** States of deleted branches that live ones have in common. */
  readonly common: readonly BranchState[];
}

/** `earlier` is a survey from before the same policy was applied: nothing more expires then, and what it should not have comes back. */
export async function keptVersions(
  context: GraphContext,
  survey: Survey,
  policy: CleanupPolicy,
  earlier: Survey | null = null,
): Promise<Kept> {
  const { bases, links } = await mergeBases(
    context,
    survey.branches.map(({ state }) => state),
  );
  const common: BranchState[] = [];
  for (const base of bases.filter(({ record }) => !isLive(survey, record))) {
    const state = await stateInCommon(context, base);
    if (state !== null) common.push(state);
  }
  const onLive = bases.map(({ record }) => record).filter((record) => isLive(survey, record));
  const versions = new Map<BranchId, readonly Span[]>();
  for (const log of survey.logs.values()) {
    const id = log.part.log;
    const asked = joined([
      ...newest(survey, id, policy.keep),
      ...(await young(context, log, policy.olderThanMs)),
    ]);
    const needed = [
      ...forkPoints(survey, id),
      ...onLive.filter(({ branch }) => branch === id).map(({ version }): Span => [version, version]),
    ];
    const readable = readableVersions(log);
    const known = earlier?.logs.get(id);
    const missed = known === undefined ? [] : intersection(asked, readableVersions(known));
    // What expired once does not come back, unless a branch came to need it while it did, and it is still there.
    const back = await restorable(context, log, difference([...needed, ...missed], readable));
    const wanted = earlier === null ? intersection([...asked, ...needed], readable) : readable;
    versions.set(id, difference(joined([...wanted, ...back]), log.retention?.lost ?? []));
  }
  return { versions, links, common };
}

/** Whether a commit stands in a log that is read by live branches, and where they read it. */
function isLive({ logs }: Survey, { branch, position }: CommitRecord): boolean {
  const log = logs.get(branch);
  return log !== undefined && position <= log.part.until;
}

async function restorable(context: GraphContext, log: LiveLog, expired: readonly Span[]): Promise<Span[]> {
  const { branch } = log;
  const found: Span[] = [];
  for (const [first, last] of expired) {
    for (let version = first; version <= last; version++) {
      const record = await recordAt(context, branch.state, version);
      if (record === null || !(await isThere(context, branch.state, record))) continue;
      if (await leadsOn(context, log, version)) found.push([version, version]);
    }
  }
  return found;
}

/** A range that is read from one checkpoint needs every entry: so does one that grows by a version next to it. */
async function leadsOn(context: GraphContext, log: LiveLog, version: number): Promise<boolean> {
  const readable = readableVersions(log);
  const isReadable = (at: number) => readable.some(([first, last]) => first <= at && at <= last);
  const wanted = [isReadable(version - 1) ? version : null, isReadable(version + 1) ? version + 1 : null];
  for (const at of wanted) {
    const record = at === null ? null : await recordAt(context, log.branch.state, at);
    if (record !== null && (await readEntry(context.objects, record)) === null) return false;
  }
  return true;
}

/** Versions of a log that can be read now. */
export function readableVersions({ part, retention }: LiveLog): Span[] {
  const { firstVersion, lastVersion } = part;
  if (retention === null) return joined([[firstVersion, lastVersion]]);
  return intersection(
    [[firstVersion, lastVersion]],
    retention.kept.map(({ first, last }): Span => [first, last ?? lastVersion]),
  );
}

/** The newest versions of every branch that reads the log: at least its head. */
function newest({ branches }: Survey, log: BranchId, keep: number | null): Span[] {
  return branches.flatMap(({ state, parts }) => {
    const { version } = state.head;
    const wanted: Span = [version - Math.max(1, keep ?? 1) + 1, version];
    return parts
      .filter((part) => part.log === log)
      .flatMap(({ firstVersion, lastVersion }) => intersection([wanted], [[firstVersion, lastVersion]]));
  });
}

async function young(context: GraphContext, log: LiveLog, olderThanMs: number | null): Promise<Span[]> {
  if (olderThanMs === null) return [];
  const since = (context.ports.now() - olderThanMs) * 1000;
  const spans: Span[] = [];
  for (const [first, last] of readableVersions(log)) {
    for (let version = first; version <= last; version++) {
      const record = await recordAt(context, log.branch.state, version);
      if (record !== null && record.authoredAt >= since) spans.push([version, version]);
    }
  }
  return joined(spans);
}

/** Where branches left the log. */
function forkPoints({ branches }: Survey, log: BranchId): Span[] {
  return branches.flatMap(({ parts }) =>
    parts
      .slice(0, -1)
      .filter((part) => part.log === log)
      .map(({ lastVersion }): Span => [lastVersion, lastVersion]),
  );
}
