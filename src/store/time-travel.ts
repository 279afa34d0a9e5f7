// The state at any commit: the nearest checkpoint at or below it, and the entries since.

import { readBundle } from "./bundle.ts";
import { findCheckpoint, tryCheckpoint } from "./checkpoint-read.ts";
import type { GraphContext } from "./context.ts";
import { commitReclaimed, type KeptRange, rangeOf, readRetention } from "./floor.ts";
import { packOf, readPack, recordAt, recordBelow } from "./history.ts";
import { logKey } from "./layout.ts";
import { logOwner } from "./lineage.ts";
import { readEntries } from "./log-read.ts";
import { afterCommit, checkpointState } from "./replay.ts";
import { stateDifference } from "./state-difference.ts";
import { DamagedObject } from "./stored-json.ts";
import type { BranchRef, BranchState, Checkpoint, CommitRecord, LoggedCommit } from "./types.ts";

/**
 * Whether a state is read for its own sake, or because live branches need it (what they have in common, where one left
 * another): then nothing forbids it, also where cleanup expired it in the moment in which it came to be needed.
 */
type Claim = "kept" | "needed";

/** The state at a commit of the first-parent chain of `head`. */
export async function stateAt(
  context: GraphContext,
  head: BranchState,
  record: CommitRecord,
  claim: Claim = "kept",
): Promise<BranchState> {
  if (record.id === head.head.id) return head;
  const around = await checkpointsAround(context, head, record);
  const [retention] = await Promise.all([
    readRetention(context.objects, record.branch),
    // Fetched ahead, beside it: most commits were never touched by a cleanup.
    checkpointAt(context, head.ref, around.below[0]),
    around.above === null ? null : bundleAt(context, head.ref, around.above),
    context.catalogOf(record.schemaDigest).catch(() => null),
  ]);
  const range = rangeOf(retention, record.version);
  if (range === null && claim === "kept") throw commitReclaimed(record.id);
  const from = range?.checkpoint ?? 0;
  const kept = from === 0 ? around : within(around, from);
  return orReclaimed(range, record, async () =>
    replayed(context, head.ref, record, await replayOf(context, head, record, kept)),
  );
}

/** The state at a commit that live branches need, by a branch whose history holds it, which may be deleted. */
export async function stateOn(
  context: GraphContext,
  ref: BranchRef,
  record: CommitRecord,
): Promise<BranchState> {
  const range = rangeOf(await readRetention(context.objects, record.branch), record.version);
  return orReclaimed(range, record, async () => {
    const base = await checkpointUpTo(context, ref, record, range?.checkpoint ?? 0);
    const entries = await readEntries(context.objects, ref, base.position + 1, record.position);
    const commits = entries
      .flatMap((entry) => entry.commits)
      .filter((commit) => commit.record.version > base.head.version)
      .filter((commit) => commit.record.version <= record.version);
    return replayed(context, ref, record, { base, commits });
  });
}

/** What was expired and cannot be read either is gone, not damaged. */
async function orReclaimed(
  range: KeptRange | null,
  record: CommitRecord,
  read: () => Promise<BranchState>,
): Promise<BranchState> {
  try {
    return await read();
  } catch (thrown) {
    throw range === null && thrown instanceof DamagedObject ? commitReclaimed(record.id) : thrown;
  }
}

async function replayed(
  context: GraphContext,
  ref: BranchRef,
  record: CommitRecord,
  { base, commits }: Replay,
): Promise<BranchState> {
  const catalog = await context.catalogOf(record.schemaDigest);
  let state = checkpointState(ref, base, catalog);
  for (const commit of commits) {
    const object = context.objects.address(logKey(commit.record.branch, commit.record.position));
    state = afterCommit(state, commit, catalog, object);
  }
  return state;
}

/** The nearest sound checkpoint, not below `from`, whose state is part of a commit's history. */
async function checkpointUpTo(
  context: GraphContext,
  ref: BranchRef,
  { position, version }: CommitRecord,
  from: number,
): Promise<Checkpoint> {
  const found = await findCheckpoint(context, ref, position, from);
  // At the commit's own entry it may hold others that were published together with it.
  return found.head.version <= version ? found : findCheckpoint(context, ref, position - 1, from);
}

