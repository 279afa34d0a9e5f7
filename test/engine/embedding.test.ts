import { afterEach, describe, expect, it } from "bun:test";
import { type EmbeddingEvent, type EmbeddingProfile, mockVector } from "../../src/embedding/index.ts";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import type { StorageAdapter } from "../../src/storage/adapter.ts";
import { memoryStorage } from "../../src/storage/index.ts";
import { FakeProvider, openaiAnswer } from "../embedding/fake-provider.ts";
import { over, ports, refusal } from "./support.ts";

const SCHEMA = `
node Paper { slug: String @key  title: String
  vec: Vector(4)?
  told: Vector(4)? @embed("title", model="m-1") }
`;
const TITLES = ["alpha", "beta", "gamma", "delta"];

const providers: FakeProvider[] = [];
afterEach(async () => {
  await Promise.all(providers.splice(0).map((provider) => provider.stop()));
});

async function library(): Promise<StorageAdapter> {
  const storage = memoryStorage(ports);
  await initGraph({ storage, ports, schemaSource: SCHEMA });
  const { load, graph } = over(storage, await openGraph({ storage, ports }));
  await load(
    TITLES.map((title) => {
      const vector = [...mockVector(title, 4)];
      return { type: "Paper", data: { slug: title, title, vec: vector, told: vector } };
    }),
  );
  await graph.close();
  return storage;
}

/** The library in a process with this environment, asked for what is nearest to a text or to a vector. */
async function reader(storage: StorageAdapter, env: Record<string, string>, embedding?: EmbeddingProfile) {
  const events: EmbeddingEvent[] = [];
  const graph = await openGraph({
    storage,
    ports: { ...ports, env },
    embedding,
    onEmbedding: (event) => events.push(event),
  });
  const { rows } = over(storage, graph);
  const nearest = async (query: string, params: Record<string, string | number[]> = {}, property = "vec") => {
    const declared = Object.entries(params).map(([name, value]) =>
      typeof value === "string" ? `$${name}: String` : `$${name}: Vector(4)`,
    );
    const body = `match { $p: Paper } return { $p } order { ${query.replaceAll("VEC", `$p.${property}`)} } limit 3`;
    const found = await rows(`query q(${declared.join(", ")}) { ${body} }`, params);
    return found.map(({ p }) => p);
  };
  return { nearest, events };
}

const MOCK = { OMNIGRAPH_EMBEDDINGS_MOCK: "1" };

describe("nearest with a text", () => {
  it("57: ranks as it does with the text's vector, also in rrf", async () => {
    const storage = await library();
    const { nearest } = await reader(storage, MOCK);
    const byText = await nearest('nearest(VEC, "alpha")');
    expect(byText[0]).toBe("alpha");
    expect(await nearest("nearest(VEC, $q)", { q: "alpha" })).toEqual(byText);
    expect(await nearest("nearest(VEC, $v)", { v: [...mockVector("alpha", 4)] })).toEqual(byText);
    expect(await nearest('rrf(nearest(VEC, "alpha"), nearest(VEC, "alpha"))')).toEqual(byText);
  });

  it("57: needs a key only where there is a text, and finds one that came later", async () => {
    const storage = await library();
    const env: Record<string, string> = {};
    const { nearest } = await reader(storage, env);
    expect(await nearest("nearest(VEC, $v)", { v: [1, 0, 0, 0] })).toHaveLength(3);
    const error = await refusal(nearest('nearest(VEC, "alpha")'));
    expect(error.message).toContain("OPENROUTER_API_KEY or OPENAI_API_KEY is required");
    expect(error.status).toBe(400);
    env.OMNIGRAPH_EMBED_PROVIDER = "mock";
    expect((await nearest('nearest(VEC, "alpha")'))[0]).toBe("alpha");
  });

  it("58: is refused where the property's vectors are of another model, before anybody is asked", async () => {
    const storage = await library();
    const other = await reader(storage, { ...MOCK, OMNIGRAPH_EMBED_MODEL: "m-2" });
    const error = await refusal(other.nearest('nearest(VEC, "alpha")', {}, "told"));
    expect(error.status).toBe(400);
    for (const part of ["'told'", "'m-1'", "'m-2'", "OMNIGRAPH_EMBED_MODEL"])
      expect(error.message).toContain(part);
    expect(await other.nearest("nearest(VEC, $v)", { v: [1, 0, 0, 0] }, "told")).toHaveLength(3);
    const same = await reader(storage, { ...MOCK, OMNIGRAPH_EMBED_MODEL: "m-1" });
    expect((await same.nearest('nearest(VEC, "alpha")', {}, "told"))[0]).toBe("alpha");
  });

  it("59: uses the graph's own provider, whatever the environment says", async () => {
    const storage = await library();
    const { nearest } = await reader(storage, {}, { kind: "mock", model: "m-1" });
    expect((await nearest('nearest(VEC, "alpha")', {}, "told"))[0]).toBe("alpha");
    const unmocked = await reader(storage, MOCK, { kind: "openai", api_key: "$" + "{PAPER_KEY}" });
    const error = await refusal(unmocked.nearest('nearest(VEC, "alpha")'));
    expect(error.message).toContain("embedding api_key env var 'PAPER_KEY' is not set");
  });

  it("asks the provider with the property's width, and fails with it", async () => {
    const storage = await library();
    let isBroken = false;
    const provider = new FakeProvider(() =>
      isBroken ? new Response("down", { status: 400 }) : openaiAnswer([...mockVector("beta", 4)]),
    );
    providers.push(provider);
    const env = { OPENAI_API_KEY: "k", OMNIGRAPH_EMBED_BASE_URL: provider.url, OMNIGRAPH_EMBED_MODEL: "m-9" };
    const { nearest, events } = await reader(storage, env);
    expect((await nearest('nearest(VEC, "whatever")'))[0]).toBe("beta");
    expect(provider.asked[0].body).toEqual({ model: "m-9", input: ["whatever"], dimensions: 4 });
    isBroken = true;
    const error = await refusal(nearest('nearest(VEC, "something else")'));
    expect(error.status).toBe(500);
    expect(error.message).toContain("embedding request failed with status 400: down");
    expect(events.map(({ fields }) => fields.outcome)).toEqual(["ok", "error"]);
  });

  it("warns where mock vectors stand in for real ones", async () => {
    const { nearest, events } = await reader(await library(), {
      ...MOCK,
      OMNIGRAPH_EMBED_PROVIDER: "gemini",
    });
    await nearest('nearest(VEC, "alpha")');
    expect(events).toHaveLength(1);
    expect(events[0].level).toBe("warn");
    expect(events[0].fields.error).toContain("'gemini'");
  });
});
