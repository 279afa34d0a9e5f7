import { describe, expect, it } from "bun:test";
import { damaged } from "../../src/store/stored-json.ts";
import { envelope, testServer } from "./support/service.ts";

const TOKENS = { ops: "t1" };

describe("routes outside a graph", () => {
  it("answer health without a token, with version and format", async () => {
    const { send } = await testServer({ tokens: TOKENS });
    const response = await send("GET", "/healthz");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "ok", internal_schema_version: 1 });
  });

  it("answer an unknown path with an envelope, to anybody", async () => {
    const { send } = await testServer({ tokens: TOKENS });
    const paths = [
      "/",
      "/snapshot",
      "/read",
      "/branches",
      "/graphs/harbor",
      "/graphs/harbor/",
      "/graphs/",
      "/healthz/",
    ];
    for (const path of [
      ...paths,
      "/graphs/harbor/nope",
      "/graphs/harbor/branches/",
      "/graphs/harbor/ingest/",
    ]) {
      const response = await send("GET", path);
      expect({ path, status: response.status, type: response.headers.get("content-type") }).toEqual({
        path,
        status: 404,
        type: "application/json",
      });
      expect(await envelope(response)).toMatchObject({ code: "not_found" });
    }
  });

  it("say which methods a known path has", async () => {
    const { send } = await testServer({ tokens: TOKENS });
    for (const [path, allow, token] of [
      ["/healthz", "GET, HEAD", undefined],
      ["/openapi.json", "GET, HEAD", undefined],
      ["/graphs", "GET, HEAD", "t1"],
      ["/graphs/harbor/branches", "GET, HEAD, POST", "t1"],
      ["/graphs/harbor/branches/merge", "DELETE, POST", "t1"],
      ["/graphs/harbor/queries/x/if-graph-commit", "POST", "t1"],
    ] as const) {
      const response = await send("PUT", path, { token });
      expect({ path, status: response.status, allow: response.headers.get("allow") }).toEqual({
        path,
        status: 405,
        allow,
      });
      expect(await envelope(response)).toMatchObject({ code: "method_not_allowed" });
    }
  });
});

describe("the order of refusals", () => {
  it("asks for a token before it tells about graphs or methods", async () => {
    const { send } = await testServer({ tokens: TOKENS });
    for (const [method, path] of [
      ["GET", "/graphs"],
      ["PUT", "/graphs"],
      ["GET", "/graphs/harbor/branches"],
      ["PUT", "/graphs/harbor/branches"],
      ["GET", "/graphs/nope/branches"],
      ["GET", "/graphs/ha%72bor/schema"],
    ] as const) {
      const response = await send(method, path);
      expect({ path, status: response.status }).toEqual({ path, status: 401 });
      expect(await envelope(response)).toEqual({ error: "missing bearer token", code: "unauthorized" });
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
    }
    const wrong = await send("GET", "/graphs/nope/branches", { token: "wrong" });
    expect(await envelope(wrong)).toEqual({ error: "invalid bearer token", code: "unauthorized" });
  });

  it("then looks for the graph, then at the method", async () => {
    const { send } = await testServer({ tokens: TOKENS });
    const unknown = await send("PUT", "/graphs/nope/branches", { token: "t1" });
    expect(unknown.status).toBe(404);
    expect(await envelope(unknown)).toEqual({ error: "graph 'nope' not found", code: "not_found" });
  });

  it("refuses ids that no graph can have, without decoding them", async () => {
    const { send } = await testServer();
    const ids = ["ha%72bor", "graphs", "healthz", "openapi", "policies", "1x", "_x", "a.b", "x".repeat(65)];
    for (const id of ids) {
      const response = await send("GET", `/graphs/${id}/schema`);
      expect({ id, status: response.status }).toEqual({ id, status: 400 });
      expect(await envelope(response)).toMatchObject({ code: "bad_request" });
    }
    expect((await send("GET", `/graphs/${"x".repeat(64)}/schema`)).status).toBe(404);
  });
});

