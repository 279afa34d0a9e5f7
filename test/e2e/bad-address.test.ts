// What somebody's addresses get wrong: a root that is no graph, a bucket, an endpoint or credentials that are not right, a
// server that is not there or wants a token. Each is named, and nothing is written.

import { afterAll, beforeAll, describe, expect, it, setDefaultTimeout } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ALL, GRAPH_COMMANDS, INSERT_LOG } from "./mistakes.ts";
import { bucketRoot, clusterFolder, FLEET, file, placeAt, SHIPS, succeed, TEST_MS_MAX } from "./places.ts";
import { BUILD_MS_MAX, binary, type Environment, startServer, temporaryDirectory } from "./support.ts";

setDefaultTimeout(TEST_MS_MAX);

beforeAll(async () => {
  await binary();
}, BUILD_MS_MAX);

describe("a root that is not a graph", () => {
  it("is named by every command, which leaves it as it is", async () => {
    const root = join(temporaryDirectory(), "nothing");
    const place = await placeAt(["--store", root]);
    const data = await file("ships.ndjson", SHIPS.join("\n"));
    const load = ["load", "--mode", "append", "--data", data];
    for (const words of [...GRAPH_COMMANDS, load, ["branch", "delete", "b"]]) {
      const { code, stdout, stderr } = await place.on(...words);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(`graph not found at ${root}`);
      expect(existsSync(root)).toBe(false);
    }
  });

  it("is named in a bucket, where nothing is put", async () => {
    const { root, env } = await bucketRoot();
    const place = await placeAt(["--store", `${root}/nothing`], { env });
    for (const words of GRAPH_COMMANDS) {
      const { code, stdout, stderr } = await place.on(...words);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(`graph not found at ${root}/nothing`);
    }
  });

  it("may be a file, which is said", async () => {
    const path = await file("a-file", "text");
    const place = await placeAt(["--store", path]);
    for (const words of GRAPH_COMMANDS) {
      const { code, stderr } = await place.on(...words);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(`'${path}' is a file; storage needs a directory`),
      ]);
    }
    expect(readFileSync(path, "utf8")).toBe("text");
  });
});

