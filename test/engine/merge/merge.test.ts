import { describe, expect, it } from "bun:test";
import { mergeEntity } from "../../../src/engine/merge/index.ts";
import type { Row } from "../../../src/store/types.ts";
import { expectRefused, refusal, type TestGraph, testGraph, text } from "../support.ts";

const SCHEMA = `
node Ship { imo: String @key  x: String?  mail: String? @unique }
node Port { code: String @key }
edge CallsAt: Ship -> Port @card(0..2)
`;

/** Ships A and B, port P, one call B -> P, and a branch of it. */
async function harbour(): Promise<TestGraph> {
  const graph = await testGraph(SCHEMA);
  await graph.load([
    { type: "Ship", data: { imo: "A", x: "base" } },
    { type: "Ship", data: { imo: "B" } },
    { type: "Port", data: { code: "P" } },
    { edge: "CallsAt", from: "B", to: "P", data: { id: "b-p" } },
  ]);
  await graph.graph.createBranch({ name: "side", actor: null });
  return graph;
}

const merge = ({ graph }: TestGraph) => graph.merge({ source: "side", actor: "merger" });

const row = (x: string): Row => ({ id: "A", src: null, dst: null, values: [x] });

describe("the truth table of a merge", () => {
  const b = row("b");
  const x = row("x");
  const y = row("y");
  const cases: [string, Row | null, Row | null, Row | null, ReturnType<typeof mergeEntity>][] = [
    ["- - -", null, null, null, { kind: "keep" }],
    ["- x -", null, x, null, { kind: "take", row: x }],
    ["- - y", null, null, y, { kind: "keep" }],
    ["- x x", null, x, row("x"), { kind: "keep" }],
    ["- x y", null, x, y, { kind: "conflict", conflict: "divergent_insert" }],
    ["b b b", b, row("b"), row("b"), { kind: "keep" }],
    ["b x b", b, x, row("b"), { kind: "take", row: x }],
    ["b b y", b, row("b"), y, { kind: "keep" }],
    ["b x x", b, x, row("x"), { kind: "keep" }],
    ["b x y", b, x, y, { kind: "conflict", conflict: "divergent_update" }],
    ["b - b", b, null, row("b"), { kind: "take", row: null }],
    ["b b -", b, row("b"), null, { kind: "keep" }],
    ["b - -", b, null, null, { kind: "keep" }],
    ["b - y", b, null, y, { kind: "conflict", conflict: "delete_vs_update" }],
    ["b x -", b, x, null, { kind: "conflict", conflict: "delete_vs_update" }],
  ];
  for (const [name, base, source, target, verdict] of cases) {
    it(`says ${verdict.kind === "conflict" ? verdict.conflict : verdict.kind} for base, source, target = ${name}`, () => {
      expect(mergeEntity(base, source, target)).toEqual(verdict);
    });
  }
});

type Operation = "nothing" | "add E" | "delete A" | "add A-P" | "delete B-P" | "set A.x" | "net zero";
const STATEMENTS: Record<Operation, readonly string[]> = {
  nothing: [],
  "add E": ['insert Ship { imo: "E", x: "SIDE" }'],
  "delete A": ['delete Ship where imo = "A"'],
  "add A-P": ['insert CallsAt { from: "A", to: "P" }'],
  "delete B-P": ['delete CallsAt where from = "B"'],
  "set A.x": ['update Ship set { x: "SIDE" } where imo = "A"'],
  "net zero": [
    'update Ship set { x: "other" } where imo = "A"',
    'update Ship set { x: "base" } where imo = "A"',
  ],
};
const OPERATIONS = Object.keys(STATEMENTS) as Operation[];

/** Outcome, or the kinds of conflict, of each source operation against each target operation. */
function expected(source: Operation, target: Operation): string {
  if (source === "nothing") return "already_up_to_date";
  if (target === "nothing") return "fast_forward";
  const pair = [source, target];
  if (source === "add E" && target === "add E") return "divergent_insert E";
  if (source === "set A.x" && target === "set A.x") return "divergent_update A";
  if (pair.includes("delete A") && pair.includes("set A.x")) return "delete_vs_update A";
  if (pair.includes("delete A") && pair.includes("add A-P")) return "orphan_edge";
  return "merged";
}

/** Ships with their values, and the ends of the calls. */
async function contents({ graph, rows }: TestGraph) {
  const exported = (await text(await graph.export({ typeNames: ["CallsAt"] }))).trimEnd();
  const calls = exported === "" ? [] : exported.split("\n").map((line) => JSON.parse(line));
  return {
    ships: await rows("match { $s: Ship } return { $s.imo, $s.x } order { $s.imo }"),
    calls: calls.map(({ from, to }) => `${from} ${to}`).sort(),
  };
}

