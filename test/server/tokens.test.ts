import { afterAll, describe, expect, it } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemPorts } from "../../src/lib/ports.ts";
import { createAuthenticator } from "../../src/server/auth.ts";
import { loadTokens } from "../../src/server/tokens.ts";

const folder = mkdtempSync(join(tmpdir(), "omnigraph-tokens-"));
afterAll(() => rmSync(folder, { recursive: true }));

const load = (env: Record<string, string>) => loadTokens({ ...systemPorts(), env });
const fromJson = (text: string) => load({ OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: text });
const file = (text: string) => {
  const path = join(folder, "tokens.json");
  writeFileSync(path, text);
  return path;
};

describe("bearer token sources", () => {
  it("are none when nothing is set or what is set is blank", async () => {
    expect(await load({})).toEqual([]);
    expect(
      await load({ OMNIGRAPH_SERVER_BEARER_TOKEN: " ", OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET: " " }),
    ).toEqual([]);
  });

  it("join the single token and the inline JSON", async () => {
    const tokens = await load({
      OMNIGRAPH_SERVER_BEARER_TOKEN: "a",
      OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: '{" ops ":" b "}',
    });
    expect(tokens).toEqual([
      { actor: "default", token: "a" },
      { actor: "ops", token: "b" },
    ]);
  });

  it("prefer the file to the inline JSON", async () => {
    const tokens = await load({
      OMNIGRAPH_SERVER_BEARER_TOKEN: " solo ",
      OMNIGRAPH_SERVER_BEARER_TOKENS_FILE: file('{"ops":"t1","qa":"t2"}'),
      OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: "not even JSON",
    });
    expect(tokens.map(({ actor, token }) => `${actor}=${token}`)).toEqual([
      "default=solo",
      "ops=t1",
      "qa=t2",
    ]);
  });

  it("refuse blank names, blank tokens and repeats", async () => {
    await expect(fromJson('{"a":"  "}')).rejects.toThrow("bearer token for actor 'a' must not be blank");
    await expect(fromJson('{"  ":"t"}')).rejects.toThrow("bearer token actor names must not be blank");
    await expect(fromJson('{"ops":"t1","qa":"t1"}')).rejects.toThrow(
      "duplicate bearer token value configured",
    );
    await expect(
      load({ OMNIGRAPH_SERVER_BEARER_TOKEN: "y", OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: '{"default":"x"}' }),
    ).rejects.toThrow("duplicate bearer token actor 'default'");
    await expect(fromJson('{"ops":"t1"," ops":"t2"}')).rejects.toThrow("duplicate bearer token actor 'ops'");
    await expect(fromJson('{"omnigraph:repair":"t"}')).rejects.toThrow("reserved");
  });

  it("name the file or the variable that is malformed, and never show a token", async () => {
    await expect(fromJson("[1]")).rejects.toThrow(
      "OMNIGRAPH_SERVER_BEARER_TOKENS_JSON must be a JSON object of actor->token",
    );
    await expect(fromJson('{"a":7}')).rejects.toThrow("the token of 'a' is not a string");
    const secret = "s3cr3t-token";
    await expect(fromJson(`{"a":"${secret}"`)).rejects.not.toThrow(secret);
    await expect(load({ OMNIGRAPH_SERVER_BEARER_TOKENS_FILE: file("{") })).rejects.toThrow("tokens.json");
    const missing = join(folder, "nowhere.json");
    await expect(load({ OMNIGRAPH_SERVER_BEARER_TOKENS_FILE: missing })).rejects.toThrow(`cannot read`);
  });

  it("refuse AWS Secrets Manager in this build, whatever else is set", async () => {
    const env = {
      OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET: "arn",
      OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: '{"a":"t"}',
    };
    await expect(load(env)).rejects.toThrow("not built with --features aws");
  });
});

describe("authentication", () => {
  const { authenticate } = createAuthenticator([
    { actor: "ops", token: "t1" },
    { actor: "qa", token: "t2" },
    { actor: "dev", token: "t3" },
  ]);
  const asked = (authorization?: string) =>
    authenticate(new Headers(authorization === undefined ? {} : { authorization }));

  it("knows the actor of every token", () => {
    expect(["t1", "t2", "t3"].map((token) => asked(`Bearer ${token}`))).toEqual(["ops", "qa", "dev"]);
    expect(asked("bearer t2")).toBe("qa");
  });

  it("refuses a header that is missing or of another scheme", () => {
    for (const header of [undefined, "", "Basic t1", "t1", "Bearert1"]) {
      expect(() => asked(header)).toThrow("missing bearer token");
    }
  });

  it("refuses a token that is not exactly one of them", () => {
    for (const token of ["nope", "t", "t11", " t1", "T1"]) {
      expect(() => asked(`Bearer ${token}`)).toThrow("invalid bearer token");
    }
  });
});
