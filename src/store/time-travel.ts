// The state at any commit: the nearest checkpoint at or below it, and the entries since.

import { findCheckpoint, tryCheckpoint } from "./checkpoint-read.ts";
import type { GraphContext } from "./context.ts";
import { commitReclaimed, type KeptRange, rangeOf, readRetention } from "./floor.ts";
import { packOf, readPack, recordAt } from "./history.ts";
import { logKey } from "./layout.ts";
import { logOwner } from "./lineage.ts";
import { readEntries } from "./log-read.ts";
import { afterCommit, checkpointState } from "./replay.ts";
import { stateDifference } from "./state-difference.ts";
import type { BranchState, Checkpoint, CommitRecord, LoggedCommit } from "./types.ts";

/** The state at a commit of the first-parent chain of `head`. */
export async function stateAt(
  context: GraphContext,
  head: BranchState,
  record: CommitRecord,
): Promise<BranchState> {
  if (record.id === head.head.id) return head;
  const [retention, nearest] = await Promise.all([
    readRetention(context.objects, record.branch),
    checkpointBelow(context, head, record, 0),
  ]);
  const range = rangeOf(retention, record.version);
  if (range === null) throw commitReclaimed(record.id);
  const isWithin = nearest.position >= range.checkpoint;
  const checkpoint = isWithin ? nearest : await checkpointBelow(context, head, record, range.checkpoint);
  let state = checkpointState(head.ref, checkpoint, await context.catalogOf(checkpoint.head.schemaDigest));
  const from = checkpoint.position + 1;
  for (const commit of await commitsBetween(context, head, checkpoint.head, record, from)) {
    const object = context.objects.address(logKey(commit.record.branch, commit.record.position));
    state = afterCommit(state, commit, await context.catalogOf(commit.record.schemaDigest), object);
  }
  return state;
}

/**
 * The commits of a state's chain, oldest first, after the newest one that is also on the chain of `base`. Where cleanup
 * removed log entries between the two, what changed is found by comparing the states, and told as one commit.
 */
export async function commitsAfter(
  context: GraphContext,
  state: BranchState,
  base: BranchState,
): Promise<LoggedCommit[]> {
  const shared = await lastShared(context, state, base);
  const first = await recordAt(context, state, shared.version + 1);
  if (first === null) return [];
  const inTail = state.tail.filter(({ record }) => record.version > shared.version);
  const isAtHand = shared.version >= state.checkpoint.head.version && inTail.every(isInline);
  // Asked side by side: where entries are gone, reading them fails, and that is no news.
  const [areKept, commits] = await Promise.all([
    isAtHand || areEntriesKept(context, state, shared, first),
    settled(commitsBetween(context, state, shared, state.head, first.position)),
  ]);
  if (areKept) return commits();
  const before = await stateAt(context, state, shared);
  return [{ record: state.head, changes: await stateDifference(context, before, state) }];
}

/** What came of a promise, to be looked at later. */
const settled = <T>(work: Promise<T>): Promise<() => T> =>
  work.then(
    (value) => () => value,
    (thrown: unknown) => () => {
      throw thrown;
    },
  );

const isInline = ({ changes }: LoggedCommit): boolean =>
  changes.every(({ segments }) => segments.length === 0);

/** Whether cleanup left, with all that they name, the log entries from `first`, which follows `shared`, to the head. */
async function areEntriesKept(
  context: GraphContext,
  { ref, position }: BranchState,
  shared: CommitRecord,
  first: CommitRecord,
): Promise<boolean> {
  let begun = 0;
  for (const { branch, until } of [...ref.lineage, { branch: ref.id, until: position }]) {
    const from = Math.max(begun + 1, first.position);
    begun = until;
    if (from > until || from > position) continue;
    const retention = await readRetention(context.objects, branch);
    const isWithin = ({ first: oldest, checkpoint, to }: KeptRange) =>
      checkpoint < from &&
      (to === null || Math.min(until, position) <= to) &&
      (branch !== shared.branch || oldest <= shared.version);
    if (retention !== null && !retention.kept.some(isWithin)) return false;
  }
  return true;
}

/** Two chains share what lies below their fork: the newest commit of it. */
async function lastShared(context: GraphContext, a: BranchState, b: BranchState): Promise<CommitRecord> {
  let shared = context.graph.genesis;
  let apart = Math.min(a.head.version, b.head.version) + 1;
  while (apart - shared.version > 1) {
    // The newer of two heads is most often the other's descendant.
    const version =
      apart - 1 === Math.min(a.head.version, b.head.version) ? apart - 1 : (shared.version + apart) >> 1;
    const [own, other] = await Promise.all([recordAt(context, a, version), recordAt(context, b, version)]);
    if (own !== null && own.id === other?.id) shared = own;
    else apart = version;
  }
  return shared;
}

/** Commits of the chain of `head` after one, up to and with another, with their changes; entries from `position` on. */
export async function commitsBetween(
  context: GraphContext,
  head: BranchState,
  after: CommitRecord,
  upTo: CommitRecord,
  position: number,
): Promise<LoggedCommit[]> {
  const isWanted = ({ record }: LoggedCommit) =>
    record.version > after.version && record.version <= upTo.version;
  const inTail = head.tail.filter(isWanted);
  if (after.version >= head.checkpoint.head.version) return inTail;
  const last = Math.min(upTo.position, head.checkpoint.position);
  const entries = await readEntries(context.objects, head.ref, Math.max(position, 1), last);
  return [...entries.flatMap(({ commits }) => commits).filter(isWanted), ...inTail];
}

/** A checkpoint whose state is part of the commit's history, not below `from`: the nearest that is known and still there. */
async function checkpointBelow(
  context: GraphContext,
  head: BranchState,
  record: CommitRecord,
  from: number,
): Promise<Checkpoint> {
  if (head.checkpoint.head.version <= record.version) return head.checkpoint;
  const { history } = head.checkpoint;
  const pack = packOf(head, record.version);
  const within = pack === null ? history : await readPack(context, head, pack);
  const candidates = [
    ...history.packs.map(({ position }) => position),
    ...within.earlier,
    ...(pack === null ? [] : [pack.position]),
    ...(from > 0 ? [from] : []),
  ];
  const nearest = [...new Set(candidates)]
    .filter((position) => from <= position && position <= record.position)
    .sort((a, b) => b - a);
  for (const position of nearest) {
    const place = { branch: logOwner(head.ref, position), position };
    const checkpoint = await tryCheckpoint(context, head.ref, place);
    if (checkpoint !== null && checkpoint.head.version <= record.version) return checkpoint;
  }
  return findCheckpoint(context, head.ref, record.position - 1, from);
}
