import { afterAll, describe, expect, it } from "bun:test";
import { mockVector } from "../../src/embedding/index.ts";
import { initGraph } from "../../src/engine/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { createLogger } from "../../src/server/log.ts";
import { openGraphs } from "../../src/server/open-graphs.ts";
import { openStorage } from "../../src/storage/index.ts";
import { FakeProvider, openaiAnswer } from "../embedding/fake-provider.ts";
import { ndjson } from "../engine/support.ts";
import { cleanUp, temporaryFolder } from "./support/cluster.ts";

const SCHEMA = 'node Paper { slug: String @key  vec: Vector(3) @embed("slug", model="m-1") }';
const NEAREST =
  "query q($t: String) { match { $p: Paper } return { $p } order { nearest($p.vec, $t) } limit 1 }";

afterAll(cleanUp);

describe("a served graph", () => {
  it("embeds the texts of queries with the provider of its cluster, and logs each call", async () => {
    const provider = new FakeProvider(() => openaiAnswer([...mockVector("beta", 3)]));
    const ports = {
      ...systemPorts(),
      env: { PAPER_KEY: "secret-of-papers", OMNIGRAPH_EMBEDDINGS_MOCK: "1" },
    };
    const uri = `${temporaryFolder()}/papers.omni`;
    await initGraph({ storage: await openStorage(uri, ports), ports, schemaSource: SCHEMA });
    const lines: string[] = [];
    const log = createLogger(ports, (text) => lines.push(text));
    const embedding = { kind: "openai", api_key: "$" + "{PAPER_KEY}", base_url: provider.url, model: "m-1" };
    const paper = { id: "papers", uri, queries: new Map(), externalBlobs: [], policy: null, embedding };
    const { ready } = await openGraphs([paper], ports, log);
    const graph = ready[0]?.graph;
    const data = ["alpha", "beta", "gamma"].map((slug) => ({
      type: "Paper",
      data: { slug, vec: [...mockVector(slug, 3)] },
    }));
    await graph?.load({ data: () => ndjson(data), mode: "merge", actor: null });
    const found = await graph?.query({ source: NEAREST, params: { t: "what is second" } });
    expect(found?.rows()).toEqual([{ p: "beta" }]);
    await graph?.close();
    await provider.stop();
    log.flush();
    const written = lines.join("");
    expect(written).toMatch(
      /INFO +omnigraph::embedding graph_id=papers provider=openai model=m-1 dim=3 elapsed_ms=\d+ outcome=ok/,
    );
    expect(written).not.toMatch(/secret-of-papers|what is second/);
  });
});
