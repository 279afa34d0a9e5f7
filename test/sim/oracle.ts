// Judges what the engine told its callers against the history: a success must have happened in the time of the call, a
// refusal must have been right at some moment of it, and whatever ended without an answer happened wholly or not at all.

import type { CleanupRequest, RepairOutput } from "../../src/engine/maintenance/index.ts";
import type { CommitOutput } from "../../src/engine/outputs.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import type { JsonObject } from "../../src/lib/json.ts";
import { isUlid } from "../../src/lib/ulid.ts";
import {
  type Branch,
  type Commit,
  chainOf,
  History,
  mergeBases,
  mergeOutcomes,
  type Reign,
} from "./history.ts";
import {
  applyWrite,
  generatedId,
  type Outcome,
  records,
  recordText,
  type State,
  type Write,
} from "./model.ts";
import type { Read } from "./reads.ts";

export type Request =
  | {
      readonly kind: "write";
      readonly branch: string;
      readonly write: Write;
      readonly ifCommit: string | null;
    }
  /** A load into a branch, which it makes of another where there is none. */
  | { readonly kind: "fork"; readonly branch: string; readonly from: string; readonly write: Write }
  | {
      readonly kind: "merge";
      readonly source: string;
      readonly target: string;
      /** Deletes the source afterwards. */
      readonly isLast: boolean;
    }
  | { readonly kind: "create"; readonly branch: string; readonly from: string }
  | { readonly kind: "delete"; readonly branch: string }
  | { readonly kind: "optimize" }
  | { readonly kind: "repair" }
  | { readonly kind: "cleanup"; readonly policy: CleanupRequest };

/** A call that changes something, from its first instruction to its answer. */
export interface Operation {
  /** Unique; the actor of its commit. */
  readonly mark: string;
  readonly request: Request;
  readonly startedAt: number;
  /** Null while it runs. */
  endedAt: number | null;
}

/** How often a write is prepared again before it may be refused for the races it lost (spec 03 §6.2). */
const PREPARE_ATTEMPTS = 32;
const NEVER = Number.POSITIVE_INFINITY;

export class Oracle {
  readonly history: History;
  /** What was found wrong first; nothing after it counts. */
  failure: string | null = null;
  private readonly operations = new Map<string, Operation>();

  constructor(
    private readonly step: () => number,
    private readonly now: () => number,
    /** True where storage has no faults: then nothing may end without an answer. */
    private readonly isCalm: boolean,
  ) {
    this.history = new History(
      step,
      {
        stateOf: (mark, branch, parent, merged) => this.stateOf(mark, branch, parent, merged),
        compacted: ({ name }) =>
          name === "main" && this.isAnyRunning("optimize") ? null : `nobody asked to compact '${name}'`,
        deleted: (key) => (this.mayGo(key) ? null : `${key} was deleted`),
        created: (branch, fork, isLoaded) => this.judgeCreation(branch, fork, isLoaded),
        closed: (branch) => this.judgeClosing(branch),
      },
      (what) => this.fail(what),
    );
  }

  fail(what: string): void {
    this.failure ??= `step ${this.step()}: ${what}`;
  }

  begin(mark: string, request: Request): Operation {
    const operation = { mark, request, startedAt: this.step(), endedAt: null };
    this.operations.set(mark, operation);
    return operation;
  }

  /** It ended without an answer that could be wrong, or its process died. */
  abandon(operation: Operation): void {
    operation.endedAt = this.step();
  }

  /** A write or schema change was answered with its commit, or with none. */
  wrote(operation: Operation, output: CommitOutput | null): void {
    operation.endedAt = this.step();
    const { mark } = operation;
    const commit = this.history.commitOf(mark);
    if (output === null) {
      if (commit !== null) this.fail(`${mark} was told that there is no commit, and there is ${commit.id}`);
      this.expectOutcome(operation, "nothing", "that there was nothing to do");
      return;
    }
    if (commit?.parent == null || commit.id !== output.graph_commit_id) {
      this.fail(
        `${mark} was told of commit ${output.graph_commit_id}, and ${commit?.id ?? "no commit"} is there`,
      );
      return;
    }
    if (output.parent_commit_id !== commit.parent.id || output.graph_manifest_version !== commit.version)
      this.fail(`${mark} was told a wrong place of its commit`);
    const { request } = operation;
    if (request.kind === "write" && request.ifCommit !== null && !stoodAt(commit.parent, request.ifCommit))
      this.fail(`${mark} was to follow ${request.ifCommit} and follows ${commit.parent.id}`);
  }

