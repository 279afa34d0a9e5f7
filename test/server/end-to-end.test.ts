// The routes over a real graph: what a client of a served cluster sees.

import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { openGraph } from "../../src/engine/index.ts";
import type { CommitOutput } from "../../src/engine/outputs.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { openStorage } from "../../src/storage/index.ts";
import {
  appliedCluster,
  cleanUp,
  HARBOR_SCHEMA,
  type ServedCluster,
  serveCluster,
} from "./support/cluster.ts";
import { bundle, MAYA, OLEG, TOKENS } from "./support/policies.ts";

const ALL_ACTIONS = [
  "read",
  "export",
  "change",
  "branch_create",
  "branch_delete",
  "branch_merge",
  "invoke_query",
];
const G = "/graphs/harbor";
const PRECONDITION = "Omnigraph-If-Graph-Commit";

let cluster: ServedCluster;
/** Where the graph is kept. */
let root = "";
beforeAll(async () => {
  const folder = await appliedCluster({
    policies: {
      crew: { text: bundle([{ group: "curators", actions: ALL_ACTIONS }]), appliesTo: ["harbor"] },
      gate: { text: bundle([{ group: "stewards", actions: ["graph_list"] }]), appliesTo: ["cluster"] },
    },
  });
  root = `${folder}/graphs/harbor.omni`;
  cluster = await serveCluster(folder, {}, { OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: JSON.stringify(TOKENS) });
});
afterAll(cleanUp);

const send = (method: string, path: string, json?: unknown, headers: Record<string, string> = {}) =>
  cluster.send(method, G + path, { token: OLEG, json, headers });
const load = (path: string, lines: readonly unknown[]) =>
  cluster.send("POST", `${G}/load/ndjson${path}`, {
    token: OLEG,
    body: lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
    headers: { "content-type": "application/x-ndjson" },
  });
const body = async (response: Promise<Response>) =>
  (await (await response).json()) as Record<string, unknown>;
const vessel = (imo: string, name: string, flag?: string) => ({ type: "Vessel", data: { imo, name, flag } });

const insert = (imo: string, name = "Aurora") => ({
  query: "query add($imo: String, $name: String) { insert Vessel { imo: $imo, name: $name } }",
  params: { imo, name },
});
const rename = (imo: string, name: string) => ({
  query: "query rename($imo: String, $n: String) { update Vessel set { name: $n } where imo = $imo }",
  params: { imo, n: name },
});
const names = (imo: string) => ({
  query: "query one($imo: String) { match { $v: Vessel { imo: $imo } } return { $v.name } }",
  params: { imo },
});
const nameOf = async (imo: string, branch = "main"): Promise<string | null> => {
  const { rows } = await body(send("POST", "/query", { ...names(imo), branch }));
  return (rows as { "v.name": string }[])[0]?.["v.name"] ?? null;
};
const head = async (branch = "main") =>
  ((await body(send("GET", `/commits?branch=${branch}`))).commits as CommitOutput[])[0]?.graph_commit_id ??
  "";

describe("a served graph", () => {
  it("is listed with its root for those who may list", async () => {
    const list = await cluster.send("GET", "/graphs", { token: MAYA });
    expect(await list.json()).toEqual({
      graphs: [{ graph_id: "harbor", uri: expect.stringMatching(/graphs\/harbor\.omni$/) }],
    });
    expect((await cluster.send("GET", "/graphs", { token: OLEG })).status).toBe(403);
  });

  it("shows its schema and its types", async () => {
    expect(await body(send("GET", "/schema"))).toEqual({ schema_source: HARBOR_SCHEMA });
    const snapshot = await body(send("GET", "/snapshot"));
    expect(Object.keys(snapshot)).toEqual([
      "graph_branch",
      "graph_manifest_version",
      "internal_schema_version",
      "datasets",
      "graph_commit_id",
    ]);
    expect((snapshot.datasets as { type_name: string }[]).map(({ type_name }) => type_name)).toEqual([
      "DockedAt",
      "Port",
      "Vessel",
    ]);
  });
});

