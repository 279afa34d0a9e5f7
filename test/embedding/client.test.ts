import { afterEach, describe, expect, it } from "bun:test";
import {
  type EmbeddingConfig,
  type EmbeddingEvent,
  type EmbeddingRole,
  embeddingClient,
} from "../../src/embedding/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { type Answer, FakeProvider, openaiAnswer } from "./fake-provider.ts";

const providers: FakeProvider[] = [];
afterEach(async () => {
  await Promise.all(providers.splice(0).map((provider) => provider.stop()));
});

const KEY = "sk-very-secret";

function fake(answer: Answer): FakeProvider {
  const provider = new FakeProvider(answer);
  providers.push(provider);
  return provider;
}

/** A client of a fake provider; waits between attempts take no time but are noted. */
function clientOf(
  provider: FakeProvider,
  wire: "openai" | "gemini" = "openai",
  env: Record<string, string> = {},
) {
  const config: EmbeddingConfig = {
    provider: wire,
    wire,
    model: "m-1",
    baseUrl: provider.url,
    apiKey: KEY,
  };
  const waits: number[] = [];
  const events: EmbeddingEvent[] = [];
  const ports = {
    ...systemPorts(),
    env,
    sleep: async (ms: number) => {
      waits.push(ms);
      await Bun.sleep(0);
    },
  };
  const client = embeddingClient(config, ports, (event) => events.push(event));
  const embed = (text = "tidal energy", width = 2, role: EmbeddingRole = "query") =>
    client.embed(text, width, role);
  return { embed, waits, events };
}

