import { describe, expect, it } from "bun:test";
import { PlanCache } from "../../src/engine/plans.ts";
import { admitSchema } from "../../src/schema/index.ts";

const CATALOG = admitSchema("node Person { name: String @key }\n", null);
const LATER = admitSchema("node Person { name: String @key  age: I32? }\n", CATALOG);
const TWO = `query all() { match { $p: Person } return { $p.name } }
query one($name: String) { match { $p: Person { name: $name } } return { $p.name } }`;

const numbered = (limit: number) => `query q() { match { $p: Person } return { $p.name } limit ${limit} }`;

describe("the cache of plans", () => {
  it("answers the same plan for the same text, name and schema", () => {
    const plans = new PlanCache();
    const plan = plans.plan(TWO, "one", CATALOG);
    expect(plan.name).toBe("one");
    expect(plans.plan(TWO.slice(0, 1) + TWO.slice(1), "one", CATALOG)).toBe(plan);
  });

  it("tells the queries of a text apart", () => {
    const plans = new PlanCache();
    expect([plans.plan(TWO, "all", CATALOG).name, plans.plan(TWO, "one", CATALOG).name]).toEqual([
      "all",
      "one",
    ]);
    expect(() => plans.plan(TWO, undefined, CATALOG)).toThrow();
    expect(() => plans.plan(TWO, "none", CATALOG)).toThrow();
  });

  it("plans anew for another schema", () => {
    const plans = new PlanCache();
    const plan = plans.plan(numbered(1), undefined, CATALOG);
    expect(plans.plan(numbered(1), undefined, LATER)).not.toBe(plan);
    expect(plans.plan(numbered(1), undefined, CATALOG)).toBe(plan);
  });

  it("drops what was least recently used", () => {
    const plans = new PlanCache(2);
    const [first, second] = [1, 2].map((limit) => plans.plan(numbered(limit), undefined, CATALOG));
    expect(plans.plan(numbered(1), undefined, CATALOG)).toBe(first);
    plans.plan(numbered(3), undefined, CATALOG);
    expect(plans.plan(numbered(1), undefined, CATALOG)).toBe(first);
    expect(plans.plan(numbered(2), undefined, CATALOG)).not.toBe(second);
  });

  it("holds no more plans of one text than of many", () => {
    const plans = new PlanCache(1);
    const all = plans.plan(TWO, "all", CATALOG);
    plans.plan(TWO, "one", CATALOG);
    expect(plans.plan(TWO, "all", CATALOG)).not.toBe(all);
  });
});
