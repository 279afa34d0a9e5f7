import { afterEach, describe, expect, it } from "bun:test";
import { inMemory } from "./sites.ts";
import { codes, removeFolders } from "./support.ts";

afterEach(removeFolders);

const LEDGER = "__cluster/state.json";

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
