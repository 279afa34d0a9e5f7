// Schema changes: what one would do, and doing it as one commit on `main` (spec 01 §§12-14).

import type { View } from "../index/index.ts";
import { badRequest, conflict, type OmnigraphError } from "../lib/errors.ts";
import { type JsonObject, type JsonValue, stringifyJson } from "../lib/json.ts";
import type { Ports } from "../lib/ports.ts";
import type { Catalog } from "../schema/catalog.ts";
import {
  acceptedDigest,
  describeStep,
  encodeAccepted,
  type MigrationPlan,
  type MigrationStep,
  planMigration,
  SchemaError,
  unsupportedReason,
} from "../schema/index.ts";
import { type GraphStore, MAIN } from "../store/index.ts";
import type { BranchState, CommitId } from "../store/types.ts";
import type { CommitWriter, PreparedCommit } from "./commit-writer.ts";
import type { SchemaApplyRequest } from "./graph.ts";
import type { SchemaApplyOutput, SchemaPlanOutput } from "./outputs.ts";
import { ReadSetBuilder } from "./write/reads.ts";

export function planSchema(accepted: Catalog, source: string, allowDataLoss: boolean): SchemaPlanOutput {
  const { supported, steps, warnings } = planMigration(accepted, source, allowDataLoss);
  return { supported, steps: stepsJson(steps), warnings };
}

/** Throws 400 for a schema that does not check or cannot be reached, 409 where branches or another change stand in the way. */
export async function applySchema(
  request: SchemaApplyRequest,
  store: GraphStore,
  writer: CommitWriter,
  ports: Ports,
): Promise<SchemaApplyOutput> {
  const main = store.branch(MAIN);
  // What another process changed before this call is no race.
  await main.head();
  const change = new SchemaChange(request, store, ports);
  const commit = await writer.publish(
    main,
    { operation: "schema_apply", actor: request.actor },
    { repeat: "always" },
    change.prepare,
  );
  const { steps, drops, warnings } = change;
  for (const warning of warnings) request.onWarning?.(warning);
  if (commit !== null) await warnOfBranches(request, store);
  if (commit !== null && drops) await clearAway(request, store);
  return {
    uri: store.storage.uri,
    supported: true,
    applied: steps.length > 0,
    step_count: steps.length,
    graph_manifest_version: commit?.graph_manifest_version ?? (await main.head()).head.version,
    steps: stepsJson(steps),
  };
}

/** A branch that came between the last look and the commit has the schema from before. Whoever came later sees to it itself. */
async function warnOfBranches({ onWarning }: SchemaApplyRequest, store: GraphStore): Promise<void> {
  if (onWarning === undefined) return;
  try {
    const { head } = await store.branch(MAIN).head();
    for (const name of (await store.listBranches()).filter((other) => other !== MAIN)) {
      const branch = await store.branch(name).head();
      if (branch.head.schemaDigest === head.schemaDigest) continue;
      onWarning(
        `branch '${name}' was created while the schema was being changed, and has the schema from before: it cannot be ` +
          "merged; export what it holds, delete it, and load that into a new branch",
      );
    }
  } catch {
    // The schema is applied; a merge of such a branch says the same.
  }
}

/**
 * The head's segments without what was dropped. Objects of the past are never written again, so the rest goes with the
 * commits that hold it, when cleanup expires them; who drops for good must know.
 */
async function clearAway({ onWarning }: SchemaApplyRequest, store: GraphStore): Promise<void> {
  try {
    await store.checkpoint(MAIN);
    onWarning?.(
      "nothing reads what was dropped any more, at no commit; the bytes that earlier commits hold leave storage when " +
        "cleanup expires those commits",
    );
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    onWarning?.(
      `the schema was applied, but dropped data was not cleared away yet (${reason}); cleanup will`,
    );
  }
}

/** A plan, and the state that it was made for. */
interface PlannedOn {
  readonly state: BranchState;
  readonly plan: MigrationPlan;
}

/** One change over all attempts to publish it. */
class SchemaChange {
  steps: readonly MigrationStep[] = [];
  warnings: readonly string[] = [];
  /** True where it takes data for good. */
  drops = false;
  /** The plan that the caller is told about when somebody else's change comes first. */
  private first: PlannedOn | null = null;

  constructor(
    private readonly request: SchemaApplyRequest,
    private readonly store: GraphStore,
    private readonly ports: Ports,
  ) {}

