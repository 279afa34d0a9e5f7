import { afterEach, describe, expect, it } from "bun:test";
import { rmSync } from "node:fs";
import {
  appliedGraphRoot,
  bindPolicies,
  notReadyText,
  readServingSnapshot,
  type ServingRead,
  type ServingSnapshot,
} from "../../src/cluster/index.ts";
import { inDirectory, inMemory, type Site } from "./sites.ts";
import {
  CREW_POLICY,
  FLEET_SCHEMA,
  folder,
  PORT_QUERY,
  ports,
  removeFolders,
  SERVER_POLICY,
  SHIP_QUERIES,
} from "./support.ts";

afterEach(removeFolders);

const YAML = `version: 1
providers: { embedding: { texts: { kind: mock, model: m-1 } } }
graphs:
  fleet: { schema: s.pg, queries: ships.gq, embedding_provider: texts }
  pier: { schema: s.pg, queries: flags.gq, external_blobs: { allow: [ { base: s3://a/b, scope: server_safe } ] } }
policies:
  crew: { file: crew.yaml, applies_to: [fleet] }
  dock: { file: crew.yaml, applies_to: [pier] }
  topology: { file: server.yaml, applies_to: [cluster] }
`;
const FILES = {
  "cluster.yaml": YAML,
  "s.pg": FLEET_SCHEMA,
  "ships.gq": SHIP_QUERIES,
  "flags.gq": PORT_QUERY,
  "crew.yaml": CREW_POLICY,
  "server.yaml": SERVER_POLICY,
};

const applied = async (): Promise<Site> => {
  const site = await inMemory(FILES);
  await site.import();
  expect(await site.apply()).toMatchObject({ ok: true, converged: true });
  return site;
};
const serve = (site: Site): Promise<ServingRead> =>
  readServingSnapshot(site.configDir, ports, site.options.openStorage);
const served = async (site: Site): Promise<ServingSnapshot> => {
  const read = await serve(site);
  if (!read.ok) throw new Error(notReadyText(site.configDir, read.diagnostics));
  return read.snapshot;
};
const refusals = async (site: Site): Promise<string[]> => {
  const read = await serve(site);
  return read.ok ? [] : read.diagnostics.map(({ code, path }) => `${code} ${path}`);
};
const sidecar = (graph: string): string =>
  JSON.stringify({
    schema_version: 1,
    operation_id: "01JZ9",
    started_at: "2026-07-02T09:14:01Z",
    actor: null,
    kind: "schema_apply",
    graph_id: graph,
    graph_uri: "x",
    desired_schema_digest: "d",
  });

