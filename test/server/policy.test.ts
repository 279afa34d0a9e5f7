import { describe, expect, it } from "bun:test";
import { DRAFT_COMMIT, HEAD_COMMIT } from "./support/fake-graph.ts";
import { bundle, MAYA, OLEG, TOKENS, ZED } from "./support/policies.ts";
import { envelope, type TestServerOptions, testServer } from "./support/service.ts";

const G = "/graphs/harbor";
const READ = "query q() { match { $v: Port } return { $v.code } }";
const WRITE = 'query m() { delete Port where code = "x" }';
const QUERIES = {
  find_port: READ.replace("query q", "query find_port"),
  drop_port: WRITE.replace("query m", "query drop_port"),
};

const served = (rules: Parameters<typeof bundle>[0], more: TestServerOptions = {}) =>
  testServer({ tokens: TOKENS, policies: { harbor: bundle(rules) }, queries: QUERIES, ...more });

describe("a server without tokens", () => {
  it("allows every graph action but never the list of graphs", async () => {
    const { send, harbor } = await testServer({ queries: QUERIES });
    expect((await send("POST", `${G}/mutate`, { json: { query: WRITE } })).status).toBe(200);
    expect((await send("GET", `${G}/queries`)).status).toBe(200);
    expect((await send("POST", `${G}/queries/find_port`)).status).toBe(200);
    expect(harbor.calls).toContainEqual({
      name: "mutate",
      argument: expect.objectContaining({ actor: null }),
    });
    const list = await send("GET", "/graphs");
    expect(list.status).toBe(403);
    expect((await envelope(list)).error).toMatch(
      /server-scoped actions require an explicit cluster policy bundle.*closed by default/,
    );
  });

  it("ignores the Authorization header", async () => {
    const { send } = await testServer();
    expect((await send("GET", `${G}/branches`, { token: "whatever" })).status).toBe(200);
  });
});

describe("a server with tokens and no policy", () => {
  it("is read-only", async () => {
    const { send } = await testServer({ tokens: TOKENS, queries: QUERIES });
    expect((await send("GET", `${G}/snapshot`, { token: MAYA })).status).toBe(200);
    expect((await send("GET", `${G}/queries`, { token: MAYA })).status).toBe(200);
    for (const [path, json] of [
      ["/mutate", { query: WRITE }],
      ["/schema/apply", { schema_source: "" }],
      ["/export", {}],
      ["/branches", { name: "x" }],
    ] as const) {
      const response = await send("POST", G + path, { token: MAYA, json });
      expect({ path, status: response.status }).toEqual({ path, status: 403 });
      expect((await envelope(response)).error).toMatch(/default-deny.*Only `read`/);
    }
    expect((await send("POST", `${G}/queries/find_port`, { token: MAYA })).status).toBe(404);
    expect((await send("GET", "/graphs")).status).toBe(401);
    expect((await send("GET", "/graphs", { token: MAYA })).status).toBe(403);
  });
});

describe("a server with a policy on one graph", () => {
  it("keeps the graphs without a bundle read-only", async () => {
    const { send } = await served([{ group: "curators", actions: ["read", "change"] }]);
    expect((await send("POST", `${G}/mutate`, { token: OLEG, json: { query: WRITE } })).status).toBe(200);
    expect((await send("GET", "/graphs/notes/snapshot", { token: ZED })).status).toBe(200);
    const denied = await send("POST", "/graphs/notes/mutate", { token: OLEG, json: { query: WRITE } });
    expect(denied.status).toBe(403);
    expect((await envelope(denied)).error).toContain("default-deny");
  });

  it("names the unknown actor, the action and the branches it denies", async () => {
    const { send } = await served([{ group: "curators", actions: ["read"] }]);
    const unknown = await send("GET", `${G}/snapshot`, { token: ZED });
    expect(await envelope(unknown)).toEqual({
      error: "policy denied action 'read' for unknown actor 'act-zed'",
      code: "forbidden",
    });
    const merge = { source: "draft-7" };
    const denied = await send("POST", `${G}/branches/merge`, { token: OLEG, json: merge });
    expect((await envelope(denied)).error).toBe(
      "policy denied action 'branch_merge' on branch 'draft-7' targeting branch 'main' for actor 'act-oleg'",
    );
  });

  it("takes the actor from the token alone", async () => {
    const { send } = await served([{ group: "stewards", actions: ["read"] }]);
    const as = async (token: string, actor: string) =>
      (await send("GET", `${G}/branches`, { token, headers: { "X-Actor-Id": actor } })).status;
    expect([
      await as(OLEG, "act-maya"),
      await as(OLEG, ""),
      await as(MAYA, "act-zed"),
      await as(MAYA, ""),
    ]).toEqual([403, 403, 200, 200]);
  });
});

