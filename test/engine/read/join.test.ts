import { describe, expect, it } from "bun:test";
import { executeRead, explained, Trace } from "../../../src/engine/read/index.ts";
import type { Value } from "../../../src/query/plan.ts";
import { History } from "../../index/history.ts";
import { NOW_MS, planRead } from "./run.ts";

const MANY = 6_000;

/** Six thousand things of one kind; of them every third of one colour, every fourth of one size. */
class Things extends History {
  constructor() {
    super(`
      node A { k: String @key  kind: String  colour: String?  size: I32  tags: [String]?  weight: F32? }
      node B { k: String @key  kind: String  colour: String?  size: I64  weight: F64? }
    `);
    const values = (n: number, prefix: string): Record<string, Value> => ({
      k: `${prefix}${n}`,
      kind: "thing",
      colour: n % 3 === 0 ? null : `colour ${n % 60}`,
      size: prefix === "a" ? n % 100 : BigInt(n % 100),
      weight: n === 1 ? 0.5 : null,
    });
    const rows = (type: "A" | "B", count: number) => {
      const of = this.node(type);
      const prefix = type.toLowerCase();
      return {
        type: of,
        rows: Array.from({ length: count }, (_, n) => {
          const tags = n === 0 ? null : ["red", `b${n}`, `b${n}`, `b${n + 1}`];
          const own = { ...values(n, prefix), ...(type === "A" ? { tags } : {}) };
          return this.row(of, `${prefix}${n}`, own);
        }),
      };
    };
    this.commit(rows("A", MANY), rows("B", 500));
  }
}

const things = new Things();
const view = things.cache({ resident: true }).view(things.state({ checkpointed: 1 }));

async function ask(body: string) {
  const plan = planRead(`query q() { ${body} }`, view.catalog);
  const trace = new Trace();
  const result = await executeRead(plan, new Map(), view, { nowMs: NOW_MS, trace });
  const steps = explained(plan, trace).steps.map(({ operator, actual_rows }) => `${operator} ${actual_rows}`);
  return { rows: result.rows().map((row) => Object.values(row)), steps };
}

/** Pairs of an A and a B for which something holds, counted one by one. */
function pairs(holds: (a: number, b: number) => boolean): number {
  let count = 0;
  for (let a = 0; a < MANY; a++) for (let b = 0; b < 500; b++) if (holds(a, b)) count++;
  return count;
}

describe("a join", () => {
  it("takes all equalities together, across kinds of numbers, and null is equal to nothing", async () => {
    const body = "match { $a: A $b: B $a.kind = $b.kind $b.size = $a.size $a.colour = $b.colour } return";
    const sameColour = (a: number, b: number) => a % 3 !== 0 && b % 3 !== 0 && a % 60 === b % 60;
    const wanted = pairs((a, b) => a % 100 === b % 100 && sameColour(a, b));
    expect((await ask(`${body} { count($a) as n }`)).rows).toEqual([[wanted]]);
    const listed = await ask(`${body} { $a, $b }`);
    expect(listed.rows).toHaveLength(wanted);
    // Never the pairs of one equality alone.
    expect(listed.steps).toContain(`join ${wanted}`);
    expect((await ask("match { $a: A $b: B $a.weight = $b.weight } return { $a, $b }")).rows).toEqual([
      ["a1", "b1"],
    ]);
  });

  it("tests what is no equality on each pair", async () => {
    const { rows } = await ask(
      "match { $a: A $b: B $a.colour = $b.colour $a.size < $b.size } return { count($a) as n }",
    );
    const sameColour = (a: number, b: number) => a % 3 !== 0 && b % 3 !== 0 && a % 60 === b % 60;
    expect(rows).toEqual([[pairs((a, b) => sameColour(a, b) && a % 100 < b % 100)]]);
  });

  it("counts pairs without making them where only their number is asked for", async () => {
    const { rows, steps } = await ask("match { $a: A $b: A $a.kind = $b.kind } return { count($a) as n }");
    expect(rows).toEqual([[MANY * MANY]]);
    expect(steps).toContain("semi join 1");
    const grouped = await ask(
      "match { $a: A $b: B $a.kind = $b.kind } return { $a.size, count($b) as n } order { $a.size } limit 2",
    );
    expect(grouped.rows).toEqual([
      [0, (MANY / 100) * 500],
      [1, (MANY / 100) * 500],
    ]);
  });

  it("finds members of lists by what they are, each once however often the list holds it", async () => {
    const { rows, steps } = await ask(
      "match { $a: A $b: B $a.tags contains $b.k } return { $a, $b } order { $a.size, $a.k, $b.k } limit 3",
    );
    expect(rows).toEqual([
      ["a100", "b100"],
      ["a100", "b101"],
      ["a200", "b200"],
    ]);
    const total = pairs((a, b) => a > 0 && (a === b || a + 1 === b));
    expect(steps).toContain(`join ${total}`);
    const counted = "match { $a: A $b: B $a.tags contains $b.k } return { count($a) as n }";
    expect((await ask(counted)).rows).toEqual([[total]]);
  });

  it("stops at the first partner inside of not", async () => {
    const without = await ask("match { $b: B not { $a: A $a.kind = $b.kind } } return { count($b) as n }");
    expect(without.rows).toEqual([[0]]);
    const lone = await ask(
      "match { $b: B not { $a: A $a.tags contains $b.k } } return { $b } order { $b.k }",
    );
    expect(lone.rows).toEqual([["b0"]]);
    const nobody = await ask("match { $a: A not { $b: B $b.colour = $a.colour } } return { count($a) as n }");
    expect(nobody.rows).toEqual([[MANY / 3]]);
  });

  it("looks at few partners where one is enough, whatever else is tested", async () => {
    // Of each row there are six thousand partners by kind alone.
    const alone = await ask(
      "match { $a: A not { $b: A $b.kind = $a.kind $b.k != $a.k } } return { count($a) as n }",
    );
    expect(alone.rows).toEqual([[0]]);
    const greatest = await ask("match { $a: A not { $b: A $b.size > $a.size } } return { count($a) as n }");
    expect(greatest.rows).toEqual([[MANY / 100]]);
    const sameSize = "$b.size = $a.size $b.kind = $a.kind $b.k != $a.k";
    const twins = await ask(`match { $a: A { k: "a7" } not { $b: B ${sameSize} } } return { $a }`);
    expect(twins.rows).toEqual([]);
  });

  it("counts the pairs that pass what is no equality", async () => {
    const body = "match { $a: A $b: B $a.kind = $b.kind $a.size < $b.size } return";
    const wanted = pairs((a, b) => a % 100 < b % 100);
    const counted = await ask(`${body} { count($a) as n }`);
    expect(counted.rows).toEqual([[wanted]]);
    expect(counted.steps).toContain("semi join 1");
    const unlinked = "match { $a: A $b: B $a.size < $b.size } return { $a.kind, count($b) as n }";
    expect((await ask(unlinked)).rows).toEqual([["thing", wanted]]);
  });

  it("begins with the pair that leaves the fewest rows", async () => {
    const { rows, steps } = await ask(
      'match { $a: A $b: B $c: B { k: "b7" } $a.kind = $b.kind $b.colour = $c.colour } return { $a, $b }',
    );
    expect(rows).toHaveLength(MANY * Math.ceil((500 - 7) / 60));
    expect(steps.findIndex((step) => step.startsWith("join 9"))).toBeLessThan(
      steps.indexOf(`join ${MANY * 9}`),
    );
  });
});