describe("the serving snapshot", () => {
  it("holds the applied graphs, queries, policies and providers", async () => {
    const site = await applied();
    const snapshot = await served(site);
    expect(snapshot).toMatchObject({ hasPolicy: true, quarantined: [] });
    expect(snapshot.graphs).toEqual([
      {
        id: "fleet",
        rootUri: `${site.storage.uri}/graphs/fleet.omni`,
        queries: [
          { name: "all_ships", source: SHIP_QUERIES },
          { name: "ship_by_imo", source: SHIP_QUERIES },
        ],
        embedding: { kind: "mock", model: "m-1" },
        externalBlobs: null,
      },
      {
        id: "pier",
        rootUri: `${site.storage.uri}/graphs/pier.omni`,
        queries: [{ name: "flags", source: PORT_QUERY }],
        embedding: null,
        externalBlobs: { mode: "allow", bases: [{ uri: "s3://a/b/", scope: "server_safe" }] },
      },
    ]);
    const { server, graphs } = bindPolicies(snapshot.policies);
    expect(server?.content).toBe(SERVER_POLICY);
    expect([...graphs].map(([graph, policy]) => [graph, policy.name])).toEqual([
      ["fleet", "crew"],
      ["pier", "dock"],
    ]);
  });

  it("does not see what was edited and not applied, however broken", async () => {
    const site = await applied();
    const before = await served(site);
    site.write({ "ships.gq": "query {", "cluster.yaml": "version: 9\ncolour: blue\ngraphs: 5\n" });
    expect(await served(site)).toEqual(before);
    await site.put("__cluster/lock.json", "{}");
    expect(await served(site)).toEqual(before);
  });

  it("leaves out a graph whose recovery is pending, with its queries and policies, and serves the rest", async () => {
    const site = await applied();
    await site.put("__cluster/recoveries/01JZ9.json", sidecar("fleet"));
    for (const key of await site.keys("__cluster/resources/query/fleet/")) await site.storage.delete(key);
    for (const key of await site.keys("__cluster/resources/policy/crew/")) await site.put(key, "junk");
    const snapshot = await served(site);
    expect(snapshot.graphs.map(({ id }) => id)).toEqual(["pier"]);
    expect(snapshot.policies.map(({ name }) => name)).toEqual(["dock", "topology"]);
    expect(snapshot.hasPolicy).toBe(true);
    expect(snapshot.quarantined).toMatchObject([
      {
        graphId: "fleet",
        diagnostic: { code: "cluster_recovery_pending", severity: "warning", path: "graph.fleet" },
      },
    ]);
  });

  it("is not disturbed by a sidecar of a graph that was never applied", async () => {
    const site = await applied();
    await site.put("__cluster/recoveries/01JZ9.json", sidecar("ghost"));
    expect((await served(site)).graphs).toHaveLength(2);
  });

  it("is refused with sidecars whose reach is unknown", async () => {
    const key = "__cluster/recoveries/01JZ9.json";
    for (const [text, code] of [
      ["{", "invalid_recovery_sidecar"],
      ['{"schema_version":9}', "unsupported_recovery_sidecar_version"],
      [sidecar(" "), "cluster_recovery_unattributed"],
      [sidecar("fleet").replace("schema_apply", "schema_guess"), "invalid_recovery_sidecar"],
    ] as const) {
      const site = await applied();
      await site.put(key, text);
      expect(await refusals(site)).toEqual([`${code} ${key}`]);
    }
  });

  it("is refused when every graph waits for recovery, and when there is none", async () => {
    const site = await applied();
    await site.put("__cluster/recoveries/1.json", sidecar("fleet"));
    await site.put("__cluster/recoveries/2.json", sidecar("pier"));
    expect(await refusals(site)).toEqual(["cluster_no_healthy_graphs graphs"]);
    const empty = await inMemory({ "cluster.yaml": "version: 1\n" });
    await empty.import();
    expect(await empty.apply()).toMatchObject({ ok: true, converged: true });
    expect(await refusals(empty)).toEqual(["cluster_empty graphs"]);
  });

  it("is refused without a ledger, naming the way to one", async () => {
    const site = await inMemory(FILES);
    const read = await serve(site);
    if (read.ok) throw new Error("served without a ledger");
    const text = notReadyText(site.configDir, read.diagnostics);
    expect(text).toStartWith(
      `the cluster at '${site.configDir}' is not ready to serve:\n  [cluster_state_missing] __cluster/state.json: `,
    );
    expect(text).toContain("cluster import");
    expect(text).toContain("cluster apply");
  });

  it("is refused with a blob that is missing or has other bytes, all of them at once", async () => {
    const site = await applied();
    for (const key of await site.keys("__cluster/resources/query/fleet/all_ships/"))
      await site.storage.delete(key);
    for (const key of await site.keys("__cluster/resources/policy/topology/")) await site.put(key, "junk");
    const read = await serve(site);
    expect(await refusals(site)).toEqual([
      "catalog_payload_missing query.fleet.all_ships",
      "catalog_payload_digest_mismatch policy.topology",
    ]);
    const text = read.ok ? "" : notReadyText("x", read.diagnostics);
    expect(text).toContain("cluster refresh");
  });

  it("is refused with a ledger that lost what the entries need, until apply heals it", async () => {
    const site = await applied();
    await site.putLedger(({ applied_revision: { resources } }) => {
      delete resources["policy.crew"]?.applies_to;
      delete resources["provider.embedding.texts"]?.embedding_profile;
    });
    expect(await refusals(site)).toEqual([
      "embedding_provider_profile_missing provider.embedding.texts",
      "embedding_provider_missing graph.fleet",
      "policy_bindings_missing policy.crew",
    ]);
    expect(await site.apply()).toMatchObject({ ok: true, converged: true, applied_count: 2 });
    expect(await refusals(site)).toEqual([]);
  });

  it("is refused with authority that was edited by hand", async () => {
    const site = await applied();
    await site.putLedger(({ applied_revision: { resources } }) => {
      delete resources["graph.pier"]?.external_blob_policy;
    });
    expect(await refusals(site)).toEqual(["external_blob_policy_digest_mismatch graph.pier"]);
    const other = await applied();
    await other.putLedger(({ applied_revision: { resources } }) => {
      const provider = resources["provider.embedding.texts"];
      if (provider !== undefined) provider.embedding_profile = { kind: "mock", model: "other" };
    });
    expect(await refusals(other)).toEqual(["embedding_provider_digest_mismatch provider.embedding.texts"]);
  });

  it("is refused with two bundles on one scope, or a binding that is none", async () => {
    const policy = (name: string, ...appliesTo: string[]) => ({ name, content: "", appliesTo });
    expect(() => bindPolicies([policy("a", "graph.x"), policy("b", "graph.x")])).toThrow(
      "multiple policy bundles bind 'graph.x'",
    );
    expect(() => bindPolicies([policy("a", "query.x.y")])).toThrow("expected cluster or graph.<id>");
    const site = await applied();
    await site.putLedger(({ applied_revision: { resources } }) => {
      const policy = resources["policy.crew"];
      if (policy !== undefined) policy.applies_to = ["everything"];
    });
    const snapshot = await served(site);
    expect(() => bindPolicies(snapshot.policies)).toThrow("'everything'");
  });
});

