// How the rows that a query asks for are come by, and how many others are looked at on the way. Whatever the way, the
// answer is what a plain filter over the same values gives.

import { beforeEach, describe, expect, it } from "bun:test";
import type { PlanStepOutput } from "../../../src/engine/outputs.ts";
import { comparison, executeRead, explained, scanTable, Trace } from "../../../src/engine/read/index.ts";
import type { GraphView } from "../../../src/index/index.ts";
import type { JsonValue } from "../../../src/lib/json.ts";
import { decodeParams } from "../../../src/query/index.ts";
import type { Value } from "../../../src/query/plan.ts";
import { History } from "../../index/history.ts";
import { NOW_MS, planRead } from "./run.ts";

const PEOPLE = 8_192;
const CITIES = 100;
/** Rows of a zone. */
const ZONE = 1_024;

interface Person {
  readonly id: string;
  readonly serial: bigint;
  readonly age: number | null;
  readonly city: string | null;
  readonly email: string;
  readonly score: number;
  readonly isOld: boolean;
  readonly born: number;
}

function person(n: number): Person {
  return {
    id: `p${String(n).padStart(6, "0")}`,
    serial: 9_007_199_254_740_993n + BigInt(n),
    age: n % 10 === 0 ? null : (n * 37) % 90,
    city: n % 50 === 3 ? null : `city ${(n * 7919) % CITIES}`,
    email: `${n}@x.org`,
    score: n / 3,
    isOld: n > PEOPLE / 2,
    born: n,
  };
}

/** Eight thousand people and, of each, two follows; the second commit changes a few of them. */
class Crowd extends History {
  readonly people = new Map<string, Person>();
  private readonly type = this.node("Person");

  constructor() {
    super(`
      node Person { handle: String @key  serial: I64 @index  age: I32?  city: String? @index  email: String @unique
        score: F32  isOld: Bool  born: Date }
      edge Follows: Person -> Person { since: Date @index  note: String? }
    `);
    const everyone = Array.from({ length: PEOPLE }, (_, n) => person(n));
    const follows = this.edge("Follows");
    this.commit(this.put(everyone), {
      type: follows,
      rows: Array.from({ length: 2 * PEOPLE }, (_, n) => {
        const ends = [everyone[n >> 1].id, everyone[(n * 31) % PEOPLE].id] as const;
        return this.row(follows, `e${n}`, { since: n % 4_000, note: n % 5 === 0 ? null : `n${n}` }, ...ends);
      }),
    });
    const moved = [7, 4_000].map((n) => ({ ...person(n), city: "city 1", age: 200 }));
    const added = [{ ...person(PEOPLE + 1), city: "city 1" }];
    this.commit({ ...this.put([...moved, ...added]), deletedNodes: [person(12).id] });
    this.people.delete(person(12).id);
  }

  private put(people: readonly Person[]) {
    for (const one of people) this.people.set(one.id, one);
    const rows = people.map(({ id, ...values }) =>
      this.row(this.type, id, { handle: id, ...values } as Record<string, Value>),
    );
    return { type: this.type, rows };
  }

  ids(isWanted: (one: Person) => boolean): string[] {
    return [...this.people.values()]
      .filter(isWanted)
      .map(({ id }) => id)
      .sort();
  }
}

const crowd = new Crowd();
const FIRST_COMMIT = 1;
let view: GraphView;
beforeEach(() => {
  view = crowd.cache({ resident: true }).view(crowd.state({ checkpointed: FIRST_COMMIT }));
});

/** What the query answers, and the first step of its plan. */
async function ask(match: string, params: Record<string, JsonValue> = {}, declared = "") {
  const plan = planRead(`query q(${declared}) { match { ${match} } return { $p } }`, view.catalog);
  const trace = new Trace();
  const options = { nowMs: NOW_MS, trace };
  const result = await executeRead(plan, decodeParams(plan.parameters, params), view, options);
  const [step] = explained(plan, trace).steps as [PlanStepOutput];
  return {
    ids: result
      .rows()
      .map(({ p }) => p as string)
      .sort(),
    step,
  };
}

