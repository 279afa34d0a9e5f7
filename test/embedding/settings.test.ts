import { describe, expect, it } from "bun:test";
import { resolveEnvironment } from "../../src/embedding/index.ts";
import { readPatience } from "../../src/embedding/settings.ts";

const resolved = (env: Record<string, string>) => resolveEnvironment(env).config;

describe("the provider that the environment names", () => {
  it("54: is OpenRouter without a word, OpenAI where that is named, each with its own key", () => {
    expect(resolved({ OPENROUTER_API_KEY: "or" })).toEqual({
      provider: "openai-compatible",
      wire: "openai",
      model: "openai/text-embedding-3-large",
      baseUrl: "https://openrouter.ai/api/v1",
      apiKey: "or",
    });
    expect(resolved({ OPENROUTER_API_KEY: "or", OPENAI_API_KEY: "oa" }).apiKey).toBe("or");
    expect(resolved({ OPENROUTER_API_KEY: "  ", OPENAI_API_KEY: "oa" }).apiKey).toBe("oa");
    const openai = { OMNIGRAPH_EMBED_PROVIDER: "openai" };
    expect(() => resolved({ ...openai, OPENROUTER_API_KEY: "or" })).toThrow(
      "OPENAI_API_KEY is required for embedding provider 'openai'",
    );
    expect(resolved({ ...openai, OPENAI_API_KEY: "oa" })).toMatchObject({
      model: "text-embedding-3-large",
      baseUrl: "https://api.openai.com/v1",
    });
    expect(() => resolved({})).toThrow("OPENROUTER_API_KEY or OPENAI_API_KEY is required");
  });

  it("takes another base, without its slashes, and another model", () => {
    const config = resolved({
      OMNIGRAPH_EMBED_PROVIDER: "gemini",
      GEMINI_API_KEY: " g ",
      OMNIGRAPH_EMBED_BASE_URL: "https://e.test/v1//",
      OMNIGRAPH_EMBED_MODEL: " m-2 ",
    });
    expect(config).toEqual({
      provider: "gemini",
      wire: "gemini",
      model: "m-2",
      baseUrl: "https://e.test/v1",
      apiKey: "g",
    });
  });

  it("55: is the mock where a flag says so, whatever else is named", () => {
    for (const flag of ["1", "TRUE", " yes ", "On"]) {
      const { config, overridden } = resolveEnvironment({
        OMNIGRAPH_EMBEDDINGS_MOCK: flag,
        OMNIGRAPH_EMBED_PROVIDER: "gemini",
        OMNIGRAPH_EMBED_MODEL: "m-1",
      });
      expect(config).toMatchObject({ provider: "mock", model: "m-1" });
      expect(overridden).toBe("gemini");
    }
    expect(resolveEnvironment({ OMNIGRAPH_EMBED_PROVIDER: "mock" })).toMatchObject({
      config: { provider: "mock", model: "" },
      overridden: null,
    });
    expect(() => resolved({ OMNIGRAPH_EMBEDDINGS_MOCK: "no" })).toThrow("is required");
  });

  it("is refused where nobody knows it", () => {
    expect(() => resolved({ OMNIGRAPH_EMBED_PROVIDER: "cohere" })).toThrow(
      "unknown embedding provider 'cohere' (expected openai-compatible|openai|gemini|mock)",
    );
  });
});

describe("the patience that the environment asks for", () => {
  it("has defaults, and falls back to them where it cannot be read", () => {
    const usual = { deadlineMs: 60_000, timeoutMs: 30_000, attempts: 4, backoffMs: 200 };
    expect(readPatience({})).toEqual(usual);
    expect(
      readPatience({
        OMNIGRAPH_EMBED_DEADLINE_MS: "soon",
        OMNIGRAPH_EMBED_TIMEOUT_MS: "-1",
        OMNIGRAPH_EMBED_RETRY_ATTEMPTS: "0",
        OMNIGRAPH_EMBED_RETRY_BACKOFF_MS: "1.5",
      }),
    ).toEqual(usual);
    expect(readPatience({ OMNIGRAPH_EMBED_DEADLINE_MS: "0", OMNIGRAPH_EMBED_RETRY_ATTEMPTS: "1" })).toEqual({
      ...usual,
      deadlineMs: null,
      attempts: 1,
    });
  });
});
