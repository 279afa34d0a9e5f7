import { afterEach, describe, expect, it } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Asked, createWorld, type FakeServer, fakeServer, type World } from "./support.ts";

const servers: FakeServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

const COMMIT = {
  graph_commit_id: "01C",
  graph_branch: null,
  graph_manifest_version: 2,
  parent_commit_id: "01B",
  merged_parent_commit_id: null,
  actor_id: "ops",
  created_at: 1760000000000000,
};

const ANSWERS: Readonly<Record<string, unknown>> = {
  "GET /graphs": {
    graphs: [
      { graph_id: "b", uri: "file:///b" },
      { graph_id: "a", uri: "file:///a" },
    ],
  },
  "POST /graphs/a/query": {
    query_name: "q",
    target: { branch: "main", snapshot: null },
    row_count: 1,
    columns: ["s.name"],
    rows: [{ "s.name": "Aurora" }],
    graph_commit_id: "01C",
  },
  "POST /graphs/a/mutate": {
    branch: "main",
    query_name: "m",
    affected_nodes: 1,
    affected_edges: 0,
    actor_id: "ops",
    commit: COMMIT,
  },
  "POST /graphs/a/branches": { uri: "s3://b/a.omni", from: "main", name: "refit", actor_id: "ops" },
  "DELETE /graphs/a/branches/etl%2Frun-1": { uri: "s3://b/a.omni", name: "etl/run-1", actor_id: "ops" },
  "GET /graphs/a/commits": { commits: [COMMIT] },
  "GET /graphs/a/schema": { schema_source: "node Ship { name: String @key }" },
};

function serve(answers: Readonly<Record<string, unknown>> = {}): FakeServer {
  const server = fakeServer(({ method, target }: Asked) => {
    const answer = { ...ANSWERS, ...answers }[`${method} ${target}`];
    if (answer instanceof Response) return answer.clone() as Response;
    if (answer === undefined)
      return Response.json({ error: "nothing here", code: "not_found" }, { status: 404 });
    return Response.json(answer);
  });
  servers.push(server);
  return server;
}

const targets = (server: FakeServer) => server.asked.map(({ method, target }) => `${method} ${target}`);

function worldWith(server: FakeServer, more = ""): World {
  const world = createWorld();
  world.config(`servers: { harbor: { url: "${server.url}/" } }\n${more}`);
  return world;
}

