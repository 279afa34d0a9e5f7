import { describe, expect, it } from "bun:test";
import type { ReadOptions } from "../../../src/engine/read/index.ts";
import { executeRead } from "../../../src/engine/read/index.ts";
import { OmnigraphError } from "../../../src/lib/errors.ts";
import { History } from "../../index/history.ts";
import { Dice } from "../../support/dice.ts";
import { NOW_MS, planRead } from "./run.ts";

const NODES = 600;

/** Six hundred nodes, each next to thirty others. */
class Crowd extends History {
  constructor() {
    super("node P { k: String @key  n: I32  s: String } edge E: P -> P { w: I32? }");
    const dice = new Dice(7);
    const [type, edge] = [this.node("P"), this.edge("E")];
    const id = (n: number) => `p${n}`;
    this.commit(
      {
        type,
        rows: Array.from({ length: NODES }, (_, n) =>
          this.row(type, id(n), { k: id(n), n, s: `the text of ${n % 7}` }),
        ),
      },
      {
        type: edge,
        rows: Array.from({ length: NODES * 30 }, (_, n) =>
          this.row(edge, `e${n}`, { w: n }, id(n % NODES), id(dice.below(NODES))),
        ),
      },
    );
  }
}

const crowd = new Crowd();
const view = crowd.cache({ resident: true }).view(crowd.state({ checkpointed: 1, rowsPerBatch: 5_000 }));

async function run(body: string, options: Partial<ReadOptions> = {}) {
  const plan = planRead(`query q() { ${body} }`, view.catalog);
  return executeRead(plan, new Map(), view, { nowMs: NOW_MS, ...options });
}

async function refused(body: string, options: Partial<ReadOptions>): Promise<OmnigraphError> {
  try {
    await run(body, options);
  } catch (error) {
    if (error instanceof OmnigraphError) return error;
    throw error;
  }
  throw new Error("expected a refusal");
}

/** Reads whose work is in loops of different kinds; each would go on for longer than a test may. */
const LONG: Readonly<Record<string, string>> = {
  "a product": "match { $a: P $b: P $c: P $a.n > $b.n $c.n > $a.n $b.n > $c.n } return { $a }",
  expansions: "match { $a: P $a e $b $b e $c $c e $d } return { $a, $b, $c, $d }",
  "bound edges": "match { $a: P $a $v:e $b $b $w:e $c $c e $d } return { $v.w, $w.w, $d }",
  "walks from every node": "match { $a: P $a e{1,5} $b $b e{1,5} $c } return { $a, $b, $c }",
  "a not block": "match { $a: P $b: P not { $a e{2,5} $c $c.n > $b.n $c.n < $a.n } } return { $a }",
};

describe("the memory of a query", () => {
  it("is refused by name beyond its limit, whatever step asks for it", async () => {
    const bodies = [
      "match { $a: P $a e $b $b e $c } return { $a, $b, $c }",
      "match { $a: P $a e{1,3} $b } return { $a, $b }",
      "match { $a: P $b: P } return { $a, $b }",
      "match { $a: P $b: P $a.s = $b.s } return { $a, $b }",
      "match { $a: P $a $w:e $b $b e $c } return { $w.w, $c }",
      "match { $a e $b $b e $c $c e $a } return { $a, $b, $c }",
    ];
    for (const body of bodies) {
      const error = await refused(body, { bytesMax: 100_000 });
      expect(error.status).toBe(413);
      expect(error.message).toMatch(
        /^the query holds \d+ bytes of rows between its steps, and may hold 100000/,
      );
      expect(error.details.resource_limit).toMatchObject({
        resource: "bytes of rows between the steps of a query",
        limit: 100_000,
      });
    }
  });

  it("is given back step by step, so that only what is held at once counts", async () => {
    const body =
      "match { $a: P $a e $b $b e $c $c e $d $d e $f $f e $g } return { count($g) as n, sum($a.n) as s }";
    const { rowsJson } = await run("match { $a: P $a e $b } return { count($b) as n }", { bytesMax: 50_000 });
    expect(JSON.parse(rowsJson())).toHaveLength(1);
    expect((await run(body, { bytesMax: 50_000_000 })).rowCount).toBe(1);
  });

  it("does not grow with the paths where they are only counted", async () => {
    const hops = ["a", "b", "c", "d", "f", "g"].map((from, i, all) => `$${from} e $${all[i + 1] ?? "h"}`);
    const result = await run(`match { ${hops.join(" ")} } return { count($a) as n }`, { bytesMax: 50_000 });
    expect(Number(result.rows()[0].n)).toBeGreaterThan(100_000_000_000);
  });

  it("refuses a count beyond what a number holds exactly", async () => {
    const names = Array.from({ length: 14 }, (_, i) => `v${i}`);
    const hops = names.slice(1).map((name, i) => `$${names[i]} e $${name}`);
    const error = await refused(`match { ${hops.join(" ")} } return { count($v0) as n }`, {});
    expect(error.message).toContain("resource limit exceeded for solutions that an aggregate counts");
  });
});

describe("the deadline of a query", () => {
  for (const [name, body] of Object.entries(LONG)) {
    it(`stops ${name}`, async () => {
      let elapsed = 0;
      const deadline = { limitMs: 10, elapsedMs: () => elapsed++ };
      const error = await refused(body, { deadline });
      expect(error.status).toBe(413);
      expect(error.message).toBe(
        "the query was stopped after 11 ms: a query may run for 10 ms (OMNIGRAPH_QUERY_TIMEOUT_MS)",
      );
      expect(error.details.resource_limit).toMatchObject({ resource: "milliseconds of a query", limit: 10 });
    });
  }

  it("stops sorting and writing", async () => {
    // Late enough that the rows have been found by then.
    let calls = 0;
    const body = "match { $a: P $a e $b } return { $a, $b } order { $b.s }";
    await run(body, { deadline: { limitMs: 1e9, elapsedMs: () => calls++ } });
    const until = calls - 3;
    calls = 0;
    const late = { limitMs: until, elapsedMs: () => calls++ };
    expect((await refused(body, { deadline: late })).message).toContain("the query was stopped");
    let isOver = false;
    const result = await run(body, { deadline: { limitMs: 1, elapsedMs: () => (isOver ? 2 : 0) } });
    isOver = true;
    expect(() => result.rowsJson()).toThrow("the query was stopped");
  });

  it("leaves alone what is done in time", async () => {
    const deadline = { limitMs: 10, elapsedMs: () => 10 };
    expect((await run("match { $a: P } return { count($a) as n }", { deadline })).rows()).toEqual([
      { n: NODES },
    ]);
  });
});

describe("a query that nobody waits for any more", () => {
  for (const [name, body] of Object.entries(LONG)) {
    it(`ends within ${name}, and lets others run meanwhile`, async () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 20);
      await expect(run(body, { signal: controller.signal })).rejects.toThrow("aborted");
    });
  }

  it("does not begin", async () => {
    await expect(run("match { $a: P } return { $a }", { signal: AbortSignal.abort() })).rejects.toThrow(
      "aborted",
    );
  });
});
