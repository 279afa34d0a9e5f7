import { describe, expect, it } from "bun:test";
import { HEAD_COMMIT } from "./support/fake-graph.ts";
import { envelope, testServer } from "./support/service.ts";

const G = "/graphs/harbor";
const READ =
  "query by_flag($flag: String) { match { $v: Vessel { flag: $flag } } return { $v.name, $v.tonnage } }";
const WRITE = 'query add($code: String) @description("Adds a port.") { insert Port { code: $code } }';
const QUERIES = { by_flag: READ, add: WRITE };
const PRECONDITION = "Omnigraph-If-Graph-Commit";

describe("POST query", () => {
  it("answers the rows as the engine wrote them, in the order of the contract", async () => {
    const { send } = await testServer();
    const response = await send("POST", `${G}/query`, { json: { query: READ } });
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("deprecation")).toBeNull();
    expect(await response.text()).toBe(
      '{"query_name":"q","target":{"branch":"main","snapshot":null},"row_count":1,' +
        '"columns":["v.name","v.tonnage"],"rows":[{"v.name":"Aurora","v.tonnage":9007199254740993}],' +
        `"graph_commit_id":"${HEAD_COMMIT}"}`,
    );
  });

  it("hands name, parameters and target on", async () => {
    const { send, harbor } = await testServer();
    const json = { query: READ, name: "by_flag", params: { flag: "NO" }, branch: "draft-7" };
    await send("POST", `${G}/query`, { json });
    expect(harbor.calls).toEqual([
      {
        name: "query",
        argument: { source: READ, name: "by_flag", params: { flag: "NO" }, branch: "draft-7" },
      },
    ]);
  });

  it("refuses branch beside snapshot, and passes the engine's refusals on", async () => {
    const { send } = await testServer();
    const both = await send("POST", `${G}/query`, {
      json: { query: READ, branch: "main", snapshot: HEAD_COMMIT },
    });
    expect(await envelope(both)).toEqual({
      error: "request may specify branch or snapshot, not both",
      code: "bad_request",
    });
    const write = await send("POST", `${G}/query`, { json: { query: WRITE } });
    expect(write.status).toBe(400);
    expect((await envelope(write)).error).toContain("POST /mutate");
    const missing = await send("POST", `${G}/query`, { json: { query: READ, branch: "nope" } });
    expect(missing.status).toBe(404);
  });
});

describe("the deprecated spellings", () => {
  it("of a read answer without the commit, and point to query", async () => {
    const { send } = await testServer();
    const response = await send("POST", `${G}/read`, { json: { query_source: READ, query_name: "by_flag" } });
    expect(response.headers.get("deprecation")).toBe("true");
    expect(response.headers.get("link")).toBe('<query>; rel="successor-version"');
    expect(await response.text()).toBe(
      '{"query_name":"by_flag","target":{"branch":"main","snapshot":null},"row_count":1,' +
        '"columns":["v.name","v.tonnage"],"rows":[{"v.name":"Aurora","v.tonnage":9007199254740993}]}',
    );
  });

  it("of a mutation take the older names and point to mutate", async () => {
    const { send, harbor } = await testServer();
    const json = { query_source: WRITE, query_name: "add", params: { code: "X" } };
    const response = await send("POST", `${G}/change`, { json });
    expect(response.status).toBe(200);
    expect(response.headers.get("link")).toBe('<mutate>; rel="successor-version"');
    expect(harbor.calls).toEqual([
      {
        name: "mutate",
        argument: {
          source: WRITE,
          name: "add",
          params: { code: "X" },
          branch: "main",
          actor: null,
          ifCommit: undefined,
        },
      },
    ]);
  });
});