describe("GET /graphs", () => {
  const clusterPolicy = bundle([{ group: "stewards", actions: ["graph_list"] }]);

  it("lists the graphs by id for those the cluster bundle grants it", async () => {
    const { send } = await testServer({ tokens: TOKENS, clusterPolicy });
    const list = await send("GET", "/graphs", { token: MAYA });
    expect(await list.json()).toEqual({
      graphs: [
        { graph_id: "harbor", uri: "memory://harbor" },
        { graph_id: "notes", uri: "memory://notes" },
      ],
    });
    expect((await send("GET", "/graphs", { token: OLEG })).status).toBe(403);
  });
});

describe("a read grant scoped to protected branches", () => {
  const protectedOnly = () =>
    served([{ group: "curators", actions: ["read"], scope: "branch_scope: protected" }]);

  it("covers what is judged on main, and nothing that is judged on no branch", async () => {
    const { send } = await protectedOnly();
    const get = async (path: string) => (await send("GET", G + path, { token: OLEG })).status;
    expect(await get("/commits")).toBe(200);
    expect(await (await send("GET", `${G}/commits`, { token: OLEG })).text()).toBe(
      await (await send("GET", `${G}/commits?branch=main`, { token: OLEG })).text(),
    );
    expect(await get("/queries")).toBe(200);
    expect(await get("/commits?branch=draft-7")).toBe(403);
    for (const path of ["/schema", "/branches", `/commits/${HEAD_COMMIT}`]) expect(await get(path)).toBe(403);
  });

  it("judges a snapshot on the branch that its commit was authored on", async () => {
    const { send } = await protectedOnly();
    const at = async (snapshot: string) =>
      await send("POST", `${G}/query`, { token: OLEG, json: { query: READ, snapshot } });
    const main = await at(HEAD_COMMIT);
    expect(main.status).toBe(200);
    expect(await main.json()).toMatchObject({ target: { branch: null, snapshot: HEAD_COMMIT } });
    expect((await at(DRAFT_COMMIT)).status).toBe(403);
  });

  it("judges every other read of a snapshot so as well", async () => {
    const { send } = await served([
      { group: "curators", actions: ["read", "export"], scope: "branch_scope: protected" },
    ]);
    for (const [snapshot, status] of [
      [HEAD_COMMIT, 200],
      [DRAFT_COMMIT, 403],
    ] as const) {
      const described = await send("GET", `${G}/snapshot?snapshot=${snapshot}`, { token: OLEG });
      expect(described.status).toBe(status);
      const exported = await send("POST", `${G}/export`, { token: OLEG, json: { snapshot } });
      expect(exported.status).toBe(status);
    }
    const both = await send("GET", `${G}/snapshot?snapshot=${HEAD_COMMIT}&branch=main`, { token: OLEG });
    expect(both.status).toBe(400);
  });
});

describe("a grant scoped to unprotected branches", () => {
  it("does not open main to a padded spelling of it", async () => {
    const { send, harbor } = await served([
      { group: "curators", actions: ["read", "change", "export"], scope: "branch_scope: unprotected" },
    ]);
    for (const path of ["/snapshot", "/commits"]) {
      expect((await send("GET", `${G}${path}?branch=%20main%20`, { token: OLEG })).status).toBe(403);
    }
    for (const [path, json] of [
      ["/query", { query: READ, branch: " main " }],
      ["/read", { query_source: READ, branch: " main " }],
      ["/mutate", { query: WRITE, branch: " main " }],
      ["/export", { branch: " main " }],
    ] as const) {
      expect((await send("POST", G + path, { token: OLEG, json })).status).toBe(403);
    }
    const load = await send("POST", `${G}/load/ndjson?branch=%20main%20`, { token: OLEG, body: "" });
    expect(load.status).toBe(403);
    expect(harbor.calls.map(({ name }) => name)).toEqual([]);
    expect(
      (await send("POST", `${G}/query`, { token: OLEG, json: { query: READ, branch: " draft-7 " } })).status,
    ).toBe(200);
  });
});

