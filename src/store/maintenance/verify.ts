// The whole graph looked through: every branch, every log, everything that a readable commit needs. Nothing is changed.

import { OmnigraphError } from "../../lib/errors.ts";
import type { Catalog, StableId } from "../../schema/catalog.ts";
import type { GraphContext } from "../context.ts";
import { type Retention, readRetention } from "../floor.ts";
import { readHint } from "../hint.ts";
import { readPack } from "../history.ts";
import { logPrefix, positionIn } from "../layout.ts";
import { forkPosition, logOwner } from "../lineage.ts";
import { openState } from "../open-state.ts";
import { listRefNames, mainRef, readRef, type StoredRef } from "../refs.ts";
import { DamagedObject } from "../stored-json.ts";
import type { BranchRef, BranchState, CommitRecord } from "../types.ts";
import { type CheckedLog, type CheckedRange, checkLog, type LogVerdict } from "./check-log.ts";
import { findRef, type LostRef } from "./lost-refs.ts";
import { attempt, ObjectChecks, type Problem } from "./object-checks.ts";
import { listCheckpoints } from "./survey.ts";

/** How bad it is: `derived` can be made again, `source` is lost, `unreadable` may be there another time. */
export type Severity = "derived" | "source" | "unreadable";

export interface Finding {
  /** Null: every type. */
  readonly type: StableId | null;
  readonly severity: Severity;
  readonly text: string;
}

export interface CheckedBranch {
  readonly stored: StoredRef;
  /** Null where the branch cannot be opened. */
  readonly state: BranchState | null;
  readonly checked: CheckedLog;
  readonly verdict: LogVerdict;
  /** Position of the last entry of its history. */
  readonly until: number;
  /** What notes its newest checkpoint leads nowhere. */
  readonly hasBadHint: boolean;
  /** The floor object cannot be read: nobody knows what cleanup left. */
  readonly hasBadFloor: boolean;
}

export interface GraphVerdict {
  /** Main first. */
  readonly branches: readonly CheckedBranch[];
  readonly findings: readonly Finding[];
  readonly lostRefs: readonly LostRef[];
  /** Of main's head, or of the newest commit whose schema can be read. */
  readonly catalog: Catalog;
}

/** `context` reads everything afresh. */
export async function verifyGraph(context: GraphContext): Promise<GraphVerdict> {
  const findings: Finding[] = [];
  const stored: StoredRef[] = [mainRef(context.graph)];
  const unread: { readonly name: string; readonly problem: Problem }[] = [];
  for (const name of await listRefNames(context.objects)) {
    const { value, problem } = await attempt(() => readRef(context.objects, name));
    if (problem !== null) unread.push({ name, problem });
    if (value !== null) stored.push(value);
  }
  const lostRefs: LostRef[] = [];
  for (const { name, problem } of unread) {
    const found = problem.isUnreadable ? null : await findRef(context, name, stored);
    findings.push(refFinding({ name, problem, found }));
    if (!problem.isUnreadable) lostRefs.push({ name, problem, found });
    if (found !== null) stored.push(found);
  }
  const main = await attempt(() => openState(context, stored[0]));
  const checks = new ObjectChecks(context, main.value?.state.catalog.purged ?? new Set());
  const branches: CheckedBranch[] = [];
  for (const ref of stored) {
    const branch = await checkBranch(context, checks, ref, findings);
    if (branch !== null) branches.push(branch);
  }
  const catalog = main.value?.state.catalog ?? (await newestCatalog(context, branches[0]));
  return { branches, findings, lostRefs, catalog };
}

function refFinding({ name, problem, found }: LostRef): Finding {
  const text = `branch '${name}': ${problem.text}`;
  if (problem.isUnreadable) return { type: null, severity: "unreadable", text };
  if (found !== null) return { type: null, severity: "derived", text: `${text}; its log tells what it said` };
  return {
    type: null,
    severity: "source",
    text: `${text}; affects all of the branch, for nobody knows where it began`,
  };
}

async function checkBranch(
  context: GraphContext,
  checks: ObjectChecks,
  stored: StoredRef,
  findings: Finding[],
): Promise<CheckedBranch | null> {
  const { ref } = stored;
  const [opened, retention, until] = await Promise.all([
    attempt(() => openState(context, stored)),
    attempt(() => readRetention(context.objects, ref.id)),
    lastPosition(context, ref),
  ]);
  if (opened.value?.closed === true) return null;
  const state = opened.value?.state ?? null;
  const listed = new Set((await listCheckpoints(context, ref.id)).map(({ position }) => position));
  for (const { branch, until: end } of ref.lineage) {
    for (const { position } of await listCheckpoints(context, branch))
      if (position <= end) listed.add(position);
  }
  const oldest = await oldestBase(context, ref);
  const ranges = rangesOf(forkPosition(ref), oldest, retention.value, listed, until);
  const hint = await attempt(() => readHint(context.objects, ref.id));
  const checked: CheckedLog = {
    log: ref.id,
    ref,
    checkpoints: new Set([...listed, ...expected(state, hint.value?.position ?? 0, ref, ranges)]),
    ranges,
  };
  const verdict = await checkLog(context, checks, checked);

  const say = (problem: Problem, severity: Severity, type: StableId | null = null, more = "") =>
    findings.push({
      type,
      severity: problem.isUnreadable ? "unreadable" : severity,
      text: `branch '${ref.name}': ${problem.text}${more}`,
    });
  for (const { type, problem, commits, lostAfter } of verdict.damages) {
    const unknown =
      lostAfter === null
        ? ""
        : `; its commits are lost, those after ${lostAfter.id} (version ${lostAfter.version})`;
    say(problem, "source", type, unknown + affected(commits));
  }
  for (const { type, problem } of verdict.derived) say(problem, "derived", type);
  if (retention.problem !== null) say(retention.problem, "source");
  const isNoted = hint.value !== null && listed.has(hint.value.position);
  const hasBadHint = !isNoted && [...listed].some((position) => logOwner(ref, position) === ref.id);
  if (hasBadHint) {
    const text =
      hint.problem?.text ?? "the note of its newest checkpoint (hint.json) is missing or leads nowhere";
    say({ text, isUnreadable: hint.problem !== null }, "derived");
  }
  for (const pack of state?.checkpoint.history.packs ?? []) {
    const { problem } = await attempt(async () => state && readPack(context, state, pack));
    if (problem !== null)
      say(
        problem,
        "source",
        null,
        `; commits of versions ${pack.firstVersion}-${pack.lastVersion} cannot be listed`,
      );
  }
  return {
    stored,
    state,
    checked,
    verdict,
    until,
    hasBadHint,
    hasBadFloor: retention.problem?.isUnreadable === false,
  };
}

