// Which entities an update or a delete finds: in a new process and in one that holds the graph, stored long ago and
// changed a moment ago, always what a plain filter over the same values finds.

import { describe, expect, it } from "bun:test";
import { ImageCheck } from "../../../src/engine/write/image-check.ts";
import { matchEdges, matchNodes } from "../../../src/engine/write/matching.ts";
import { ReadSetBuilder } from "../../../src/engine/write/reads.ts";
import { Staging } from "../../../src/engine/write/staging.ts";
import type { GraphView } from "../../../src/index/index.ts";
import type { JsonValue } from "../../../src/lib/json.ts";
import { decodeParams, planQuery } from "../../../src/query/index.ts";
import type { Statement, Value } from "../../../src/query/plan.ts";
import { History } from "../../index/history.ts";

const PEOPLE = 5_000;
const ROWS_PER_BATCH = 500;
const DAY_MS = 86_400_000;

interface Person {
  readonly name: string;
  readonly mail: string;
  readonly age: number | null;
  readonly serial: bigint;
  readonly city: string | null;
  readonly rank: number | null;
  readonly born: number;
  readonly seen: bigint | null;
  readonly isOld: boolean;
}

const nameOf = (n: number) => `p${String(n).padStart(5, "0")}`;

const person = (n: number): Person => ({
  name: nameOf(n),
  mail: `${n}@x.org`,
  age: n % 7 === 0 ? null : n % 90,
  serial: 9_007_199_254_740_993n + BigInt(n),
  city: n % 11 === 0 ? null : `city ${n % 40}`,
  rank: n % 3 === 0 ? null : Math.fround(n / 10),
  born: n,
  seen: n % 2 === 0 ? null : BigInt(n * 1_000),
  isOld: n > PEOPLE / 2,
});

interface Knows {
  readonly from: string;
  readonly to: string;
  readonly since: number | null;
}

/** Person n knows the third after it. */
const knows = (n: number): Knows => ({
  from: nameOf(n),
  to: nameOf((n + 3) % PEOPLE),
  since: n % 8 === 0 ? null : n % 50,
});

/** Five thousand people, of whom the second commit changed one, added one and took one away. */
class Crowd extends History {
  readonly person = this.node("Person");
  readonly knows = this.edge("Knows");
  readonly people = Array.from({ length: PEOPLE }, (_, n) => person(n));
  readonly edges = Array.from({ length: PEOPLE }, (_, n) => knows(n));

  constructor() {
    super(`
      node Person { name: String @key  mail: String? @unique  age: I32?  serial: I64 @index  city: String?  rank: F32?
        born: Date  seen: DateTime?  isOld: Bool }
      edge Knows: Person -> Person { since: I32? }
    `);
    this.commit(
      { type: this.person, rows: this.people.map((one) => this.personRow(one)) },
      { type: this.knows, rows: this.edges.map((edge, n) => this.edgeRow(edge, n)) },
    );
    const moved = { ...person(1), city: "city 7", isOld: true };
    const born = { ...person(PEOPLE), city: "city 7" };
    this.people[1] = moved;
    this.people.push(born);
    this.people.splice(47, 1);
    const renewed = { ...knows(5), since: 41 };
    this.edges[5] = renewed;
    this.commit(
      {
        type: this.person,
        rows: [moved, born].map((one) => this.personRow(one)),
        deletedNodes: [nameOf(47)],
      },
      { type: this.knows, rows: [this.edgeRow(renewed, 5)] },
    );
  }

  personRow({ seen, ...values }: Person, id = values.name) {
    const all: Record<string, Value> = { ...values, seen: seen === null ? null : Number(seen) };
    return this.row(this.person, id, all);
  }

  private edgeRow({ from, to, since }: Knows, n: number) {
    return this.row(this.knows, `e${n}`, { since }, from, to);
  }
}

const crowd = new Crowd();
const layout = { checkpointed: 1, rowsPerBatch: ROWS_PER_BATCH };
const viewFor = (isResident: boolean) => crowd.cache({ resident: isResident }).view(crowd.state(layout));

function contextOf(view: GraphView, params: Record<string, JsonValue>, source: string) {
  const plan = planQuery(source, undefined, view.catalog);
  if (plan.kind !== "mutation") throw new Error("expected a mutation");
  const parameters = decodeParams(plan.parameters, params);
  const context = { view, staging: new Staging(), reads: new ReadSetBuilder(), parameters, nowMs: 0 };
  return { context, statement: plan.statements[0] };
}

function predicateOf(statement: Statement) {
  if (!("predicate" in statement)) throw new Error("expected a predicate");
  return statement.predicate;
}

