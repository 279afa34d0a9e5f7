// Expiry of history. First it is settled what stays, and that all of it can be read; then the floors are raised, so that
// nobody reads below them any more; then what nobody needs is deleted. Interrupted anywhere, the next run goes on.

import { conflict } from "../../lib/errors.ts";
import type { StableId } from "../../schema/catalog.ts";
import { BLOBS_PREFIX } from "../blob-reference.ts";
import { tryCheckpoint } from "../checkpoint-read.ts";
import type { GraphContext } from "../context.ts";
import { type Retention, writeRetention } from "../floor.ts";
import { writeHint } from "../hint.ts";
import { recordAt } from "../history.ts";
import { floorKey, hintKey } from "../layout.ts";
import { PARALLEL_REQUESTS_MAX } from "../limits.ts";
import { readEntry } from "../log-read.ts";
import { inParallel } from "../parallel.ts";
import type { BranchId } from "../types.ts";
import { heldStates } from "./held.ts";
import { type CleanupPolicy, keptVersions, readableVersions } from "./keep.ts";
import { GRACE_MS } from "./limits.ts";
import { Marks, type NeededStates } from "./marks.ts";
import { retentionOf } from "./retention.ts";
import { type LiveBranch, type LiveLog, readBranches, type Survey, surveyGraph } from "./survey.ts";
import { type Swept, sweep } from "./sweep.ts";
import { countOf, difference, type Span } from "./versions.ts";

export interface CleanupReport extends Swept {
  /** Commits whose state became unreadable. */
  readonly expired: number;
  /** Of those, how many changed a type. */
  readonly expiredByType: ReadonlyMap<StableId, number>;
}

/**
 * Throws, and deletes nothing, where a live branch cannot be read or another cleanup is at work. A preview changes nothing
 * and tells what would go.
 */
export async function cleanUp(
  context: GraphContext,
  policy: CleanupPolicy,
  isPreview = false,
): Promise<CleanupReport> {
  const { objects, ports } = context;
  const survey = await surveyGraph(context);
  const { versions, links } = await keptVersions(context, survey, policy);
  const plans = await inParallel([...survey.logs.values()], PARALLEL_REQUESTS_MAX, async (log) => {
    const kept = versions.get(log.part.log) ?? [];
    const retention = await retentionOf(context, survey, log, kept);
    return { log, retention, expired: difference(readableVersions(log), kept) };
  });

  const since = ports.now() - GRACE_MS;
  const marks = new Marks(context, await hasBlobs(context), survey.branches[0].state.catalog.purged);
  for (const branch of survey.branches) await marks.states(await heldStates(context, survey, branch, since));
  for (const { log, retention } of plans) await markLog(marks, survey, log, retention ?? log.retention);
  await marks.blobs();
  for (const place of links) await marks.record(place);

  const expiredByType = new Map<StableId, number>();
  for (const { log, expired } of plans) await countChanges(context, log, expired, expiredByType);
  for (const branch of isPreview ? [] : survey.branches) await noteNewest(context, survey, branch);
  for (const { log, retention } of isPreview ? [] : plans) {
    if (retention !== null && !(await writeRetention(objects, log.part.log, retention, log.retention))) {
      throw conflict("another cleanup is at work on this graph; nothing was deleted: run it again");
    }
  }
  // Branches that were made meanwhile begin at what was a head not long ago.
  for (const branch of await newBranches(context, survey)) {
    await marks.states(await heldStates(context, survey, branch, since));
  }
  const isNeeded = (key: string) => marks.has(key) || isOfClosed(survey.closed, key);
  const swept = await sweep(context, isNeeded, since, isPreview);
  const expired = plans.reduce((sum, plan) => sum + countOf(plan.expired), 0);
  return { ...swept, expired, expiredByType };
}

const hasBlobs = async ({ objects }: GraphContext): Promise<boolean> =>
  (await objects.storage.list(BLOBS_PREFIX, { pageSize: 1 })).objects.length > 0;

async function markLog(
  marks: Marks,
  { logs }: Survey,
  { part, branch }: LiveLog,
  retention: Retention | null,
): Promise<void> {
  marks.add(hintKey(part.log));
  marks.add(floorKey(part.log));
  const { ref } = branch.state;
  const checkpoints = branch.parts
    .filter(({ until }) => until <= part.until)
    .flatMap(({ log, until }) =>
      (logs.get(log)?.checkpoints ?? []).filter(({ position }) => position <= until),
    )
    .map(({ position }) => position);
  const needed = (retention?.kept ?? []).map(({ first, checkpoint, to }): NeededStates => {
    return { ref, from: checkpoint + 1, to: to ?? part.until, checkpoint, first, checkpoints };
  });
  // All of a log leads on from where it was forked, which is kept as part of the log that it was forked from.
  const checkpoint = part.from === 0 ? 0 : null;
  const all = { ref, from: Math.max(part.from, 1), to: part.until, checkpoint, first: 0, checkpoints };
  for (const states of retention === null ? [all] : needed) await marks.states(states);
}

/** Counts, by type, the commits of these versions that changed it. */
async function countChanges(
  context: GraphContext,
  { branch, part }: LiveLog,
  expired: readonly Span[],
  counts: Map<StableId, number>,
): Promise<void> {
  for (const [first, last] of expired) {
    const [from, to] = [first, last].map((version) => recordAt(context, branch.state, version));
    const begin = Math.max((await from)?.position ?? 1, 1);
    const end = (await to)?.position ?? 0;
    for (let at = begin; at <= end; at += PARALLEL_REQUESTS_MAX) {
      const size = Math.min(PARALLEL_REQUESTS_MAX, end - at + 1);
      const positions = Array.from({ length: size }, (_, i) => at + i);
      const entries = await inParallel(positions, size, (position) =>
        readEntry(context.objects, { branch: part.log, position }),
      );
      for (const { record, changes } of entries.flatMap((entry) => entry?.commits ?? [])) {
        if (record.version < first || record.version > last) continue;
        for (const { type } of changes) counts.set(type, (counts.get(type) ?? 0) + 1);
      }
    }
  }
}

/** Notes the newest checkpoint of a branch where its writer died before it could: others then leave the older ones alone. */
async function noteNewest(
  context: GraphContext,
  { logs }: Survey,
  { state, hint }: LiveBranch,
): Promise<void> {
  const newest = logs.get(state.ref.id)?.checkpoints.at(-1)?.position ?? 0;
  if (newest <= (hint?.position ?? 0)) return;
  const place = { branch: state.ref.id, position: newest };
  const checkpoint = await tryCheckpoint(context, state.ref, place);
  if (checkpoint !== null) await writeHint(context.objects, checkpoint, hint);
}

/** Branches that the survey did not find. */
async function newBranches(
  context: GraphContext,
  { branches, closed }: Survey,
): Promise<readonly LiveBranch[]> {
  const known = new Set([...closed, ...branches.map(({ stored }) => stored.ref.id)]);
  return (await readBranches(context)).branches.filter(({ stored }) => !known.has(stored.ref.id));
}

/** Of a branch that is about to go everything stays that tells so. */
const isOfClosed = (closed: ReadonlySet<BranchId>, key: string): boolean =>
  key.startsWith("branches/") && closed.has(key.split("/")[1]);
