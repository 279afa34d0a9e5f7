import { describe, expect, it } from "bun:test";
import type { LoadReader } from "../../../src/engine/graph.ts";
import type { LoadMode } from "../../../src/engine/outputs.ts";
import { expectRefused, ndjson, refusal, type TestGraph, testGraph } from "../support.ts";

const SCHEMA = `node A { name: String @key  mail: String? @unique }
node Day { day: Date @key }
node Free { text: String? }
edge E: A -> A
edge Few: A -> A @card(1..2)
edge On: A -> Day @card(0..1)
`;

const a = (name: string, mail: string | null = null) => ({ type: "A", data: { name, mail } });
const edge = (kind: string, from: string, to: string, id?: string) => ({
  edge: kind,
  from,
  to,
  data: { id },
});

/** A graph of two nodes with an edge of each kind. */
async function graph(): Promise<TestGraph> {
  const made = await testGraph(SCHEMA);
  await made.load([
    a("x", "x@a"),
    a("y"),
    { type: "Free", data: { id: "free" } },
    edge("E", "x", "y", "e"),
    edge("Few", "x", "y", "few"),
  ]);
  return made;
}

function permissively({ graph }: TestGraph, lines: readonly (object | string)[], mode: LoadMode = "merge") {
  const reader: LoadReader = "permissive";
  return graph.load({ data: () => ndjson(lines), mode, reader, actor: null });
}

describe("a rule that is judged when all is read", () => {
  it.each<[string, string, LoadMode, readonly (object | string)[], string]>([
    [
      "an end that is nowhere",
      "E",
      "append",
      [a("z"), "", edge("E", "z", "nowhere"), edge("E", "nowhere", "z")],
      "line 3: dst 'nowhere' not found in A",
    ],
    [
      "the end of the last record of an id",
      "E",
      "merge",
      [edge("E", "x", "nowhere", "e"), edge("E", "x", "y", "e"), edge("E", "nowhere", "y", "f")],
      "line 3: src 'nowhere' not found in A",
    ],
    ["a key that the graph has", "A", "append", [a("z"), a("x")], "line 2: node type 'A' already has id 'x'"],
    [
      "an id of a node that the graph has",
      "Free",
      "append",
      ["", { type: "Free", data: { id: "free" } }],
      "line 2: node type 'Free' already has id 'free'",
    ],
    [
      "an id of an edge that the graph has",
      "E",
      "append",
      [edge("E", "x", "y"), edge("E", "y", "x", "e")],
      "line 2: edge type 'E' already has id 'e'",
    ],
    [
      "a value that another entity of the graph holds",
      "A",
      "merge",
      [a("z", "z@a"), a("w", "x@a")],
      "line 2: @unique violation on A.mail: value 'x@a' held by 'w' and 'x'",
    ],
    [
      "one edge too many",
      "Few",
      "append",
      [edge("Few", "y", "x"), edge("Few", "x", "x"), edge("Few", "x", "y"), edge("Few", "y", "y")],
      "line 3: @card violation on edge Few: source 'x' has 3 edges (max 2)",
    ],
  ])("names the line of %s", async (_, type, mode, lines, message) => {
    const { load } = await graph();
    const error = await refusal(load(lines, mode));
    expect(error.message).toBe(message);
    expect(error.details.load_error).toEqual({ line: Number(/\d+/.exec(message)), type_name: type });
    // The same with more before it.
    const shifted = (await refusal(load(["", "", ...lines], mode))).message;
    expect(shifted).toBe(message.replace(/\d+/, (line) => String(Number(line) + 2)));
  });

  it("names none where it is about what the batch leaves out", async () => {
    const { load } = await graph();
    const dropped = await refusal(load([a("y")], "overwrite"));
    expect(dropped.message).toBe("src 'x' not found in A");
    expect(dropped.details.load_error).toBeUndefined();
    const moved = await refusal(load([edge("Few", "y", "x", "few")]));
    expect(moved.message).toBe("@card violation on edge Few: source 'x' has 0 edges (min 1)");
  });

  it("names the record of a permissive load, as its ends were spelled", async () => {
    const made = await graph();
    const day = { type: "Day", data: { id: "2024-02-29", day: "2024-02-29" } };
    await expectRefused(
      permissively(made, [day, edge("On", "x", "2024-02-29"), "\n\n", edge("On", "x", "19782")]),
      400,
      "record 3: @card violation on edge On: source 'x' has 2 edges (max 1)",
    );
    const failed = await refusal(permissively(made, [day, edge("On", "y", "2024-03-01")]));
    expect(failed.message).toBe("record 2: dst '2024-03-01' not found in Day");
    expect(failed.details.load_error).toBeUndefined();
  });

  it("keeps what clients match on", async () => {
    const { load } = await graph();
    const error = await refusal(load([a("x")], "append"));
    expect(error.toEnvelope()).toEqual({
      error: "line 1: node type 'A' already has id 'x'",
      code: "conflict",
      key_conflict: { entity_kind: "node", type_name: "A", entity_id: "x" },
      load_error: { line: 1, type_name: "A" },
    });
  });
});

describe("an overwrite of edges", () => {
  it("leaves none of the nodes that stay with too few", async () => {
    const { load, rows } = await graph();
    await load([edge("Few", "y", "x")], "append");
    await expectRefused(
      load([edge("Few", "y", "y")], "overwrite"),
      400,
      "@card violation on edge Few: source 'x' has 0 edges (min 1)",
    );
    // A node that goes with its edges is not missed.
    await load([a("y"), edge("Few", "y", "y"), edge("E", "y", "y")], "overwrite");
    expect(await rows("match { $a: A $a few $b } return { $a, $b }")).toEqual([{ a: "y", b: "y" }]);
  });
});
