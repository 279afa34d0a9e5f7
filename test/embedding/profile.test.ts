import { describe, expect, it } from "bun:test";
import { type EmbeddingProfile, profileFaults, resolveProfile } from "../../src/embedding/index.ts";

const ref = (variable: string): string => `$${"{"}${variable}}`;
const codes = (profile: EmbeddingProfile) => profileFaults(profile).map((fault) => fault.code);

describe("a declared embedding profile", () => {
  it("needs a key reference unless it is a mock", () => {
    expect(codes({ kind: "mock" })).toEqual([]);
    expect(codes({ kind: "gemini" })).toEqual(["embedding_api_key_required"]);
    expect(codes({})).toEqual(["embedding_api_key_required"]);
    expect(codes({ kind: "openai", api_key: ` ${ref("KEY")} ` })).toEqual([]);
  });

  it("refuses a key in place of a reference, also on a mock, without repeating it", () => {
    for (const api_key of ["sk-live", ref(""), ref(" "), "$KEY", ref("A") + ref("B"), `x${ref("A")}`]) {
      const [fault] = profileFaults({ kind: "openai", api_key });
      expect(fault?.code).toBe("embedding_api_key_inline");
      expect(fault?.message).not.toContain("sk-live");
      expect(codes({ kind: "mock", api_key })).toEqual(["embedding_api_key_inline"]);
    }
  });

  it("refuses an unknown kind and lists the known ones", () => {
    expect(profileFaults({ kind: "cohere", api_key: ref("K") })[0]).toMatchObject({
      code: "invalid_embedding_provider",
      message: "unknown embedding provider 'cohere' (expected openai-compatible|openai|gemini|mock)",
    });
  });

  it("resolves with the defaults of its kind", () => {
    expect(resolveProfile({ api_key: ref("K") }, { K: "secret" })).toEqual({
      provider: "openai-compatible",
      wire: "openai",
      model: "openai/text-embedding-3-large",
      baseUrl: "https://openrouter.ai/api/v1",
      apiKey: "secret",
    });
    expect(
      resolveProfile(
        { kind: "gemini", api_key: ref("K"), base_url: "https://e.test/v1//", model: "m" },
        { K: "s" },
      ),
    ).toMatchObject({ wire: "gemini", model: "m", baseUrl: "https://e.test/v1" });
  });

  it("takes a mock's model from the profile, then from the environment", () => {
    const env = { OMNIGRAPH_EMBED_MODEL: "m-env" };
    expect(resolveProfile({ kind: "mock", model: "m-1" }, env).model).toBe("m-1");
    expect(resolveProfile({ kind: "mock" }, env).model).toBe("m-env");
    expect(resolveProfile({ kind: "mock" }, {}).model).toBe("");
  });

  it("names the variable that is unset or blank", () => {
    for (const env of [{}, { K: " " }]) {
      expect(() => resolveProfile({ kind: "openai", api_key: ref("K") }, env)).toThrow(
        "embedding api_key env var 'K' is not set",
      );
    }
  });
});