/** What both did, one after the other on one branch; what changes nothing in the end comes first. */
async function afterBoth(source: Operation, target: Operation) {
  const fixture = await harbour();
  const steps = [
    { operation: source, side: "source" },
    { operation: target, side: "target" },
  ].toSorted((a, b) => Number(b.operation === "net zero") - Number(a.operation === "net zero"));
  for (const { operation, side } of steps) {
    for (const statement of STATEMENTS[operation]) {
      await fixture.mutate(statement.replaceAll("SIDE", side));
    }
  }
  return contents(fixture);
}

describe("the operation matrix", () => {
  for (const source of OPERATIONS) {
    for (const target of OPERATIONS) {
      it(`source: ${source}; target: ${target}; gives ${expected(source, target)}`, async () => {
        const fixture = await harbour();
        for (const statement of STATEMENTS[source])
          await fixture.mutate(statement.replaceAll("SIDE", "source"), {}, "side");
        for (const statement of STATEMENTS[target])
          await fixture.mutate(statement.replaceAll("SIDE", "target"));
        const before = await fixture.graph.commits();
        let found: string;
        try {
          found = (await merge(fixture)).outcome;
        } catch (error) {
          const [conflict, ...others] = (await refusal(Promise.reject(error))).details.merge_conflicts ?? [];
          expect(others).toEqual([]);
          found = conflict.kind === "orphan_edge" ? conflict.kind : `${conflict.kind} ${conflict.entity_id}`;
        }
        expect(found).toBe(expected(source, target));
        const landed = found === "fast_forward" || found === "merged";
        const after = await fixture.graph.commits();
        expect(after.length).toBe(before.length + (landed ? 1 : 0));
        if (landed)
          expect(after[0]).toMatchObject({ parent_commit_id: before[0].graph_commit_id, actor_id: "merger" });
        if (landed) {
          expect(await contents(fixture)).toEqual(await afterBoth(source, target));
          expect((await merge(fixture)).outcome).toBe("already_up_to_date");
        }
      });
    }
  }

  it("keeps both of two equal calls that got ids of their own", async () => {
    const fixture = await harbour();
    await fixture.mutate('insert CallsAt { from: "A", to: "P" }', {}, "side");
    await fixture.mutate('insert CallsAt { from: "A", to: "P" }');
    await merge(fixture);
    expect(
      await fixture.rows('match { $s: Ship { imo: "A" } $s $c:callsAt $p } return { $p.code }'),
    ).toHaveLength(2);
  });
});