  readonly prepare = async (view: View): Promise<PreparedCommit | null> => {
    await this.requireOnlyMain();
    const { source, checkCatalog } = this.request;
    const plan = await this.plan(view);
    const refusal = unsupportedReason(plan);
    if (refusal !== null) throw badRequest(refusal);
    checkCatalog?.(plan.catalog);
    this.steps = plan.steps;
    this.warnings = plan.warnings;
    this.drops = plan.catalog.purged.size > view.catalog.purged.size;
    if (source === view.catalog.source) return null;
    const accepted = encodeAccepted(plan.catalog);
    return {
      changes: [],
      reads: new ReadSetBuilder().build(),
      schema: { digest: acceptedDigest(accepted), accepted, catalog: plan.catalog },
    };
  };

  /** Asked before each attempt: branches may come at any time. */
  private async requireOnlyMain(): Promise<void> {
    const others = (await this.store.listBranches()).filter((name) => name !== MAIN);
    if (others.length === 0) return;
    throw conflict(
      `schema apply requires a graph with only main; found non-main branches: ${others.join(", ")}`,
    );
  }

  /** The plan on this state. Where another change came first, it may not hold what the first plan did not. */
  private async plan({ state, catalog }: View): Promise<MigrationPlan> {
    const { source, allowDataLoss = false } = this.request;
    this.first ??= await this.firstPlan(state);
    const { first } = this;
    if (first.state.head.schemaDigest === state.head.schemaDigest) return first.plan;
    let plan: MigrationPlan;
    try {
      plan = planMigration(catalog, source, allowDataLoss);
    } catch (thrown) {
      // A rename hint that named something when this change set out.
      if (!(thrown instanceof SchemaError)) throw thrown;
      throw await this.overtaken(first.state, state, thrown.message);
    }
    const planned = new Set(first.plan.steps.map(stepText));
    const surplus = plan.steps.filter((step) => !planned.has(stepText(step)));
    if (surplus.length > 0) {
      throw await this.overtaken(first.state, state, surplus.map(describeStep).join("; "));
    }
    return plan;
  }

  /** The plan on the schema that the caller knew. */
  private async firstPlan(state: BranchState): Promise<PlannedOn> {
    const { source, allowDataLoss = false } = this.request;
    const missed = this.firstMissed(state);
    if (missed !== null) {
      const before = await this.store.stateAt(missed, [state]);
      try {
        return { state: before, plan: planMigration(before.catalog, source, allowDataLoss) };
      } catch (thrown) {
        // A rename hint that follows the change: so the caller did know of it.
        if (!(thrown instanceof SchemaError)) throw thrown;
      }
    }
    return { state, plan: planMigration(state.catalog, source, allowDataLoss) };
  }

  /** The commit before the first schema change since the caller set out; null where there was none. */
  private firstMissed({ checkpoint, tail }: BranchState): CommitId | null {
    const { since } = this.request;
    if (since === undefined) return null;
    // What claims to come from the future has another clock, which tells nothing.
    const until = this.ports.now();
    const recent = [...checkpoint.history.commits, ...tail.map(({ record }) => record)];
    const missed = recent.find(({ operation, authoredAt }) => {
      const authoredMs = authoredAt / 1000;
      return operation === "schema_apply" && authoredMs > since && authoredMs <= until;
    });
    return missed?.parent ?? null;
  }

  private async overtaken(before: BranchState, after: BranchState, surplus: string): Promise<OmnigraphError> {
    const commits = (await this.store.commitsAfter(after, before)).map(({ record }) => record);
    const others = commits.filter(({ operation }) => operation === "schema_apply");
    const named = others.map(({ id, actor }) => `commit ${id}${actor === null ? "" : ` of '${actor}'`}`);
    const theirs = planMigration(before.catalog, after.catalog.source, false).steps.map(describeStep);
    return conflict(
      `another schema change landed first: ${named.join(", ")} (${theirs.join("; ")}). On top of it this schema would ` +
        `also mean: ${surplus}. Nothing was written: take that change into the schema, or plan again and apply`,
      {
        read_set_conflict: {
          member: "schema_identity",
          expected: before.head.id,
          actual: others.at(-1)?.id ?? after.head.id,
        },
      },
    );
  }
}

const stepText = (step: MigrationStep): string => stringifyJson(step as unknown as JsonValue);
const stepsJson = (steps: readonly MigrationStep[]) => steps as unknown as readonly JsonObject[];
