import { describe, expect, it } from "bun:test";
import type { PlanStepOutput } from "../../../src/engine/outputs.ts";
import { executeRead, explained, Trace } from "../../../src/engine/read/index.ts";
import type { GraphView } from "../../../src/index/index.ts";
import { FixtureF, SCHEMA_F } from "./fixture-f.ts";
import { NOW_MS, planRead } from "./run.ts";

async function explain(body: string, view?: GraphView) {
  const f = new FixtureF();
  const on = view ?? f.cache({ resident: true }).view(f.state({ checkpointed: 1 }));
  const plan = planRead(`query q() { ${body} }`, on.catalog);
  const trace = new Trace();
  await executeRead(plan, new Map(), on, { nowMs: NOW_MS, trace });
  return explained(plan, trace);
}

/** `operator: detail [access] actual`, nested steps in brackets. */
const line = ({ operator, detail, access, actual_rows, solutions, steps }: PlanStepOutput): string =>
  `${operator}: ${detail}${access === undefined ? "" : ` [${access}]`} ${actual_rows}` +
  (solutions === undefined ? "" : ` for ${solutions}`) +
  (steps === undefined ? "" : ` (${steps.map(line).join("; ")})`);

const lines = async (body: string) => (await explain(body)).steps.map(line);

describe("an explained read", () => {
  it("tells each operator with its way to the rows, and how many it left", async () => {
    const plan = await explain(
      'match { $u: User { handle: "ana" } $u follows $v $v.age > 26 } return { $v.handle as h } limit 1',
    );
    expect(plan.query_name).toBe("q");
    expect(plan.tables).toBe("in memory");
    expect(plan.steps).toEqual([
      {
        operator: "lookup",
        detail: "$u: User",
        access: "id",
        scanned_rows: 1,
        estimated_rows: 1,
        actual_rows: 1,
      },
      { operator: "filter", detail: '$u.handle = "ana"', estimated_rows: 1, actual_rows: 1 },
      {
        operator: "expand",
        detail: "$u follows $v where $v.age > 26",
        access: "adjacency forward",
        estimated_rows: 1,
        actual_rows: 1,
      },
      { operator: "top", detail: "1 by ids", estimated_rows: 1, actual_rows: 1 },
      { operator: "project", detail: "h", estimated_rows: 1, actual_rows: 1 },
    ]);
  });

  it("tells what rows stand for where they are only counted", async () => {
    expect(await lines("match { $a follows $b $b follows $c } return { count($a) as n }")).toEqual([
      "scan: $b: User [all rows] 4",
      "expand: $a follows $b, $a only counted [adjacency backward] 3",
      "expand: $b follows $c, $c only counted [adjacency forward] 1",
      "aggregate: count($a) 1",
      "sort: group keys 1",
      "project: n 1",
    ]);
    expect(
      await lines("match { $a follows $b $a.age > 20 } return { $b.city, count($a) as n } order { n desc }"),
    ).toEqual([
      "scan: $a: User where $a.age > 20 [all rows] 4",
      "expand: $a follows $b, one row for each $b [adjacency forward] 3",
      "aggregate: count($a) by $b.city 1",
      "sort: n desc, group keys 1",
      "project: b.city, n 1",
    ]);
  });

  it("tells the steps within an anti join", async () => {
    expect(
      await lines(
        'match { $u: User not { $u memberOf $t  $t.code = "red" } } return { $u } order { $u.age desc }',
      ),
    ).toEqual([
      "scan: $u: User [all rows] 4",
      'anti join: not { $u memberOf $t $t.code = "red" } 3 ' +
        '(expand: $u memberOf $t where $t.code = "red", $t only counted [adjacency forward] 1)',
      "sort: $u.age desc, ids 3",
      "project: u 3",
    ]);
  });

  it("tells walks, undirected hops, bound edges, circles, joins and products", async () => {
    expect((await lines("match { $a: User $a <follows>{1,3} $b } return { $b }"))[1]).toBe(
      "walk: $a <follows>{1,3} $b [adjacency both ways] 12",
    );
    expect((await lines("match { $a: User $a $w:follows $b } return { $w.since }"))[1]).toBe(
      "expand: $a $w:follows $b [adjacency forward] 3",
    );
    expect((await lines("match { $a: User $a follows $b $b follows $a } return { $a }"))[1]).toBe(
      "intersect: $a follows $b and $b follows $a [adjacency forward, adjacency backward] 0",
    );
    expect((await lines("match { $a: User $b: User $a.city = $b.city } return { $a }"))[2]).toBe(
      "join: $a.city = $b.city [hash] 0",
    );
    expect((await lines("match { $a: User $b: Team $a.age > 30 } return { $a }"))[2]).toBe("product:  2");
  });

  it("tells full text, ranks and what is tested by value", async () => {
    const f = new FixtureF(`${SCHEMA_F} node Doc { title: String?  at: DateTime? }`);
    const type = f.node("Doc");
    f.commit({ type, rows: [f.row(type, "d", { title: "red foxes" }), f.row(type, "e", { title: "blue" })] });
    const view = f.cache({ resident: true }).view(f.state());
    const plan = await explain(
      'match { $d: Doc search($d.title, "fox") $d.at < now() } return { $d } order { bm25($d.title, "fox") } limit 2',
      view,
    );
    expect(plan.steps.map(line)).toEqual([
      "scan: $d: Doc where $d.at < now() [all rows] 0",
      ...plan.steps.slice(1).map(line),
    ]);
    const ranked = await explain(
      'match { $d: Doc search($d.title, "fox") != true } return { $d } order { bm25($d.title, "blue") } limit 2',
      view,
    );
    expect(ranked.steps.map(line)).toEqual([
      "scan: $d: Doc [all rows] 2",
      'filter: search($d.title, "fox") != true [full text] 1',
      'rank: bm25($d.title, "blue") [full text] 1',
      'top: 2 by bm25($d.title, "blue"), ids 1',
      "project: d 1",
    ]);
  });

  it("tells lookups in storage from tables in memory", async () => {
    const f = new FixtureF();
    const view = f.cache().view(f.state({ checkpointed: 1, rowsPerBatch: 1 }));
    const plan = await explain('match { $u: User { handle: "ana" } $u follows $v } return { $v }', view);
    expect(plan.tables).toBe("looked up");
    expect(plan.steps.slice(0, 3).map((step) => step.access)).toEqual([
      "cold lookup by id",
      undefined,
      "cold lookup forward",
    ]);
  });

  it("rests on plans that are plain data, logical and physical", async () => {
    const f = new FixtureF();
    const view = f.cache({ resident: true }).view(f.state({ checkpointed: 1 }));
    const body =
      "match { $u: User $u.age > 26 $t: Team $u.city = $t.code $u $w:follows $v not { $v memberOf $t } } return { $v, count($u) as n } order { n desc } limit 3";
    const plan = planRead(`query q() { ${body} }`, view.catalog);
    const trace = new Trace();
    await executeRead(plan, new Map(), view, { nowMs: NOW_MS, trace });
    expect(structuredClone(plan)).toEqual(plan);
    expect(trace.steps.length).toBeGreaterThan(2);
    expect(structuredClone(trace.steps)).toEqual(trace.steps);
  });

  it("is not kept where nobody asks", async () => {
    const f = new FixtureF();
    const view = f.cache({ resident: true }).view(f.state());
    const plan = planRead("query q() { match { $u: User } return { $u } }", view.catalog);
    expect(Object.keys(await executeRead(plan, new Map(), view, { nowMs: NOW_MS }))).not.toContain("plan");
  });
});