async function namesWhere(
  view: GraphView,
  where: string,
  params: Record<string, JsonValue> = {},
  declared = "",
) {
  const { context, statement } = contextOf(
    view,
    params,
    `query m(${declared}) { delete Person where ${where} }`,
  );
  const matched = await matchNodes(crowd.person, predicateOf(statement), context);
  const names = [...matched.ids()].sort();
  expect(matched.count).toBe(names.length);
  expect([...matched.rows()].map(({ row }) => row.id).sort()).toEqual(names);
  return names;
}

type Comparable = number | bigint | string | boolean | null;

/** `value operator constant`, with null never a match; texts here are ASCII. */
function holds(value: Comparable, operator: string, constant: Comparable): boolean {
  if (value === null || constant === null) return false;
  // biome-ignore lint/suspicious/noDoubleEquals: the exact comparison across bigint and number.
  const isEqual = value == constant;
  if (operator === "=") return isEqual;
  if (operator === "!=") return !isEqual;
  if (operator.endsWith("=") && isEqual) return true;
  return operator.startsWith("<") ? value < constant : value > constant;
}

const OPERATORS = ["=", "!=", "<", "<=", ">", ">="];

/** A property, the parameter that it is compared with, and the value of that. */
const PREDICATES: readonly [keyof Person, string, JsonValue, Comparable][] = [
  ["name", "String", "p04321", "p04321"],
  ["name", "String", "p0432", "p0432"],
  ["mail", "String", "77@x.org", "77@x.org"],
  ["age", "I32", 41, 41],
  ["age", "F64", 41.5, 41.5],
  ["serial", "I64", "9007199254741993", 9_007_199_254_741_993n],
  ["city", "String", "city 7", "city 7"],
  ["city", "String?", null, null],
  ["rank", "F64", 1.1, Math.fround(1.1)],
  ["born", "Date", "1975-01-01", Date.UTC(1975, 0, 1) / DAY_MS],
  ["seen", "DateTime", "1970-01-01T01:00:01Z", 3_601_000n],
  ["isOld", "Bool", true, true],
];

describe("the predicate of an update or a delete of nodes", () => {
  for (const isResident of [false, true]) {
    it(`matches what a filter over the values does, in a ${isResident ? "resident" : "new"} process`, async () => {
      const view = viewFor(isResident);
      for (const [property, type, given, value] of PREDICATES) {
        for (const operator of OPERATORS) {
          const where = `${property} ${operator} $v`;
          const found = await namesWhere(view, where, { v: given }, `$v: ${type}`);
          const wanted = crowd.people.filter((one) => holds(one[property], operator, value));
          expect({ where, found }).toEqual({ where, found: wanted.map(({ name }) => name).sort() });
        }
      }
    });
  }

  it("looks an entity up by its key, whatever the graph holds besides", async () => {
    const view = viewFor(false);
    const before = crowd.segments.reads;
    expect(await namesWhere(view, 'name = "p04321"')).toEqual(["p04321"]);
    expect(crowd.segments.reads - before).toBe(1);
    expect(view.isResident(crowd.person)).toBe(false);
  });

  it("looks entities up by value once scans have been made in vain", async () => {
    const view = viewFor(true);
    for (let i = 0; i < 3; i++) await namesWhere(view, 'mail = "77@x.org"');
    const { values } = view.nodes(crowd.person).base;
    const mail = crowd.person.properties.find(({ name }) => name === "mail");
    expect(values.values(mail?.id ?? -1)).not.toBeNull();
    expect(await namesWhere(view, 'mail = "77@x.org"')).toEqual(["p00077"]);
  });

  it("relies on no more of the state than it has to", async () => {
    const view = viewFor(true);
    const relied = async (where: string) => {
      const { context, statement } = contextOf(view, {}, `query m() { delete Person where ${where} }`);
      await matchNodes(crowd.person, predicateOf(statement), context);
      const { types, ids, unique } = context.reads.build();
      const known = (map: ReadonlyMap<unknown, Iterable<string>>) =>
        [...map.values()].flatMap((texts) => [...texts]);
      return { types: [...types].length, ids: known(ids), tuples: known(unique) };
    };
    expect(await relied('name = "p00077"')).toEqual({ types: 0, ids: ["p00077"], tuples: [] });
    expect(await relied('mail = "77@x.org"')).toEqual({
      types: 0,
      ids: ["p00077"],
      tuples: ['["77@x.org"]'],
    });
    expect(await relied('mail = "nobody"')).toEqual({ types: 0, ids: [], tuples: ['["nobody"]'] });
    expect(await relied('mail != "nobody"')).toEqual({ types: 1, ids: [], tuples: [] });
    expect(await relied('city = "city 7"')).toEqual({ types: 1, ids: [], tuples: [] });
  });

  it("sees what earlier statements staged, and only that", async () => {
    const view = viewFor(true);
    const { context, statement } = contextOf(view, {}, 'query m() { delete Person where city = "city 7" }');
    const { staging } = context;
    const match = async () =>
      [...(await matchNodes(crowd.person, predicateOf(statement), context)).ids()].sort();
    const before = await match();
    expect(before).toContain(nameOf(7));
    staging.deleteNode(crowd.person, nameOf(7));
    staging.putNode(crowd.person, crowd.personRow({ ...person(8), city: "city 7" }));
    staging.putNode(crowd.person, crowd.personRow({ ...person(87), city: "elsewhere" }));
    staging.putNode(crowd.person, crowd.personRow({ ...person(0), name: "zoe", city: "city 7" }));
    const wanted = before.filter((name) => name !== nameOf(7) && name !== nameOf(87));
    expect(await match()).toEqual([...wanted, nameOf(8), "zoe"].sort());
  });
});