describe("an embedding client", () => {
  it("asks OpenAI's way: an array of one text, the width, no task", async () => {
    const provider = fake(() => openaiAnswer([3, -4]));
    const vector = await clientOf(provider).embed();
    expect([...vector]).toEqual([Math.fround(0.6), Math.fround(-0.8)]);
    expect(provider.asked).toHaveLength(1);
    const [{ path, headers, body }] = provider.asked;
    expect(path).toBe("/v1/embeddings");
    expect(headers.authorization).toBe(`Bearer ${KEY}`);
    expect(headers["content-type"]).toStartWith("application/json");
    expect(body).toEqual({ model: "m-1", input: ["tidal energy"], dimensions: 2 });
  });

  it("asks Gemini's way, with the task of a question or of a document", async () => {
    const provider = fake(() => Response.json({ embedding: { values: [0, 2] } }));
    const { embed } = clientOf(provider, "gemini");
    expect([...(await embed())]).toEqual([0, 1]);
    await embed("tidal energy", 2, "document");
    expect(provider.asked[0].path).toBe("/v1/models/m-1:embedContent");
    expect(provider.asked[0].headers["x-goog-api-key"]).toBe(KEY);
    expect(provider.asked.map(({ body }) => (body as { taskType: string }).taskType)).toEqual([
      "RETRIEVAL_QUERY",
      "RETRIEVAL_DOCUMENT",
    ]);
    expect(provider.asked[0].body).toEqual({
      model: "models/m-1",
      content: { parts: [{ text: "tidal energy" }] },
      taskType: "RETRIEVAL_QUERY",
      outputDimensionality: 2,
    });
  });

  it("takes the item with index 0, or a lone one without an index", async () => {
    const two = fake(() =>
      Response.json({
        data: [
          { index: 1, embedding: [1, 0] },
          { index: 0, embedding: [0, 1], extra: 1 },
        ],
      }),
    );
    expect([...(await clientOf(two).embed())]).toEqual([0, 1]);
    const lone = fake(() => Response.json({ data: [{ embedding: [0, 1] }] }));
    expect([...(await clientOf(lone).embed())]).toEqual([0, 1]);
    const none = fake(() => Response.json({ data: [{ index: 1, embedding: [0, 1] }] }));
    await expect(clientOf(none).embed()).rejects.toThrow("embedding response missing data[0]");
  });

  it("asks again after 429, 5xx and broken connections, waiting longer each time", async () => {
    const provider = fake((attempt) => {
      if (attempt === 1) return new Response("busy", { status: 500 });
      if (attempt === 2) return Response.json({ error: { message: "slow down" } }, { status: 429 });
      return openaiAnswer([1, 0]);
    });
    const { embed, waits, events } = clientOf(provider);
    expect([...(await embed())]).toEqual([1, 0]);
    expect(provider.asked).toHaveLength(3);
    expect(waits).toEqual([200, 400]);
    expect(events.map(({ level, fields }) => [level, fields.attempt ?? fields.outcome])).toEqual([
      ["warn", 1],
      ["warn", 2],
      ["info", "ok"],
    ]);
    await provider.stop();
    const gone = clientOf(provider);
    await expect(gone.embed()).rejects.toThrow("embedding request failed:");
    await gone.embed("again").catch(() => undefined);
    expect(gone.waits).toContain(800);
  });

  it("gives up after so many attempts, and waits as long as the provider asks where there is time", async () => {
    const provider = fake(
      () =>
        new Response(JSON.stringify({ error: { message: "slow down" } }), {
          status: 429,
          headers: { "Retry-After": "3" },
        }),
    );
    const { embed, waits } = clientOf(provider);
    await expect(embed()).rejects.toThrow("embedding request failed with status 429: slow down");
    await embed("other").catch(() => undefined);
    expect(provider.asked).toHaveLength(8);
    expect(waits).toContain(3_000);
    const hurried = clientOf(provider, "openai", {
      OMNIGRAPH_EMBED_DEADLINE_MS: "2500",
      OMNIGRAPH_EMBED_RETRY_ATTEMPTS: "2",
      OMNIGRAPH_EMBED_RETRY_BACKOFF_MS: "7",
    });
    await hurried.embed().catch(() => undefined);
    expect(hurried.waits).toEqual([7]);
  });

  it("does not repeat what would fail again", async () => {
    const cases: [Answer, string][] = [
      [
        () => Response.json({ error: { message: "no such model" } }, { status: 400 }),
        "with status 400: no such model",
      ],
      [() => new Response("teapot", { status: 418 }), "with status 418: teapot"],
      [
        () => new Response(null, { status: 302, headers: { Location: "http://example.test/" } }),
        "with status 302",
      ],
      [() => new Response("{"), "embedding response decode failed"],
      [() => Response.json({ data: {} }), "embedding response decode failed"],
      [() => openaiAnswer([1, "x"]), "embedding response decode failed"],
      [() => openaiAnswer([1, 0, 0]), "embedding dimension mismatch: expected 2, got 3"],
      [() => openaiAnswer([1, 1e39]), "embedding component 1 is not finite"],
      [() => openaiAnswer([0, 1e-9]), "zero norm"],
    ];
    for (const [answer, message] of cases) {
      const provider = fake(answer);
      const { embed, events } = clientOf(provider);
      const error = await embed().catch((thrown: unknown) => thrown as Error);
      expect(String(error)).toContain(message);
      expect(provider.asked).toHaveLength(1);
      expect(events.map(({ level, fields }) => [level, fields.outcome])).toEqual([["warn", "error"]]);
    }
  });

  it("refuses a width of zero before it asks anybody", async () => {
    const provider = fake(() => openaiAnswer([]));
    await expect(clientOf(provider).embed("x", 0)).rejects.toThrow(
      "embedding dimension must be greater than zero",
    );
    expect(provider.asked).toHaveLength(0);
  });

  it("ends with the deadline, in the middle of an answer or of a wait", async () => {
    const never = () => new Promise<Response>(() => undefined);
    const slow = clientOf(fake(never), "openai", { OMNIGRAPH_EMBED_DEADLINE_MS: "40" });
    await expect(slow.embed()).rejects.toThrow(
      "embedding deadline exceeded after 40 ms (provider 'openai', model 'm-1')",
    );
    await slow.embed("other").catch(() => undefined);
    const impatient = clientOf(fake(never), "openai", {
      OMNIGRAPH_EMBED_TIMEOUT_MS: "10",
      OMNIGRAPH_EMBED_RETRY_ATTEMPTS: "2",
    });
    await expect(impatient.embed()).rejects.toThrow("embedding request failed: no answer within 10 ms");
    expect(impatient.waits).toEqual([200]);
  });

  it("never tells the key", async () => {
    const provider = fake(() => Response.json({ error: { message: `bad key ${KEY}` } }, { status: 401 }));
    const { embed, events } = clientOf(provider);
    const error = await embed().catch((thrown: unknown) => thrown as Error);
    expect(String(error)).toContain("bad key ***");
    expect(JSON.stringify([events, String(error)])).not.toContain(KEY);
    expect(JSON.stringify(events)).not.toContain("tidal");
  });

  it("asks once for a question that comes again", async () => {
    const provider = fake(() => openaiAnswer([1, 0]));
    const { embed } = clientOf(provider);
    await embed();
    await embed();
    expect(provider.asked).toHaveLength(1);
    await embed("tidal energy", 2, "document");
    await embed("tidal energy", 2, "document");
    expect(provider.asked).toHaveLength(3);
  });
});