describe("the precondition header", () => {
  const path = `${G}/mutate/if-graph-commit`;

  it("is needed once, raw, on the conditional route", async () => {
    const { send, harbor } = await testServer();
    const absent = await send("POST", path, { json: { query: WRITE } });
    expect(absent.status).toBe(400);
    expect((await envelope(absent)).error).toContain("is required on this conditional mutation route");
    for (const value of ['W/"x"', '"x"', "a,b", "*", " "]) {
      const response = await send("POST", path, {
        json: { query: WRITE },
        headers: { [PRECONDITION]: value },
      });
      expect({ value, status: response.status }).toEqual({ value, status: 400 });
    }
    expect(harbor.calls).toEqual([]);
    const headers = { "omnigraph-if-graph-commit": ` ${HEAD_COMMIT} ` };
    expect((await send("POST", path, { json: { query: WRITE }, headers })).status).toBe(200);
    expect(harbor.calls.at(-1)).toMatchObject({ argument: { ifCommit: HEAD_COMMIT } });
  });

  it("is refused when it is sent twice", async () => {
    const { app } = await testServer();
    const headers = new Headers({ "content-type": "application/json" });
    headers.append(PRECONDITION, HEAD_COMMIT);
    headers.append(PRECONDITION, HEAD_COMMIT);
    const response = await app.request(path, {
      method: "POST",
      headers,
      body: JSON.stringify({ query: WRITE }),
    });
    expect(response.status).toBe(400);
    expect((await envelope(response)).error).toContain("one raw graph commit id, not entity-tag syntax");
  });

  it("is refused on every route that would not honour it", async () => {
    const { send, harbor } = await testServer({ queries: QUERIES });
    const headers = { [PRECONDITION]: HEAD_COMMIT };
    for (const [method, route, json] of [
      ["POST", "/mutate", { query: WRITE }],
      ["POST", "/change", { query: WRITE }],
      ["POST", "/queries/add", {}],
      ["POST", "/queries/by_flag", {}],
      ["POST", "/branches", { name: "x" }],
      ["POST", "/branches/merge", { source: "draft-7" }],
      ["POST", "/load/ndjson", {}],
      ["DELETE", "/branches/draft-7", undefined],
    ] as const) {
      const response = await send(method, G + route, { json, headers });
      expect({ route, status: response.status }).toEqual({ route, status: 400 });
      expect((await envelope(response)).error).toContain("requires the fail-closed conditional route");
    }
    expect(harbor.calls).toEqual([]);
  });
});

describe("stored queries", () => {
  it("are listed by name, with what callers need to know", async () => {
    const { send } = await testServer({ queries: QUERIES });
    const response = await send("GET", `${G}/queries`);
    expect(await response.json()).toEqual({
      queries: [
        {
          name: "add",
          tool_name: "add",
          description: "Adds a port.",
          mutation: true,
          params: [{ name: "code", kind: "string", nullable: false }],
        },
        {
          name: "by_flag",
          tool_name: "by_flag",
          mutation: false,
          params: [{ name: "flag", kind: "string", nullable: false }],
        },
      ],
    });
    const none = await send("GET", "/graphs/notes/queries");
    expect(await none.json()).toEqual({ queries: [] });
  });

  it("take no body, an empty one, null and {} alike, of any content type", async () => {
    const { send, harbor } = await testServer({ queries: QUERIES });
    const headers = { "content-type": "text/plain" };
    for (const body of [undefined, "", "null", "{}"]) {
      expect((await send("POST", `${G}/queries/by_flag`, { body, headers })).status).toBe(200);
    }
    expect(harbor.calls.at(-1)?.argument).toEqual({
      source: READ,
      name: "by_flag",
      params: undefined,
      branch: "main",
    });
    for (const body of ["{", "[]", '{"params":1}', '{"expect_mutation":null}']) {
      const response = await send("POST", `${G}/queries/by_flag`, { body });
      expect({ body, status: response.status }).toEqual({ body, status: 400 });
      expect((await envelope(response)).error).toContain("invalid stored-query invocation body");
    }
  });

  it("answer as an ad hoc read or mutation would", async () => {
    const { send, harbor } = await testServer({ queries: QUERIES });
    const read = await send("POST", `${G}/queries/by_flag`, {
      json: { params: { flag: "NO" }, branch: "draft-7" },
    });
    expect(await read.json()).toMatchObject({ query_name: "by_flag", graph_commit_id: HEAD_COMMIT });
    const write = await send("POST", `${G}/queries/add`, { json: { params: { code: "X" } } });
    expect(await write.json()).toMatchObject({ query_name: "add", affected_nodes: 1 });
    expect(harbor.calls.at(-1)).toMatchObject({ name: "mutate", argument: { source: WRITE, name: "add" } });
  });

  it("refuse a caller who expects the other kind", async () => {
    const { send } = await testServer({ queries: QUERIES });
    const expecting = async (name: string, expect_mutation: boolean) =>
      await send("POST", `${G}/queries/${name}`, { json: { expect_mutation } });
    expect((await envelope(await expecting("by_flag", true))).error).toBe(
      "'by_flag' is a read — use omnigraph query by_flag",
    );
    expect((await envelope(await expecting("add", false))).error).toBe(
      "'add' is a mutation — use omnigraph mutate add",
    );
    expect((await expecting("by_flag", false)).status).toBe(200);
    expect((await expecting("add", true)).status).toBe(200);
  });

  it("refuse what does not fit their kind", async () => {
    const { send } = await testServer({ queries: QUERIES });
    const snapshot = await send("POST", `${G}/queries/add`, { json: { snapshot: HEAD_COMMIT } });
    expect((await envelope(snapshot)).error).toBe("stored mutation cannot target a snapshot");
    const headers = { [PRECONDITION]: HEAD_COMMIT };
    const read = await send("POST", `${G}/queries/by_flag/if-graph-commit`, { headers });
    expect(read.status).toBe(400);
    expect((await envelope(read)).error).toContain("applies only to stored mutations");
    expect((await send("POST", `${G}/queries/add/if-graph-commit`, { headers })).status).toBe(200);
    expect((await send("POST", `${G}/queries/nothing/if-graph-commit`, { headers })).status).toBe(404);
  });
});

