// What cleanup leaves of a log, as its floor object says it: each range of versions with the checkpoint that it is read from.

import { tryCheckpoint } from "../checkpoint-read.ts";
import type { GraphContext } from "../context.ts";
import { type KeptRange, type Retention, rangeOf } from "../floor.ts";
import { recordAt } from "../history.ts";
import { logKey } from "../layout.ts";
import { damaged } from "../stored-json.ts";
import type { CommitRecord } from "../types.ts";
import { readableVersions } from "./keep.ts";
import type { LiveLog, Survey } from "./survey.ts";
import { countOf, difference, type Span } from "./versions.ts";

/** The retention that leaves these versions, and gives `lost` up; null where it would say what holds already. */
export async function retentionOf(
  context: GraphContext,
  survey: Survey,
  log: LiveLog,
  versions: readonly Span[],
  lost: readonly Span[] = log.retention?.lost ?? [],
): Promise<Retention | null> {
  const before = log.retention;
  const isGivenUp = countOf(difference(lost, before?.lost ?? [])) === 0;
  const isExpired = countOf(difference(readableVersions(log), versions)) === 0;
  if (isGivenUp && isExpired && isCovered(log, versions)) return null;
  const kept: KeptRange[] = [];
  for (const [first, last] of versions) {
    const checkpoint = await baseOf(context, survey, log, first);
    const isNewest = last === log.part.lastVersion && log.branch.stored.ref.id === log.part.log;
    const to = isNewest ? null : (await recordOf(context, log, last)).position;
    kept.push({ first, last: isNewest ? null : last, checkpoint, to });
  }
  const newest = kept.at(-1);
  const isCut = newest !== undefined && newest.last === null && newest.checkpoint >= log.part.from;
  const floor = Math.max(before?.floor ?? 0, isCut ? newest.checkpoint + 1 : 0);
  return { floor, kept, lost };
}

const isCovered = ({ retention }: LiveLog, versions: readonly Span[]): boolean =>
  versions.every(([first, last]) => rangeOf(retention, first) === rangeOf(retention, last));

/** Position of the nearest sound checkpoint whose state comes no later than a version. */
async function baseOf(context: GraphContext, { logs }: Survey, log: LiveLog, first: number): Promise<number> {
  const { state, parts } = log.branch;
  const { position } = await recordOf(context, log, first);
  const lowest = rangeOf(log.retention, first)?.checkpoint ?? 0;
  const own = parts.findIndex((part) => part.log === log.part.log);
  for (const part of parts.slice(0, own + 1).reverse()) {
    const until = Math.min(part.until, position);
    for (const candidate of (logs.get(part.log)?.checkpoints ?? []).toReversed()) {
      if (candidate.position > until || candidate.position < lowest) continue;
      const place = { branch: part.log, position: candidate.position };
      const checkpoint = await tryCheckpoint(context, state.ref, place);
      if (checkpoint !== null && checkpoint.head.version <= first) return checkpoint.position;
    }
  }
  if (lowest === 0) return 0;
  const address = context.objects.address(logKey(log.part.log, position));
  throw damaged(address, `no checkpoint leads to the commit of version ${first}`);
}

async function recordOf(context: GraphContext, log: LiveLog, version: number): Promise<CommitRecord> {
  const record = await recordAt(context, log.branch.state, version);
  if (record !== null) return record;
  throw damaged(
    context.objects.address(logKey(log.part.log, log.part.until)),
    `the commit of version ${version} is not in the history`,
  );
}