describe("stored queries under policy", () => {
  it("are all unknown, by the same bytes, to who may not invoke", async () => {
    const { send } = await served([
      { group: "curators", actions: ["read"] },
      { group: "stewards", actions: ["invoke_query"] },
    ]);
    const denied = await send("POST", `${G}/queries/find_port`, { token: OLEG });
    const unknown = await send("POST", `${G}/queries/nothing`, { token: MAYA });
    expect([denied.status, unknown.status]).toEqual([404, 404]);
    const text = await denied.text();
    expect(text).toBe('{"error":"stored query not found","code":"not_found"}');
    expect(await unknown.text()).toBe(text);
    expect((await send("GET", `${G}/queries`, { token: OLEG })).status).toBe(200);
    const malformed = await send("POST", `${G}/queries/find_port`, { token: OLEG, body: "{" });
    expect(malformed.status).toBe(400);
  });

  it("need the inner grant beside invoke_query", async () => {
    const { send } = await served([
      { group: "curators", actions: ["invoke_query"] },
      { group: "stewards", actions: ["change"] },
    ]);
    expect((await send("POST", `${G}/queries/find_port`, { token: OLEG })).status).toBe(403);
    expect((await send("POST", `${G}/queries/nothing`, { token: OLEG })).status).toBe(404);
    expect((await send("POST", `${G}/queries/drop_port`, { token: OLEG })).status).toBe(403);
    expect((await send("POST", `${G}/queries/drop_port`, { token: MAYA })).status).toBe(200);
  });
});

describe("POST schema/apply", () => {
  it("is refused to everybody, and tells why only to who may apply", async () => {
    const { send } = await served([{ group: "stewards", actions: ["schema_apply"] }]);
    const json = { schema_source: "node Port {}" };
    expect((await send("POST", `${G}/schema/apply`, { json })).status).toBe(401);
    expect((await send("POST", `${G}/schema/apply`, { token: OLEG, json })).status).toBe(403);
    const refused = await send("POST", `${G}/schema/apply`, { token: MAYA, json });
    expect(refused.status).toBe(409);
    expect((await envelope(refused)).error).toMatch(
      /server-side schema apply is disabled for cluster-backed serving.*`omnigraph cluster apply`/,
    );
  });
});