describe("POST export", () => {
  it("streams NDJSON", async () => {
    const { send } = await testServer();
    const response = await send("POST", `${G}/export`, { json: { type_names: ["Port"] } });
    expect(response.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(await response.text()).toBe('{"type":"Port","data":{"id":"NOBGO"}}\n');
  });

  it("refuses an unknown type or branch as JSON, before anything streams", async () => {
    const { send } = await testServer();
    const type = await send("POST", `${G}/export`, { json: { type_names: ["Nope"] } });
    expect([type.status, type.headers.get("content-type")]).toEqual([400, "application/json"]);
    expect((await envelope(type)).error).toBe("unknown export type 'Nope'");
    expect((await send("POST", `${G}/export`, { json: { branch: "nope" } })).status).toBe(404);
  });

  it("lets eight run at once, and frees a slot when a client goes away or an export is refused", async () => {
    const { send, harbor } = await testServer();
    for (let index = 0; index < 9; index++) {
      expect((await send("POST", `${G}/export`, { json: { branch: "nope" } })).status).toBe(404);
    }
    harbor.exportChunks = async function* () {
      for (;;) yield new Uint8Array(65_536);
    };
    const parked = await Promise.all(
      Array.from({ length: 8 }, () => send("POST", `${G}/export`, { json: {} })),
    );
    const ninth = await send("POST", `${G}/export`, { json: {} });
    expect(ninth.status).toBe(413);
    expect((await envelope(ninth)).resource_limit).toEqual({
      resource: "stream_export_transport_bytes",
      limit: 2097152,
      actual: 2359296,
    });
    await parked[0]?.body?.cancel();
    const again = await send("POST", `${G}/export`, { json: {} });
    expect(again.status).toBe(200);
    await Promise.all([again, ...parked.slice(1)].map((response) => response.body?.cancel()));
  });
});

describe("branches and commits", () => {
  it("are created, listed, merged and deleted", async () => {
    const { send } = await testServer();
    const created = await send("POST", `${G}/branches`, { json: { name: " refit " } });
    expect(await created.json()).toEqual({
      uri: "memory://harbor",
      from: "main",
      name: "refit",
      actor_id: null,
    });
    expect((await send("POST", `${G}/branches`, { json: { name: "refit" } })).status).toBe(409);
    expect((await send("POST", `${G}/branches`, { json: { name: " " } })).status).toBe(400);
    const list = await send("GET", `${G}/branches`);
    expect(await list.json()).toEqual({ branches: ["draft-7", "main", "refit"] });
    const deleted = await send("DELETE", `${G}/branches/refit`);
    expect(await deleted.json()).toEqual({ uri: "memory://harbor", name: "refit", actor_id: null });
    expect((await send("DELETE", `${G}/branches/refit`)).status).toBe(404);
  });

  it("show one commit, or say that it is unknown", async () => {
    const { send } = await testServer();
    const shown = await send("GET", `${G}/commits/${HEAD_COMMIT}`);
    expect(await shown.json()).toMatchObject({ graph_commit_id: HEAD_COMMIT });
    const unknown = await send("GET", `${G}/commits/nope`);
    expect(await envelope(unknown)).toEqual({ error: "commit 'nope' not found", code: "not_found" });
    const list = await send("GET", `${G}/commits`);
    expect(await list.json()).toEqual({
      commits: [expect.objectContaining({ graph_commit_id: HEAD_COMMIT })],
    });
  });

  it("show the schema verbatim", async () => {
    const { send } = await testServer();
    const response = await send("GET", `${G}/schema`);
    expect(await response.json()).toEqual({ schema_source: "node Port {\n  code: String @key\n}\n" });
  });
});
