// What `repair --force` does where source data is lost: one commit for each branch, with every lost type as it was in its
// newest state that can be read; what cannot be read any more is given up, and says so from then on.

import { conflict } from "../../lib/errors.ts";
import { ulid } from "../../lib/ulid.ts";
import type { StableId } from "../../schema/catalog.ts";
import { BranchLog } from "../branch-log.ts";
import { encodeCheckpoint, extendHistory } from "../checkpoint.ts";
import { buildCheckpoint, storeCheckpoint } from "../checkpointer.ts";
import type { GraphContext } from "../context.ts";
import { encodeEntry } from "../entry.ts";
import { readRetention, type VersionedRetention, writeRetention } from "../floor.ts";
import { writeHint } from "../hint.ts";
import { checkpointKey, floorKey, hintKey, logKey } from "../layout.ts";
import { forkPosition } from "../lineage.ts";
import { readEntries } from "../log-read.ts";
import { prepareDraft, recordOf } from "../prepared-draft.ts";
import { Publisher } from "../publisher.ts";
import { settlePut } from "../settle-put.ts";
import { damaged } from "../stored-json.ts";
import type {
  BranchRef,
  Checkpoint,
  CommitRecord,
  Draft,
  LoggedCommit,
  TypeChanges,
  TypeState,
} from "../types.ts";
import { checkpointBelow } from "./heal.ts";
import { readableVersions } from "./keep.ts";
import { attempt } from "./object-checks.ts";
import { restoreTypes } from "./restore.ts";
import { retentionOf } from "./retention.ts";
import { surveyGraph } from "./survey.ts";
import type { CheckedBranch } from "./verify.ts";
import { difference, intersection, joined, type Span } from "./versions.ts";

/** Commits of repair carry this actor; nobody else may. */
const REPAIR_ACTOR = "omnigraph:repair";

export interface Forced {
  readonly branch: CheckedBranch;
  readonly commit: CommitRecord;
  /** Versions given up. */
  readonly lost: readonly Span[];
}

/** Whether a branch has lost something that only force deals with. */
export const isDamaged = ({ verdict, hasBadFloor }: CheckedBranch): boolean =>
  hasBadFloor || verdict.lost.length > 0 || verdict.endsInHole;

export async function forceBranch(context: GraphContext, branch: CheckedBranch): Promise<Forced> {
  if (branch.verdict.endsInHole) return continueBehindHole(context, branch);
  return { branch, commit: await publishOnHead(context, branch), lost: branch.verdict.lost };
}

function draftOf({ ports }: GraphContext, changes: readonly TypeChanges[]): Draft {
  return {
    id: ulid(ports),
    actor: REPAIR_ACTOR,
    authoredAt: ports.nowMicros(),
    operation: "repair",
    mergedParent: null,
    schema: null,
    changes,
    reads: {
      types: new Set(changes.map(({ type }) => type)),
      ids: new Map(),
      unique: new Map(),
      incident: new Map(),
    },
  };
}

/** The head can be found: the commit goes on top of it like any other. */
async function publishOnHead(context: GraphContext, branch: CheckedBranch): Promise<CommitRecord> {
  const { stored, verdict, checked } = branch;
  const log = new BranchLog(context, stored);
  const { catalog, head } = await log.head();
  if (head.id !== verdict.lastReached?.id) throw moved(checked.ref.name);
  const lost = [...catalog.typeById.keys()].filter((type) => verdict.head.of(type) !== null);
  const changes = await restoreTypes(context, branch, catalog, new Set(lost));
  const draft = draftOf(context, changes);
  const publisher = new Publisher(context, log, () => {});
  const { commit, state } = await publisher.publish({
    repeat: "never",
    prepare: async (now) => {
      if (now.head.id !== head.id) throw moved(checked.ref.name);
      return draft;
    },
  });
  if (commit === null) throw moved(checked.ref.name);
  // What is read from now on begins here; without it, it begins below, and only costs more.
  await attempt(async () => storeCheckpoint(context, log, await buildCheckpoint(context, state), state.tail));
  return commit;
}

/**
 * An entry of the tail is lost, or the schema at its end, so that nobody can follow the log. The commit is put behind the
 * last entry, on top of the newest commit that can be reached, with the newest schema that can be read and the whole state,
 * and a checkpoint there leads around the hole.
 */
