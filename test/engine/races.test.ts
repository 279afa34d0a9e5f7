// Commits that land between the moment a write is prepared and the moment it is published, each placed by hand.

import { describe, expect, it } from "bun:test";
import { expectRefused, HARBOUR, interrupted, ndjson, refusal, testGraph } from "./support.ts";

const ship = (imo: string) => ({ type: "Ship", data: { imo, name: imo } });
const PORT = { type: "Port", data: { code: "P", name: "P" } };

describe("an overwrite that drops a node", () => {
  it("is refused when the first edge of its type came to that node meanwhile", async () => {
    const graph = await testGraph(HARBOUR);
    await graph.load([ship("IMO1"), PORT]);
    const writer = await interrupted(graph, () => graph.mutate('insert CallsAt { from: "IMO1", to: "P" }'));
    await expectRefused(
      writer.load([ship("IMO2")], "overwrite"),
      409,
      "reprepare from the current branch state",
    );
    expect(await graph.rows("match { $s: Ship $s callsAt $p } return { $s.imo }")).toEqual([
      { "s.imo": "IMO1" },
    ]);
  });
});

describe("a merge that drops a node", () => {
  it("is a conflict when the first edge of its type came to that node meanwhile", async () => {
    const graph = await testGraph(HARBOUR);
    await graph.load([ship("IMO1"), PORT]);
    await graph.graph.createBranch({ name: "side", actor: null });
    await graph.mutate('delete Ship where imo = "IMO1"', {}, "side");
    const merger = await interrupted(graph, () => graph.mutate('insert CallsAt { from: "IMO1", to: "P" }'));
    await expectRefused(merger.graph.merge({ source: "side", actor: null }), 409, "orphan_edge");
  });
});

describe("a merge that was a fast forward when it was prepared", () => {
  it("is told as merged when the target moved meanwhile", async () => {
    const graph = await testGraph(HARBOUR);
    await graph.graph.createBranch({ name: "side", actor: null });
    await graph.load([ship("IMO1")], "merge", "side");
    const merger = await interrupted(graph, () => graph.load([PORT]));
    expect((await merger.graph.merge({ source: "side", actor: null })).outcome).toBe("merged");
  });
});

describe("a merge of what was merged meanwhile", () => {
  it("is told that everything is there, also where the branch changed nothing in the end", async () => {
    const graph = await testGraph(HARBOUR);
    await graph.load([ship("IMO1")]);
    await graph.graph.createBranch({ name: "side", actor: null });
    for (const name of ["other", "IMO1"]) {
      const data = { imo: "IMO1", name };
      await graph.load([{ type: "Ship", data }], "merge", "side");
    }
    const merge = { source: "side", actor: null };
    const merger = await interrupted(graph, () => graph.graph.merge(merge));
    expect((await merger.graph.merge(merge)).outcome).toBe("already_up_to_date");
    expect(await graph.graph.commits()).toHaveLength(3);
  });
});

describe("an overwrite that finds a new entity of its type", () => {
  it("is refused with what it lost to, and the entity survives", async () => {
    const graph = await testGraph(HARBOUR);
    const { commit: seen } = await graph.load([ship("IMO1")]);
    let landed = "";
    const writer = await interrupted(graph, async () => {
      landed = (await graph.load([ship("IMO2")], "append")).commit?.graph_commit_id ?? "";
    });
    const { status, details } = await refusal(writer.load([ship("IMO3")], "overwrite"));
    expect(status).toBe(409);
    expect(details).toEqual({
      read_set_conflict: {
        member: "graph_head:main",
        expected: seen?.graph_commit_id ?? "",
        actual: landed,
      },
      manifest_conflict: { table_key: "node:Ship", expected: 2, actual: 3 },
      published_dataset_version_conflict: {
        entity_kind: "node",
        type_name: "Ship",
        expected_published_dataset_version: 2,
        actual_published_dataset_version: 3,
      },
    });
    expect(await graph.rows("match { $s: Ship } return { $s } order { $s.imo }")).toEqual([
      { s: "IMO1" },
      { s: "IMO2" },
    ]);
  });

  it("lands beside a new entity of another type", async () => {
    const graph = await testGraph(HARBOUR);
    await graph.load([ship("IMO1")]);
    const writer = await interrupted(graph, () => graph.load([PORT], "append"));
    await writer.load([ship("IMO3")], "overwrite");
    expect(await graph.rows("match { $s: Ship } return { $s }")).toEqual([{ s: "IMO3" }]);
    expect(await graph.rows("match { $p: Port } return { $p }")).toEqual([{ p: "P" }]);
  });
});

describe("an append that finds its id taken meanwhile", () => {
  it("is a key conflict, and never an upsert", async () => {
    const graph = await testGraph(HARBOUR);
    const writer = await interrupted(graph, () => graph.load([PORT], "append"));
    const other = { type: "Port", data: { code: "P", name: "other" } };
    const { status, details } = await refusal(writer.load([other], "append"));
    expect(status).toBe(409);
    expect(details.key_conflict).toEqual({ entity_kind: "node", type_name: "Port", entity_id: "P" });
    expect(await graph.rows("match { $p: Port } return { $p.name }")).toEqual([{ "p.name": "P" }]);
  });

  it("has one winner of sixteen at once, and fifteen key conflicts", async () => {
    const { graph, reopen, rows } = await testGraph(HARBOUR);
    const processes = [graph, await reopen(), await reopen()];
    const loads = Array.from({ length: 16 }, (_, i) => {
      const line = { type: "Port", data: { code: "P", name: `${i}` } };
      return processes[i % 3].load({ data: () => ndjson([line]), mode: "append", actor: `${i}` });
    });
    const settled = await Promise.allSettled(loads);
    const winners = settled.flatMap((each, i) => (each.status === "fulfilled" ? [i] : []));
    expect(winners).toHaveLength(1);
    for (const [i, load] of loads.entries()) {
      if (i === winners[0]) continue;
      expect((await refusal(load)).details.key_conflict?.entity_id).toBe("P");
    }
    expect(await rows("match { $p: Port } return { $p.name }")).toEqual([{ "p.name": `${winners[0]}` }]);
    expect(await graph.commits()).toHaveLength(2);
  });
});

describe("a query that runs while a hundred commits land", () => {
  it("answers from one commit", async () => {
    const { graph, load, mutate } = await testGraph("node P { n: I64 @key }\nedge E: P -> P\n");
    const nodes = Array.from({ length: 400 }, (_, n) => ({ type: "P", data: { n } }));
    const edges = Array.from({ length: 40_000 }, (_, i) => ({
      edge: "E",
      from: `${i % 400}`,
      to: `${(i * 7 + Math.floor(i / 400)) % 400}`,
    }));
    await load([...nodes, ...edges]);
    const source = "query q() { match { $a: P $a e $b $b e $c } return { $a.n, count($c) as paths } }";
    const running = graph.query({ source });
    for (let i = 0; i < 100; i++) await mutate(`insert E { from: "1", to: "${i}" }`);
    const during = await running;
    const again = await graph.query({ source, snapshot: during.graphCommitId ?? "" });
    expect(during.rows()).toEqual(again.rows());
    expect(during.graphCommitId).not.toBe((await graph.commits())[0].graph_commit_id);
  });
});
