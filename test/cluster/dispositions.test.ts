import { afterEach, describe, expect, it } from "bun:test";
import type { Desired } from "../../src/cluster/desired.ts";
import { diff } from "../../src/cluster/diff.ts";
import {
  type DispositionContext,
  demote,
  dispose,
  heldBackWarnings,
  type PlannedChange,
} from "../../src/cluster/dispositions.ts";
import { EMPTY_LEDGER, type Ledger, type LedgerResource } from "../../src/cluster/ledger.ts";
import { isConverged, recordRun } from "../../src/cluster/record.ts";
import { CREW_POLICY, desiredOf, FLEET_SCHEMA, folder, PORT_QUERY, removeFolders } from "./support.ts";

afterEach(removeFolders);

const KINDS = "\nproviders: {embedding: {p: {kind: mock}, q: {kind: mock, model: m}}}\n";
const TWO_GRAPHS = `version: 1${KINDS}graphs:
  one: { schema: s.pg, queries: q.gq, embedding_provider: p }
  two: { schema: s.pg, queries: q.gq }
policies:
  first: { file: c.yaml, applies_to: [one] }
  both: { file: c.yaml, applies_to: [two] }
`;
const FILES = { "s.pg": FLEET_SCHEMA, "q.gq": PORT_QUERY, "c.yaml": CREW_POLICY };
const declare = (yaml: string, files: Readonly<Record<string, string>> = {}): Promise<Desired> =>
  desiredOf(folder({ ...FILES, ...files, "cluster.yaml": yaml }));

interface Setting {
  readonly pending?: readonly string[];
  readonly approved?: readonly string[];
}

function planned(desired: Desired, ledger: Ledger, { pending = [], approved = [] }: Setting = {}) {
  const context: DispositionContext = {
    desired,
    ledger,
    pending: new Set(pending),
    approved: new Set(approved),
  };
  return { context, changes: dispose(diff(desired, ledger), context) };
}

/** A ledger that has applied everything that is declared. */
const appliedLedger = (desired: Desired): Ledger =>
  recordRun(EMPTY_LEDGER, desired, planned(desired, EMPTY_LEDGER).changes);

const shown = (changes: readonly PlannedChange[]): string[] =>
  changes.map(({ resource, operation, disposition, metadata }) =>
    [
      operation,
      resource,
      "reason" in disposition ? `${disposition.kind}:${disposition.reason}` : disposition.kind,
      ...(metadata === null ? [] : [metadata]),
    ].join(" "),
  );

const withResource = (ledger: Ledger, address: string, entry: LedgerResource | null): Ledger => {
  const resources = new Map(ledger.resources);
  if (entry === null) resources.delete(address);
  else resources.set(address, entry);
  return { ...ledger, resources };
};