async function continueBehindHole(context: GraphContext, branch: CheckedBranch): Promise<Forced> {
  const { verdict, checked, until } = branch;
  const { ref } = checked;
  const parent = verdict.lastReached;
  const { objects, ports } = context;
  const { schemaDigest } = verdict;
  if (parent === null || schemaDigest === null) {
    throw damaged(objects.address(logKey(ref.id, until)), "no commit of the branch's history can be reached");
  }
  const catalog = await context.catalogOf(schemaDigest);
  const changes = await restoreTypes(context, branch, catalog, new Set(catalog.typeById.keys()));
  const draft = draftOf(context, changes);
  const { deletesObjects } = await prepareDraft(context, draft);
  await closeHoles(context, checked.ref, parent.position + 1, until);
  const commit = recordOf(draft, { ...parent, schemaDigest }, ref.id, until + 1);
  const entry = { position: commit.position, commits: [{ record: commit, changes }], closed: null };
  const bytes = encodeEntry(entry, deletesObjects);
  const key = logKey(ref.id, commit.position);
  const isOurs = (there: Uint8Array) => Buffer.from(there).equals(bytes);
  if ((await settlePut(objects.storage, ports, key, bytes, isOurs)) !== "won") throw moved(ref.name);
  const checkpoint = await checkpointOf(context, branch, parent, { record: commit, changes });
  await objects.storage.put(checkpointKey(ref.id, commit.position), encodeCheckpoint(checkpoint));
  await objects.storage.delete(hintKey(ref.id));
  await writeHint(objects, checkpoint, null);
  // The state of the parent is given up too: no range of readable states may reach across the hole.
  const lost = joined([
    ...intersection(verdict.lost, [[1, parent.version]]),
    [parent.version, parent.version],
  ]);
  return { branch, commit, lost };
}

/**
 * Puts an empty object, which nobody takes for an entry, where one is missing: a process that has read up to there must
 * not take the place for the end of the log, nor publish in it.
 */
async function closeHoles(
  { objects }: GraphContext,
  ref: BranchRef,
  from: number,
  to: number,
): Promise<void> {
  for (let position = Math.max(from, forkPosition(ref) + 1); position <= to; position++) {
    const key = logKey(ref.id, position);
    if ((await objects.storage.head(key)) !== null) continue;
    if ((await objects.storage.putIfAbsent(key, new Uint8Array(0))).outcome === "lost") throw moved(ref.name);
  }
}

/** The state that a commit made which replaced every type. */
async function checkpointOf(
  context: GraphContext,
  { checked: { ref, checkpoints } }: CheckedBranch,
  parent: CommitRecord,
  { record, changes }: LoggedCommit,
): Promise<Checkpoint> {
  const isFit = ({ head }: Checkpoint) => head.version <= parent.version;
  const base = await checkpointBelow(context, ref, checkpoints, parent.position, isFit);
  const entries = await readEntries(context.objects, ref, base.position + 1, parent.position);
  const since = entries.flatMap(({ commits }) => commits.map((commit) => commit.record));
  const types = changes.map(({ type, segments }): [StableId, TypeState] => {
    const count = segments.reduce((sum, { rows }) => sum + rows, 0);
    const alive = segments.map((segment) => ({ segment, dead: { kind: "none" as const } }));
    return [type, { type, count, changedAt: record.version, segments: alive }];
  });
  const known = since.filter(({ version }) => version > base.head.version && version <= parent.version);
  return {
    branch: ref.id,
    position: record.position,
    head: record,
    types: new Map(types),
    history: extendHistory(base, [...known, record]),
  };
}

/** Marks what was given up as expired. Called when every branch can be read again. */
export async function giveUp(context: GraphContext, forced: readonly Forced[]): Promise<void> {
  for (const { branch } of forced) if (branch.hasBadFloor) await resetFloor(context, branch);
  const survey = await surveyGraph(context);
  for (const { branch, lost } of forced) {
    const log = survey.logs.get(branch.checked.log);
    if (log === undefined) continue;
    const all = joined([...(log.retention?.lost ?? []), ...lost]);
    const versions = difference(readableVersions(log), all);
    const retention = await retentionOf(context, survey, log, versions, all);
    if (retention === null) continue;
    if (!(await writeRetention(context.objects, log.part.log, retention, log.retention))) {
      throw conflict("a cleanup is at work on this graph; run repair again");
    }
  }
}

/** A floor that cannot be read is replaced by one that claims everything; what is not there is given up next. */
async function resetFloor({ objects }: GraphContext, { checked }: CheckedBranch): Promise<void> {
  const there = await objects.storage.get(floorKey(checked.log));
  if (there === null || (await attempt(() => readRetention(objects, checked.log))).problem === null) return;
  const everything = { first: 1, last: null, checkpoint: 0, to: null };
  const before: VersionedRetention = { floor: 0, kept: [], lost: [], version: there.version };
  await writeRetention(objects, checked.log, { floor: 0, kept: [everything], lost: [] }, before);
}

const moved = (branch: string) =>
  conflict(
    `branch '${branch}' moved while it was being repaired; nothing was published on it: run repair again`,
  );
