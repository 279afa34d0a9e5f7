// A branch and its first commit in one step: the log entry is there before the name is, so that the put which lets the
// name be found publishes both. A crash between the two leaves an entry in a log that nobody knows.

import { assert } from "../lib/assert.ts";
import { conflict } from "../lib/errors.ts";
import type { PublishResult } from "./api.ts";
import { type ForkPoint, forkExpired, newRef, putRef, stoppedAnswering } from "./branches.ts";
import type { GraphContext } from "./context.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { rangeOf, readRetention } from "./floor.ts";
import { logKey } from "./layout.ts";
import { UNPUBLISHED_AGE_MS_MAX } from "./limits.ts";
import { prepareDraft, recordOf } from "./prepared-draft.ts";
import { recoveryRequired } from "./publish-errors.ts";
import type { StoredRef } from "./refs.ts";
import { afterCommit } from "./replay.ts";
import { settlePut } from "./settle-put.ts";
import type { BranchState, Draft, LoggedCommit, LogPlace } from "./types.ts";

export interface FirstCommit extends PublishResult {
  readonly stored: StoredRef;
}

/** `source` is the state at the fork point. Null where the name was taken meanwhile: nothing is published then. */
export async function createWithCommit(
  context: GraphContext,
  name: string,
  fork: ForkPoint,
  source: BranchState,
  prepare: (head: BranchState) => Promise<Draft>,
): Promise<FirstCommit | null> {
  const stored = newRef(context, name, fork);
  const head: BranchState = { ...source, ref: stored.ref };
  const { draft, deletesObjects } = await prepareDraft(context, await prepare(head));
  assert(draft.schema === null, "a branch keeps the schema of its fork");
  const place: LogPlace = { branch: stored.ref.id, position: fork.position + 1 };
  const record = recordOf(draft, head.head, place.branch, place.position);
  const commit: LoggedCommit = { record, changes: draft.changes };
  const bytes = encodeEntry({ position: place.position, commits: [commit], closed: null }, deletesObjects);

  const { objects, ports } = context;
  const key = logKey(place.branch, place.position);
  const address = objects.address(key);
  const isOurs = (there: Uint8Array) =>
    decodeEntry(address, there, place).commits[0]?.record.id === record.id;
  const written = await settlePut(objects.storage, ports, key, bytes, isOurs);
  if (written === "unreachable") {
    throw stoppedAnswering(context, `branch '${name}' was being created: nothing was published`);
  }
  assert(written === "won", "nobody else writes the log of a branch that has no name");

  if (ports.now() - fork.readAt > UNPUBLISHED_AGE_MS_MAX) await requireKept(context, name, source);
  const named = await putRef(context, stored, fork, place.position);
  if (named === "unreachable") throw recoveryRequired(name, record.id);
  if (named === "lost") return null;
  if (named === "overtaken") throw schemaChanged(name);
  return { stored, commit: record, state: afterCommit(head, commit, head.catalog, address) };
}

/** After long work the fork point may be one that cleanup expired meanwhile: nothing may begin there any more. */
async function requireKept({ objects }: GraphContext, name: string, { head }: BranchState): Promise<void> {
  const retention = await readRetention(objects, head.branch);
  if (rangeOf(retention, head.version) === null) throw forkExpired(name);
}

const schemaChanged = (name: string) =>
  conflict(
    `branch '${name}' was not created: the schema was changed in the same moment; nothing was written: load again`,
  );