describe("a plan", () => {
  it("creates everything where nothing is applied, sorted by address", async () => {
    const desired = await declare(TWO_GRAPHS);
    expect(shown(planned(desired, EMPTY_LEDGER).changes)).toEqual([
      "create graph.one applied",
      "create graph.two applied",
      "create policy.both applied",
      "create policy.first applied",
      "create provider.embedding.p applied",
      "create provider.embedding.q applied",
      "create query.one.flags applied",
      "create query.two.flags applied",
      "create schema.one applied",
      "create schema.two applied",
    ]);
  });

  it("is empty once everything is recorded", async () => {
    const desired = await declare(TWO_GRAPHS);
    const ledger = appliedLedger(desired);
    expect(ledger).toMatchObject({ stateRevision: 1, configDigest: desired.configDigest });
    expect(isConverged(desired, ledger)).toBe(true);
    expect(recordRun(ledger, desired, [])).toBe(ledger);
  });

  it("derives a graph from its parts, all queries of an edited file with it", async () => {
    const ledger = appliedLedger(
      await declare("version: 1\ngraphs: {g: {schema: s.pg, queries: q.gq}}\n", {
        "q.gq": `${PORT_QUERY}query more() { match { $s: Ship } return { $s.imo } }\n`,
      }),
    );
    const edited = await declare("version: 1\ngraphs: {g: {schema: s.pg, queries: q.gq}}\n", {
      "q.gq": `${PORT_QUERY}query more() { match { $s: Ship } return { $s.flag } }\n`,
    });
    expect(shown(planned(edited, ledger).changes)).toEqual([
      "update graph.g derived",
      "update query.g.flags applied",
      "update query.g.more applied",
    ]);
  });

  it("knows changes beside the files: bindings and profiles", async () => {
    const desired = await declare(TWO_GRAPHS);
    const ledger = appliedLedger(desired);
    const rebound = await declare(TWO_GRAPHS.replace("[two]", "[two, two]").replace("[one]", "[graph.one]"));
    expect(shown(planned(rebound, ledger).changes)).toEqual([]);
    const moved = await declare(TWO_GRAPHS.replace("both: { file: c.yaml, applies_to: [two] }", ""));
    expect(shown(planned(moved, ledger).changes)).toEqual(["delete policy.both applied"]);
    const bare = withResource(
      withResource(ledger, "policy.first", { digest: ledger.resources.get("policy.first")?.digest ?? "" }),
      "provider.embedding.p",
      { digest: ledger.resources.get("provider.embedding.p")?.digest ?? "" },
    );
    const healing = planned(desired, bare).changes;
    expect(shown(healing)).toEqual([
      "update policy.first applied policy_bindings",
      "update provider.embedding.p applied embedding_profile",
    ]);
    expect(isConverged(desired, recordRun(bare, desired, healing))).toBe(true);
  });

  it("holds back the delete of a graph, and what goes with it, until it is approved", async () => {
    const ledger = appliedLedger(await declare(TWO_GRAPHS));
    const less = await declare(
      `version: 1${KINDS}graphs: { two: { schema: s.pg, queries: q.gq } }\npolicies: { both: { file: c.yaml, applies_to: [two] } }\n`,
    );
    expect(shown(planned(less, ledger).changes)).toEqual([
      "delete graph.one blocked:approval_required",
      "delete policy.first blocked:approval_required",
      "delete query.one.flags blocked:approval_required",
      "delete schema.one blocked:approval_required",
    ]);
    expect(shown(planned(less, ledger, { approved: ["one"] }).changes)).toEqual([
      "delete graph.one applied",
      "delete policy.first applied",
      "delete query.one.flags applied",
      "delete schema.one applied",
    ]);
    expect(shown(planned(less, ledger, { approved: ["one"], pending: ["one"] }).changes)).toContain(
      "delete graph.one blocked:cluster_recovery_pending",
    );
  });

  it("does not take a policy away from a graph that is still served", async () => {
    const ledger = appliedLedger(await declare(TWO_GRAPHS));
    const rebound = await declare(
      `version: 1${KINDS}graphs: { two: { schema: s.pg, queries: q.gq } }\npolicies: { first: { file: c.yaml, applies_to: [two] } }\n`,
    );
    expect(shown(planned(rebound, ledger).changes)).toContain(
      "update policy.first blocked:approval_required policy_bindings",
    );
  });

  it("keeps a provider as long as a graph that stays uses it", async () => {
    const ledger = appliedLedger(await declare(TWO_GRAPHS));
    const without = "version: 1\nproviders: {embedding: {q: {kind: mock, model: m}}}\n";
    const rebound = await declare(
      `${without}graphs:\n  one: {schema: s.pg, queries: q.gq}\n  two: {schema: s.pg, queries: q.gq}\n`,
    );
    expect(shown(planned(rebound, ledger).changes)).toContain("delete provider.embedding.p applied");
    const deleted = await declare(`${without}graphs: {two: {schema: s.pg, queries: q.gq}}\n`);
    expect(shown(planned(deleted, ledger).changes)).toContain(
      "delete provider.embedding.p blocked:dependency_not_applied",
    );
    expect(shown(planned(deleted, ledger, { approved: ["one"] }).changes)).toContain(
      "delete provider.embedding.p applied",
    );
  });

  it("leaves a graph alone whose recovery is pending", async () => {
    const desired = await declare(TWO_GRAPHS);
    expect(shown(planned(desired, EMPTY_LEDGER, { pending: ["one"] }).changes)).toEqual([
      "create graph.one blocked:cluster_recovery_pending",
      "create graph.two applied",
      "create policy.both applied",
      "create policy.first blocked:cluster_recovery_pending",
      "create provider.embedding.p applied",
      "create provider.embedding.q applied",
      "create query.one.flags blocked:cluster_recovery_pending",
      "create query.two.flags applied",
      "create schema.one blocked:cluster_recovery_pending",
      "create schema.two applied",
    ]);
  });

  it("defers what apply cannot do: a schema without its graph, an unknown address", async () => {
    const desired = await declare("version: 1\ngraphs: {g: {schema: s.pg, queries: q.gq}}\n");
    const ledger = withResource(
      withResource(withResource(appliedLedger(desired), "schema.g", null), "query.g.flags", null),
      "widget.x",
      { digest: "d" },
    );
    const { changes } = planned(desired, {
      ...ledger,
      resources: new Map([...ledger.resources, ["graph.g", { digest: "d" }]]),
    });
    expect(shown(changes)).toEqual([
      "update graph.g deferred:apply_unsupported_kind",
      "create query.g.flags blocked:dependency_not_applied",
      "create schema.g deferred:apply_unsupported_kind",
      "delete widget.x deferred:apply_unsupported_kind",
    ]);
    expect(heldBackWarnings(changes).map(({ code, path }) => `${code} ${path}`)).toEqual([
      "apply_unsupported_change graph.g",
      "apply_dependency_blocked query.g.flags",
      "apply_unsupported_change schema.g",
      "apply_unsupported_change widget.x",
    ]);
  });
});

