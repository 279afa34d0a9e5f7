import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { createLogger } from "../../src/server/log.ts";
import { type GraphToServe, openGraphs } from "../../src/server/open-graphs.ts";
import { openStorage } from "../../src/storage/index.ts";
import { appliedCluster, cleanUp, HARBOR_SCHEMA, temporaryFolder } from "./support/cluster.ts";
import { bundle } from "./support/policies.ts";

const INSERT = { source: 'query add() { insert Port { code: "A" } }' };
const ports = { ...systemPorts(), env: {} };

let root = "";
beforeAll(async () => {
  root = `${await appliedCluster()}/graphs/harbor.omni`;
});
afterAll(cleanUp);

const harbor = (more: Partial<GraphToServe> = {}): GraphToServe => ({
  id: "harbor",
  uri: root,
  queries: new Map(),
  embedding: null,
  externalBlobs: [],
  policy: null,
  ...more,
});

async function opened(...graphs: readonly GraphToServe[]) {
  const lines: string[] = [];
  const log = createLogger(ports, (text) => lines.push(text));
  const { ready, quarantined } = await openGraphs(graphs, ports, log);
  log.flush();
  return { ready, quarantined, log: lines.join(""), lines };
}

describe("opening graphs", () => {
  it("keeps the order, whichever opens first", async () => {
    const { ready } = await opened(...["a", "b", "c", "d", "e", "f"].map((id) => harbor({ id })));
    expect(ready.map(({ id }) => id)).toEqual(["a", "b", "c", "d", "e", "f"]);
    await Promise.all(ready.map(({ graph }) => graph.close()));
  });

  it("sets a graph aside for its settings or its state, and says why", async () => {
    const { ready, quarantined, log } = await opened(
      harbor({ id: "unparsed", queries: new Map([["q", "query q( {"]]) }),
      harbor({
        id: "misnamed",
        queries: new Map([["other", "query q() { match { $p: Port } return { $p } }"]]),
      }),
      harbor({ id: "keyless", embedding: { kind: "openai", api_key: "$" + "{HARBOR_KEY}" } }),
      harbor({ id: "nowhere", uri: `${root}/nowhere` }),
      harbor({ id: "graphs" }),
      harbor({ id: "lawless", policy: "version: 2" }),
    );
    expect(ready).toEqual([]);
    expect(quarantined.map(({ id, stage }) => `${id}: ${stage}`)).toEqual([
      "unparsed: settings",
      "misnamed: settings",
      "keyless: settings",
      "nowhere: open",
      "graphs: open",
      "lawless: open",
    ]);
    expect(log).toMatch(/stored queries failed to parse graph_id=unparsed errors="query 'q': /);
    expect(log).toMatch(
      /embedding provider configuration failed graph_id=keyless error=".*graph 'keyless': .*HARBOR_KEY/,
    );
    expect(log).toMatch(
      /graph quarantined during startup graph_id=lawless error=".*policy version must be 1/,
    );
  });

  it("sets a graph aside whose stored queries no longer fit its schema", async () => {
    const graph = await openGraph({ storage: await openStorage(root, ports), ports });
    const source = HARBOR_SCHEMA.replace("  flag: String?\n", "");
    await graph.applySchema({ source, actor: null });
    await graph.close();
    const { quarantined } = await opened(
      harbor({
        queries: new Map([
          ["flags", "query flags() { match { $v: Vessel } return { $v.flag } }"],
          ["names", "query names() { match { $v: Vessel } return { $v.name } }"],
        ]),
      }),
    );
    expect(quarantined[0]?.reason).toMatch(
      /^graph 'harbor': 1 stored query failed the schema check:\nquery 'flags': .*flag/,
    );
  });

  it("warns about queries that callers can hardly use, and serves them", async () => {
    const queries = new Map([
      ["near", "query near($v: Vector(3)) { match { $p: Port } return { $p.code } }"],
    ]);
    const { ready, log } = await opened(harbor({ queries }));
    expect(log).toMatch(/WARN +stored query: .*Vector.* graph=harbor query=near/);
    await ready[0]?.graph.close();
  });
});

describe("the gate of an open graph", () => {
  const policy = bundle([{ group: "curators", actions: ["change"] }]);

  it("asks also who comes without HTTP", async () => {
    const { ready } = await opened(harbor({ policy }));
    const graph = ready[0]?.graph;
    await expect(graph?.mutate({ ...INSERT, actor: "act-zed" })).rejects.toThrow(
      "policy: policy denied action 'change' for unknown actor 'act-zed'",
    );
    await expect(graph?.applySchema({ source: HARBOR_SCHEMA, actor: null })).rejects.toThrow("no actor");
    expect(await graph?.mutate({ ...INSERT, actor: "act-oleg" })).toMatchObject({ actor_id: "act-oleg" });
    await graph?.close();
  });

  it("is open where no bundle is bound", async () => {
    const { ready } = await opened(harbor());
    expect(await ready[0]?.graph.mutate({ ...INSERT, actor: null })).toMatchObject({ actor_id: null });
    await ready[0]?.graph.close();
  });
});

describe("the external blobs of an open graph", () => {
  const WRITE = {
    source: 'query add($p: Blob) { insert Scan { name: "a", image: $p } }',
    params: { p: "file:///etc/hostname" },
    actor: null,
  };

  it("are those of server_safe bases alone", async () => {
    const storage = await openStorage(`${temporaryFolder()}/scans.omni`, ports);
    await initGraph({ storage, ports, schemaSource: "node Scan { name: String @key  image: Blob? }" });
    const scans = (externalBlobs: GraphToServe["externalBlobs"]) =>
      harbor({ uri: storage.uri, externalBlobs });
    const local = { uri: "file:///etc/", scope: "embedded_only" } as const;
    const bucket = { uri: "s3://scans/", scope: "server_safe" } as const;
    for (const [bases, phrase] of [
      [[local], "new external Blob URI ingress is denied for this graph"],
      [[local, bucket], "URI is outside every configured external Blob base"],
    ] as const) {
      const { ready } = await opened(scans(bases));
      await expect(ready[0]?.graph.mutate(WRITE)).rejects.toThrow(phrase);
      await ready[0]?.graph.close();
    }
  });

  it("keep a graph from being served when a base is no URI", async () => {
    const { quarantined } = await opened(
      harbor({ externalBlobs: [{ uri: "s3://a b/", scope: "server_safe" }] }),
    );
    expect(quarantined).toMatchObject([{ id: "harbor", stage: "open" }]);
    expect(quarantined[0]?.reason).toContain("external blob base 's3://a b/'");
  });
});

describe("the warm-up of an open graph", () => {
  it("is logged where it fails, and the reads that can do without it go on", async () => {
    const written = `${await appliedCluster()}/graphs/harbor.omni`;
    const writer = await openGraph({ storage: await openStorage(written, ports), ports });
    const lines = Array.from({ length: 20_000 }, (_, i) => `{"type":"Port","data":{"code":"${i}"}}\n`);
    const data = async function* () {
      yield new TextEncoder().encode(lines.join(""));
    };
    await writer.load({ data, mode: "append", actor: null });
    await writer.close();
    // Elsewhere, because this process remembers what it wrote.
    const uri = temporaryFolder();
    cpSync(written, uri, { recursive: true });
    rmSync(`${uri}/segments`, { recursive: true });

    const { ready, lines: logged } = await opened(harbor({ uri }));
    const [{ graph }] = ready;
    const vessels = await graph.query({ source: "query q() { match { $v: Vessel } return { $v } }" });
    expect(vessels.rowCount).toBe(0);
    const found = () => logged.find((line) => line.includes("background warm-up failed"));
    while (found() === undefined) await Bun.sleep(1);
    await graph.close();
    const warning = found();
    expect(warning).toContain("graph_id=harbor");
    expect(warning).toContain("segments/");
  });
});
