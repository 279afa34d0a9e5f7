// Creating, deleting and finding branches. A ref makes a name, a closed log ends it: each is one conditional put.

import { badRequest, conflict, StorageError } from "../lib/errors.ts";
import { ulid } from "../lib/ulid.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import { BranchClosed } from "./branch-log.ts";
import { MAIN } from "./branch-name.ts";
import type { GraphContext } from "./context.ts";
import { type DeletesObject, decodeEntry, encodeEntry } from "./entry.ts";
import { findHead } from "./find-head.ts";
import { type KeptRange, readRetention } from "./floor.ts";
import { recordBelow } from "./history.ts";
import { branchNotFound, logKey, refKey } from "./layout.ts";
import { PARALLEL_REQUESTS_MAX, UNPUBLISHED_AGE_MS_MAX } from "./limits.ts";
import { readEntry } from "./log-read.ts";
import { inParallel } from "./parallel.ts";
import {
  DELETED,
  decodeRef,
  encodeRef,
  isLeft,
  listRefNames,
  mainRef,
  readName,
  readRef,
  type StoredRef,
} from "./refs.ts";
import { settlePut, settleReplacement } from "./settle-put.ts";
import type { BranchRef, BranchState, CommitRecord, LogPlace, TypeChanges } from "./types.ts";

const NO_DELETES = new Map<TypeChanges, DeletesObject>();

/** Where a fork begins, and what opening it starts from. */
export interface ForkPoint {
  readonly source: BranchRef;
  readonly position: number;
  readonly checkpoint: LogPlace | null;
  readonly schemaDigest: string;
  /** When it was the head, in ms. */
  readonly readAt: number;
}

/** The ref of any branch; throws 404 where there is none. */
export async function refOf(context: GraphContext, name: string): Promise<StoredRef> {
  if (name === MAIN) return mainRef(context.graph);
  const stored = await readRef(context.objects, name);
  if (stored === null) throw branchNotFound(name);
  return stored;
}

/** Finds the head of a branch that this process does not follow, with few requests and without its state. */
export async function forkPointOf(context: GraphContext, from: string): Promise<ForkPoint> {
  const readAt = context.ports.now();
  const stored = await refOf(context, from);
  const head = await openHead(context, stored, from);
  return { source: stored.ref, ...head, readAt };
}

async function openHead(context: GraphContext, stored: StoredRef, name: string) {
  try {
    return await findHead(context, stored);
  } catch (thrown) {
    throw thrown instanceof BranchClosed ? branchNotFound(name) : thrown;
  }
}

/** A branch that begins at a fork point, before anybody can find it. */
export function newRef(context: GraphContext, name: string, fork: ForkPoint): StoredRef {
  if (name === MAIN) throw badRequest(`cannot create branch '${MAIN}'`);
  const { source, position, checkpoint, schemaDigest } = fork;
  const lineage = [...source.lineage, { branch: source.id, name: source.name, until: position }];
  return { ref: { name, id: ulid(context.ports), lineage }, checkpoint, schemaDigest };
}

/**
 * Makes a branch; of any number that make one name, one wins, the others get 409. Null where the schema was changed in this
 * moment: the branch is to begin behind that.
 */
export async function createRef(
  context: GraphContext,
  name: string,
  fork: ForkPoint,
): Promise<StoredRef | null> {
  const created = newRef(context, name, fork);
  switch (await putRef(context, created, fork, fork.position)) {
    case "won":
      return created;
    case "overtaken":
      return null;
    case "lost":
      throw conflict(`branch '${name}' already exists`);
    case "unreachable":
      throw stoppedAnswering(
        context,
        `branch '${name}' was being created: list the branches, then create it again`,
      );
  }
}

/**
 * Lets a branch be found, whose log ends at a position, unless its name is taken. `overtaken`: a change of the schema, which
 * did not see the branch, came first, and the branch is gone again.
 */
export async function putRef(
  context: GraphContext,
  created: StoredRef,
  fork: ForkPoint,
  position: number,
): Promise<"won" | "lost" | "unreachable" | "overtaken"> {
  const outcome = await settleRef(context, created);
  if (outcome === "won" && (await isOvertaken(context, fork)) && (await withdraw(context, created, position)))
    return "overtaken";
  const { readAt } = fork;
  // Cleanup that does not know of the branch yet leaves what was a head not long ago.
  if (outcome !== "won" || context.ports.now() - readAt <= UNPUBLISHED_AGE_MS_MAX) return outcome;
  if ((await isWhole(context, created.ref, position)) || !(await withdraw(context, created, position)))
    return outcome;
  throw forkExpired(created.ref.name);
}

export const forkExpired = (name: string) =>
  conflict(
    `branch '${name}' was not created: cleanup expired the commit that it was to begin at meanwhile; create it again`,
  );

/** Whether the schema changed since the fork: only on main it ever does. What storage does not tell is no reason to undo. */
async function isOvertaken({ objects }: GraphContext, { source, position }: ForkPoint): Promise<boolean> {
  if (source.lineage.length > 0) return false;
  try {
    for (let at = position + 1; ; at++) {
      const entry = await readEntry(objects, { branch: source.id, position: at });
      if (entry === null) return false;
      if (entry.commits.some(({ record }) => record.operation === "schema_apply")) return true;
    }
  } catch {
    return false;
  }
}

