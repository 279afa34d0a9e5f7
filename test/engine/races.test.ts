// Commits that land between the moment a write is prepared and the moment it is published, each placed by hand.

import { describe, expect, it } from "bun:test";
import { expectRefused, HARBOUR, interrupted, testGraph } from "./support.ts";

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
