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
import { DamagedObject } from "../stored-json.ts";
import type { BranchId } from "../types.ts";
import { type LogInCommon, logsInCommon, neededInCommon } from "./common-past.ts";
import { heldStates } from "./held.ts";
import { type CleanupPolicy, type Kept, keptVersions, readableVersions } from "./keep.ts";
import { GRACE_MS } from "./limits.ts";
import { Marks, type NeededStates } from "./marks.ts";
import { retentionOf } from "./retention.ts";
import { type LiveBranch, type LiveLog, type Survey, surveyGraph } from "./survey.ts";
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
  const since = context.ports.now() - GRACE_MS;
  const settled = await settle(context, policy, isPreview, since).catch((thrown: unknown) => {
    if (!(thrown instanceof DamagedObject)) throw thrown;
    throw new DamagedObject(thrown.kind, `${thrown.message}; nothing was deleted: run repair first`);
  });
  const { marks, closed, expired, expiredByType } = settled;
  const isNeeded = (key: string) => marks.has(key) || isOfClosed(closed, key);
  const swept = await sweep(context, isNeeded, since, isPreview);
  return { ...swept, expired, expiredByType };
}

interface Settled extends Pick<CleanupReport, "expired" | "expiredByType"> {
  /** What stays. */
  readonly marks: Marks;
  readonly closed: ReadonlySet<BranchId>;
}

/** Everything but the deleting. */
async function settle(
  context: GraphContext,
  policy: CleanupPolicy,
  isPreview: boolean,
  since: number,
): Promise<Settled> {
  const plan = await planOf(context, await surveyGraph(context), policy);
  const [main] = plan.survey.branches;
  const marks = new Marks(context, await hasBlobs(context), main.state.catalog.purged);
  await mark(context, marks, plan, null, since);
  if (!isPreview) {
    for (const branch of plan.survey.branches) await noteNewest(context, plan.survey, branch);
    await publish(context, plan);
  }
  // Who made a branch or a merge meanwhile may need what just expired. Whoever comes later finds the floors as they are.
  const again = await surveyGraph(context);
  const news = isNews(plan.survey, again) ? await planOf(context, again, policy, plan.survey) : null;
  if (news !== null) {
    await mark(context, marks, news, plan.survey, since);
    if (!isPreview) await publish(context, news);
  }
  const expired = plan.logs.map(({ log, kept }) => {
    const back = news?.logs.find((other) => other.log.part.log === log.part.log)?.kept ?? [];
    return { log, versions: difference(difference(readableVersions(log), kept), back) };
  });
  const expiredByType = new Map<StableId, number>();
  for (const { log, versions } of expired) await countChanges(context, log, versions, expiredByType);

  const total = expired.reduce((sum, { versions }) => sum + countOf(versions), 0);
  const closed = new Set([...plan.survey.closed, ...again.closed]);
  return { marks, closed, expired: total, expiredByType };
}

/** What stays of a graph as it was found. */
interface Plan extends Pick<Kept, "links" | "common"> {
  readonly survey: Survey;
  readonly logs: readonly {
    readonly log: LiveLog;
    readonly kept: readonly Span[];
    /** Null where it stays as it is. */
    readonly retention: Retention | null;
  }[];
  /** Of deleted branches, with what live ones have in common there. */
  readonly others: readonly LogInCommon[];
}

async function planOf(
  context: GraphContext,
  survey: Survey,
  policy: CleanupPolicy,
  earlier: Survey | null = null,
): Promise<Plan> {
  const { versions, links, common } = await keptVersions(context, survey, policy, earlier);
  const logs = await inParallel([...survey.logs.values()], PARALLEL_REQUESTS_MAX, async (log) => {
    const kept = versions.get(log.part.log) ?? [];
    return { log, kept, retention: await retentionOf(context, survey, log, kept) };
  });
  return { survey, logs, others: await logsInCommon(context, survey, common), links, common };
}

/** Marks all that the plan keeps, but for what is unchanged since an earlier survey, whose plan was marked before. */
async function mark(
  context: GraphContext,
  marks: Marks,
  { survey, logs, others, links, common }: Plan,
  earlier: Survey | null,
  since: number,
): Promise<void> {
  const known = new Set(earlier?.branches.map(({ stored }) => stored.ref.id));
  for (const branch of survey.branches) {
    if (!known.has(branch.stored.ref.id))
      await marks.states(await heldStates(context, survey, branch, since));
  }
  for (const { log, retention } of logs) {
    const isMarked = retention === null && earlier?.logs.has(log.part.log) === true;
    if (!isMarked) await markLog(marks, survey, log, retention ?? log.retention);
  }
  for (const { log } of others) marks.add(floorKey(log));
  for (const state of common) await marks.states(neededInCommon(state));
  for (const place of links) await marks.record(place);
  await marks.blobs();
}

async function publish({ objects }: GraphContext, { logs, others }: Plan): Promise<void> {
  const floors = logs.map(({ log: { part, retention: before }, retention }): LogInCommon => {
    return { log: part.log, before, retention };
  });
  for (const { log, before, retention } of [...floors, ...others]) {
    if (retention !== null && !(await writeRetention(objects, log, retention, before))) {
      throw conflict("another cleanup is at work on this graph; nothing was deleted: run it again");
    }
  }
}

/** Whether a branch came, or one went on, between two surveys. */
function isNews(before: Survey, after: Survey): boolean {
  const positions = new Map(before.branches.map(({ state }) => [state.ref.id, state.position]));
  return after.branches.some(({ state }) => positions.get(state.ref.id) !== state.position);
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

/** Of a branch that is about to go everything stays that tells so. */
const isOfClosed = (closed: ReadonlySet<BranchId>, key: string): boolean =>
  key.startsWith("branches/") && closed.has(key.split("/")[1]);