/** Rows that the second commit touched are looked at besides. */
const TOUCHED = 4;

describe("a scan", () => {
  it("looks at every row where nothing is known yet, and tells so", async () => {
    const { ids, step } = await ask("$p: Person $p.score >= 100.0 $p.score < 101.0");
    expect(ids).toEqual(crowd.ids(({ score }) => score >= 100 && score < 101));
    expect(step).toMatchObject({ operator: "scan", access: "all rows", scanned_rows: PEOPLE + TOUCHED });
  });

  it("passes over zones that cannot hold what it seeks, from the second time on", async () => {
    const sought: [string, (one: Person) => boolean, number][] = [
      ["$p.score < 10.5", ({ score }) => score < 10.5, 1],
      ["$p.score = 1.0", ({ score }) => score === 1, 1],
      ["$p.score > 1000000.0", () => false, 0],
      ["$p.isOld = false", ({ isOld }) => !isOld, 5],
      ['$p.born >= date("1970-01-05") $p.born < date("1970-01-10")', ({ born }) => born >= 4 && born < 9, 1],
      ["[3.0, 5.0] contains $p.score", ({ score }) => score === 3 || score === 5, 1],
    ];
    for (const [condition, isWanted, zones] of sought) {
      await ask(`$p: Person ${condition}`);
      const { ids, step } = await ask(`$p: Person ${condition}`);
      expect(ids).toEqual(crowd.ids(isWanted));
      expect({ condition, rows: step.scanned_rows, access: step.access }).toEqual({
        condition,
        rows: zones * ZONE + TOUCHED,
        access: "zones",
      });
    }
  });

  it("begins and ends at the keys that the conditions leave", async () => {
    const sought: [string, (one: Person) => boolean, number][] = [
      ['$p.handle >= "p000100" $p.handle < "p000110"', ({ id }) => id >= "p000100" && id < "p000110", 10],
      ['$p.handle > "p000100" $p.handle <= "p000110"', ({ id }) => id > "p000100" && id <= "p000110", 10],
      ['$p.handle starts_with "p00011"', ({ id }) => id.startsWith("p00011"), 10],
      ['$p.handle starts_with ""', () => true, PEOPLE],
      ['$p.handle < "a"', () => false, 0],
      ['$p.handle > "p000005" $p.handle < "p000004"', () => false, 0],
    ];
    for (const [condition, isWanted, rows] of sought) {
      const { ids, step } = await ask(`$p: Person ${condition}`);
      expect(ids).toEqual(crowd.ids(isWanted));
      expect({ condition, rows: step.scanned_rows }).toEqual({ condition, rows: rows + TOUCHED });
      expect(step.access).toBe(rows === PEOPLE ? "all rows" : "key range");
    }
  });
});