describe("loading and reading over HTTP", () => {
  it("lands a mixed batch as one commit of the token's actor", async () => {
    const before = (await body(send("GET", "/commits"))).commits as CommitOutput[];
    const loaded = await body(
      load("?mode=append", [
        { edge: "DockedAt", from: "L1", to: "NOBGO" },
        vessel("L1", "Aurora", "NO"),
        { type: "Port", data: { code: "NOBGO" } },
      ]),
    );
    expect(loaded).toMatchObject({
      branch: "main",
      base_branch: null,
      branch_created: false,
      mode: "append",
      nodes: [
        { name: "Port", entities_loaded: 1 },
        { name: "Vessel", entities_loaded: 1 },
      ],
      edges: [{ name: "DockedAt", entities_loaded: 1 }],
      total_entities: 3,
      actor_id: "act-oleg",
    });
    const after = (await body(send("GET", "/commits"))).commits as CommitOutput[];
    expect(after).toHaveLength(before.length + 1);
    expect(after[0]).toEqual(loaded.commit as CommitOutput);
  });

  it("lands nothing of a batch with a bad line, and names the line", async () => {
    const before = await head();
    for (const line of [
      "not-json",
      '{"type":"Port","data":{"code":"A","code":"B"}}',
      '{"type":"Port","data":{"code":"A"},"shiny":1}',
      '{"type":"Port","data":{"code":"A","depth":3}}',
      '{"type":"Port","data":{"code":"A","id":"B"}}',
      '{"edge":"DockedAt","from":"L2","to":"NOBGO","data":{"src":"L2"}}',
    ]) {
      const response = await load("", [vessel("L2", "Borealis"), line]);
      expect({ line, status: response.status }).toEqual({ line, status: 400 });
      expect(((await response.json()) as { error: string }).error).toContain("line 2");
    }
    expect(await head()).toBe(before);
    expect(await nameOf("L2")).toBeNull();
  });

  it("forks the branch that a load names a base for", async () => {
    const created = await body(load("?branch=intake&from=main", [vessel("L3", "Carina")]));
    expect(created).toMatchObject({ branch_created: true, base_branch: "main" });
    expect([await nameOf("L3", "intake"), await nameOf("L3")]).toEqual(["Carina", null]);
    const missing = await load("?branch=nowhere", [vessel("L4", "Dione")]);
    expect([missing.status, ((await missing.json()) as { error: string }).error]).toEqual([
      404,
      "branch 'nowhere' not found; pass `from` to create it",
    ]);
  });

  it("answers a query with the head it was answered from", async () => {
    const read = await body(send("POST", "/query", names("L1")));
    expect(read).toEqual({
      query_name: "one",
      target: { branch: "main", snapshot: null },
      row_count: 1,
      columns: ["v.name"],
      rows: [{ "v.name": "Aurora" }],
      graph_commit_id: await head(),
    });
    const { graph_commit_id: _, ...legacy } = read;
    const { query: query_source, params } = names("L1");
    expect(await body(send("POST", "/read", { query_source, params }))).toEqual(legacy);
  });

  it("refuses what does not fit, by the name of what is wrong", async () => {
    const refused = async (json: unknown) => {
      const response = await send("POST", "/query", json);
      expect(response.status).toBe(400);
      return String(((await response.json()) as { error: string }).error);
    };
    expect(await refused({ query: insert("x").query, params: insert("x").params })).toMatch(
      /query 'add' contains mutations.*POST \/mutate/,
    );
    expect(await refused({ ...names("x"), params: { imo: 7 } })).toContain(
      "param 'imo': expected string, got number",
    );
    expect(
      await refused({ query: `${names("x").query} ${names("x").query.replace("one", "two")}` }),
    ).toContain("query file contains multiple queries");
    expect(await refused({ ...names("x"), name: "nope" })).toContain("query 'nope' not found");
    expect(await refused({ query: "query broken( {" })).toMatch(/line 1|1:\d+/);
    const snapshot = await send("POST", "/query", { ...names("L1"), snapshot: "01K2ZJ6Q3V8E5T0M4RYB7WNXHC" });
    expect(snapshot.status).toBe(404);
  });

  it("exports what a load takes", async () => {
    const exported = await send("POST", "/export", { type_names: ["Port"] });
    expect(exported.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(await exported.text()).toBe('{"type":"Port","data":{"id":"NOBGO","code":"NOBGO"}}\n');
    const unknown = await send("POST", "/export", { type_names: ["Nope"] });
    expect([unknown.status, ((await unknown.json()) as { error: string }).error]).toEqual([
      400,
      "unknown export type 'Nope'",
    ]);
  });
});

describe("writing over HTTP", () => {
  it("answers with exactly the commit that it published, or none", async () => {
    const written = await body(send("POST", "/mutate", insert("W1")));
    expect(written).toMatchObject({
      branch: "main",
      query_name: "add",
      affected_nodes: 1,
      actor_id: "act-oleg",
    });
    const { graph_commit_id: id } = written.commit as CommitOutput;
    expect(await body(send("GET", `/commits/${id}`))).toEqual(written.commit as Record<string, unknown>);
    const nothing = await body(send("POST", "/mutate", rename("no such vessel", "X")));
    expect(nothing).toMatchObject({ affected_nodes: 0, commit: null });
    expect(await head()).toBe(id);
  });

  it("lands concurrent inserts of distinct vessels all", async () => {
    const responses = await Promise.all(
      Array.from({ length: 12 }, (_, index) => send("POST", "/mutate", insert(`C${index}`))),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(12).fill(200));
    for (let index = 0; index < 12; index++) expect(await nameOf(`C${index}`)).toBe("Aurora");
  });

  it("lands concurrent inserts of two types all", async () => {
    const port = (code: string) => ({
      query: "query port($code: String) { insert Port { code: $code } }",
      params: { code },
    });
    const writes = Array.from({ length: 4 }, (_, index) => [insert(`T${index}`), port(`T${index}`)]).flat();
    const responses = await Promise.all(writes.map((write) => send("POST", "/mutate", write)));
    expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(200));
  });

  it("loses no concurrent update: each is in history once, or was refused with the race it lost", async () => {
    await send("POST", "/mutate", insert("U1", "start"));
    const before = ((await body(send("GET", "/commits"))).commits as CommitOutput[]).length;
    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, index) => send("POST", "/mutate", rename("U1", `writer ${index}`))),
    );
    const landed = responses.filter(({ status }) => status === 200).length;
    for (const response of responses.filter(({ status }) => status !== 200)) {
      expect(response.status).toBe(409);
      const { read_set_conflict: race } = (await response.json()) as {
        read_set_conflict: Record<string, string>;
      };
      expect(race.member).toBe("graph_head:main");
      expect(race.expected).not.toBe(race.actual);
    }
    const after = ((await body(send("GET", "/commits"))).commits as CommitOutput[]).length;
    expect(after).toBe(before + landed);
    expect(await nameOf("U1")).toMatch(/^writer \d$/);
  });

  it("sees what another process committed, and writes on top of it", async () => {
    await send("POST", "/mutate", insert("X1", "mine"));
    const other = await openGraph({ storage: await openStorage(root, systemPorts()), ports: systemPorts() });
    const { query: source, params } = rename("X1", "theirs");
    await other.mutate({ source, params, actor: "elsewhere" });
    await other.close();
    expect(await nameOf("X1")).toBe("theirs");
    expect((await send("POST", "/mutate", rename("X1", "mine again"))).status).toBe(200);
    expect(await nameOf("X1")).toBe("mine again");
  });

  it("lets a write through only while the head is the one it names", async () => {
    await send("POST", "/mutate", insert("P1", "before"));
    const stale = await head();
    await send("POST", "/mutate", insert("P2"));
    const current = await head();
    const lost = await send("POST", "/mutate/if-graph-commit", rename("P1", "lost"), {
      [PRECONDITION]: stale,
    });
    expect(lost.status).toBe(412);
    expect(await lost.json()).toEqual({
      error: `precondition failed on branch 'main': expected head '${stale}' but current is ${current}`,
      precondition_failure: { expected: stale, actual: current },
    });
    expect(await nameOf("P1")).toBe("before");
    const won = await send("POST", "/mutate/if-graph-commit", rename("P1", "after"), {
      [PRECONDITION]: current,
    });
    expect(won.status).toBe(200);
    expect(await nameOf("P1")).toBe("after");
  });

  it("takes the inherited head for the first conditional write on a fresh branch", async () => {
    await send("POST", "/branches", { name: "fresh" });
    const inherited = (await body(send("POST", "/query", { ...names("P1"), branch: "fresh" })))
      .graph_commit_id;
    expect(inherited).toBe(await head());
    const path = "/queries/add_vessel/if-graph-commit";
    const json = { params: { imo: "F1", name: "Fresh" }, branch: "fresh" };
    const first = await send("POST", path, json, { [PRECONDITION]: String(inherited) });
    expect(first.status).toBe(200);
    expect((await send("POST", path, json, { [PRECONDITION]: String(inherited) })).status).toBe(412);
  });

  it("runs stored queries by name", async () => {
    const added = await send("POST", "/queries/add_vessel", { params: { imo: "S1", name: "Stored" } });
    expect(added.status).toBe(200);
    const read = await body(send("POST", "/queries/by_flag", { params: { flag: "NO" } }));
    expect(read.rows).toEqual([{ "v.imo": "L1", "v.name": "Aurora" }]);
  });
});