  /** A schema change was answered; `isApplied` says whether it changed anything. */
  applied(operation: Operation, isApplied: boolean): void {
    operation.endedAt = this.step();
    const { mark } = operation;
    if (isApplied !== (this.history.commitOf(mark) !== null))
      this.fail(`${mark} was told that it was ${isApplied ? "" : "not "}applied, which is not so`);
    if (!isApplied) this.expectOutcome(operation, "nothing", "that there was nothing to do");
  }

  merged(operation: Operation, outcome: "already_up_to_date" | "fast_forward" | "merged"): void {
    operation.endedAt = this.step();
    const commit = this.history.commitOf(operation.mark);
    if (outcome === "already_up_to_date") {
      if (commit !== null) this.fail(`${operation.mark} was up to date, and there is commit ${commit.id}`);
      this.expectOutcome(operation, "nothing", "that everything is merged");
    } else if (commit === null || commit.parent === null || commit.merged === null) {
      this.fail(`${operation.mark} was told that it merged, and there is no such commit`);
    } else if (
      (outcome === "fast_forward") !==
      mergeBases(commit.merged, commit.parent).includes(commit.parent)
    ) {
      this.fail(`${operation.mark} was told of the outcome ${outcome}, which is not what happened`);
    }
  }

  /** A load into a branch that it may have made. */
  forked(operation: Operation, isCreated: boolean, output: CommitOutput | null): void {
    const commit = this.history.commitOf(operation.mark);
    if (commit !== null && commit.isFirst !== isCreated)
      this.fail(`${operation.mark} was told that it ${isCreated ? "made" : "found"} its branch, and did not`);
    this.wrote(operation, output);
    if (isCreated) this.created(operation);
  }

  created(operation: Operation): void {
    operation.endedAt = this.step();
    const branch = this.branchesOf(operation).find(
      ({ isCreateClaimed, createdAt }) => !isCreateClaimed && this.isDuring(operation, createdAt),
    );
    if (branch === undefined)
      this.fail(`${operation.mark} was told that it made a branch, and there is none`);
    else branch.isCreateClaimed = true;
  }

  /** Of deletes that run side by side each may say that it was the one. */
  deleted(operation: Operation): void {
    operation.endedAt = this.step();
    const isGone = this.branchesOf(operation).some(
      ({ closedAt, removedAt }) => this.isDuring(operation, closedAt) || this.isDuring(operation, removedAt),
    );
    if (!isGone) this.fail(`${operation.mark} was told that it deleted a branch, and did not`);
  }

  /** A check was answered: nothing that is needed is ever missing, and what storage hides is called hidden. */
  checked(operation: Operation, { datasets }: RepairOutput): void {
    operation.endedAt = this.step();
    for (const { classification, type_key, operations } of datasets) {
      if (classification === "suspicious" || (classification === "unverifiable" && this.isCalm))
        this.fail(`${operation.mark} found ${type_key} ${classification}: ${operations}`);
    }
  }

  /** The call was answered with an error. */
  refused(operation: Operation, thrown: unknown): void {
    operation.endedAt = this.step();
    const { mark } = operation;
    if (this.endedInTrouble(mark, thrown)) return;
    const commit = this.history.commitOf(mark);
    const error = thrown as OmnigraphError;
    // A load that took its branch back left nothing, for the commit went with the branch.
    const isTakenBack = commit?.isFirst === true && commit.branch.closedAt !== NEVER;
    if (commit !== null && !isTakenBack)
      this.fail(`${mark} was refused ("${error.message}"), and there is commit ${commit.id}`);
    if (!this.isRight(operation, error)) this.fail(`${mark} was refused without a reason: ${error.message}`);
  }