describe("a bucket", () => {
  let root: string;
  let env: Environment;
  beforeAll(async () => {
    ({ root, env } = await bucketRoot());
  });

  async function expectNamed(settings: Environment, graph: string, ...says: string[]) {
    const place = await placeAt(["--store", graph], { env: { ...env, ...settings } });
    const schema = await file("fleet.pg", FLEET);
    const tries = [
      ...GRAPH_COMMANDS.slice(0, 3).map((words) => place.on(...words)),
      place.run("init", "--schema", schema, graph),
    ];
    for (const { code, stdout, stderr } of await Promise.all(tries)) {
      for (const phrase of says) expect(stderr).toContain(phrase);
      expect([code, stdout]).toEqual([1, ""]);
    }
  }

  it("that does not exist is named, with its endpoint", () =>
    expectNamed(
      {},
      "s3://no-such-bucket-here/g",
      "no bucket 'no-such-bucket-here'",
      env.AWS_ENDPOINT_URL_S3,
    ));

  it("does not open to wrong credentials, which are told by name", async () => {
    const wrongs: readonly Environment[] = [
      { AWS_SECRET_ACCESS_KEY: "wrong" },
      { AWS_ACCESS_KEY_ID: "wrong" },
    ];
    for (const wrong of wrongs) {
      await expectNamed(
        wrong,
        `${root}/g`,
        "wrong credentials",
        env.AWS_ENDPOINT_URL_S3,
        "AWS_SECRET_ACCESS_KEY",
      );
    }
  });

  it("does not open without credentials", () =>
    expectNamed(
      { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" },
      `${root}/g`,
      "no S3 credentials",
      "AWS_ACCESS_KEY_ID",
    ));

  it("at an endpoint where nobody listens is named", () =>
    expectNamed(
      { AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1" },
      `${root}/g`,
      "cannot reach http://127.0.0.1:1",
      "ECONNREFUSED",
    ));

  it("is not spoken to in clear text unless that is allowed", () =>
    expectNamed({ AWS_ALLOW_HTTP: "" }, `${root}/g`, "AWS_ENDPOINT_URL_S3", "AWS_ALLOW_HTTP=true"));

  it("in the configuration of a cluster is named too", async () => {
    const { run } = await clusterFolder("storage: s3://no-such-bucket-here/prod\n", env);
    for (const command of ["import", "plan", "apply"]) {
      const { code, stdout } = await run("cluster", command);
      expect([code, stdout]).toEqual([1, expect.stringContaining("no bucket 'no-such-bucket-here'")]);
    }
    const served = await run("server", "--cluster", "s3://no-such-bucket-here/prod", "--bind", "127.0.0.1:0");
    expect([served.code, served.stdout]).toEqual([1, ""]);
    expect(served.stderr).toContain("no bucket 'no-such-bucket-here'");
  });
});

describe("a server", () => {
  const TOKENS = { OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: '{"nina":"right"}' };
  let url: string;
  let stop: () => Promise<unknown>;

  beforeAll(async () => {
    const { directory, run } = await clusterFolder();
    await succeed(run("cluster", "import"));
    await succeed(run("cluster", "apply"));
    const server = await startServer(
      [await binary(), "server", "--cluster", directory, "--bind", "127.0.0.1:0"],
      {
        env: TOKENS,
      },
    );
    ({ url } = server);
    stop = server.stop;
  }, BUILD_MS_MAX);
  afterAll(() => stop());

  const atlas = async (token: string) =>
    placeAt(["--server", url, "--graph", "atlas"], { env: { OMNIGRAPH_BEARER_TOKEN: token } });

  it("does not answer without its token or with a wrong one", async () => {
    for (const [token, phrase] of [
      ["", "missing bearer token"],
      ["wrong", "invalid bearer token"],
    ]) {
      const place = await atlas(token);
      for (const words of GRAPH_COMMANDS) {
        const { code, stdout, stderr } = await place.on(...words);
        expect([code, stdout]).toEqual([1, ""]);
        expect(stderr).toContain(phrase);
      }
    }
    expect((await (await atlas("right")).on("query", "-e", ALL)).code).toBe(0);
  });

  it("denies, by name, what its token may not do", async () => {
    const { code, stderr } = await (await atlas("right")).on("mutate", "-e", INSERT_LOG);
    expect([code, stderr]).toEqual([1, expect.stringContaining("default-deny")]);
  });

  it("names the graph that it does not have", async () => {
    const place = await placeAt(["--server", url, "--graph", "fleet"], {
      env: { OMNIGRAPH_BEARER_TOKEN: "right" },
    });
    for (const words of GRAPH_COMMANDS) {
      expect(await place.on(...words)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("graph 'fleet' not found"),
      });
    }
  });

  it("takes the actor from the token and not from --as", async () => {
    const place = await atlas("right");
    const { code, stderr } = await place.on("mutate", "-e", INSERT_LOG, "--as", "omar");
    expect([code, stderr]).toEqual([1, expect.stringContaining("`--as` is not allowed on a served write")]);
  });

  it("that is not there is named", async () => {
    const place = await placeAt(["--server", "http://127.0.0.1:1", "--graph", "atlas"]);
    const { code, stderr } = await place.on("query", "-e", ALL);
    expect([code, stderr]).toEqual([1, expect.stringContaining("could not reach http://127.0.0.1:1/")]);
  });

  it.each([
    ["unknown paths", "/nope", {}, 404, "not_found"],
    ["unknown graphs", "/graphs/fleet/schema", {}, 404, "not_found"],
    ["bad graph ids", "/graphs/at%6cas/schema", {}, 400, "bad_request"],
    ["wrong methods", "/graphs/atlas/query", {}, 405, "method_not_allowed"],
    ["wrong content types", "/graphs/atlas/query", { method: "POST", body: "{}" }, 415, "bad_request"],
    [
      "wrong tokens",
      "/graphs/atlas/schema",
      { headers: { authorization: "Bearer wrong" } },
      401,
      "unauthorized",
    ],
  ] as const)("answers %s with the one envelope", async (_, path, init, status, code) => {
    const response = await fetch(url + path, { headers: { authorization: "Bearer right" }, ...init });
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toMatchObject({ code, error: expect.any(String) });
  });

  it.each([
    ["no JSON", '{"query":', "invalid JSON body", 400],
    ["no query", "{}", "missing field `query`", 400],
    ["a query that is no text", '{"query":3}', "field `query`: expected string, got number", 400],
    ["a member twice", '{"query":"a","query":"b"}', "duplicate JSON member 'query'", 400],
    ["a query that does not parse", '{"query":"qery"}', "(line 1, column 1)", 400],
    ["both targets", `{"query":"${ALL}","branch":"main","snapshot":"x"}`, "not both", 400],
    ["an unknown branch", `{"query":"${ALL}","branch":"b"}`, "branch 'b' not found", 404],
    ["a name longer than any", `{"query":"${ALL}","branch":"${"é".repeat(600)}"}`, "not found", 404],
    ["more than a megabyte", `{"query":"${" ".repeat(1_100_000)}"}`, "length limit", 413],
  ])("refuses a body with %s", async (_, body, phrase, status) => {
    const response = await fetch(`${url}/graphs/atlas/query`, {
      method: "POST",
      headers: { authorization: "Bearer right", "content-type": "application/json" },
      body,
    });
    const { error } = (await response.json()) as { error: string };
    expect([response.status, error]).toEqual([status, expect.stringContaining(phrase)]);
  });
});
