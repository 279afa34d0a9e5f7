// What apply would do with each change, and why it holds one back. Pure, so that `plan` shows exactly what `apply` does.

import type { JsonObject, JsonValue } from "../lib/json.ts";
import { type Address, graphAddress, parseAddress, schemaAddress } from "./addresses.ts";
import type { Desired } from "./desired.ts";
import { type Diagnostic, warningAt } from "./diagnostics.ts";
import { type Change, scopesOf } from "./diff.ts";
import type { Ledger } from "./ledger.ts";

export type BlockReason =
  | "cluster_recovery_pending"
  | "approval_required"
  | "dependency_not_applied"
  | GraphFailure;

/** An operation on a graph that failed in this run, or was skipped after another had failed. */
export type GraphFailure = "graph_create_failed" | "schema_apply_failed" | "graph_delete_failed";

export type Disposition =
  | { readonly kind: "applied" }
  /** The composite of a graph: it settles by itself once its parts are recorded. */
  | { readonly kind: "derived" }
  | { readonly kind: "deferred"; readonly reason: "apply_unsupported_kind" }
  | { readonly kind: "blocked"; readonly reason: BlockReason };

export interface PlannedChange extends Change {
  readonly disposition: Disposition;
}

export interface DispositionContext {
  readonly desired: Desired;
  readonly ledger: Ledger;
  /** Graphs whose recovery is not finished. */
  readonly pending: ReadonlySet<string>;
  /** Graphs whose delete may be carried out. */
  readonly approved: ReadonlySet<string>;
}

const APPLIED: Disposition = { kind: "applied" };
const DERIVED: Disposition = { kind: "derived" };
const DEFERRED: Disposition = { kind: "deferred", reason: "apply_unsupported_kind" };
const blocked = (reason: BlockReason): Disposition => ({ kind: "blocked", reason });

/** Decides about every change. */
export function dispose(changes: readonly Change[], context: DispositionContext): readonly PlannedChange[] {
  const judge = new Judge(changes, context);
  return holdProviders(
    changes.map((change) => ({ ...change, disposition: judge.disposition(change) })),
    context,
  );
}

/**
 * The same changes after graph operations failed: `failures` maps the address of each failed (or skipped) operation to
 * its reason. What needed it is held back, and provider deletes are judged again.
 */
export function demote(
  changes: readonly PlannedChange[],
  failures: ReadonlyMap<string, GraphFailure>,
  context: DispositionContext,
): readonly PlannedChange[] {
  const failedGraphs = new Set(
    [...failures.keys()].flatMap((address) => graphIn(parseAddress(address)) ?? []),
  );
  const demoted = changes.map((change): PlannedChange => {
    if (change.disposition.kind !== "applied") return change;
    const failure = failures.get(change.resource);
    if (failure !== undefined) return { ...change, disposition: blocked(failure) };
    return needsGraph(change, failedGraphs, context)
      ? { ...change, disposition: blocked("dependency_not_applied") }
      : change;
  });
  return holdProviders(demoted, context);
}

const graphIn = (address: Address | null): string | null =>
  address !== null && "graph" in address ? address.graph : null;

/** Whether a change stands on one of these graphs; what goes away stands on nothing. */
function needsGraph(change: Change, graphs: ReadonlySet<string>, { desired }: DispositionContext): boolean {
  if (change.operation === "delete") return false;
  const address = parseAddress(change.resource);
  if (address?.kind === "policy") return bindsOneOf(scopesOf(desired, change.resource), graphs);
  const graph = graphIn(address);
  return graph !== null && graphs.has(graph);
}

const bindsOneOf = (scopes: readonly string[] | null, graphs: ReadonlySet<string>): boolean =>
  [...graphs].some((graph) => scopes?.includes(graphAddress(graph)));

class Judge {
  private readonly operations: ReadonlyMap<string, Change["operation"]>;
  private readonly deletedUnapproved: ReadonlySet<string>;

  constructor(
    changes: readonly Change[],
    private readonly context: DispositionContext,
  ) {
    this.operations = new Map(changes.map(({ resource, operation }) => [resource, operation]));
    this.deletedUnapproved = new Set(
      changes.flatMap(({ resource, operation }) => {
        const address = parseAddress(resource);
        const isHeld =
          address?.kind === "graph" && operation === "delete" && !this.isExecutableDelete(address.graph);
        return isHeld ? [address.graph] : [];
      }),
    );
  }

  private isExecutableDelete(graph: string): boolean {
    return this.context.approved.has(graph) && !this.context.pending.has(graph);
  }

  disposition(change: Change): Disposition {
    const address = parseAddress(change.resource);
    switch (address?.kind) {
      case "graph":
        return this.graph(change, address.graph);
      case "schema":
        return this.schema(change, address.graph);
      case "query":
        return this.query(change, address.graph);
      case "policy":
        return this.policy(change);
      case "embedding_provider":
        return APPLIED;
      case undefined:
        return DEFERRED;
    }
  }