  /** Rows that were read at a branch's head or at a commit. */
  read(
    startedAt: number,
    at: ReadAt,
    commitId: string | null,
    read: Read,
    rows: readonly JsonObject[],
  ): void {
    const commit = this.history.commits.get(commitId ?? "");
    if (commit === undefined) {
      this.fail(`a read answered from commit ${commitId}, which is not there`);
      return;
    }
    if ("branch" in at) this.expectHead(startedAt, at.branch, commit);
    else if (commit.id !== at.snapshot) this.fail(`a read at ${at.snapshot} answered from ${commit.id}`);
    const what = `${read.what} at commit ${commit.id} (version ${commit.version})`;
    this.expectRecords(what, read.expected(commit.state), rows.map(read.told));
  }

  /** A whole export. One of a branch does not tell its commit: it must be a head of its time. */
  exported(startedAt: number, at: ReadAt, rows: readonly string[]): void {
    if ("branch" in at) {
      const heads = this.reigns(at.branch, startedAt).filter(({ isHead }) => isHead);
      const sorted = [...rows].sort().join("\n");
      if (!heads.some(({ commit }) => records(commit.state).join("\n") === sorted))
        this.fail(`an export of '${at.branch}' shows no head that it had meanwhile:\n${sorted}`);
      return;
    }
    const commit = this.history.commits.get(at.snapshot);
    if (commit !== undefined)
      this.expectRecords(`export of commit ${commit.id}`, records(commit.state), rows);
  }

  listedCommits(startedAt: number, branch: string, outputs: readonly CommitOutput[]): void {
    const head = this.history.commits.get(outputs[0]?.graph_commit_id ?? "");
    if (head === undefined) {
      this.fail(`the commits of '${branch}' begin with one that is not there`);
      return;
    }
    this.expectHead(startedAt, branch, head);
    const expected = chainOf(head).map(({ id, parent, merged, mark, version }) =>
      [id, parent?.id ?? null, merged?.id ?? null, mark, version].join(),
    );
    const told = outputs.map((output) =>
      [
        output.graph_commit_id,
        output.parent_commit_id,
        output.merged_parent_commit_id,
        output.actor_id,
        output.graph_manifest_version,
      ].join(),
    );
    this.expectRecords(`the commits of '${branch}'`, expected, told);
  }

  listedBranches(startedAt: number, names: readonly string[]): void {
    for (const branch of this.history.branches.values()) {
      const isThroughout = branch.createdAt < startedAt && branch.removedAt === NEVER;
      if (isThroughout && !names.includes(branch.name))
        this.fail(`the branches ${names} lack '${branch.name}'`);
    }
    for (const name of names) {
      const wasThere = this.history.branchesNamed(name).some(({ removedAt }) => removedAt >= startedAt);
      if (!wasThere) this.fail(`'${name}' is listed as a branch, and is none`);
    }
  }

  /** A read was answered with an error; `at` is what it asked for. */
  readRefused(startedAt: number, at: ReadAt, thrown: unknown): void {
    if (this.endedInTrouble("a read", thrown)) return;
    const error = thrown as OmnigraphError;
    const isMissing = error.kind === "not_found" && error.message.includes("not found");
    if (isMissing && ("branch" in at ? this.isAbsent(at.branch, startedAt) : this.mayBeUnknown(at.snapshot)))
      return;
    if (error.kind === "gone" && "snapshot" in at && this.mayHaveExpired(at.snapshot)) return;
    this.fail(`a read of ${JSON.stringify(at)} was refused without a reason: ${error.message}`);
  }

  /** Heads that a branch of the name had at some moment since a step. */
  reigns(name: string, since: number): Reign[] {
    return this.history
      .branchesNamed(name)
      .flatMap((branch) =>
        branch.reigns.filter(
          ({ from, until }) => until >= since && from <= Math.min(branch.removedAt, this.step()),
        ),
      );
  }