/** What is to be said of a branch together with all that it inherits. */
export async function checkLineage(
  context: GraphContext,
  { checked, state }: CheckedBranch,
): Promise<LogVerdict> {
  const { ref, checkpoints } = checked;
  const ranges: CheckedRange[] = [];
  let fork = 0;
  for (const { branch, until } of ref.lineage) {
    const { value } = await attempt(() => readRetention(context.objects, branch));
    const inherited = rangesOf(fork, fork, value, checkpoints, until);
    ranges.push(
      ...inherited
        .filter(({ checkpoint }) => checkpoint < until)
        .map((range) => ({ ...range, to: Math.min(range.to, until) })),
    );
    fork = until;
  }
  const checks = new ObjectChecks(context, state?.catalog.purged ?? new Set());
  return checkLog(context, checks, { ...checked, ranges: [...ranges, ...checked.ranges] });
}

/** The position from which everything that leads to the fork of a branch is there, whatever cleanup took before. */
async function oldestBase({ objects }: GraphContext, { lineage }: BranchRef): Promise<number> {
  for (const { branch, until } of lineage.toReversed()) {
    const { value } = await attempt(() => readRetention(objects, branch));
    const kept = value?.kept.find(({ checkpoint, to }) => checkpoint <= until && until <= (to ?? until));
    if (value !== null) return kept?.checkpoint ?? until;
  }
  return 0;
}

/** What should be readable of a log; without a floor, all of it. */
function rangesOf(
  fork: number,
  oldest: number,
  retention: Retention | null,
  checkpoints: ReadonlySet<number>,
  until: number,
): CheckedRange[] {
  if (retention !== null) {
    return retention.kept.map(({ checkpoint, to, first, last }) => {
      return {
        checkpoint,
        oldest: checkpoint,
        from: 0,
        to: to ?? until,
        first,
        last: last ?? Number.MAX_SAFE_INTEGER,
      };
    });
  }
  const checkpoint = Math.max(0, ...[...checkpoints].filter((position) => position <= fork));
  return [
    {
      checkpoint,
      oldest: Math.min(oldest, checkpoint),
      to: until,
      from: fork,
      first: 0,
      last: Number.MAX_SAFE_INTEGER,
    },
  ];
}

/** Checkpoints of the branch's own log that others refer to, as far as they lie in what should be readable. */
function expected(
  state: BranchState | null,
  noted: number,
  ref: BranchRef,
  ranges: readonly CheckedRange[],
): number[] {
  const { earlier = [], packs = [] } = state?.checkpoint.history ?? {};
  return [noted, ...earlier, ...packs.map(({ position }) => position)].filter(
    (position) =>
      logOwner(ref, position) === ref.id &&
      ranges.some(({ checkpoint, to }) => checkpoint < position && position <= to),
  );
}

async function lastPosition({ objects }: GraphContext, ref: BranchRef): Promise<number> {
  let last = forkPosition(ref);
  const prefix = logPrefix(ref.id);
  for (let startAfter: string | null = ""; startAfter !== null; ) {
    const page = await objects.storage.list(prefix, startAfter === "" ? {} : { startAfter });
    for (const { key } of page.objects) last = Math.max(last, positionIn(key) ?? 0);
    startAfter = page.next;
  }
  return last;
}

function affected(commits: readonly CommitRecord[]): string {
  if (commits.length === 0) return "";
  const first = commits[0];
  const last = commits[commits.length - 1];
  if (first === last) return `; affects commit ${first.id} (version ${first.version})`;
  return `; affects ${commits.length} commits from ${first.id} (version ${first.version}) to ${last.id} (version ${last.version})`;
}

/** Without any schema there are no types to tell about: that is thrown. */
async function newestCatalog(context: GraphContext, main: CheckedBranch): Promise<Catalog> {
  const { genesis } = context.graph;
  const digest = main.verdict.schemaDigest ?? genesis.schemaDigest;
  const newest = await attempt(() => context.catalogOf(digest));
  const first = newest.value === null ? await attempt(() => context.catalogOf(genesis.schemaDigest)) : newest;
  if (first.value !== null) return first.value;
  const { text, isUnreadable } = newest.problem ?? first.problem;
  if (isUnreadable) throw new OmnigraphError("internal", text);
  throw new DamagedObject("internal", `${text}; no commit can be read until it is put back as it was`);
}
