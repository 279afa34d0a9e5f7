import { afterEach, describe, expect, it } from "bun:test";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { renderApply, renderPlan } from "../../src/cluster/index.ts";
import { openGraph } from "../../src/engine/index.ts";
import { sha256Hex } from "../../src/lib/digest.ts";
import { encodeUtf8 } from "../../src/lib/utf8.ts";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { inDirectory, inMemory, PLACES } from "./sites.ts";
import {
  changes,
  codes,
  FLEET_SCHEMA,
  HARBOUR,
  items,
  member,
  messages,
  ports,
  removeFolders,
  SHIP_QUERIES,
} from "./support.ts";

afterEach(removeFolders);

const LEDGER = "__cluster/state.json";
const WIDER_SCHEMA = "node Ship { imo: String @key  name: String?  flag: String?  tons: I32? }\n";
const CREATES = [
  "graph.fleet create applied",
  "policy.crew create applied",
  "policy.topology create applied",
  "query.fleet.all_ships create applied",
  "query.fleet.flags create applied",
  "query.fleet.ship_by_imo create applied",
  "schema.fleet create applied",
];

for (const place of PLACES) {
  describe(`a cluster on ${place.name}`, () => {
    it("plans without a ledger, writes nothing and leaves no lock", async () => {
      const site = await place.site();
      const plan = await site.plan();
      expect(plan.ok).toBe(true);
      expect(changes(plan)).toEqual(CREATES);
      expect(plan.state_observations).toMatchObject({
        state_path: `${site.storage.uri}/${LEDGER}`,
        lock_path: `${site.storage.uri}/__cluster/lock.json`,
        state_found: false,
        state_revision: 0,
        resource_count: 0,
        locked: false,
        lock_acquired: true,
      });
      expect(await site.keys("__cluster/")).toEqual([]);
      expect(await site.keys("graphs/")).toEqual([]);
    });

    it("needs an import before it applies", async () => {
      const site = await place.site();
      const apply = await site.apply();
      expect(apply).toMatchObject({ ok: false, converged: false, state_written: false, changes: [] });
      expect(codes(apply)).toEqual([`state_missing ${LEDGER}`]);
      expect(messages(apply)).toContain("cluster import");
      expect(await site.keys("__cluster/")).toEqual([]);
      const status = await site.status();
      expect(status.ok).toBe(true);
      expect(codes(status)).toEqual([`state_missing ${LEDGER}`]);
    });

    it("imports, applies everything in one run, and then has nothing to do", async () => {
      const site = await place.site();
      const imported = await site.import();
      expect(imported).toMatchObject({ ok: true, operation: "import", resource_digests: {} });
      expect((await site.ledger()).applied_revision.config_digest).toBeNull();

      const applied = await site.apply();
      expect(codes(applied)).toEqual([]);
      expect(applied).toMatchObject({ ok: true, actor: "mira", applied_count: 7, deferred_count: 0 });
      expect(applied).toMatchObject({ converged: true, state_written: true });
      expect(changes(applied)).toEqual(CREATES);
      const ledger = await site.ledger();
      expect(ledger.state_revision).toBe(2);
      expect(ledger.applied_revision.config_digest).toBe(
        String(member(applied.desired_revision, "config_digest")),
      );
      expect(ledger.applied_revision.resources["policy.crew"]?.applies_to).toEqual(["graph.fleet"]);
      expect(await site.liveSchema("fleet")).toBe(FLEET_SCHEMA);
      const digest = sha256Hex(SHIP_QUERIES);
      expect(await site.text(`__cluster/resources/query/fleet/all_ships/${digest}.gq`)).toBe(SHIP_QUERIES);
      expect(await site.text("__cluster/lock.json")).toBeNull();
      expect(await site.keys("__cluster/recoveries/")).toEqual([]);

      const before = await site.ledgerText();
      const again = await site.apply();
      expect(again).toMatchObject({
        ok: true,
        changes: [],
        applied_count: 0,
        converged: true,
        state_written: false,
      });
      expect(await site.ledgerText()).toBe(before);
      expect((await site.plan()).changes).toEqual([]);
      expect(codes(await site.status())).toEqual([]);
    });

    it("takes a new property and a query that uses it in one run, and shows the migration before", async () => {
      const site = await place.site();
      await site.import();
      await site.apply();
      site.write({
        "fleet.pg": WIDER_SCHEMA,
        "queries/tons.gq": "query tons() { match { $s: Ship } return { $s.tons } }\n",
      });
      const plan = await site.plan();
      expect(changes(plan)).toEqual([
        "graph.fleet update derived",
        "query.fleet.tons create applied",
        "schema.fleet update applied",
      ]);
      const migration = items(plan.changes).find(({ resource }) => resource === "schema.fleet")?.migration;
      expect(migration).toMatchObject({ supported: true });
      expect(items(member(migration, "steps")).map(({ kind }) => kind)).toContain("add_property");
      expect(renderPlan(plan)).toContain('"kind":"add_property"');
      const applied = await site.apply();
      expect(applied).toMatchObject({ ok: true, converged: true, applied_count: 2 });
      expect(await site.liveSchema("fleet")).toBe(WIDER_SCHEMA);
      expect((await site.plan()).changes).toEqual([]);
    });

    it("lets exactly one of two applies run that start together", async () => {
      const site = await place.site();
      await site.import();
      const both = await Promise.all([site.apply(), site.apply("ines")]);
      const winners = both.filter(({ ok }) => ok);
      expect(winners).toHaveLength(1);
      expect(winners[0]?.converged).toBe(true);
      const loser = both.find(({ ok }) => !ok) ?? {};
      expect(codes(loser)).toEqual(["state_lock_held __cluster/lock.json"]);
      expect(await site.text("__cluster/lock.json")).toBeNull();
    });

    it("finishes what an apply left behind that died after creating a graph", async () => {
      const site = await place.site();
      await site.import();
      const before = (await site.ledgerText()) ?? "";
      await site.apply();
      await site.put(LEDGER, before);
      const again = await site.apply();
      expect(codes(again)).toEqual([]);
      expect(again).toMatchObject({ ok: true, converged: true });
    });
  });
}