  private stateOf(
    mark: string | null,
    branch: Branch,
    parent: Commit,
    merged: Commit | null,
  ): State | string {
    const operation = this.operations.get(mark ?? "");
    if (operation === undefined) return "nobody asked for it";
    if (operation.endedAt !== null) return `${mark} had ended before`;
    const { request } = operation;
    if (request.kind === "write" || request.kind === "fork") {
      if (request.branch !== branch.name || merged !== null) return `${mark} asked for something else`;
      return stateOf(applyWrite(parent.state, request.write), `${mark} (${request.write.kind})`);
    }
    if (request.kind !== "merge" || request.target !== branch.name || merged === null)
      return `${mark} asked for something else`;
    const wasHead = this.reigns(request.source, operation.startedAt).some(
      (reign) => reign.commit === merged && reign.isHead,
    );
    if (!wasHead) return `${mark} merged ${merged.id}, which was no head of '${request.source}' meanwhile`;
    const outcomes = mergeOutcomes(merged, parent);
    return stateOf(outcomes.find(({ kind }) => kind === "state") ?? outcomes[0], `${mark} (merge)`);
  }

  private judgeCreation(branch: Branch, fork: Commit, isLoaded: boolean): string | null {
    const kind = isLoaded ? "fork" : "create";
    const asked = this.running((request) => request.kind === kind && request.branch === branch.name);
    const isAsked = asked.some(
      ({ request, startedAt }) =>
        request.kind === kind &&
        this.reigns(request.from, startedAt).some(({ commit, isHead }) => commit === fork && isHead),
    );
    return isAsked ? null : `branch '${branch.name}' came at ${fork.id}, which nobody asked for`;
  }

  private judgeClosing(branch: Branch): string | null {
    const asked = this.running(
      (request) =>
        (request.kind === "delete" && request.branch === branch.name) ||
        (request.kind === "merge" && request.isLast && request.source === branch.name) ||
        // Who finds that a schema change came first takes the branch back, and makes it again.
        ((request.kind === "create" || request.kind === "fork") && request.branch === branch.name),
    );
    if (asked.length === 0) return `branch '${branch.name}' was closed, which nobody asked for`;
    const since = Math.min(...asked.map(({ startedAt }) => startedAt));
    const heir = this.history
      .live()
      .find((other) => other.ancestors.includes(branch.id) && other.createdAt < since);
    return heir === undefined
      ? null
      : `branch '${branch.name}' was closed though '${heir.name}' was forked from it`;
  }

  /** Cleanup deletes what nobody needs; repair, what it makes again. */
  private mayGo(key: string): boolean {
    const isDerived = /\/hint\.json$|\/bundle\//.test(key);
    return this.isAnyRunning("cleanup") || (isDerived && this.isAnyRunning("repair"));
  }

  private isAnyRunning(kind: Request["kind"]): boolean {
    return this.running((request) => request.kind === kind).length > 0;
  }

  private running(is: (request: Request) => boolean): Operation[] {
    return [...this.operations.values()].filter(({ request, endedAt }) => endedAt === null && is(request));
  }

  /** Storage failed the engine, and it said so: whatever was under way may have happened. */
  private endedInTrouble(who: string, thrown: unknown): boolean {
    const isOurs = thrown instanceof OmnigraphError;
    if (isOurs && thrown.kind !== "internal" && thrown.kind !== "recovery_required") return false;
    const isStorage =
      isOurs &&
      /^cannot (get|head|put|putIfAbsent|putIfMatch|list|delete) |stopped answering/.test(thrown.message);
    if (!isStorage || this.isCalm)
      this.fail(`${who} broke: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown}`);
    return true;
  }

