import { describe, expect, it } from "bun:test";
import { boundBy, conditionsOf } from "../../../src/engine/read/conditions.ts";
import { shareOf } from "../../../src/engine/read/estimates.ts";
import { purposeOf } from "../../../src/engine/read/purpose.ts";
import { nextStep, type Situation, type Statistics } from "../../../src/engine/read/steps.ts";
import type { ReadPlan, VariableSlot } from "../../../src/query/plan.ts";
import { FixtureF } from "./fixture-f.ts";
import { planRead } from "./run.ts";

const { catalog } = new FixtureF();
const plan = (body: string) => planRead(`query q() { ${body} }`, catalog);

/** A thousand entities of each type, twenty neighbours each, and keys where `keyed` says so. */
const statistics = (keyed: readonly VariableSlot[] = []): Statistics => ({
  size: () => 1_000,
  wayTo: (variable, conditions) =>
    keyed.includes(variable)
      ? { access: "id", rows: 1 }
      : { access: "scan", rows: conditions.reduce((rows, condition) => rows * shareOf(condition), 1_000) },
  fanOut: () => 20,
});

/** Where a read stands when components of these variables have been found. */
function situation(of: ReadPlan, ...components: { slots: VariableSlot[]; rows: number }[]): Situation {
  const own = of.clauses.flatMap(boundBy);
  const bound = new Set(components.flatMap(({ slots }) => slots));
  return {
    components: components.map(({ slots, rows }) => ({ slots: new Set(slots), rows })),
    open: new Set(own.filter((slot) => !bound.has(slot) && of.variables[slot].kind === "node")),
    traversals: of.clauses.filter((clause) => clause.kind === "traversal"),
    conditions: conditionsOf(of.clauses, new Set(own)),
    purpose: purposeOf(of),
  };
}

const slotOf = (of: ReadPlan, name: string) => of.variables.findIndex((variable) => variable.name === name);

describe("the next step", () => {
  it("begins with the variable whose key is given", () => {
    const read = plan('match { $a: User $a follows $b $b: User { handle: "ben" } } return { $a }');
    const b = slotOf(read, "b");
    expect(nextStep(situation(read), statistics([b]))).toMatchObject({
      kind: "scan",
      variable: b,
      access: "id",
      rows: 1,
    });
  });

  it("scans the more narrowed of two variables, and tests while scanning", () => {
    const read = plan('match { $a: User { city: "Rome" } $b: User $a follows $b $b.age > 30 } return { $b }');
    expect(nextStep(situation(read), statistics())).toMatchObject({
      kind: "scan",
      variable: slotOf(read, "a"),
      access: "scan",
      conditions: [{ kind: "match" }],
      rows: 50,
    });
  });

  it("begins in the middle where the ends only have to be counted", () => {
    const read = plan("match { $a follows $b $b follows $c } return { count($c) }");
    const b = slotOf(read, "b");
    const first = nextStep(situation(read), statistics());
    expect(first).toMatchObject({ kind: "scan", variable: b });
    expect(nextStep(situation(read, { slots: [b], rows: 1_000 }), statistics())).toMatchObject({
      kind: "expand",
      mode: "tally",
      rows: 1_000,
    });
  });

  it("narrows before it widens, cheap conditions first", () => {
    const read = plan(
      'match { $a: User $a follows $b not { $a memberOf $_ } $a.age > 3 $a.city = "Rome" } return { $b }',
    );
    const here = situation(read, { slots: [slotOf(read, "a")], rows: 100 });
    const first = nextStep(here, statistics());
    expect(first).toMatchObject({ kind: "narrow", condition: { kind: "filter" } });
    const left = here.conditions.filter((condition) => condition.kind === "not");
    expect(nextStep({ ...here, conditions: left }, statistics())).toMatchObject({
      kind: "narrow",
      condition: { kind: "not" },
      rows: 50,
    });
  });

  it("makes a row for each neighbour where every variable is returned", () => {
    const read = plan("match { $a: User $a follows $b } return { $a, $b }");
    const a = slotOf(read, "a");
    expect(nextStep(situation(read, { slots: [a], rows: 10 }), statistics())).toMatchObject({
      kind: "expand",
      start: a,
      end: slotOf(read, "b"),
      mode: "each",
      rows: 200,
    });
  });

  it("makes a row for each node that is reached where nothing else is asked for", () => {
    const read = plan("match { $a: User $a follows $b $b.age > 3 } return { $b.city, count($a) }");
    const here = situation(read, { slots: [slotOf(read, "a")], rows: 10 });
    expect(nextStep(here, statistics())).toMatchObject({
      kind: "expand",
      mode: "merge",
      conditions: [{ kind: "filter" }],
    });
  });

  it("keeps a row for each parallel edge", () => {
    const read = plan("match { $a: User $a $w:follows $b } return { $b.city, count($a) }");
    const here = situation(read, { slots: [slotOf(read, "a")], rows: 10 });
    expect(nextStep(here, statistics())).toMatchObject({ kind: "expand", mode: "each" });
  });

  it("looks for common neighbours where two traversals lead to one open end", () => {
    const read = plan("match { $a follows $b $b follows $c $c follows $a } return { count($a) }");
    const [a, b] = [slotOf(read, "a"), slotOf(read, "b")];
    const here = situation(read, { slots: [a, b], rows: 500 });
    const rest = here.traversals.slice(1);
    expect(nextStep({ ...here, traversals: rest }, statistics())).toMatchObject({
      kind: "intersect",
      end: slotOf(read, "c"),
      mode: "tally",
    });
  });

  it("closes a circle rather than widen", () => {
    const read = plan("match { $a: User $a follows $b $b follows $a $b follows $c } return { $c }");
    const here = situation(read, { slots: [slotOf(read, "a"), slotOf(read, "b")], rows: 50 });
    const rest = here.traversals.slice(1);
    expect(nextStep({ ...here, traversals: rest }, statistics())).toMatchObject({
      kind: "expand",
      mode: "close",
      rows: 50,
    });
  });

  it("joins by an equality where there is one, and as a product where there is none", () => {
    const read = plan("match { $a: User $b: User $t: Team $a.city = $b.city $a.age < $b.age } return { $a }");
    const parts = ["a", "b", "t"].map((name) => ({ slots: [slotOf(read, name)], rows: 100 }));
    const joined = nextStep(situation(read, ...parts), statistics());
    expect(joined).toMatchObject({ kind: "join", components: [0, 1], conditions: [{ kind: "filter" }] });
    expect(joined?.kind === "join" && joined.on.map(({ operator }) => operator)).toEqual(["="]);
    const none = { ...situation(read, ...parts), conditions: [] };
    expect(nextStep(none, statistics())).toMatchObject({ kind: "join", on: [] });
  });

  it("ends when one component binds everything", () => {
    const read = plan("match { $a: User } return { $a }");
    expect(nextStep(situation(read, { slots: [0], rows: 4 }), statistics())).toBeNull();
  });
});
