// The first-parent chain of a state, out of its tail and the packs that checkpoints hold: listing ten thousand commits
// reads some twenty objects.

import { findCheckpoint, tryCheckpoint } from "./checkpoint-read.ts";
import type { GraphContext } from "./context.ts";
import { readHint } from "./hint.ts";
import { PARALLEL_REQUESTS_MAX } from "./limits.ts";
import { logOwner } from "./lineage.ts";
import { readEntries } from "./log-read.ts";
import { inParallel } from "./parallel.ts";
import { damaged } from "./stored-json.ts";
import type { BranchRef, BranchState, CommitId, CommitRecord, Pack, PackedHistory } from "./types.ts";

/** The commits of the chain with versions from `first` up to `last`, newest first; only the packs that hold them are read. */
export async function chainOf(
  context: GraphContext,
  state: BranchState,
  first: number,
  last: number,
): Promise<CommitRecord[]> {
  const packs = state.checkpoint.history.packs.filter(
    ({ firstVersion, lastVersion }) => firstVersion <= last && lastVersion >= first,
  );
  const older = await inParallel(packs, PARALLEL_REQUESTS_MAX, (pack) => readPack(context, state, pack));
  return [...older.flatMap(({ commits }) => commits), ...knownCommits(state)]
    .filter(({ version }) => version >= first && version <= last)
    .reverse();
}

/** A commit of the chain by id, newest packs searched first; null where it is not in the chain. */
export async function findRecord(
  context: GraphContext,
  state: BranchState,
  id: CommitId,
): Promise<CommitRecord | null> {
  const known = knownCommits(state).find((record) => record.id === id);
  if (known !== undefined) return known;
  for (const pack of [...state.checkpoint.history.packs].reverse()) {
    if (!mayHold(pack, id)) continue;
    const found = (await readPack(context, state, pack)).commits.find((record) => record.id === id);
    if (found !== undefined) return found;
  }
  return null;
}

const mayHold = ({ ids }: Pick<Pack, "ids">, id: CommitId): boolean =>
  ids === null || (ids.least <= id && id <= ids.greatest);

/**
 * Brings the pack that holds a commit into the cache, as far as the hint tells which one it is: beside the requests that
 * open the branch. Whatever goes wrong goes wrong there too.
 */
export async function fetchPackAhead(context: GraphContext, ref: BranchRef, id: CommitId): Promise<void> {
  const hint = await readHint(context.objects, ref.id).catch(() => null);
  const packs = hint?.packs.filter((pack) => mayHold(pack, id)) ?? [];
  await inParallel(packs, PARALLEL_REQUESTS_MAX, ({ position }) =>
    tryCheckpoint(context, ref, { branch: logOwner(ref, position), position }),
  );
}

/** The commit of the chain with this version; null below genesis and above the head. */
export async function recordAt(
  context: GraphContext,
  state: BranchState,
  version: number,
): Promise<CommitRecord | null> {
  const known = knownRecordAt(state, version);
  if (known !== null) return known;
  const pack = packOf(state, version);
  if (pack === null) return null;
  return (await readPack(context, state, pack)).commits[version - pack.firstVersion] ?? null;
}

/** The newest commit of the chain at or below a position. */
export async function recordBelow(
  context: GraphContext,
  state: BranchState,
  position: number,
): Promise<CommitRecord> {
  let found = context.graph.genesis;
  let above = state.head.version + 1;
  while (above - found.version > 1) {
    const version = (found.version + above) >> 1;
    const record = await recordAt(context, state, version);
    if (record !== null && record.position <= position) found = record;
    else above = version;
  }
  return found;
}

/** The commit of the chain that stands at a position, by id; null where it is not there. */
export async function recordIn(
  context: GraphContext,
  state: BranchState,
  position: number,
  id: CommitId,
): Promise<CommitRecord | null> {
  let record: CommitRecord | null = await recordBelow(context, state, position);
  while (record !== null && record.position === position && record.id !== id) {
    record = await recordAt(context, state, record.version - 1);
  }
  return record?.id === id ? record : null;
}

/** The commit of the chain with this version among the commits at hand, without any request. */
export function knownRecordAt({ checkpoint, tail }: BranchState, version: number): CommitRecord | null {
  const { commits } = checkpoint.history;
  const inPack = version - commits[0].version;
  if (inPack < 0) return null;
  return commits[inPack] ?? tail[inPack - commits.length]?.record ?? null;
}

/** The pack below the checkpoint's own that holds a version. */
export const packOf = ({ checkpoint }: BranchState, version: number): Pack | null =>
  checkpoint.history.packs.find(
    ({ firstVersion, lastVersion }) => firstVersion <= version && version <= lastVersion,
  ) ?? null;

/** Commits at hand: the checkpoint's pack and the tail, oldest first. */
export const knownCommits = ({ checkpoint, tail }: BranchState): CommitRecord[] => [
  ...checkpoint.history.commits,
  ...tail.map(({ record }) => record),
];

/** The pack that an older checkpoint holds. Where that was lost, the log itself tells. */
export async function readPack(
  context: GraphContext,
  state: BranchState,
  pack: Pack,
): Promise<PackedHistory> {
  const { ref } = state;
  const place = { branch: logOwner(ref, pack.position), position: pack.position };
  const checkpoint = await tryCheckpoint(context, ref, place);
  if (checkpoint !== null) return checkpoint.history;
  const below = await findCheckpoint(context, ref, pack.position - 1);
  const entries = await readEntries(context.objects, ref, below.position + 1, pack.position);
  const since = entries.flatMap(({ commits }) => commits.map(({ record }) => record));
  const commits = [...below.history.commits, ...since].filter(
    ({ version }) => version >= pack.firstVersion && version <= pack.lastVersion,
  );
  if (commits[0]?.version !== pack.firstVersion) {
    throw damaged(context.objects.address(`checkpoint ${pack.position}`), "a pack of commits is missing");
  }
  return { commits, earlier: [], packs: [] };
}