describe("apply", () => {
  it("fails before lock and storage when the configuration is wrong", async () => {
    const site = await inDirectory({ ...HARBOUR, "policies/crew.yaml": "version: 2\n" });
    const apply = await site.apply();
    expect(codes(apply)).toEqual(["policy_invalid policies.crew.file"]);
    expect(apply).toMatchObject({ ok: false, changes: [], resource_statuses: {} });
    expect(existsSync(join(site.configDir, "__cluster"))).toBe(false);
  });

  it("keeps its state beside cluster.yaml, wherever it is called from", async () => {
    const files = { ...HARBOUR, "cluster.yaml": `${HARBOUR["cluster.yaml"]}storage: ./data\n` };
    const site = await inDirectory(files);
    await site.import();
    expect(await site.apply()).toMatchObject({ ok: true, converged: true });
    expect(readdirSync(site.configDir).sort()).toEqual([
      "cluster.yaml",
      "data",
      "fleet.pg",
      "policies",
      "queries",
    ]);
    expect(existsSync(join(site.configDir, "data", LEDGER))).toBe(true);
  });

  it("changes bindings without touching the file", async () => {
    const site = await inMemory({
      ...HARBOUR,
      "cluster.yaml":
        "version: 1\ngraphs: {fleet: {schema: fleet.pg}, pier: {schema: fleet.pg}}\npolicies: {crew: {file: policies/crew.yaml, applies_to: [fleet]}}\n",
    });
    await site.import();
    await site.apply();
    site.write({ "cluster.yaml": site.source("cluster.yaml").replace("[fleet]", "[fleet, pier]") });
    const plan = await site.plan();
    const [change] = items(plan.changes);
    expect(change).toMatchObject({
      resource: "policy.crew",
      operation: "update",
      binding_change: true,
      metadata_change: "policy_bindings",
    });
    expect(change?.before_digest).toBe(change?.after_digest ?? "");
    expect(renderPlan(plan)).toBe(
      "cluster plan: 1 change(s), 0 approval gate(s)\n  Update policy.crew [bindings]\n",
    );
    expect(renderApply(await site.apply())).toStartWith(
      "cluster apply: 1 applied, 0 deferred/blocked\n  Update policy.crew [bindings] [Applied]\n  state: revision 3, converged: true, written: true\n",
    );
    expect((await site.plan()).changes).toEqual([]);
  });

  it("forgets a query that is no longer declared, and keeps its blob", async () => {
    const site = await inDirectory();
    await site.import();
    await site.apply();
    const blobs = await site.keys("__cluster/resources/");
    rmSync(join(site.configDir, "queries/flags.gq"));
    expect(await site.apply()).toMatchObject({ ok: true, converged: true });
    const ledger = await site.ledger();
    expect(Object.keys(ledger.applied_revision.resources)).not.toContain("query.fleet.flags");
    expect(Object.keys(ledger.resource_statuses)).not.toContain("query.fleet.flags");
    expect(await site.keys("__cluster/resources/")).toEqual(blobs);
  });

  it("heals a blob whose bytes were damaged when it writes it again", async () => {
    const site = await inMemory();
    await site.import();
    await site.apply();
    const key = (await site.keys("__cluster/resources/query/fleet/flags/"))[0] ?? "";
    await site.put(key, "junk");
    const damaged = await site.status();
    expect(damaged.ok).toBe(true);
    expect(codes(damaged)).toEqual(["catalog_payload_mismatch query.fleet.flags"]);
    expect(messages(damaged)).toContain(sha256Hex("junk"));
    await site.putLedger((ledger) => {
      const { resources } = ledger.applied_revision;
      delete resources["query.fleet.flags"];
    });
    // Taken out by hand, the query leaves the composite wrong: nothing happens until the ledger is trusted again.
    expect(codes(await site.apply())).toEqual(["external_blob_policy_digest_mismatch graph.fleet"]);
  });

  it("refuses a source that changes while it runs", async () => {
    const bucket = new MemoryBucket();
    const site = await inMemory(HARBOUR, bucket);
    await site.import();
    const before = await site.ledgerText();
    const open = async () =>
      memoryStorage(ports, {
        bucket,
        faults: ({ method, key }) => {
          if (method === "putIfAbsent" && key === "__cluster/lock.json") {
            site.write({ "queries/flags.gq": "query flags() { match { $s: Ship } return { $s.imo } }\n" });
          }
          return null;
        },
      });
    const { applyCluster } = await import("../../src/cluster/index.ts");
    const apply = await applyCluster({ ...site.options, openStorage: open, actor: null });
    expect(codes(apply)).toEqual(["resource_content_changed query.fleet.flags"]);
    expect(apply).toMatchObject({ ok: false, applied_count: 0, converged: false, state_written: false });
    expect(apply.actor).toBeUndefined();
    expect(await site.ledgerText()).toBe(before);
    expect(await site.apply()).toMatchObject({ ok: true, converged: true });
  });

  it("leaves another writer's ledger alone, with or without the lock", async () => {
    for (const lock of ["", "state: { lock: false }\n"]) {
      const bucket = new MemoryBucket();
      const yaml = `${HARBOUR["cluster.yaml"]}${lock}`;
      const site = await inMemory({ ...HARBOUR, "cluster.yaml": yaml }, bucket);
      await site.import();
      const foreign = encodeUtf8(
        ((await site.ledgerText()) ?? "").replace('"state_revision": 1', '"state_revision": 5'),
      );
      let isLate = false;
      const open = async () =>
        memoryStorage(ports, {
          bucket,
          faults: ({ method, key }) => {
            if (!isLate && method === "putIfMatch" && key === LEDGER) {
              isLate = true;
              bucket.objects.set(key, { bytes: foreign, version: bucket.nextVersion(), modifiedAt: 0 });
            }
            return null;
          },
        });
      const { applyCluster } = await import("../../src/cluster/index.ts");
      const apply = await applyCluster({ ...site.options, openStorage: open, actor: null });
      expect(codes(apply).filter((code) => !code.startsWith("state_lock_disabled"))).toEqual([
        `state_cas_mismatch ${LEDGER}`,
      ]);
      expect(apply).toMatchObject({ ok: false, converged: false, state_written: false, applied_count: 0 });
      expect(apply.resource_statuses).toEqual((await site.ledger()).resource_statuses);
      expect((await site.ledger()).state_revision).toBe(5);
      expect(await site.apply()).toMatchObject({ ok: true, converged: true });
    }
  });

  it("stops at a schema change that the engine refuses, and does what does not depend on it", async () => {
    const yaml = `version: 1
graphs:
  fleet: { schema: fleet.pg, queries: queries/ }
  pier: { schema: pier.pg, queries: pier.gq }
`;
    const files = {
      ...HARBOUR,
      "cluster.yaml": yaml,
      "pier.pg": FLEET_SCHEMA,
      "pier.gq": HARBOUR["queries/flags.gq"] ?? "",
    };
    const site = await inMemory(files);
    await site.import();
    await site.apply();
    const withBlobs = yaml.replace(
      "queries: queries/ }",
      "queries: queries/, external_blobs: {allow: [{base: s3://a/b, scope: server_safe}]} }",
    );
    site.write({
      "cluster.yaml": withBlobs,
      "fleet.pg": "node Ship { imo: String @key  name: I32?  flag: String? }\n",
      "queries/flags.gq": "query flags() { match { $s: Ship } return { $s.imo } }\n",
      "pier.gq": "query flags() { match { $s: Ship } return { $s.imo } }\n",
    });
    const plan = await site.plan();
    expect(plan.ok).toBe(true);
    const shown = items(plan.changes).find(({ resource }) => resource === "schema.fleet")?.migration;
    expect(shown).toMatchObject({ supported: false });
    expect(renderPlan(plan)).toContain("migration UNSUPPORTED:");

    const failed = await site.apply();
    expect(changes(failed)).toEqual([
      "graph.fleet update derived",
      "graph.pier update derived",
      "query.fleet.flags update blocked:dependency_not_applied",
      "query.pier.flags update applied",
      "schema.fleet update blocked:schema_apply_failed",
    ]);
    expect(codes(failed)).toEqual([
      "schema_apply_failed schema.fleet",
      "apply_dependency_blocked query.fleet.flags",
      "apply_dependency_blocked schema.fleet",
    ]);
    expect(messages(failed)).toContain("changing property type");
    expect(failed).toMatchObject({ ok: false, converged: false, state_written: true });
    expect(renderApply(failed)).toStartWith("cluster apply failed\n  Update graph.fleet [Derived]\n");
    expect(await site.liveSchema("fleet")).toBe(FLEET_SCHEMA);
    expect(
      (await site.ledger()).applied_revision.resources["graph.fleet"]?.external_blob_policy,
    ).toBeUndefined();
    expect(await site.keys("__cluster/recoveries/")).toEqual([]);

    site.write({ "fleet.pg": FLEET_SCHEMA });
    expect(await site.apply()).toMatchObject({ ok: true, converged: true });
    const graph = (await site.ledger()).applied_revision.resources["graph.fleet"];
    expect(graph?.external_blob_policy).toEqual({
      mode: "allow",
      bases: [{ uri: "s3://a/b/", scope: "server_safe" }],
    });
  });

  it("does not change the schema of a graph that has other branches", async () => {
    const site = await inMemory();
    await site.import();
    await site.apply();
    const graph = await openGraph({ storage: site.storage.under("graphs/fleet.omni"), ports });
    await graph.createBranch({ name: "draft", actor: null });
    await graph.close();
    site.write({ "fleet.pg": WIDER_SCHEMA });
    const plan = await site.plan();
    expect(plan.ok).toBe(true);
    expect(codes(plan)).toEqual(["schema_preview_unavailable schema.fleet"]);
    for (let run = 0; run < 2; run++) {
      const failed = await site.apply();
      expect(failed.ok).toBe(false);
      expect(codes(failed)[0]).toBe("schema_apply_failed schema.fleet");
      expect(messages(failed)).toContain("only main");
      expect(messages(failed)).toContain("draft");
    }
    expect(await site.liveSchema("fleet")).toBe(FLEET_SCHEMA);
  });

  it("creates graphs one after the other and skips the rest after a failure", async () => {
    const site = await inMemory({
      ...HARBOUR,
      "cluster.yaml": `version: 1
graphs:
  a: { schema: fleet.pg, queries: queries/flags.gq }
  b: { schema: fleet.pg }
policies: { topology: { file: policies/server.yaml, applies_to: [cluster] } }
`,
    });
    // Somebody else's graph, with data, under a schema that is declared nowhere.
    const { initGraph } = await import("../../src/engine/index.ts");
    const storage = site.storage.under("graphs/a.omni");
    await initGraph({ storage, ports, schemaSource: "node Other { k: String @key }\n" });
    const graph = await openGraph({ storage, ports });
    await graph.mutate({ source: 'query put() { insert Other { k: "1" } }', actor: null });
    await graph.close();

    await site.put(LEDGER, '{"version":1,"applied_revision":{}}');
    const failed = await site.apply();
    expect(changes(failed)).toEqual([
      "graph.a create blocked:graph_create_failed",
      "graph.b create blocked:graph_create_failed",
      "policy.topology create applied",
      "query.a.flags create blocked:dependency_not_applied",
      "schema.a create blocked:dependency_not_applied",
      "schema.b create blocked:dependency_not_applied",
    ]);
    expect(codes(failed).slice(0, 2)).toEqual([
      "graph_create_failed graph.a",
      "graph_create_skipped graph.b",
    ]);
    expect(messages(failed)).toContain("cluster refresh");
    expect(Object.keys((await site.ledger()).applied_revision.resources)).toEqual(["policy.topology"]);
    expect(await site.liveSchema("a")).toBe("node Other { k: String @key }\n");
  });

  it("plans the delete of a graph and does not carry it out", async () => {
    const site = await inMemory();
    await site.import();
    await site.apply();
    site.write({ "cluster.yaml": "version: 1\n" });
    const plan = await site.plan();
    expect(plan.approvals_required).toEqual([
      { resource: "graph.fleet", reason: "removes a deployed graph", satisfied: false },
    ]);
    const apply = await site.apply();
    expect(changes(apply)).toEqual([
      "graph.fleet delete blocked:approval_required",
      "policy.crew delete blocked:approval_required",
      "policy.topology delete applied",
      "query.fleet.all_ships delete blocked:approval_required",
      "query.fleet.flags delete blocked:approval_required",
      "query.fleet.ship_by_imo delete blocked:approval_required",
      "schema.fleet delete blocked:approval_required",
    ]);
    expect(apply).toMatchObject({ ok: true, converged: false, applied_count: 1, deferred_count: 6 });
    expect(renderApply(apply)).toContain("  Delete graph.fleet [Blocked: approval_required]\n");
    expect(await site.liveSchema("fleet")).toBe(FLEET_SCHEMA);
    const again = await site.apply();
    expect(again).toMatchObject({ ok: true, converged: false, state_written: false });
  });

  it("leaves a graph alone whose recovery another command has to finish", async () => {
    const site = await inMemory();
    await site.import();
    const sidecar = {
      schema_version: 1,
      operation_id: "01JZ9",
      started_at: "2026-07-02T09:14:01Z",
      kind: "graph_create",
      graph_id: "fleet",
      graph_uri: "x",
      desired_schema_digest: "d",
    };
    await site.put("__cluster/recoveries/01JZ9.json", JSON.stringify(sidecar));
    await site.put("__cluster/recoveries/notes.txt", "not a sidecar");
    for (const output of [await site.plan(), await site.status()]) {
      expect(output.ok).toBe(true);
      expect(codes(output)).toEqual(["cluster_recovery_pending __cluster/recoveries/01JZ9.json"]);
    }
    const apply = await site.apply();
    expect(changes(apply)).toContain("graph.fleet create blocked:cluster_recovery_pending");
    expect(changes(apply)).toContain("policy.topology create applied");
    expect(apply).toMatchObject({ ok: true, converged: false });
    expect((await site.ledger()).resource_statuses["graph.fleet"]?.status).toBe("drifted");
    expect(await site.keys("graphs/")).toEqual([]);
    expect(await site.text("__cluster/recoveries/01JZ9.json")).toBe(JSON.stringify(sidecar));

    await site.put("__cluster/recoveries/01JZ9.json", "{");
    const undecodable = await site.apply();
    expect(codes(undecodable)).toEqual(["invalid_recovery_sidecar __cluster/recoveries/01JZ9.json"]);
    expect(undecodable).toMatchObject({ ok: true, converged: true });
  });

  it("warns of approvals that it cannot read and of those that went stale", async () => {
    const site = await inMemory();
    await site.import();
    await site.apply();
    site.write({ "cluster.yaml": "version: 1\n" });
    const approval = {
      schema_version: 1,
      approval_id: "01A",
      resource: "graph.fleet",
      operation: "delete",
      reason: "r",
      bound_config_digest: "0",
      bound_before_digest: "0",
      bound_after_digest: null,
      approved_by: "mira",
      created_at: "2026-07-02T10:00:00Z",
      consumed_at: null,
      consumed_by_operation: null,
    };
    await site.put("__cluster/approvals/01A.json", JSON.stringify(approval));
    await site.put("__cluster/approvals/01B.json", "{");
    await site.put("__cluster/approvals/01C.json", '{"schema_version":9}');
    expect(codes(await site.plan())).toEqual([
      "invalid_approval_artifact __cluster/approvals/01B.json",
      "unsupported_approval_version __cluster/approvals/01C.json",
      "approval_stale graph.fleet",
    ]);
  });

  it("never takes over a ledger whose authority was edited by hand", async () => {
    const site = await inMemory();
    await site.import();
    await site.apply();
    await site.putLedger((ledger) => {
      const graph = ledger.applied_revision.resources["graph.fleet"];
      if (graph !== undefined) {
        graph.external_blob_policy = { mode: "allow", bases: [{ uri: "s3://mine/", scope: "server_safe" }] };
      }
    });
    const before = await site.ledgerText();
    const apply = await site.apply();
    expect(codes(apply)).toEqual(["external_blob_policy_digest_mismatch graph.fleet"]);
    expect(messages(apply)).toContain("from a trusted copy");
    expect(await site.ledgerText()).toBe(before);
  });

  it("refuses ledgers that it cannot understand", async () => {
    for (const [text, code] of [
      ["{", `invalid_state_json ${LEDGER}`],
      ['{"version":9}', "unsupported_state_version state.version"],
    ] as const) {
      const site = await inMemory();
      await site.put(LEDGER, text);
      for (const output of [
        await site.plan(),
        await site.apply(),
        await site.import(),
        await site.status(),
      ]) {
        expect(output.ok).toBe(false);
        expect(codes(output)).toEqual([code]);
        expect(output.state_observations).toMatchObject({
          state_found: true,
          state_cas: `sha256:${sha256Hex(text)}`,
        });
      }
      expect(await site.ledgerText()).toBe(text);
    }
  });
});