describe("a merge", () => {
  it("takes equal changes of both sides without conflict", async () => {
    const fixture = await harbour();
    for (const branch of ["side", "main"])
      await fixture.mutate('update Ship set { x: "same" } where imo = "A"', {}, branch);
    expect((await merge(fixture)).outcome).toBe("merged");
  });

  it("tells null from the empty string", async () => {
    const fixture = await harbour();
    await fixture.mutate('update Ship set { x: "" } where imo = "B"', {}, "side");
    await merge(fixture);
    expect(await fixture.rows('match { $s: Ship { imo: "B" } } return { $s.x }')).toEqual([{ "s.x": "" }]);
  });

  it("finds unique and cardinality violations that only both sides together make", async () => {
    const fixture = await harbour();
    await fixture.mutate('insert Ship { imo: "C", mail: "m" }', {}, "side");
    await fixture.mutate('insert Ship { imo: "D", mail: "m" }');
    const unique = await refusal(merge(fixture));
    expect(unique.status).toBe(409);
    expect(unique.details.merge_conflicts?.map(({ kind }) => kind)).toEqual(["unique_violation"]);
    expect(unique.message).toContain("merge conflicts: node type 'Ship', entity id 'D' (unique_violation)");

    const crowded = await harbour();
    for (const branch of ["side", "main"])
      await crowded.mutate('insert CallsAt { from: "B", to: "P" }', {}, branch);
    const card = await refusal(merge(crowded));
    expect(card.details.merge_conflicts).toEqual([
      {
        entity_kind: "edge",
        type_name: "CallsAt",
        entity_id: null,
        kind: "cardinality_violation",
        message: "@card violation on edge CallsAt: source 'B' has 3 edges (max 2)",
        table_key: "edge:CallsAt",
      },
    ]);
    expect(card.message).toBe("merge conflicts: edge type 'CallsAt' (cardinality_violation)");
  });

  it("finds orphans both ways", async () => {
    const lostTarget = await harbour();
    await lostTarget.mutate('insert Port { code: "Q" }');
    await lostTarget.graph.createBranch({ name: "late", actor: null });
    await lostTarget.mutate('insert CallsAt { from: "A", to: "Q" }', {}, "late");
    await lostTarget.mutate('delete Port where code = "Q"');
    const one = await refusal(lostTarget.graph.merge({ source: "late", actor: null }));
    expect(one.details.merge_conflicts?.map(({ kind, message }) => [kind, message])).toEqual([
      ["orphan_edge", "dst 'Q' not found in Port"],
    ]);

    const lostSource = await harbour();
    await lostSource.mutate('delete Port where code = "P"', {}, "side");
    await lostSource.mutate('insert CallsAt { from: "A", to: "P" }');
    const other = await refusal(merge(lostSource));
    expect(other.details.merge_conflicts?.map(({ kind, message }) => [kind, message])).toEqual([
      ["orphan_edge", "dst 'P' not found in Port"],
    ]);
  });

  it("names every edge that would be left without an end, and each of its ends", async () => {
    const fixture = await harbour();
    const calls = (imo: string, id: string) => ({ edge: "CallsAt", from: imo, to: "P", data: { id } });
    await fixture.load([calls("A", "a1"), calls("A", "a2"), calls("B", "b1")], "append", "side");
    await fixture.mutate('delete Port where code = "P"');
    await fixture.mutate('delete Ship where imo = "A"');
    const error = await refusal(merge(fixture));
    expect(error.details.merge_conflicts?.map(({ entity_id, message }) => [entity_id, message])).toEqual([
      ["a1", "src 'A' not found in Ship"],
      ["a1", "dst 'P' not found in Port"],
      ["a2", "src 'A' not found in Ship"],
      ["a2", "dst 'P' not found in Port"],
      ["b1", "dst 'P' not found in Port"],
    ]);
    expect(error.message).toEndWith("; and 2 more");
  });

  it("names three conflicts in its text and lists all, edges before nodes", async () => {
    const fixture = await harbour();
    const ships = ["S1", "S2", "S3", "S4", "S5"];
    for (const [branch, x] of [
      ["side", "1"],
      ["main", "2"],
    ]) {
      await fixture.mutate(
        ships.map((imo) => `insert Ship { imo: "${imo}", x: "${x}" }`).join(" "),
        {},
        branch,
      );
    }
    const error = await refusal(merge(fixture));
    expect(error.details.merge_conflicts?.map(({ entity_id }) => entity_id)).toEqual(ships);
    expect(error.message).toEndWith("; and 2 more");
  });

  it("can be repeated as both branches go on", async () => {
    const fixture = await harbour();
    await fixture.mutate('insert Ship { imo: "C" }', {}, "side");
    await merge(fixture);
    await fixture.mutate('update Ship set { x: "main" } where imo = "B"');
    await fixture.mutate('update Ship set { x: "side" } where imo = "C"', {}, "side");
    expect((await merge(fixture)).outcome).toBe("merged");
    expect((await fixture.graph.merge({ source: "main", target: "side", actor: null })).outcome).toBe(
      "fast_forward",
    );
    const of = (branch: string) =>
      fixture.rows("match { $s: Ship } return { $s.imo, $s.x } order { $s.imo }", {}, { branch });
    expect(await of("side")).toEqual(await of("main"));
  });

  it("deletes the source when asked, and reports what keeps it from going", async () => {
    const fixture = await harbour();
    await fixture.graph.createBranch({ name: "child", from: "side", actor: null });
    const kept = await fixture.graph.merge({ source: "side", deleteBranch: true, actor: null });
    expect(kept.branch_deleted).toBe(false);
    expect(kept.branch_delete_error).toContain("child");
    await fixture.graph.deleteBranch({ name: "child", actor: null });
    expect(
      (await fixture.graph.merge({ source: "side", deleteBranch: true, actor: null })).branch_deleted,
    ).toBe(true);
    expect(await fixture.graph.branches()).toEqual(["main"]);
  });

  it("refuses the name that is kept for the system, on either side", async () => {
    const { graph } = await testGraph(SCHEMA);
    const system = "__schema_apply_lock__";
    for (const sides of [
      { source: system, target: "main" },
      { source: "main", target: system },
    ]) {
      await expectRefused(graph.merge({ ...sides, actor: null }), 400, "does not allow internal system refs");
    }
  });

  it("refuses a branch with itself and unknown branches", async () => {
    const { graph } = await harbour();
    await expectRefused(
      graph.merge({ source: "main", actor: null }),
      400,
      "requires distinct source and target branches",
    );
    await expectRefused(graph.merge({ source: "nope", actor: null }), 404, "branch 'nope' not found");
    await expectRefused(
      graph.merge({ source: "side", target: "nope", actor: null }),
      404,
      "branch 'nope' not found",
    );
  });
});