describe("branches over HTTP", () => {
  it("are created, read, merged into main and deleted", async () => {
    expect(await body(send("POST", "/branches", { name: "review/q3" }))).toMatchObject({
      from: "main",
      name: "review/q3",
      actor_id: "act-oleg",
    });
    expect((await send("POST", "/branches", { name: "review/q3" })).status).toBe(409);
    await send("POST", "/mutate", { ...insert("B1", "Branched"), branch: "review/q3" });
    expect([await nameOf("B1", "review/q3"), await nameOf("B1")]).toEqual(["Branched", null]);
    expect((await body(send("GET", "/branches"))).branches).toContain("review/q3");
    const merged = await body(send("POST", "/branches/merge", { source: "review/q3", delete_branch: true }));
    expect(merged).toEqual({
      source: "review/q3",
      target: "main",
      outcome: "fast_forward",
      actor_id: "act-oleg",
      branch_deleted: true,
    });
    expect(await nameOf("B1")).toBe("Branched");
    expect((await body(send("GET", "/branches"))).branches).not.toContain("review/q3");
    const [commit] = (await body(send("GET", "/commits"))).commits as CommitOutput[];
    expect(commit).toMatchObject({ actor_id: "act-oleg", graph_branch: null });
  });

  it("are refused by their names' rules before anything happens", async () => {
    expect((await send("POST", "/branches", { name: "main" })).status).toBe(400);
    expect((await send("POST", "/branches", { name: "a b" })).status).toBe(400);
    expect((await send("POST", "/branches", { name: "x", from: "nope" })).status).toBe(404);
    expect((await send("DELETE", "/branches/main")).status).toBe(400);
    expect((await send("DELETE", "/branches/nope")).status).toBe(404);
    expect((await send("POST", "/branches/merge", { source: "main" })).status).toBe(400);
  });

  it("keep a source that another branch hangs on, and name that branch", async () => {
    await send("POST", "/branches", { name: "parent" });
    await send("POST", "/mutate", { ...insert("D1"), branch: "parent" });
    await send("POST", "/branches", { name: "child", from: "parent" });
    const merged = await body(send("POST", "/branches/merge", { source: "parent", delete_branch: true }));
    expect(merged).toMatchObject({
      branch_deleted: false,
      branch_delete_error: expect.stringContaining("'child'"),
    });
    const refused = await send("DELETE", "/branches/parent");
    expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([
      409,
      "cannot delete branch 'parent' because descendant branch 'child' still depends on it",
    ]);
  });

  it("report the conflicts of a merge and leave the target as it was", async () => {
    await send("POST", "/mutate", insert("M1", "base"));
    await send("POST", "/branches", { name: "diverged" });
    await send("POST", "/mutate", { ...rename("M1", "theirs"), branch: "diverged" });
    await send("POST", "/mutate", rename("M1", "ours"));
    const conflicted = await send("POST", "/branches/merge", { source: "diverged" });
    expect(conflicted.status).toBe(409);
    expect(await conflicted.json()).toMatchObject({
      code: "conflict",
      merge_conflicts: [
        {
          entity_kind: "node",
          type_name: "Vessel",
          entity_id: "M1",
          kind: "divergent_update",
          table_key: "node:Vessel",
          row_id: "M1",
        },
      ],
    });
    expect(await nameOf("M1")).toBe("ours");
  });
});