describe("import", () => {
  it("takes in graphs that are there and reports those that are not", async () => {
    const site = await inMemory();
    await site.import();
    await site.apply();
    const { resources } = (await site.ledger()).applied_revision;
    await site.storage.delete(LEDGER);
    site.write({
      "cluster.yaml": `${site.source("cluster.yaml").replace("graphs:\n", "graphs:\n  pier: { schema: fleet.pg }\n")}`,
    });
    const imported = await site.import();
    expect(imported.ok).toBe(true);
    const ledger = await site.ledger();
    expect(ledger.state_revision).toBe(1);
    expect(Object.keys(ledger.applied_revision.resources)).toEqual(["graph.fleet", "schema.fleet"]);
    expect(ledger.applied_revision.resources["schema.fleet"]).toEqual(resources["schema.fleet"]);
    expect(ledger.resource_statuses).toEqual({
      "graph.fleet": { status: "applied" },
      "graph.pier": { status: "drifted", conditions: ["graph_missing"] },
      "schema.fleet": { status: "applied" },
      "schema.pier": { status: "drifted", conditions: ["graph_missing"] },
    });
    expect(ledger.observations["graph.fleet"]).toMatchObject({
      kind: "graph",
      exists: true,
      graph_manifest_version: 1,
      schema_matches_desired: true,
      error: null,
    });
    expect(ledger.observations["graph.pier"]).toMatchObject({
      exists: false,
      graph_manifest_version: null,
      schema_digest: null,
      schema_matches_desired: false,
    });
    const blobs = await site.keys("__cluster/resources/");
    expect(await site.apply()).toMatchObject({ ok: true, converged: true });
    expect(await site.keys("__cluster/resources/")).toEqual(blobs);
  });

  it("refuses to write over a ledger, and shows what is in it", async () => {
    const site = await inMemory();
    await site.import();
    await site.apply();
    const before = await site.ledgerText();
    const again = await site.import();
    expect(again.ok).toBe(false);
    expect(codes(again)).toEqual([`state_already_exists ${LEDGER}`]);
    expect(Object.keys(again.resource_digests as object)).toContain("graph.fleet");
    expect(await site.ledgerText()).toBe(before);
  });

  it("writes nothing when a root does not open", async () => {
    const site = await inMemory();
    await site.put("graphs/fleet.omni/graph.json", "{");
    const imported = await site.import();
    expect(imported.ok).toBe(false);
    expect(codes(imported)).toEqual(["graph_observation_error graphs"]);
    expect(await site.ledgerText()).toBeNull();
    expect(imported.resource_statuses).toMatchObject({
      "graph.fleet": { status: "error", conditions: ["graph_observation_error"] },
    });
  });
});
