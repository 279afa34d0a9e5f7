import { describe, expect, it } from "bun:test";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { decodeUtf8 } from "../../src/lib/utf8.ts";
import { memoryStorage } from "../../src/storage/index.ts";
import { expectRefused, HARBOUR, ports, refusal, testGraph, text } from "./support.ts";

describe("init", () => {
  it("leaves main with the genesis alone", async () => {
    const { graph } = await testGraph(HARBOUR);
    expect(await graph.branches()).toEqual(["main"]);
    const commits = await graph.commits();
    expect(commits).toHaveLength(1);
    expect(commits[0]).toMatchObject({
      graph_branch: null,
      graph_manifest_version: 1,
      parent_commit_id: null,
      merged_parent_commit_id: null,
      actor_id: null,
    });
    expect(commits[0].graph_commit_id).toHaveLength(26);
    expect((await graph.catalog()).source).toBe(HARBOUR);
  });

  it("refuses a root that holds a graph, with force too, and touches nothing", async () => {
    const { storage, graph } = await testGraph(HARBOUR);
    const other = "node Other { k: String @key }";
    await expectRefused(initGraph({ storage, ports, schemaSource: other }), 409, "already initialized");
    await expectRefused(
      initGraph({ storage, ports, schemaSource: other, force: true }),
      409,
      "force init refuses graph root",
    );
    expect((await graph.catalog()).source).toBe(HARBOUR);
  });

  it("has one winner of ten racers, whose schema is kept", async () => {
    const storage = memoryStorage(ports);
    const sources = Array.from({ length: 10 }, (_, i) => `node N${i} { k: String @key }`);
    const outcomes = await Promise.allSettled(
      sources.map((schemaSource) => initGraph({ storage, ports, schemaSource })),
    );
    const winners = outcomes.flatMap(({ status }, i) => (status === "fulfilled" ? [sources[i]] : []));
    expect(winners).toHaveLength(1);
    const graph = await openGraph({ storage, ports });
    expect((await graph.catalog()).source).toBe(winners[0]);
  });

  it("writes nothing for a schema that does not check", async () => {
    const storage = memoryStorage(ports);
    await expectRefused(initGraph({ storage, ports, schemaSource: "node {" }), 400, "parse error: ");
    expect((await storage.list("")).objects).toEqual([]);
    await expectRefused(openGraph({ storage, ports }), 404, "not found");
  });
});

describe("branches", () => {
  it("are listed by bytes, main in its place, and created only once", async () => {
    const { graph } = await testGraph(HARBOUR);
    for (const name of ["zeta", "alpha", "review", "review/july", "été/2"]) {
      expect(await graph.createBranch({ name, actor: "me" })).toMatchObject({
        from: "main",
        name,
        actor_id: "me",
      });
    }
    expect(await graph.branches()).toEqual(["alpha", "main", "review", "review/july", "zeta", "été/2"]);
    await expectRefused(
      graph.createBranch({ name: "zeta", actor: null }),
      409,
      "branch 'zeta' already exists",
    );
    await expectRefused(
      graph.createBranch({ name: "main", actor: null }),
      400,
      "cannot create branch 'main'",
    );
    await expectRefused(
      graph.createBranch({ name: "x", from: "nope", actor: null }),
      404,
      "branch 'nope' not found",
    );
  });

  for (const name of [
    "",
    "a b",
    "a//b",
    "/a",
    "a/",
    "..",
    "a..b",
    "x.lock",
    "a\\b",
    "__schema_apply_lock__",
    "é".repeat(300),
  ]) {
    it(`refuse the name ${JSON.stringify(name.slice(0, 20))}`, async () => {
      const { graph } = await testGraph(HARBOUR);
      expect((await refusal(graph.createBranch({ name, actor: null }))).status).toBe(400);
      expect(await graph.branches()).toEqual(["main"]);
    });
  }

  it("see what their source had at the fork, and nothing that came later", async () => {
    const { graph, mutate, rows } = await testGraph(HARBOUR);
    await mutate('insert Port { code: "A", name: "a" }');
    await graph.createBranch({ name: "one", actor: null });
    await mutate('insert Port { code: "B", name: "b" }', {}, "one");
    await graph.createBranch({ name: "two", from: "one", actor: null });
    await mutate('insert Port { code: "C", name: "c" }', {}, "one");
    await mutate('insert Port { code: "D", name: "d" }');
    const codes = async (branch: string) =>
      (await rows("match { $p: Port } return { $p.code } order { $p.code }", {}, { branch })).map(
        (row) => row["p.code"],
      );
    expect(await codes("main")).toEqual(["A", "D"]);
    expect(await codes("one")).toEqual(["A", "B", "C"]);
    expect(await codes("two")).toEqual(["A", "B"]);
    const inherited = await graph.commits("two");
    expect(inherited.map(({ graph_branch }) => graph_branch)).toEqual(["one", null, null]);
  });

  it("cannot go while another was forked from them, and main never", async () => {
    const { graph } = await testGraph(HARBOUR);
    await graph.createBranch({ name: "a", actor: null });
    await graph.createBranch({ name: "b", from: "a", actor: null });
    await expectRefused(
      graph.deleteBranch({ name: "a", actor: null }),
      409,
      "cannot delete branch 'a' because descendant branch 'b' still depends on it",
    );
    await graph.deleteBranch({ name: "b", actor: null });
    await graph.deleteBranch({ name: "a", actor: null });
    await expectRefused(graph.deleteBranch({ name: "a", actor: null }), 404, "branch 'a' not found");
    await expectRefused(
      graph.deleteBranch({ name: "main", actor: null }),
      400,
      "cannot delete branch 'main'",
    );
    expect(await graph.branches()).toEqual(["main"]);
  });

  it("of a deleted name come back empty of what was written on the earlier one, in every process", async () => {
    const { graph, reopen, mutate, rows } = await testGraph(HARBOUR);
    const other = await reopen();
    await graph.createBranch({ name: "draft", actor: null });
    await mutate('insert Port { code: "A", name: "a" }', {}, "draft");
    const count = { source: "query q() { match { $p: Port } return { count($p) as n } }", branch: "draft" };
    expect((await other.query(count)).rows()).toEqual([{ n: 1 }]);
    await graph.deleteBranch({ name: "draft", actor: null });
    await expectRefused(other.query(count), 404, "branch 'draft' not found");
    await graph.createBranch({ name: "draft", actor: null });
    expect((await other.query(count)).rows()).toEqual([{ n: 0 }]);
    expect(await rows("match { $p: Port } return { count($p) as n }", {}, { branch: "draft" })).toEqual([
      { n: 0 },
    ]);
  });
});