describe("the value of --cluster", () => {
  const onDisk = async (yaml = YAML): Promise<Site> => {
    const site = await inDirectory({ ...FILES, "cluster.yaml": yaml });
    await site.import();
    await site.apply();
    return site;
  };
  const codesAt = async (value: string): Promise<string[]> => {
    const read = await readServingSnapshot(value, ports);
    return read.ok ? read.snapshot.graphs.map(({ id }) => id) : read.diagnostics.map(({ code }) => code);
  };

  it("is a folder, a root URI, or a directory that is a root itself", async () => {
    const site = await onDisk();
    const read = await readServingSnapshot(site.configDir, ports);
    expect(await readServingSnapshot(`file://${site.configDir}`, ports)).toEqual(read);
    rmSync(`${site.configDir}/cluster.yaml`);
    expect(await readServingSnapshot(site.configDir, ports)).toEqual(read);
    expect(read.ok).toBe(true);
  });

  it("needs nothing of cluster.yaml but its storage", async () => {
    const site = await onDisk(`${YAML}storage: data\n`);
    site.write({ "cluster.yaml": "storage: data\ncolour: blue\nversion: x\n" });
    expect(await codesAt(site.configDir)).toEqual(["fleet", "pier"]);
    site.write({ "cluster.yaml": "storage: data\n  bad: [\n" });
    expect(await codesAt(site.configDir)).toEqual(["invalid_cluster_yaml"]);
    site.write({ "cluster.yaml": "storage: ftp://x/y\n" });
    expect(await codesAt(site.configDir)).toEqual(["invalid_storage_root"]);
    expect(await codesAt(`${site.configDir}/none`)).toEqual(["config_dir_not_found"]);
  });

  it("finds the root of one applied graph by the ledger alone", async () => {
    const site = await onDisk();
    rmSync(`${site.configDir}/__cluster/resources`, { recursive: true });
    expect(await appliedGraphRoot(site.configDir, "pier", ports)).toBe(`${site.configDir}/graphs/pier.omni`);
    const refusal = (graph: string | null, value = site.configDir) =>
      expect(appliedGraphRoot(value, graph, ports)).rejects;
    await refusal(null).toThrow("has 2 graphs (fleet, pier); pass --graph <id>");
    await refusal("ghost").toThrow("is not applied in cluster");
    await refusal("ghost").toThrow("fleet, pier");
    await refusal("ghost").toThrow("cluster apply");
    await refusal(null, folder({})).toThrow("cluster_state_missing");
    await refusal(null, folder({})).toThrow("has no applied state");
  });
});