describe("a served command", () => {
  it("runs a source of one's own and prints it in the chosen format", async () => {
    const server = serve();
    const world = worldWith(server);
    const words = ["query", "--server", "harbor", "--graph", "a", "-e", "query q() {}"];
    expect((await world.run(words)).stdout).toBe("1 rows from branch main via q\ns.name\n------\nAurora\n");
    expect((await world.run([...words, "--format", "csv"])).stdout).toBe("s.name\nAurora\n");
    expect(await world.json([...words, "--json"])).toEqual(ANSWERS["POST /graphs/a/query"] as object);
    expect(JSON.parse(server.asked[0].body)).toEqual({ query: "query q() {}" });
  });

  it("takes its format from the flag, else the operator's default", async () => {
    const server = serve();
    const world = worldWith(server, "defaults: { server: harbor, default_graph: a, output: csv }");
    const words = ["query", "-e", "query q() {}"];
    expect((await world.run(words)).stdout).toBe("s.name\nAurora\n");
    expect((await world.run([...words, "--format", "jsonl"])).stdout).toStartWith('{"kind":"metadata"');
    expect((await world.run([...words, "--json"])).stdout).toStartWith("{\n");
  });

  it("needs the graph named where the server lists some, even one", async () => {
    const both = serve();
    const one = serve({ "GET /graphs": { graphs: [{ graph_id: "a", uri: "u" }] } });
    const words = ["query", "-e", "query q() {}", "--server"];
    const first = await createWorld().run([...words, both.url]);
    expect([first.code, first.stdout]).toEqual([1, ""]);
    expect(first.stderr).toContain("a, b");
    expect(first.stderr).toContain("pass --graph <id>");
    expect((await createWorld().run([...words, one.url])).stderr).toContain("serves a; pass --graph <id>");
    expect(targets(one)).toEqual(["GET /graphs"]);
  });

  it("goes on with the bare URL where the list is refused, empty or not ours", async () => {
    for (const answer of [
      Response.json({ error: "no" }, { status: 403 }),
      { graphs: [] },
      new Response("hello"),
    ]) {
      const server = serve({ "GET /graphs": answer });
      const { code, stderr } = await createWorld().run(["query", "--server", server.url, "-e", "q"]);
      expect(code).toBe(1);
      expect(stderr).toContain("nothing here");
      expect(targets(server)).toEqual(["GET /graphs", "POST /query"]);
    }
  });

  it("asks for the name of the graph where a server of many hides its list", async () => {
    const noRoute = Response.json({ error: "no route at '/query'", code: "not_found" }, { status: 404 });
    const server = serve({
      "GET /graphs": Response.json({ error: "no" }, { status: 403 }),
      "POST /query": noRoute,
    });
    const { code, stdout, stderr } = await createWorld().run(["query", "--server", server.url, "-e", "q"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      `error: ${server.url} serves graphs by name, and does not list them to this caller; pass --graph <id>\n`,
    );
  });

  it("invokes a stored query without sending a source", async () => {
    const server = serve({ "POST /graphs/a/queries/ships": ANSWERS["POST /graphs/a/query"] });
    const { code } = await worldWith(server).run([
      "query",
      "ships",
      "--server",
      "harbor",
      "--graph",
      "a",
      "--params",
      '{"n":9007199254740993}',
    ]);
    expect(code).toBe(0);
    expect(server.asked[0].body).toBe('{"params":{"n":9007199254740993},"expect_mutation":false}');
  });

  it("shows the server's words where the kind is wrong", async () => {
    const text = "'ships' is a read — use omnigraph query ships";
    const server = serve({
      "POST /graphs/a/queries/ships": Response.json({ error: text, code: "bad_request" }, { status: 400 }),
    });
    const { code, stderr } = await worldWith(server).run([
      "mutate",
      "ships",
      "--server",
      "harbor",
      "--graph",
      "a",
    ]);
    expect(code).toBe(1);
    expect(stderr).toEndWith(`error: ${text}\n`);
    expect(JSON.parse(server.asked[0].body)).toEqual({ expect_mutation: true });
  });

  it("writes as the token's owner: --as is refused before any connection, operator.actor is not sent", async () => {
    const refused = await createWorld().run([
      "mutate",
      "--server",
      "http://127.0.0.1:1",
      "--as",
      "x",
      "-e",
      "query m() {}",
    ]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("`--as` is not allowed on a served write");

    const world = createWorld();
    world.config("operator: { actor: act-nina }");
    const { stderr } = await world.run([
      "mutate",
      "--server",
      "http://127.0.0.1:1",
      "--graph",
      "a",
      "-e",
      "query m() {}",
    ]);
    expect(stderr).toContain("could not reach http://127.0.0.1:1/graphs/a/mutate");
  });

  it("prints a mutation and says where it writes", async () => {
    const server = serve();
    const world = worldWith(server);
    const words = ["mutate", "--server", "harbor", "--graph", "a", "-e", "query m() {}"];
    const { stdout, stderr } = await world.run(words);
    expect(stdout).toBe("changed main via m: 1 nodes, 0 edges\nactor_id: ops\n");
    expect(stderr).toBe(`omnigraph mutate → ${server.url}/graphs/a (served)\n`);
    expect((await world.run([...words, "--quiet"])).stderr).toBe("");
    expect(await world.json([...words, "--json"])).toEqual(ANSWERS["POST /graphs/a/mutate"] as object);
  });

  it("ends with 4 and the error body where the head moved", async () => {
    const body = {
      error: "precondition failed on branch 'main': expected head '01A' but current is 01C",
      precondition_failure: { expected: "01A", actual: "01C" },
    };
    const server = serve({ "POST /graphs/a/mutate/if-graph-commit": Response.json(body, { status: 412 }) });
    const world = worldWith(server);
    const words = [
      "mutate",
      "--server",
      "harbor",
      "--graph",
      "a",
      "-e",
      "query m() {}",
      "--if-commit",
      "01A",
    ];
    const plain = await world.run(words);
    expect([plain.code, plain.stdout]).toEqual([4, ""]);
    expect(plain.stderr).toContain("precondition failed on branch 'main'");
    const json = await world.run([...words, "--json"]);
    expect(json.code).toBe(4);
    expect(JSON.parse(json.stdout)).toEqual(body);
  });

  it("asks nobody else where conditional writes are not known", async () => {
    const server = serve();
    const { code } = await worldWith(server).run([
      "mutate",
      "--server",
      "harbor",
      "--graph",
      "a",
      "-e",
      "query m() {}",
      "--if-commit",
      "01A",
    ]);
    expect(code).toBe(1);
    expect(targets(server)).toEqual(["POST /graphs/a/mutate/if-graph-commit"]);
  });

  it("refuses a credentials file that others can read", async () => {
    const server = serve();
    const world = worldWith(server);
    writeFileSync(join(world.home, "credentials"), "[harbor]\ntoken = t\n");
    chmodSync(join(world.home, "credentials"), 0o644);
    const { code, stderr } = await world.run(["schema", "show", "--server", "harbor", "--graph", "a"]);
    expect(code).toBe(1);
    expect(stderr).toContain("is group/world-accessible");
    expect(server.asked).toEqual([]);
  });

  it("prints schema, commits and branches as they come", async () => {
    const server = serve();
    const world = worldWith(server, "defaults: { server: harbor, default_graph: a }");
    expect((await world.run(["schema", "show"])).stdout).toBe("node Ship { name: String @key }\n");
    expect((await world.run(["commit", "list"])).stdout).toBe(
      "01C graph_branch=main graph_manifest_version=2 actor=ops\n",
    );
    expect(await world.json(["commit", "list", "--json"])).toEqual({ commits: [COMMIT] });
    expect(await world.json(["branch", "create", "refit", "--json"])).toEqual({
      uri: "s3://b/a.omni",
      from: "main",
      name: "refit",
      actor_id: "ops",
    });
  });
});

describe("a destructive write on a server", () => {
  const words = ["branch", "delete", "etl/run-1", "--server", "harbor", "--graph", "a"];

  it("is refused without consent and without a request", async () => {
    const server = serve();
    for (const more of [[], ["--json"]]) {
      const { code, stderr } = await worldWith(server).run([...words, ...more]);
      expect(code).toBe(1);
      expect(stderr).toContain("refusing destructive `branch delete`");
      expect(stderr).toContain("--yes");
    }
    const { stderr } = await worldWith(server).run([
      "load",
      "--mode",
      "overwrite",
      "--data",
      "f",
      "--server",
      "harbor",
      "--graph",
      "a",
    ]);
    expect(stderr).toContain("refusing destructive `load --mode overwrite`");
    expect(server.asked).toEqual([]);
  });

  it("goes ahead with --yes, or when the person at the terminal agrees", async () => {
    const server = serve();
    expect((await worldWith(server).run([...words, "--yes"])).stdout).toBe("deleted branch etl/run-1\n");
    for (const stdin of ["Y\n", " yes \n"]) {
      const { code, stderr } = await worldWith(server).run(words, { terminal: true, stdin });
      expect(code).toBe(0);
      expect(stderr).toContain("destructive `branch delete` against");
    }
    expect(targets(server)).toEqual(Array(3).fill("DELETE /graphs/a/branches/etl%2Frun-1"));
  });

  it("is aborted by any other answer", async () => {
    const server = serve();
    for (const stdin of ["\n", "no\n", ""]) {
      const { code, stderr } = await worldWith(server).run(words, { terminal: true, stdin });
      expect(code).toBe(1);
      expect(stderr).toContain("aborted: destructive `branch delete` not confirmed");
    }
    expect(server.asked).toEqual([]);
  });
});

describe("graphs list", () => {
  it("asks the bare base URL and prints a sorted list", async () => {
    const server = serve();
    const world = worldWith(server, "profiles: { p: { server: harbor, default_graph: a } }");
    expect((await world.run(["graphs", "list", "--server", `${server.url}/`])).stdout).toBe(
      "a\tfile:///a\nb\tfile:///b\n",
    );
    expect(await world.json(["graphs", "list", "--profile", "p", "--json"])).toMatchObject({
      graphs: [{ graph_id: "a" }, { graph_id: "b" }],
    });
    expect(targets(server)).toEqual(["GET /graphs", "GET /graphs"]);
  });

  it("requires a server", async () => {
    const world = createWorld();
    world.config("profiles: { s: { store: g }, c: { cluster: d } }");
    expect((await world.run(["graphs", "list"])).stderr).toContain("`graphs list` needs a server scope");
    const store = (await world.run(["graphs", "list", "--profile", "s"])).stderr;
    expect(store).toContain("requires a server");
    expect(store).toContain("resolves a store scope");
    const cluster = (await world.run(["graphs", "list", "--profile", "c"])).stderr;
    expect(cluster).toContain("resolves a cluster scope");
    expect(cluster).toContain("cluster status");
  });
});

describe("alias", () => {
  const ALIASES = `
aliases:
  docked: { server: harbor, graph: a, query: ships_in_port, args: [port], params: { limit: 10 } }
  fixed: { server: harbor, graph: a, query: ships_in_port, format: csv }
  lost: { server: nowhere, query: q }
`;
  const answer = { "POST /graphs/a/queries/ships_in_port": ANSWERS["POST /graphs/a/query"] };
  const bodyOf = async (...words: string[]) => {
    const server = serve(answer);
    const { code, stderr } = await worldWith(server, ALIASES).run(["alias", ...words]);
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(server.asked[0].body).params;
  };

  it("sends words as parameters: JSON where they parse, else text", async () => {
    expect(await bodyOf("docked", "Oslo")).toEqual({ port: "Oslo", limit: 10 });
    expect(await bodyOf("docked", "5")).toEqual({ port: 5, limit: 10 });
    expect(await bodyOf("docked", '"5"')).toEqual({ port: "5", limit: 10 });
    expect(await bodyOf("docked")).toEqual({ limit: 10 });
  });

  it("lets --params win over words and fixed parameters", async () => {
    expect(await bodyOf("docked", "Oslo", "--params", '{"limit":2,"port":"Bergen"}')).toEqual({
      port: "Bergen",
      limit: 2,
    });
  });

  it("has a format of its own that a flag overrides", async () => {
    const world = worldWith(serve(answer), `${ALIASES}\ndefaults: { output: kv }`);
    expect((await world.run(["alias", "fixed"])).stdout).toBe("s.name\nAurora\n");
    expect((await world.run(["alias", "fixed", "--format", "kv"])).stdout).toContain("row 1");
  });

  it("refuses what it cannot resolve", async () => {
    const world = worldWith(serve(answer), ALIASES);
    expect((await world.run(["alias", "docked", "Oslo", "5"])).stderr).toContain("takes 1 positional arg(s)");
    const unknown = (await world.run(["alias", "dock"])).stderr;
    expect(unknown).toContain("unknown alias 'dock'");
    expect(unknown).toContain("docked, fixed, lost");
    expect((await world.run(["alias", "lost"])).stderr).toContain(
      "unknown server 'nowhere'; defined: harbor",
    );
    expect((await world.run(["alias", "docked", "--params", "[1]"])).stderr).toContain(
      "params must be a JSON object",
    );
    expect((await world.run(["alias", "docked", "--params", '{"a":\n x}'])).stderr).toMatch(
      /--params is not valid JSON: .* line 2 column 2/,
    );
  });
});

describe("a scope", () => {
  it("is refused where nothing addresses a graph, or the name is unknown", async () => {
    const world = createWorld();
    world.config(
      "servers: { odd: { url: 'ftp://h' } }\nprofiles: { c: { cluster: d }, two: { server: odd, store: g } }",
    );
    const refusal = async (...words: string[]) => (await world.run(["snapshot", ...words])).stderr;
    expect(await refusal()).toContain("no graph addressed");
    expect(await refusal("--server", "harbor")).toContain("unknown server 'harbor'; defined: odd");
    expect(await refusal("--server", "odd")).toContain("a server scope resolves to an http(s):// URL");
    expect(await refusal("--server", "s3://b")).toContain("a server scope resolves to an http(s):// URL");
    expect(await refusal("--profile", "nope")).toContain("unknown profile 'nope'");
    expect(await refusal("--profile", "two")).toContain("profile 'two' binds 2 scopes");
    expect(await refusal("--profile", "c")).toContain(
      "resolves a cluster scope, which is not valid for graph data commands",
    );
  });

  it("is not a server's for direct commands, whoever says so", async () => {
    const server = serve();
    const world = worldWith(server, "profiles: { p: { server: harbor } }\ndefaults: { server: harbor }");
    world.file("s.pg", "node Ship { name: String @key }\n");
    const plan = ["schema", "plan", "--schema", "s.pg"];
    for (const [words, source] of [
      [[...plan, "--profile", "p"], "profile 'p'"],
      [plan, "operator defaults"],
    ] as const) {
      const { stderr } = await world.run(words);
      expect(stderr).toContain("needs direct storage access");
      expect(stderr).toContain(source);
    }
    expect(server.asked).toEqual([]);
  });

  it("ignores --profile beside an address, and OMNIGRAPH_PROFILE where none is resolved", async () => {
    const server = serve();
    const world = worldWith(server);
    const shown = await world.run([
      "schema",
      "show",
      "--server",
      "harbor",
      "--graph",
      "a",
      "--profile",
      "nope",
    ]);
    expect(shown.code).toBe(0);
    expect((await world.run(["version"], { env: { OMNIGRAPH_PROFILE: "nope" } })).code).toBe(0);
    const env = { OMNIGRAPH_PROFILE: "nope" };
    expect((await world.run(["schema", "show"], { env })).stderr).toContain("unknown profile 'nope'");
  });
});

describe("healthcheck", () => {
  it("succeeds on 200 and says why not otherwise", async () => {
    const server = serve({ "GET /healthz": { status: "ok" } });
    const world = createWorld();
    const port = new URL(server.url).port;
    expect((await world.run(["healthcheck", "--url", server.url])).code).toBe(0);
    expect((await world.run(["healthcheck"], { env: { OMNIGRAPH_BIND: `0.0.0.0:${port}` } })).code).toBe(0);
    const down = await world.run(["healthcheck", "--url", "http://127.0.0.1:1"]);
    expect(down.code).toBe(1);
    expect(down.stderr).toContain("could not reach http://127.0.0.1:1/healthz");
    const wrong = serve({ "GET /healthz": new Response("", { status: 500 }) });
    expect((await world.run(["healthcheck", "--url", wrong.url])).stderr).toContain("answered 500");
    const slow = fakeServer(() => new Promise(() => {}));
    servers.push(slow);
    const { stderr } = await world.run(["healthcheck", "--url", slow.url, "--timeout", "1s"]);
    expect(stderr).toContain("no answer within 1000 ms");
    expect((await world.run(["healthcheck", "--timeout", "soon"])).stderr).toContain(
      "invalid duration 'soon'",
    );
  });
});

describe("the server without arguments", () => {
  it("refuses an environment that it cannot use with 64", async () => {
    const world = createWorld();
    const run = (env: Record<string, string>) => world.run(["server"], { env });
    const nothing = await run({});
    expect([nothing.code, nothing.stdout]).toEqual([64, ""]);
    expect(nothing.stderr).toContain("container startup requires");
    expect(nothing.stderr).toContain("boots from a cluster");
    const removed = await run({ OMNIGRAPH_TARGET_URI: "x", OMNIGRAPH_CLUSTER: "" });
    expect(removed.code).toBe(64);
    expect(removed.stderr).toContain("No longer supported: OMNIGRAPH_TARGET_URI");
    for (const name of ["OMNIGRAPH_TARGET_URI", "OMNIGRAPH_CONFIG", "OMNIGRAPH_TARGET"]) {
      const both = await run({ OMNIGRAPH_CLUSTER: "d", [name]: "x" });
      expect(both.code).toBe(64);
      expect(both.stderr).toContain("OMNIGRAPH_CLUSTER is an exclusive boot source");
      expect(both.stderr).toContain("boots from a cluster");
      expect(both.stderr).toContain("OMNIGRAPH_TARGET_URI, OMNIGRAPH_CONFIG, OMNIGRAPH_TARGET");
    }
  });

  it("needs a cluster with 1 as soon as there is an argument", async () => {
    const { code, stderr } = await createWorld().run(["server", "--unauthenticated"]);
    expect(code).toBe(1);
    expect(stderr).toContain("omnigraph-server boots from a cluster: pass --cluster");
    expect((await createWorld().run(["server", "./g.omni"])).code).toBe(2);
    expect((await createWorld().run(["server", "--target", "x"])).code).toBe(2);
    expect((await createWorld().run(["server", "--config", "x"])).code).toBe(2);
  });
});