describe("a load into a branch that is missing", () => {
  const load = (path: string, token: string) => ({
    path: `${G}/load/ndjson?${path}`,
    options: { token, body: "{}\n", headers: { "content-type": "application/x-ndjson" } },
  });

  it("needs change and branch_create, and creates nothing with only one of them", async () => {
    const { path, options } = load("branch=intake&from=main", OLEG);
    for (const [actions, status] of [
      [["branch_create"], 403],
      [["change"], 403],
      [["change", "branch_create"], 200],
    ] as const) {
      const { send, harbor } = await served([{ group: "curators", actions }]);
      const response = await send("POST", path, options);
      expect({ actions, status: response.status }).toEqual({ actions, status });
      expect(harbor.branchNames.has("intake")).toBe(status === 200);
    }
  });

  it("needs no branch_create where the branch is there, whatever `from` names", async () => {
    const { send } = await served([{ group: "curators", actions: ["change"] }]);
    const { path, options } = load("branch=draft-7&from=elsewhere", OLEG);
    const response = await send("POST", path, options);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      branch_created: false,
      base_branch: "elsewhere",
      actor_id: "act-oleg",
    });
  });

  it("is 404 without `from` for who may write, 403 for who may not", async () => {
    const { send, harbor } = await served([{ group: "curators", actions: ["change"] }]);
    const missing = load("branch=intake", OLEG);
    const response = await send("POST", missing.path, missing.options);
    expect(response.status).toBe(404);
    expect((await envelope(response)).error).toBe("branch 'intake' not found; pass `from` to create it");
    expect(harbor.branchNames.has("intake")).toBe(false);
    const denied = load("branch=intake", ZED);
    expect((await send("POST", denied.path, denied.options)).status).toBe(403);
  });

  it("never reads the body of who may not write", async () => {
    const { app } = await served([{ group: "curators", actions: ["change"] }]);
    let pulled = false;
    const body = new ReadableStream(
      {
        pull() {
          pulled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { authorization: `Bearer ${ZED}`, "content-type": "application/x-ndjson" };
    const response = await app.request(`${G}/load/ndjson`, { method: "POST", body, headers });
    expect(response.status).toBe(403);
    expect(pulled).toBe(false);
  });
});

describe("a merge that also deletes its source", () => {
  const json = { source: "draft-7", delete_branch: true };

  it("keeps the branch, with the reason, where deletion is not granted", async () => {
    const { send, harbor } = await served([{ group: "stewards", actions: ["branch_merge"] }]);
    const response = await send("POST", `${G}/branches/merge`, { token: MAYA, json });
    expect(await response.json()).toEqual({
      source: "draft-7",
      target: "main",
      outcome: "fast_forward",
      actor_id: "act-maya",
      branch_deleted: false,
      branch_delete_error:
        "policy denied action 'branch_delete' targeting branch 'draft-7' for actor 'act-maya'",
    });
    expect(harbor.branchNames.has("draft-7")).toBe(true);
  });

  it("deletes it where deletion is granted, and says nothing of it where it was not asked for", async () => {
    const { send, harbor } = await served([
      { group: "stewards", actions: ["branch_merge", "branch_delete"] },
    ]);
    const plain = await send("POST", `${G}/branches/merge`, { token: MAYA, json: { source: "draft-7" } });
    expect(Object.keys((await plain.json()) as object)).toEqual(["source", "target", "outcome", "actor_id"]);
    const response = await send("POST", `${G}/branches/merge`, { token: MAYA, json });
    expect(await response.json()).toMatchObject({ branch_deleted: true });
    expect(harbor.branchNames.has("draft-7")).toBe(false);
  });
});

describe("admission beside policy", () => {
  const full = { env: { OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX: "0" } };

  it("refuses with a time to wait", async () => {
    const { send } = await served([{ group: "curators", actions: ["change", "branch_create"] }], full);
    const mutate = await send("POST", `${G}/mutate`, { token: OLEG, json: { query: WRITE } });
    expect(mutate.status).toBe(429);
    expect(mutate.headers.get("retry-after")).toBe("60");
    expect(await envelope(mutate)).toEqual({
      error: "actor in-flight count cap 0 exceeded",
      code: "too_many_requests",
    });
    expect((await send("POST", `${G}/branches`, { token: OLEG, json: { name: "x" } })).status).toBe(429);
    expect((await send("POST", `${G}/mutate`, { token: OLEG, body: "{" })).status).toBe(429);
  });

  it("admits one load at a time under a cap of one, and another actor beside it", async () => {
    const env = { OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX: "1" };
    const { send, harbor } = await served([{ group: "curators", actions: ["change"] }], { env });
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    harbor.during = () => held;
    const load = (token: string) =>
      send("POST", `${G}/load/ndjson`, {
        token,
        body: "",
        headers: { "content-type": "application/x-ndjson" },
      });
    const first = load(OLEG);
    const others = await Promise.all(Array.from({ length: 7 }, () => load(OLEG)));
    expect(others.map(({ status }) => status)).toEqual(Array(7).fill(429));
    const second = load(MAYA);
    finish();
    expect([(await first).status, (await second).status, (await load(OLEG)).status]).toEqual([200, 200, 200]);
  });

  it("does not stand in the way of a denial, nor of reads", async () => {
    const { send } = await served([{ group: "curators", actions: ["read", "export", "invoke_query"] }], full);
    expect((await send("POST", `${G}/mutate`, { token: OLEG, json: { query: WRITE } })).status).toBe(403);
    expect((await send("POST", `${G}/queries/drop_port`, { token: OLEG })).status).toBe(403);
    expect((await send("POST", `${G}/query`, { token: OLEG, json: { query: READ } })).status).toBe(200);
    expect((await send("POST", `${G}/queries/find_port`, { token: OLEG })).status).toBe(200);
    expect((await send("POST", `${G}/export`, { token: OLEG, json: {} })).status).toBe(200);
  });
});