describe("the predicate of a delete of edges", () => {
  const edgesWhere = async (view: GraphView, where: string) => {
    const { context, statement } = contextOf(view, {}, `query m() { delete Knows where ${where} }`);
    const edges = await matchEdges(crowd.knows, predicateOf(statement), context);
    return edges.map(({ src, dst }) => `${src} ${dst}`).sort();
  };
  const wanted = (isWanted: (edge: Knows) => boolean) =>
    crowd.edges
      .filter(isWanted)
      .map(({ from, to }) => `${from} ${to}`)
      .sort();

  for (const isResident of [false, true]) {
    it(`matches ends and properties as a filter does, in a ${isResident ? "resident" : "new"} process`, async () => {
      const view = viewFor(isResident);
      for (const operator of OPERATORS) {
        for (const [text, value] of [
          ["p04321", "p04321"],
          ["p", "p"],
          ["zz", "zz"],
        ]) {
          const compared = (end: string) => holds(end, operator, value);
          expect(await edgesWhere(view, `from ${operator} "${text}"`)).toEqual(
            wanted(({ from }) => compared(from)),
          );
          expect(await edgesWhere(view, `to ${operator} "${text}"`)).toEqual(
            wanted(({ to }) => compared(to)),
          );
        }
        expect(await edgesWhere(view, `since ${operator} 41`)).toEqual(
          wanted(({ since }) => holds(since, operator, 41)),
        );
      }
    });
  }

  it("needs the edges alone, not the nodes at their ends", async () => {
    const view = viewFor(false);
    await edgesWhere(view, "since = 41");
    expect(view.isResident(crowd.knows)).toBe(true);
    expect(view.isResident(crowd.person)).toBe(false);
  });
});

describe("the check of unique properties", () => {
  const judged = async (view: GraphView, stage: (staging: Staging) => void) => {
    const staging = new Staging();
    stage(staging);
    const found: string[] = [];
    const check = new ImageCheck(view.catalog, view, new ReadSetBuilder(), ({ message }) =>
      found.push(message),
    );
    staging.describeTo(check);
    await check.finish();
    return found;
  };
  const older = (n: number) => crowd.personRow({ ...person(n), age: 99 });
  const before = (n: number) => crowd.personRow(person(n));

  it("asks the graph about no value that its holder keeps", async () => {
    const view = viewFor(false);
    expect(await judged(view, (staging) => staging.putNode(crowd.person, older(9), before(9)))).toEqual([]);
    expect(view.isResident(crowd.person)).toBe(false);
  });

  it("notices who takes a value that its holder keeps, or that another holds", async () => {
    const thief = crowd.personRow({ ...person(20), mail: "9@x.org" });
    const message = "@unique violation on Person.mail: value '9@x.org' held by 'p00009' and 'p00020'";
    const kept = await judged(viewFor(false), (staging) => {
      staging.putNode(crowd.person, older(9), before(9));
      staging.putNode(crowd.person, thief, before(20));
    });
    expect(kept).toEqual([message]);
    const alone = await judged(viewFor(false), (staging) => staging.putNode(crowd.person, thief, before(20)));
    expect(alone).toEqual([message]);
  });

  it("lets two entities change places", async () => {
    const swapped = await judged(viewFor(false), (staging) => {
      staging.putNode(crowd.person, crowd.personRow({ ...person(9), mail: "20@x.org" }), before(9));
      staging.putNode(crowd.person, crowd.personRow({ ...person(20), mail: "9@x.org" }), before(20));
    });
    expect(swapped).toEqual([]);
  });
});