/** Whether the commit at the fork is kept, and the branch's own first entry, where it has one, is there. */
async function isWhole({ objects }: GraphContext, ref: BranchRef, position: number): Promise<boolean> {
  const { branch, until } = ref.lineage[ref.lineage.length - 1];
  const retention = await readRetention(objects, branch);
  const isWithin = ({ checkpoint, to }: KeptRange) => checkpoint <= until && (to === null || until <= to);
  if (retention !== null && !retention.kept.some(isWithin)) return false;
  return position === until || (await objects.storage.head(logKey(ref.id, position))) !== null;
}

/** Whether a live branch begins at a commit of the chain of `head`. */
export async function isFork(
  context: GraphContext,
  head: BranchState,
  { id, branch, position }: CommitRecord,
): Promise<boolean> {
  if ((await recordBelow(context, head, position)).id !== id) return false;
  const names = await listRefNames(context.objects);
  const refs = await inParallel(names, PARALLEL_REQUESTS_MAX, (name) => readRef(context.objects, name));
  return refs.some((stored) =>
    stored?.ref.lineage.some((inherited) => inherited.branch === branch && inherited.until === position),
  );
}

/** Takes a branch back that was just made; false where somebody wrote to it, so that it is of use. */
async function withdraw(context: GraphContext, { ref }: StoredRef, position: number): Promise<boolean> {
  const closing = await putEnd(context, { branch: ref.id, position: position + 1 }, ulid(context.ports));
  if (closing === "lost") return false;
  const there = await readRef(context.objects, ref.name);
  if (closing === "won" && there?.ref.id === ref.id) {
    const { objects, ports } = context;
    await settleReplacement(objects.storage, ports, refKey(ref.name), DELETED, there.version, isLeft);
  }
  return true;
}

async function settleRef(context: GraphContext, created: StoredRef): Promise<"won" | "lost" | "unreachable"> {
  const { objects, ports } = context;
  const { name, id } = created.ref;
  const key = refKey(name);
  const bytes = encodeRef(created);
  const isOurs = (stored: Uint8Array) =>
    !isLeft(stored) && decodeRef(objects.address(key), name, stored).ref.id === id;
  const outcome = await settlePut(objects.storage, ports, key, bytes, isOurs);
  if (outcome !== "lost") return outcome;
  // There is something under the name. What a deleted branch left is free to take.
  const holder = await readName(objects, name);
  if (holder === null) return settlePut(objects.storage, ports, key, bytes, isOurs);
  if (holder.ref !== null && !(await isDead(context, holder))) return "lost";
  return settleReplacement(objects.storage, ports, key, bytes, holder.version, isOurs);
}

async function isDead(context: GraphContext, stored: StoredRef): Promise<boolean> {
  try {
    await findHead(context, stored);
    return false;
  } catch (thrown) {
    if (thrown instanceof BranchClosed) return true;
    throw thrown;
  }
}

/** Ends a branch: its log is closed, so that late writers lose and learn why, then its name is given free. */
export async function deleteRef(context: GraphContext, name: string): Promise<void> {
  if (name === MAIN) throw badRequest(`cannot delete branch '${MAIN}'`);
  const { objects } = context;
  const stored = await readRef(objects, name);
  if (stored === null) throw branchNotFound(name);
  const descendant = await findDescendant(context, stored.ref);
  if (descendant !== null) {
    throw conflict(
      `cannot delete branch '${name}' because descendant branch '${descendant}' still depends on it`,
    );
  }
  const isOurDeletion = await closeLog(context, stored);
  const freed = await settleReplacement(
    objects.storage,
    context.ports,
    refKey(name),
    DELETED,
    stored.version,
    isLeft,
  );
  if (freed === "unreachable") {
    throw stoppedAnswering(context, `branch '${name}' was being deleted: delete it again`);
  }
  // Whoever takes the name of a closed branch frees it too. Nobody else's deletion is ours.
  if (freed === "lost" && !isOurDeletion) throw branchNotFound(name);
}

/** The first branch by name, in byte order, that inherits from this one. */
async function findDescendant(context: GraphContext, ref: BranchRef): Promise<string | null> {
  const names = (await listRefNames(context.objects)).filter((name) => name !== ref.name).sort(compareUtf8);
  const refs = await inParallel(names, PARALLEL_REQUESTS_MAX, (name) => readRef(context.objects, name));
  const descends = refs.find((other) => other?.ref.lineage.some(({ branch }) => branch === ref.id));
  return descends?.ref.name ?? null;
}

/** Appends the closed entry; false where somebody else did. */
async function closeLog(context: GraphContext, stored: StoredRef): Promise<boolean> {
  const closed = ulid(context.ports);
  for (;;) {
    let head: number;
    try {
      head = (await findHead(context, stored)).position;
    } catch (thrown) {
      if (thrown instanceof BranchClosed) return false;
      throw thrown;
    }
    const outcome = await putEnd(context, { branch: stored.ref.id, position: head + 1 }, closed);
    if (outcome === "won") return true;
    if (outcome === "unreachable") {
      throw stoppedAnswering(context, `branch '${stored.ref.name}' was being deleted: delete it again`);
    }
  }
}

/** Puts the entry that ends a log. */
function putEnd({ objects, ports }: GraphContext, place: LogPlace, closed: string) {
  const key = logKey(place.branch, place.position);
  const bytes = encodeEntry({ position: place.position, commits: [], closed }, NO_DELETES);
  const isOurs = (there: Uint8Array) => decodeEntry(objects.address(key), there, place).closed === closed;
  return settlePut(objects.storage, ports, key, bytes, isOurs);
}

export const stoppedAnswering = ({ objects }: GraphContext, during: string) =>
  new StorageError("internal", `storage at ${objects.storage.uri} stopped answering while ${during}`);