describe("a failed graph operation", () => {
  it("holds back what needed it and nothing else", async () => {
    const desired = await declare(TWO_GRAPHS);
    const { changes, context } = planned(desired, EMPTY_LEDGER);
    const failed = demote(changes, new Map([["graph.one", "graph_create_failed"]]), context);
    expect(shown(failed)).toEqual([
      "create graph.one blocked:graph_create_failed",
      "create graph.two applied",
      "create policy.both applied",
      "create policy.first blocked:dependency_not_applied",
      "create provider.embedding.p applied",
      "create provider.embedding.q applied",
      "create query.one.flags blocked:dependency_not_applied",
      "create query.two.flags applied",
      "create schema.one blocked:dependency_not_applied",
      "create schema.two applied",
    ]);
    const ledger = recordRun(EMPTY_LEDGER, desired, failed);
    expect(
      [...ledger.resources.keys()].filter((address) => address.includes("one") || address.includes("first")),
    ).toEqual([]);
    expect(ledger.configDigest).toBeNull();
    expect(ledger.statuses.get("schema.one")).toEqual({
      status: "blocked",
      conditions: ["dependency_not_applied"],
    });
    expect(ledger.statuses.get("graph.two")).toEqual({ status: "applied" });
  });

  it("neither widens nor revokes what the graph was allowed", async () => {
    const graphs = (blobs: string, provider: string) =>
      `version: 1${KINDS}graphs:\n  g: { schema: s.pg${provider}, external_blobs: {allow: [${blobs}]} }\n`;
    const base = "{base: s3://a/x, scope: server_safe}";
    const before = appliedLedger(await declare(graphs(base, ", embedding_provider: p")));
    const schema = { "s.pg": `${FLEET_SCHEMA}node More { a: String? }\n` };
    for (const [blobs, provider] of [
      ["", ""],
      [`${base}, {base: s3://b/y, scope: server_safe}`, ", embedding_provider: q"],
    ] as const) {
      const desired = await declare(graphs(blobs, provider), schema);
      const { changes, context } = planned(desired, before);
      const failed = demote(changes, new Map([["schema.g", "schema_apply_failed"]]), context);
      const after = recordRun(before, desired, failed);
      expect(after.resources.get("graph.g")).toEqual(before.resources.get("graph.g"));
      expect(isConverged(desired, after)).toBe(false);
    }
  });
});