  private isRight(operation: Operation, error: OmnigraphError): boolean {
    const { request, startedAt } = operation;
    if (error.kind === "not_found") return namesIn(request).some((name) => this.isAbsent(name, startedAt));
    if (error.details.read_set_conflict !== undefined) return this.mayLose(operation);
    switch (request.kind) {
      case "write":
        if (error.kind === "precondition_failed")
          return this.reigns(request.branch, startedAt).some(
            ({ commit }) => !stoodAt(commit, request.ifCommit ?? ""),
          );
        if (request.write.kind === "schema" && error.message.includes("only main"))
          return [...this.history.branches.values()].some(
            ({ name, removedAt }) => name !== "main" && removedAt >= startedAt,
          );
        return this.outcomes(operation).some(({ kind }) => kind === "refused");
      case "fork":
        if (error.message.includes("the schema was changed in the same moment"))
          return this.reigns("main", startedAt).length > 1;
        return this.outcomes(operation).some(({ kind }) => kind === "refused");
      case "merge":
        if (error.message.includes("has another schema")) return this.haveOtherSchemas(request, startedAt);
        return (
          error.details.merge_conflicts !== undefined &&
          this.outcomes(operation).some(({ kind }) => kind === "refused")
        );
      case "create":
        return this.branchesOf(operation).some(({ removedAt }) => removedAt >= startedAt);
      case "delete":
        return this.branchesOf(operation).some(({ id }) =>
          [...this.history.branches.values()].some(
            (other) => other.ancestors.includes(id) && other.removedAt >= startedAt,
          ),
        );
      case "optimize":
      case "repair":
        return false;
      case "cleanup":
        return error.message.includes("another cleanup is at work");
    }
  }

  /** Lost races: at once where the write is never repeated, else after many, or when its branch became another. */
  private mayLose({ request, startedAt }: Operation): boolean {
    const name = request.kind === "merge" ? request.target : "branch" in request ? request.branch : "";
    const landed = this.reigns(name, startedAt).length - 1;
    const isOverwrite =
      "write" in request &&
      ((request.write.kind === "load" && request.write.mode === "overwrite") ||
        request.write.kind === "schema");
    return landed >= (isOverwrite ? 1 : PREPARE_ATTEMPTS) || this.history.branchesNamed(name).length > 1;
  }

  /** What the request would have come to at each moment of its call. */
  private outcomes({ request, startedAt }: Operation): Outcome[] {
    if (request.kind === "write") {
      const { branch, write } = request;
      return this.reigns(branch, startedAt).map(({ commit }) => applyWrite(commit.state, write));
    }
    if (request.kind === "fork") {
      const { branch, from, write } = request;
      const onto = [...this.reigns(branch, startedAt), ...this.reigns(from, startedAt)];
      return onto.map(({ commit }) => applyWrite(commit.state, write));
    }
    if (request.kind !== "merge") return [];
    const targets = this.reigns(request.target, startedAt);
    return this.reigns(request.source, startedAt).flatMap((source) =>
      targets.flatMap((target) => mergeOutcomes(source.commit, target.commit)),
    );
  }

  /** A branch that was made in the moment of a schema change has the schema from before it. */
  private haveOtherSchemas({ source, target }: { source: string; target: string }, since: number): boolean {
    const schemasOf = (name: string) =>
      this.reigns(name, since).map(({ commit }) => commit.state.extras.join());
    const ofTarget = schemasOf(target);
    return schemasOf(source).some((schema) => ofTarget.some((other) => other !== schema));
  }

  private expectOutcome(operation: Operation, kind: Outcome["kind"], what: string): void {
    if (!this.outcomes(operation).some((outcome) => outcome.kind === kind))
      this.fail(`${operation.mark} was told ${what}, which was true at no moment`);
  }

  private expectHead(startedAt: number, name: string, commit: Commit): void {
    const wasHead = this.reigns(name, startedAt).some((reign) => reign.commit === commit && reign.isHead);
    if (!wasHead) this.fail(`a read of '${name}' saw commit ${commit.id}, which was no head of it meanwhile`);
  }