describe("a lookup by value", () => {
  const lookups: [string, (one: Person) => boolean, number][] = [
    ['$p.city = "city 1"', ({ city }) => city === "city 1", 82],
    ['$p.email = "77@x.org"', ({ email }) => email === "77@x.org", 1],
    ['$p.email = "nobody"', () => false, 0],
    ["$p.serial = 9007199254740995", ({ serial }) => serial === 9_007_199_254_740_995n, 3],
    ['["city 1", "city 2", "city 1"] contains $p.city', ({ city }) => /^city [12]$/.test(city ?? ""), 164],
  ];

  it("takes the place of scans of an indexed property once one scan was made in vain", async () => {
    for (const [condition, isWanted, candidates] of lookups) {
      const first = await ask(`$p: Person ${condition}`);
      const { ids, step } = await ask(`$p: Person ${condition}`);
      expect(ids).toEqual(crowd.ids(isWanted));
      expect(ids).toEqual(first.ids);
      expect({ condition, operator: step.operator, access: step.access }).toEqual({
        condition,
        operator: "lookup",
        access: "value index",
      });
      expect(step.scanned_rows).toBeLessThanOrEqual(candidates + TOUCHED);
    }
  });

  it("is estimated by what the index holds", async () => {
    await ask('$p: Person { city: "city 1" }');
    await ask('$p: Person { city: "city 1" }');
    const { step } = await ask('$p: Person { city: "city 1" }');
    expect(step.estimated_rows).toBeWithin(80, 90);
  });

  it("is estimated to find one where the value is unique", async () => {
    expect((await ask('$p: Person { email: "77@x.org" }')).step).toMatchObject({
      access: "all rows",
      estimated_rows: 1,
      actual_rows: 1,
    });
  });

  it("leaves the other conditions to be tested", async () => {
    const condition = '$p: Person { city: "city 1" } $p.age > 40 $p.handle > "p004000"';
    await ask('$p: Person { city: "city 1" }');
    await ask('$p: Person { city: "city 1" }');
    const { ids, step } = await ask(condition);
    const isWanted = ({ city, age, id }: Person) => city === "city 1" && (age ?? 0) > 40 && id > "p004000";
    expect(ids).toEqual(crowd.ids(isWanted));
    expect(step.access).toBe("value index");
  });

  it("waits for more scans where no index is declared, and is not made for what most rows meet", async () => {
    for (let i = 0; i < 5; i++) {
      expect((await ask("$p: Person $p.age = 41")).step.access).toBe("all rows");
      expect((await ask('$p: Person $p.city != "x"')).step.access).toBe("all rows");
    }
    let lookups = 0;
    for (let i = 0; i < 20; i++)
      lookups += Number((await ask("$p: Person $p.age = 41")).step.operator === "lookup");
    expect(lookups).toBeGreaterThan(0);
    const { ids } = await ask("$p: Person $p.age = 41");
    expect(ids).toEqual(crowd.ids(({ age }) => age === 41));
  });

  it("compares integers beyond 2^53 and texts that begin alike exactly", async () => {
    const beyond = "$n: I64";
    for (const n of [9_007_199_254_740_993n, 9_007_199_254_740_994n]) {
      for (let i = 0; i < 3; i++) {
        const { ids } = await ask("$p: Person { serial: $n }", { n: String(n) }, beyond);
        expect(ids).toEqual(crowd.ids(({ serial }) => serial === n));
      }
    }
    for (let i = 0; i < 3; i++) {
      const { ids } = await ask('$p: Person $p.city >= "city 98" $p.city < "city 991"');
      expect(ids).toEqual(crowd.ids(({ city }) => (city ?? "") >= "city 98" && (city ?? "") < "city 991"));
    }
  });

  it("finds keys of a list by the ids", async () => {
    const handles = ["p000012", "p000100", "nobody", "p000100", "p008193", "p000007", "p008191"];
    const match = "$p: Person $h contains $p.handle $p.score > 1.0";
    const { ids, step } = await ask(match, { h: handles }, "$h: [String]");
    expect(ids).toEqual(["p000007", "p000100", "p008191", "p008193"]);
    expect(step).toMatchObject({ operator: "lookup", access: "ids" });
    expect(step.scanned_rows).toBe(4 + TOUCHED);
    expect((await ask(match, { h: [] }, "$h: [String]")).ids).toEqual([]);
  });

  it("finds values of a list however long it is", async () => {
    const all = Array.from({ length: 5_000 }, (_, n) => `${n * 3}@x.org`);
    const wanted = new Set(all);
    for (let i = 0; i < 3; i++) {
      const { ids } = await ask("$p: Person $e contains $p.email", { e: all }, "$e: [String]");
      expect(ids).toEqual(crowd.ids(({ email }) => wanted.has(email)));
    }
  });
});