describe("parameters", () => {
  it("are decoded once in the path", async () => {
    const { send, harbor } = await testServer();
    harbor.branchNames.add("review/q3").add("a%2Fb");
    expect((await send("DELETE", "/graphs/harbor/branches/review%2Fq3")).status).toBe(200);
    expect((await send("DELETE", "/graphs/harbor/branches/a%252Fb")).status).toBe(200);
    expect((await send("DELETE", "/graphs/harbor/branches/%FF")).status).toBe(400);
    expect((await send("DELETE", "/graphs/harbor/branches/%20")).status).toBe(400);
  });

  it("are single in the query string, and unknown ones are ignored", async () => {
    const { send } = await testServer();
    expect((await send("GET", "/graphs/harbor/snapshot?branch=main&x=1&x=2")).status).toBe(200);
    const repeated = await send("GET", "/graphs/harbor/snapshot?branch=main&branch=main");
    expect(repeated.status).toBe(400);
    expect((await send("GET", "/graphs/harbor/snapshot?branch=%FF")).status).toBe(400);
    const blank = await send("GET", "/graphs/harbor/snapshot?branch=+");
    expect(await envelope(blank)).toEqual({ error: "branch name cannot be empty", code: "bad_request" });
  });

  it("are trimmed where they name a branch", async () => {
    const { send } = await testServer();
    const response = await send("GET", "/graphs/harbor/snapshot?branch=%20draft-7%20");
    expect(await response.json()).toMatchObject({ graph_branch: "draft-7" });
  });
});

describe("HEAD", () => {
  it("answers like GET, without the body", async () => {
    const { send } = await testServer();
    for (const path of ["/healthz", "/openapi.json", "/graphs/harbor/branches", "/graphs/nope/branches"]) {
      const get = await send("GET", path);
      const head = await send("HEAD", path);
      expect(head.status).toBe(get.status);
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
      expect(Number(head.headers.get("content-length"))).toBe((await get.arrayBuffer()).byteLength);
      expect(await head.text()).toBe("");
    }
  });
});

describe("failures that are nobody's request", () => {
  it("are logged, and hidden behind a fixed sentence", async () => {
    const { send, harbor, logged } = await testServer();
    harbor.during = async () => {
      throw new Error("s3://secret-bucket/key is on fire");
    };
    const response = await send("POST", "/graphs/harbor/mutate", { json: { query: "query m() { }" } });
    expect(response.status).toBe(500);
    expect(await envelope(response)).toEqual({
      error: "internal error; the server's log has the details",
      code: "internal",
    });
    expect(logged()).toContain("secret-bucket");
  });

  it("name no place in storage, whatever the route", async () => {
    const { send, harbor, logged } = await testServer();
    harbor.during = async () => {
      throw damaged("/srv/fleet.omni/segments/3/01X.arrow", "the segment is missing");
    };
    const response = await send("POST", "/graphs/harbor/mutate", { json: { query: "query m() { }" } });
    expect(response.status).toBe(500);
    expect(await envelope(response)).toEqual({
      error: "the storage of the graph failed or is damaged; the server's log has the details",
      code: "internal",
    });
    expect(logged()).toContain("/srv/fleet.omni/segments/3/01X.arrow");
  });
});

describe("the log of requests", () => {
  it("names the graph at info, and method, path and status at debug, but never a token", async () => {
    const { send, logged } = await testServer({ tokens: TOKENS, env: { OMNIGRAPH_LOG: "debug" } });
    await send("GET", "/graphs/harbor/branches", { token: "t1" });
    await send("GET", "/graphs/harbor/branches", { token: "stolen" });
    const text = logged();
    expect(text).toContain("graph routed graph_id=harbor");
    expect(text).toContain("policy decision actor_id=ops action=read allowed=true");
    expect(text).toMatch(
      /DEBUG request finished method=GET path=\/graphs\/harbor\/branches status=401 latency_ms=\d/,
    );
    expect(text).not.toMatch(/t1|stolen/);
  });
});