  private graph({ operation }: Change, id: string): Disposition {
    const isPending = this.context.pending.has(id);
    if (operation === "create") return isPending ? blocked("cluster_recovery_pending") : APPLIED;
    if (operation === "delete") return this.graphDelete(id);
    const schema = this.operations.get(schemaAddress(id));
    return schema === "create" || schema === "delete" ? DEFERRED : DERIVED;
  }

  private graphDelete(id: string): Disposition {
    if (this.context.pending.has(id)) return blocked("cluster_recovery_pending");
    return this.context.approved.has(id) ? APPLIED : blocked("approval_required");
  }

  private schema({ operation }: Change, id: string): Disposition {
    const graph = this.operations.get(graphAddress(id));
    if (operation === "delete") return graph === "delete" ? this.graphDelete(id) : DEFERRED;
    if (this.context.pending.has(id)) return blocked("cluster_recovery_pending");
    return operation === "create" && graph !== "create" ? DEFERRED : APPLIED;
  }

  private query({ operation }: Change, id: string): Disposition {
    if (operation === "delete")
      return this.deletedUnapproved.has(id) ? blocked("approval_required") : APPLIED;
    if (this.context.pending.has(id)) return blocked("cluster_recovery_pending");
    const isSchemaDeferred =
      this.operations.get(schemaAddress(id)) === "create" &&
      this.operations.get(graphAddress(id)) !== "create";
    return isSchemaDeferred ? blocked("dependency_not_applied") : APPLIED;
  }

  /** A graph that is still served, because its delete waits for approval, keeps the bundle it had. */
  private policy({ resource, operation }: Change): Disposition {
    const { desired, ledger, pending } = this.context;
    const declared = scopesOf(desired, resource) ?? [];
    if (operation !== "delete" && bindsOneOf(declared, pending)) return blocked("cluster_recovery_pending");
    const recorded = ledger.resources.get(resource)?.appliesTo ?? [];
    const dropped = recorded.filter((scope) => !declared.includes(scope));
    return bindsOneOf(dropped, this.deletedUnapproved) ? blocked("approval_required") : APPLIED;
  }
}

/** A provider stays as long as a graph that stays in the ledger is recorded to use it. */
function holdProviders(
  changes: readonly PlannedChange[],
  { desired, ledger }: DispositionContext,
): readonly PlannedChange[] {
  const byAddress = new Map(changes.map((change) => [change.resource, change]));
  const bindingAfter = (graph: string): string | null => {
    const change = byAddress.get(graphAddress(graph));
    if (change?.operation === "delete" && change.disposition.kind === "applied") return null;
    return keepsBindings(graph, byAddress)
      ? (ledger.resources.get(graphAddress(graph))?.embeddingProvider ?? null)
      : (desired.graphs.get(graph)?.provider ?? null);
  };
  const inUse = new Set(
    [...ledger.resources.keys()].flatMap((address) => {
      const parsed = parseAddress(address);
      return parsed?.kind === "graph" ? [bindingAfter(parsed.graph)] : [];
    }),
  );
  return changes.map((change) => {
    const isDelete =
      parseAddress(change.resource)?.kind === "embedding_provider" && change.operation === "delete";
    if (!isDelete) return change;
    return {
      ...change,
      disposition: inUse.has(change.resource) ? blocked("dependency_not_applied") : APPLIED,
    };
  });
}

/**
 * Whether a graph keeps its recorded provider and blob policy: where its own change or its schema's did not go through,
 * a run neither widens nor revokes authority.
 */
export function keepsBindings(graph: string, changes: ReadonlyMap<string, PlannedChange>): boolean {
  return [graphAddress(graph), schemaAddress(graph)].some((address) => {
    const kind = changes.get(address)?.disposition.kind;
    return kind === "blocked" || kind === "deferred";
  });
}

/** One warning for each change that is not carried out. */
export function heldBackWarnings(changes: readonly PlannedChange[]): readonly Diagnostic[] {
  return changes.flatMap(({ resource, operation, disposition }) => {
    if (disposition.kind === "deferred") {
      const message = `${operation} of ${resource} is not something apply does (${disposition.reason})`;
      return [warningAt("apply_unsupported_change", resource, message)];
    }
    if (disposition.kind !== "blocked") return [];
    const message = `${operation} of ${resource} is held back: ${disposition.reason}`;
    return [warningAt("apply_dependency_blocked", resource, message)];
  });
}

/** A change as `--json` carries it. */
export function changeJson(change: PlannedChange, migration: JsonObject | null): JsonObject {
  const { resource, operation, beforeDigest, afterDigest, disposition, metadata } = change;
  const members: Record<string, JsonValue> = { resource, operation };
  if (beforeDigest !== null) members.before_digest = beforeDigest;
  if (afterDigest !== null) members.after_digest = afterDigest;
  members.disposition = disposition.kind;
  if (disposition.kind === "deferred" || disposition.kind === "blocked") members.reason = disposition.reason;
  if (metadata === "policy_bindings") members.binding_change = true;
  if (metadata !== null) members.metadata_change = metadata;
  if (migration !== null) members.migration = migration;
  return members;
}