describe("conditions on a bound edge", () => {
  it("begin with the edges that meet them, where those are few", async () => {
    const match = '$p $f:follows $q $f.since = date("1970-01-11")';
    const wanted = ["p000005", "p002005", "p004005", "p006005", "p008005"].filter((id) =>
      crowd.people.has(id),
    );
    const first = await ask(match);
    expect(first.ids).toEqual(wanted);
    expect(first.step).toMatchObject({ operator: "scan", access: "all rows", scanned_rows: 2 * PEOPLE });
    const { ids, step } = await ask(match);
    expect(ids).toEqual(wanted);
    expect(step).toMatchObject({
      operator: "lookup",
      detail: '$p $f:follows $q where $f.since = date("1970-01-11")',
      access: "value index",
      scanned_rows: 5,
    });
  });

  it("lie both ways where the edge is asked for undirected, a loop once", async () => {
    const both = await ask('$p $f:<follows> $q $f.note = "n1"');
    expect(both.ids).toEqual(["p000000", "p000031"]);
    expect(both.step.operator).toBe("scan");
    const loop = await ask('$p $f:<follows> $p $f.since < date("1975-01-01")');
    // Edge n leads from n / 2 to 31 n: back to itself only where n is 0.
    expect(loop.ids).toEqual(["p000000"]);
  });

  it("are tested while expanding from a node that is given", async () => {
    const plan = planRead(
      'query q() { match { $p: Person { handle: "p000001" } $p $f:follows $q $f.note = "n2" } return { $q } }',
      view.catalog,
    );
    const trace = new Trace();
    const result = await executeRead(plan, new Map(), view, { nowMs: NOW_MS, trace });
    expect(result.rows()).toEqual([{ q: "p000062" }]);
    expect(explained(plan, trace).steps[2]).toMatchObject({
      operator: "expand",
      detail: '$p $f:follows $q where $f.note = "n2"',
      actual_rows: 1,
    });
  });
});

describe("a scan beside commits of the same process", () => {
  /** Enough that others run in between. */
  const ROWS = 70_000;
  const idOf = (n: number) => `k${String(n).padStart(6, "0")}`;

  for (const commitsBefore of [0, 1]) {
    it(`finds what its own version holds, ${commitsBefore} commits after the base`, async () => {
      const history = new History("node N { k: String @key  n: I32 }");
      const type = history.node("N");
      const rows = (...numbers: [number, number][]) =>
        numbers.map(([k, n]) => history.row(type, idOf(k), { k: idOf(k), n }));
      history.commit({
        type,
        rows: rows(...Array.from({ length: ROWS }, (_, n): [number, number] => [n, n % 10])),
      });
      const cache = history.cache({ resident: true });
      const own = async () => {
        const view = cache.view(history.state({ checkpointed: 1 }));
        await view.load([type]);
        return view.nodes(type);
      };
      await own();
      if (commitsBefore > 0)
        history.commit({ type, rows: rows([33, 7], [ROWS, 7]), deletedNodes: [idOf(27)] });
      const table = await own();
      const field = type.properties[1];
      const ask = async (pace: { worked: (work: number) => Promise<void> | undefined }) => {
        const { numbers } = await scanTable(table, [comparison(field, "=", 7)], [], pace);
        return Array.from(numbers, (number) => table.id(number));
      };
      const wanted = await ask({ worked: () => undefined });
      expect(wanted).toHaveLength(ROWS / 10 + (commitsBefore > 0 ? 1 : 0));
      let slices = 0;
      const found = await ask({
        worked: async () => {
          slices++;
          // Rows that were passed already, and rows that are still to come.
          const moved = rows(
            [7, 0],
            [17 + slices, 7],
            [ROWS - 3, 0],
            [ROWS - 100 - slices, 7],
            [ROWS + slices, 7],
          );
          history.commit({ type, rows: moved, deletedNodes: [idOf(47 + slices), idOf(ROWS - 13)] });
          await own();
        },
      });
      expect(slices).toBeGreaterThan(1);
      expect(found).toEqual(wanted);
    });
  }
});