describe("deleting a branch", () => {
  it("takes nothing from who is reading it, though its name has another branch by then", async () => {
    const { graph, load, reopen } = await testGraph(HARBOUR);
    await graph.createBranch({ name: "draft", actor: null });
    const notes = Array.from({ length: 5_000 }, (_, i) => ({
      type: "Note",
      data: { id: String(i).padStart(4, "0"), text: "x".repeat(50) },
    }));
    await load(notes, "append", "draft");
    const reader = await reopen();
    const chunks = (await reader.export({ branch: "draft" }))[Symbol.asyncIterator]();
    const first = await chunks.next();
    await graph.deleteBranch({ name: "draft", actor: null });
    await graph.createBranch({ name: "draft", actor: null });
    const rest = await text({ [Symbol.asyncIterator]: () => chunks });
    const ids = `${decodeUtf8(first.value)}${rest}`
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).data.id);
    expect(ids).toEqual(notes.map(({ data }) => data.id));
    expect(await text(await reader.export({ branch: "draft" }))).toBe("");
  });

  it("leaves branches alone whose names begin with its own", async () => {
    const { graph } = await testGraph(HARBOUR);
    for (const name of ["review", "review/july"]) await graph.createBranch({ name, actor: null });
    await graph.deleteBranch({ name: "review", actor: null });
    expect(await graph.branches()).toEqual(["main", "review/july"]);
    await graph.createBranch({ name: "review", actor: null });
    await graph.deleteBranch({ name: "review/july", actor: null });
    expect(await graph.branches()).toEqual(["main", "review"]);
  });
});

describe("time travel", () => {
  it("shows the state of a commit, through counts and traversals", async () => {
    const { graph, load, rows } = await testGraph(HARBOUR);
    const first = await load([
      { type: "Ship", data: { imo: "IMO1", name: "a" } },
      { type: "Port", data: { code: "P", name: "p" } },
    ]);
    await load([{ edge: "CallsAt", from: "IMO1", to: "P" }]);
    const snapshot = first.commit?.graph_commit_id ?? "";
    const calls = "match { $s: Ship $s callsAt $p } return { $p.code }";
    expect(await rows(calls)).toHaveLength(1);
    expect(await rows(calls, {}, { snapshot })).toEqual([]);
    expect(await rows("match { $s: Ship } return { count($s) as n }", {}, { snapshot })).toEqual([{ n: 1 }]);
    expect(await text(await graph.export({ snapshot }))).not.toContain("CallsAt");
    await expectRefused(rows(calls, {}, { snapshot, branch: "main" }), 400, "branch or snapshot, not both");
    await expectRefused(
      rows(calls, {}, { snapshot: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }),
      404,
      "commit '01ARZ3NDEKTSV4RRFFQ69G5FAV' not found",
    );
  });

  it("reaches every commit of a long history", async () => {
    const { graph, mutate, rows } = await testGraph(HARBOUR);
    for (let i = 0; i < 60; i++) await mutate(`insert Port { code: "P${i}", name: "p" }`);
    const commits = await graph.commits();
    expect(commits).toHaveLength(61);
    for (const commit of [commits[60], commits[40], commits[17], commits[1]]) {
      expect(
        await rows("match { $p: Port } return { count($p) as n }", {}, { snapshot: commit.graph_commit_id }),
      ).toEqual([{ n: commit.graph_manifest_version - 1 }]);
      expect(await graph.commit(commit.graph_commit_id)).toEqual(commit);
    }
  });
});

describe("a snapshot", () => {
  it("lists every declared type, edges first, with exact counts and versions that move with the type", async () => {
    const { graph, load, reopen } = await testGraph(HARBOUR);
    await load([{ type: "Port", data: { code: "P", name: "p" } }]);
    const { commit } = await load([
      { type: "Port", data: { code: "P", name: "again" } },
      { type: "Note", data: { text: "n" } },
    ]);
    const { datasets, ...head } = await graph.snapshot({});
    expect(head).toEqual({
      graph_branch: "main",
      graph_manifest_version: 3,
      internal_schema_version: 1,
      graph_commit_id: commit?.graph_commit_id ?? "",
    });
    expect(
      datasets.map((d) => [d.entity_kind, d.type_name, d.entity_count, d.published_dataset_version]),
    ).toEqual([
      ["edge", "CallsAt", 0, 1],
      ["node", "Note", 1, 3],
      ["node", "Port", 1, 3],
      ["node", "Ship", 0, 1],
    ]);
    expect(await (await reopen()).snapshot({})).toEqual({ datasets, ...head });
  });
});
