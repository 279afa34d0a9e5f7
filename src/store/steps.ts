// Commits of a chain one after the other, each between the state before and the state after it: one checkpoint and the
// entries since serve them all.

import { assert } from "../lib/assert.ts";
import { withoutPurged } from "../schema/index.ts";
import type { Step } from "./api.ts";
import type { GraphContext } from "./context.ts";
import { commitReclaimed, rangeOf, readRetention } from "./floor.ts";
import { recordAt } from "./history.ts";
import { logKey } from "./layout.ts";
import { afterCommit } from "./replay.ts";
import { commitsBetween, stateAt } from "./time-travel.ts";
import type { BranchState, CommitRecord } from "./types.ts";

/** Steps of the chain of `head`, from version `first` to `last`, up to the first one that cleanup reclaimed. */
export async function stepsOf(
  context: GraphContext,
  head: BranchState,
  first: number,
  last: number,
): Promise<Step[]> {
  const [parent, ...records] = await recordsAt(context, head, first - 1, last);
  const [readable, base] = await Promise.all([
    readablePrefix(context, records),
    stateAt(context, head, parent),
  ]);
  const end = readable.at(-1);
  if (end === undefined) throw commitReclaimed(records[0].id);
  const steps: Step[] = [];
  let before = base;
  for (const commit of await commitsBetween(context, head, parent, end, records[0].position)) {
    const { branch, position, schemaDigest } = commit.record;
    const object = context.objects.address(logKey(branch, position));
    const after = afterCommit(before, commit, await context.catalogOf(schemaDigest), object);
    steps.push({ before, commit, after, readable: withoutPurged(after.catalog, head.catalog.purged) });
    before = after;
  }
  assert(steps.length === readable.length, "the log holds every commit whose states are kept");
  return steps;
}

async function recordsAt(
  context: GraphContext,
  head: BranchState,
  from: number,
  to: number,
): Promise<CommitRecord[]> {
  const versions = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const records = await Promise.all(versions.map((version) => recordAt(context, head, version)));
  return records.map((record) => {
    assert(record !== null, "a chain has a commit at every version up to its head");
    return record;
  });
}

/** The commits before the first one whose state cleanup reclaimed. */
async function readablePrefix(
  context: GraphContext,
  records: readonly CommitRecord[],
): Promise<readonly CommitRecord[]> {
  const logs = [...new Set(records.map(({ branch }) => branch))];
  const retentions = await Promise.all(
    logs.map(async (log) => [log, await readRetention(context.objects, log)] as const),
  );
  const retentionOf = new Map(retentions);
  const end = records.findIndex(
    ({ branch, version }) => rangeOf(retentionOf.get(branch) ?? null, version) === null,
  );
  return end < 0 ? records : records.slice(0, end);
}