/**
 * The commits of a state's chain, oldest first, after the newest one that is also on the chain of `base`. Where cleanup
 * removed log entries between the two, what differs is found by comparing the state with `base`, and told as one commit.
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
  return [{ record: state.head, changes: await stateDifference(context, base, state) }];
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
  state: BranchState,
  shared: CommitRecord,
  first: CommitRecord,
): Promise<boolean> {
  const { ref, position } = state;
  let begun = 0;
  for (const { branch, until } of [...ref.lineage, { branch: ref.id, until: position }]) {
    const from = Math.max(begun + 1, first.position);
    begun = until;
    if (from > until || from > position) continue;
    const [retention, before] = await Promise.all([
      readRetention(context.objects, branch),
      from === first.position ? shared : recordBelow(context, state, from - 1),
    ]);
    // Of what came before the oldest state, rows that were replaced until then are gone.
    const isWithin = ({ first: oldest, checkpoint, to }: KeptRange) =>
      checkpoint < from && (to === null || Math.min(until, position) <= to) && oldest <= before.version + 1;
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

/** Where only the genesis commit is. */
const GENESIS_POSITION = 0;

/** Positions of the checkpoints that are known around a commit. */
interface Around {
  /** At or below it, the nearest first; at least one. */
  readonly below: readonly number[];
  /** None below this one counts. */
  readonly from: number;
  /** At or above it: a bundle there leads to the commit. */
  readonly above: number | null;
}

async function checkpointsAround(
  context: GraphContext,
  head: BranchState,
  record: CommitRecord,
): Promise<Around> {
  const { history, position } = head.checkpoint;
  const pack = packOf(head, record.version);
  const { earlier } = pack === null ? history : await readPack(context, head, pack);
  const known = new Set([position, ...history.packs.map((full) => full.position), ...earlier]);
  const ascending = [...known].sort((a, b) => a - b);
  const below = ascending.filter((candidate) => candidate <= record.position).reverse();
  return {
    below: below.length > 0 ? below : [GENESIS_POSITION],
    from: GENESIS_POSITION,
    above: ascending.find((candidate) => candidate >= record.position) ?? null,
  };
}

const within = ({ below, above }: Around, from: number): Around => ({
  below: [...below.filter((position) => position > from), from],
  from,
  above,
});

/** A checkpoint, and the commits after it up to and with the one that is wanted. */
interface Replay {
  readonly base: Checkpoint;
  readonly commits: readonly LoggedCommit[];
}

async function replayOf(
  context: GraphContext,
  head: BranchState,
  record: CommitRecord,
  around: Around,
): Promise<Replay> {
  const { ref } = head;
  // Below where the state is kept from, rows that were replaced since may be gone.
  if (head.checkpoint.head.version <= record.version && head.checkpoint.position >= around.from) {
    const commits = head.tail.filter((commit) => commit.record.version <= record.version);
    return { base: head.checkpoint, commits };
  }
  const { above } = around;
  const base = await checkpointBelow(context, ref, record, around);
  const { version } = base.head;
  if (version === record.version) return { base, commits: [] };
  const bundle = above === null ? null : await bundleAt(context, ref, above);
  const since = bundle?.filter((commit) => commit.record.version > version) ?? [];
  if (since[0]?.record.version === version + 1)
    return { base, commits: since.slice(0, record.version - version) };
  return { base, commits: await commitsBetween(context, head, base.head, record, base.position + 1) };
}

const checkpointAt = (context: GraphContext, ref: BranchRef, position: number) =>
  tryCheckpoint(context, ref, { branch: logOwner(ref, position), position });

const bundleAt = ({ objects }: GraphContext, ref: BranchRef, position: number) =>
  readBundle(objects, ref, { branch: logOwner(ref, position), position });

/** The nearest checkpoint that is still there and whose state is part of the commit's history. */
async function checkpointBelow(
  context: GraphContext,
  ref: BranchRef,
  record: CommitRecord,
  { below, from }: Around,
): Promise<Checkpoint> {
  for (const position of below) {
    const checkpoint = await checkpointAt(context, ref, position);
    if (checkpoint !== null && checkpoint.head.version <= record.version) return checkpoint;
  }
  return findCheckpoint(context, ref, record.position - 1, from);
}