  private expectRecords(what: string, expected: readonly string[], rows: readonly string[]): void {
    const sorted = [...rows].sort();
    const wanted = [...expected].sort();
    const missing = wanted.filter((row) => !sorted.includes(row));
    const extra = sorted.filter((row) => !wanted.includes(row));
    if (missing.length + extra.length > 0 || sorted.length !== wanted.length)
      this.fail(`${what}: missing ${JSON.stringify(missing)}, and not expected ${JSON.stringify(extra)}`);
  }

  private branchesOf({ request }: Operation): Branch[] {
    return request.kind === "create" || request.kind === "delete" || request.kind === "fork"
      ? this.history.branchesNamed(request.branch)
      : [];
  }

  private isDuring({ startedAt }: Operation, step: number): boolean {
    return startedAt <= step && step <= this.step();
  }

  /** Was there a moment since the step at which no open branch had the name? */
  private isAbsent(name: string, since: number): boolean {
    let covered = since;
    for (const { createdAt, closedAt } of this.history.branchesNamed(name))
      if (createdAt <= covered && closedAt > covered) covered = closedAt;
    return covered !== NEVER;
  }

  /** A commit that only a deleted branch held is not to be found; one of main always is. */
  private mayBeUnknown(id: string): boolean {
    const main = this.history.branchesNamed("main")[0];
    return !main.reigns.some(({ commit }) => commit.id === id);
  }

  /** Was there a cleanup whose policy left the commit out? Heads, and where branches were forked, always stay. */
  private mayHaveExpired(id: string): boolean {
    const commit = this.history.commits.get(id);
    if (commit === undefined) return false;
    const live = this.history.live();
    const isProtected = live.some(
      ({ ancestors, reigns }) =>
        reigns[reigns.length - 1].commit === commit || (ancestors.length > 0 && reigns[0].commit === commit),
    );
    if (isProtected) return false;
    return [...this.operations.values()].some(({ request, startedAt, endedAt }) => {
      if (request.kind !== "cleanup") return false;
      // It may not have seen branches that came meanwhile.
      const { keep, olderThanSecs } = request.policy;
      const isOld =
        olderThanSecs === undefined || this.now() - Date.parse(commit.authoredAt) >= olderThanSecs * 1_000;
      return isOld && (keep === undefined || this.isBeyond(commit, keep, endedAt ?? this.step(), startedAt));
    });
  }

  /** Were there at least so many newer commits on every branch, of those that came before `known`, that holds the commit? */
  private isBeyond(commit: Commit, keep: number, at: number, known: number): boolean {
    const branches = this.history.live().filter(({ createdAt }) => createdAt <= known);
    return branches.every(({ reigns }) => {
      const head = reigns.findLast(({ from }) => from <= at)?.commit;
      const isOnChain = head !== undefined && chainOf(head).includes(commit);
      return !isOnChain || head.version - commit.version >= Math.max(keep, 1);
    });
  }
}

/** Whether a branch with this head stands at a commit: compactions since do not count. */
function stoodAt(head: Commit, id: string): boolean {
  if (head.id === id) return true;
  return head.isMaintenance && head.parent !== null && stoodAt(head.parent, id);
}

function namesIn(request: Request): string[] {
  switch (request.kind) {
    case "write":
    case "delete":
      return [request.branch];
    case "create":
    case "fork":
      return [request.branch, request.from];
    case "merge":
      return [request.source, request.target];
    case "repair":
    case "optimize":
    case "cleanup":
      return [];
  }
}

export type ReadAt = { readonly branch: string } | { readonly snapshot: string };

function stateOf(outcome: Outcome, what: string): State | string {
  if (outcome.kind === "state") return outcome.state;
  return `${what} ${outcome.kind === "nothing" ? "had nothing to do" : `is against a rule: ${outcome.why}`}`;
}

/** An exported line as the model writes its rows. What got its id from the engine is known by its mark. */
export function exportedRecord(line: string): string {
  const { type, edge, from, to, data } = JSON.parse(line);
  const { id, ...values } = data;
  const mark: string = values.mark ?? values.text?.split(" ")[0];
  const known = isUlid(id) ? generatedId(mark) : id;
  return recordText(type ?? edge, known, edge === undefined ? { values } : { from, to, values });
}
