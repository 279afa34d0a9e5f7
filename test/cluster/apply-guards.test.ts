// What holds an apply back: deletes without approval, unfinished recoveries, ledgers that are not to be trusted.

import { afterEach, describe, expect, it } from "bun:test";
import { renderApply } from "../../src/cluster/index.ts";
import { sha256Hex } from "../../src/lib/digest.ts";
import type { JsonObject } from "../../src/lib/json.ts";
import { inMemory } from "./sites.ts";
import { changes, codes, FLEET_SCHEMA, items, messages, removeFolders } from "./support.ts";

afterEach(removeFolders);

const LEDGER = "__cluster/state.json";

describe("an apply", () => {
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

  it("says so when it does not carry out what was approved", async () => {
    const site = await inMemory();
    await site.import();
    await site.apply();
    site.write({ "cluster.yaml": "version: 1\n" });
    const [deletion] = items((await site.plan()).changes);
    const { config_digest: digest } = (await site.plan()).desired_revision as JsonObject;
    const approval = {
      schema_version: 1,
      approval_id: "01A",
      resource: "graph.fleet",
      operation: "delete",
      reason: "r",
      bound_config_digest: digest,
      bound_before_digest: deletion?.before_digest,
      bound_after_digest: null,
      approved_by: "mira",
      created_at: "2026-07-02T10:00:00Z",
      consumed_at: null,
      consumed_by_operation: null,
    };
    await site.put("__cluster/approvals/01A.json", JSON.stringify(approval));
    const apply = await site.apply();
    expect(codes(apply)[0]).toBe("apply_unsupported_change graph.fleet");
    expect(apply).toMatchObject({ ok: true, converged: false });
    expect(await site.liveSchema("fleet")).toBe(FLEET_SCHEMA);
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
