// Refs that cannot be read. A ref only says where a log goes on from: where the log is there, and what is left of the ref
// names it, the ref can be made again.

import { findCheckpoint } from "../checkpoint-read.ts";
import type { GraphContext } from "../context.ts";
import { type DecodedEntry, decodeEntry } from "../entry.ts";
import { BRANCHES_PREFIX, logKey, logPrefix, positionIn, refKey } from "../layout.ts";
import { logOwner } from "../lineage.ts";
import { DELETED, encodeRef, type StoredRef } from "../refs.ts";
import type { BranchId, BranchRef, CommitRecord, Inherited, LogPlace } from "../types.ts";
import { attempt, type Problem } from "./object-checks.ts";

export interface LostRef {
  readonly name: string;
  readonly problem: Problem;
  /** As it must have been; null where nobody knows. */
  readonly found: StoredRef | null;
}

/** Looks for what a ref said that cannot be read; `known` are all others. */
export async function findRef(
  context: GraphContext,
  name: string,
  known: readonly StoredRef[],
): Promise<StoredRef | null> {
  const stored = await context.objects.storage.get(refKey(name));
  const left = Buffer.from(stored?.bytes ?? []).toString("latin1");
  const taken = new Set(known.flatMap(({ ref }) => [ref.id, ...ref.lineage.map(({ branch }) => branch)]));
  const logs = (await listLogs(context)).filter((log) => !taken.has(log) && left.includes(log));
  const found: StoredRef[] = [];
  for (const log of logs) {
    const ref = await refOfLog(context, name, log, known);
    if (ref !== null) found.push(ref);
  }
  return found.length === 1 ? found[0] : null;
}

/** Writes a ref as it was found again, or gives the name up. */
export async function settleRef({ objects }: GraphContext, { name, found }: LostRef): Promise<void> {
  await objects.storage.put(refKey(name), found === null ? DELETED : encodeRef(found));
}

async function listLogs({ objects }: GraphContext): Promise<BranchId[]> {
  const logs: BranchId[] = [];
  for (let startAfter: string | null = ""; startAfter !== null; ) {
    const options = startAfter === "" ? {} : { startAfter };
    const page = await objects.storage.list(BRANCHES_PREFIX, { delimiter: "/", ...options });
    logs.push(...page.prefixes.map((prefix) => prefix.slice(BRANCHES_PREFIX.length, -1)));
    startAfter = page.next;
  }
  return logs;
}

/** The ref of a log that is not closed, and whose first commit follows one of a known history. */
async function refOfLog(
  context: GraphContext,
  name: string,
  log: BranchId,
  known: readonly StoredRef[],
): Promise<StoredRef | null> {
  const positions = await positionsOf(context, log);
  const [first, last] = [positions.at(0), positions.at(-1)];
  if (first === undefined || last === undefined) return null;
  const begin = await entryAt(context, { branch: log, position: first });
  const end = await entryAt(context, { branch: log, position: last });
  const parent = begin?.commits[0]?.record.parent;
  if (parent === undefined || end === null || end.closed !== null) return null;
  for (const { ref } of known) {
    const fork = await lastCommitAt(context, ref, first - 1);
    if (fork?.id !== parent) continue;
    const made: BranchRef = { name, id: log, lineage: lineageTo(ref, first - 1) };
    const { branch, position } = await findCheckpoint(context, made, first - 1);
    const checkpoint = position === 0 ? null : { branch, position };
    return { ref: made, checkpoint, schemaDigest: fork.schemaDigest };
  }
  return null;
}

async function positionsOf({ objects }: GraphContext, log: BranchId): Promise<number[]> {
  const positions: number[] = [];
  for (let startAfter: string | null = ""; startAfter !== null; ) {
    const page = await objects.storage.list(logPrefix(log), startAfter === "" ? {} : { startAfter });
    positions.push(...page.objects.flatMap(({ key }) => positionIn(key) ?? []));
    startAfter = page.next;
  }
  return positions;
}

async function entryAt({ objects }: GraphContext, place: LogPlace): Promise<DecodedEntry | null> {
  const key = logKey(place.branch, place.position);
  const { value } = await attempt(async () => {
    const stored = await objects.storage.get(key);
    return stored === null ? null : decodeEntry(objects.address(key), stored.bytes, place);
  });
  return value;
}

async function lastCommitAt(
  context: GraphContext,
  ref: BranchRef,
  position: number,
): Promise<CommitRecord | null> {
  if (position === 0) return context.graph.genesis;
  const entry = await entryAt(context, { branch: logOwner(ref, position), position });
  return entry?.commits.at(-1)?.record ?? null;
}

/** The lineage of a branch that was forked from another one's history at a position. */
function lineageTo(ref: BranchRef, until: number): Inherited[] {
  const owner = logOwner(ref, until);
  const before = ref.lineage.findIndex(({ branch }) => branch === owner);
  const { name } = before === -1 ? ref : ref.lineage[before];
  const inherited = before === -1 ? ref.lineage : ref.lineage.slice(0, before);
  return [...inherited, { branch: owner, name, until }];
}
