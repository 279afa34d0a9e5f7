// The reads among the cases of the query language's specification (spec 02 §16), by their numbers.

import { describe, expect, it } from "bun:test";
import type { JsonValue } from "../../../src/lib/json.ts";
import type { Value } from "../../../src/query/plan.ts";
import { FixtureF, SCHEMA_F } from "./fixture-f.ts";
import { NOW_MS, runRead } from "./run.ts";

/** All rows as arrays of their values, from the tail and from segments: they must agree. */
async function rowsOf(f: FixtureF, body: string, params: Record<string, JsonValue> = {}, declared = "") {
  const answers: unknown[][][] = [];
  for (const checkpointed of [0, f.commits.length]) {
    const view = f.cache().view(f.state({ checkpointed }));
    const result = await runRead(view, body, params, declared);
    answers.push(result.rows().map((row) => Object.values(row)));
  }
  expect(answers[1]).toEqual(answers[0]);
  return answers[0];
}

/** The values of the only column. */
const column = async (f: FixtureF, body: string, params?: Record<string, JsonValue>, declared?: string) =>
  (await rowsOf(f, body, params, declared)).flat();

/** Fixture F with edges of Follows instead of its own. */
function follows(...pairs: readonly (readonly [string, string])[]): FixtureF {
  const f = new FixtureF();
  const names = [...new Set(pairs.flat())];
  f.commit(
    { type: f.edge("MemberOf"), replaced: true },
    { ...f.users(Object.fromEntries(names.map((name) => [name, {}]))), replaced: true },
    { ...f.links("Follows", ...pairs), replaced: true },
  );
  return f;
}

describe("bindings and results", () => {
  it("1: binds by key and names columns after variable and property", async () => {
    const f = new FixtureF();
    const body = 'match { $u: User { handle: "ana" } } return { $u.handle, $u.age }';
    const result = await runRead(f.cache().view(f.state()), body);
    expect(result.columns).toEqual(["u.handle", "u.age"]);
    expect(result.rowsJson()).toBe('[{"u.handle":"ana","u.age":30}]');
  });

  it("2: returns a bare variable as its id", async () => {
    const result = await runRead(
      new FixtureF().cache().view(new FixtureF().state()),
      'match { $u: User { handle: "ana" } } return { $u }',
    );
    expect(result.columns).toEqual(["u"]);
    expect(result.rows()).toEqual([{ u: "ana" }]);
  });

  it("4: filters, orders and limits", async () => {
    const body = "match { $u: User $u.age > 26 } return { $u.handle } order { $u.age desc } limit 2";
    expect(await column(new FixtureF(), body)).toEqual(["cy", "ana"]);
  });

  it("5: breaks ties by id, whatever the load order", async () => {
    const f = new FixtureF();
    f.commit(f.users({ zoe: { age: 30 }, abe: { age: 30 } }));
    const body = "match { $u: User } return { $u.handle } order { $u.age desc } limit 4";
    expect(await column(f, body)).toEqual(["cy", "abe", "ana", "zoe"]);
  });

  it("6: puts nulls first ascending and last descending, and matches them with nothing", async () => {
    const f = new FixtureF();
    f.commit(f.users({ nil: {} }));
    const by = (key: string) => column(f, `match { $u: User } return { $u.handle } order { ${key} }`);
    expect((await by("$u.age"))[0]).toBe("nil");
    expect((await by("$u.age desc")).at(-1)).toBe("nil");
    const others = await column(
      f,
      "match { $u: User $u.age != 25 } return { $u.handle } order { $u.handle }",
    );
    expect(others).toEqual(["ana", "cy", "dee"]);
  });

  it("gives the columns for no rows, and for limit 0", async () => {
    const f = new FixtureF();
    const result = await runRead(
      f.cache().view(f.state()),
      "match { $u: User } return { $u.age as a } limit 0",
    );
    expect(result.columns).toEqual(["a"]);
    expect(result.rowCount).toBe(0);
    expect(result.rowsJson()).toBe("[]");
  });

  it("keeps the last of columns with equal names in the rows", async () => {
    const f = new FixtureF();
    const body = 'match { $u: User { handle: "ana" } } return { $u.handle as x, $u.age as y, $u.city as x }';
    const result = await runRead(f.cache().view(f.state()), body);
    expect(result.columns).toEqual(["x", "y", "x"]);
    expect(result.rowsJson()).toBe('[{"x":null,"y":30}]');
  });

  it("33: takes a parameter as data", async () => {
    const body = "match { $u: User { handle: $h } } return { $u }";
    expect(await column(new FixtureF(), body, { h: "x' OR '1'='1" }, "$h: String")).toEqual([]);
  });

  it("never matches a null parameter", async () => {
    const f = new FixtureF();
    for (const clause of ["$u: User { handle: $h }", "$u: User { city: $h }", "$u: User $u.city != $h"]) {
      expect(await column(f, `match { ${clause} } return { $u }`, { h: null }, "$h: String?")).toEqual([]);
    }
  });
});

describe("traversals", () => {
  it("7: follow edges forward, and both ways when asked, each neighbour once", async () => {
    const f = new FixtureF();
    const from = (word: string) =>
      column(f, `match { $u: User { handle: "ben" } $u ${word} $v } return { $v } order { $v.handle }`);
    expect(await from("follows")).toEqual(["dee"]);
    expect(await from("<follows>")).toEqual(["ana", "dee"]);
    f.commit(f.links("Follows", ["dee", "ben"]));
    expect(await from("<follows>")).toEqual(["ana", "dee"]);
  });

  it("8: do not come back to where an undirected walk began", async () => {
    const body = 'match { $u: User { handle: "cy" } $u <follows>{1,2} $v } return { $v } order { $v.handle }';
    expect(await column(new FixtureF(), body)).toEqual(["ana", "ben"]);
  });

  it("9: keep to their hop bounds", async () => {
    const f = follows(["a", "b"], ["b", "c"], ["c", "d"]);
    const within = (hops: string) =>
      column(f, `match { $u: User { handle: "a" } $u follows${hops} $v } return { $v } order { $v.handle }`);
    expect(await within("{1,3}")).toEqual(["b", "c", "d"]);
    expect(await within("{2,3}")).toEqual(["c", "d"]);
    expect(await within("{2,2}")).toEqual(["c"]);
  });

  it("10: emit a node at its first visit or never", async () => {
    const f = follows(["a", "b"], ["a", "c"], ["b", "c"]);
    expect(await column(f, 'match { $u: User { handle: "a" } $u follows{2,2} $v } return { $v }')).toEqual(
      [],
    );
  });

  it("11: end in cycles, and count a self-loop once", async () => {
    const cycle = follows(["a", "b"], ["b", "c"], ["c", "a"]);
    const body = 'match { $u: User { handle: "a" } $u follows{1,5} $v } return { $v } order { $v.handle }';
    expect(await column(cycle, body)).toEqual(["b", "c"]);
    const loop = follows(["a", "a"], ["a", "b"]);
    for (const word of ["follows", "<follows>", "$w:follows", "$w:<follows>"]) {
      const each = `match { $u: User { handle: "a" } $u ${word} $v } return { $v } order { $v.handle }`;
      expect(await column(loop, each)).toEqual(["a", "b"]);
    }
    const later = follows(["a", "b"], ["b", "b"], ["b", "c"]);
    const two = 'match { $u: User { handle: "a" } $u follows{2,2} $v } return { $v } order { $v.handle }';
    expect(await column(later, two)).toEqual(["b", "c"]);
  });

  it("12: do not chain over an edge between different types, even where ids coincide", async () => {
    const f = new FixtureF();
    f.commit(f.users({ red: {} }), f.links("MemberOf", ["red", "blue"]));
    const to = (hops: string) =>
      column(f, `match { $u: User { handle: "ana" } $u memberOf${hops} $t } return { $t }`);
    expect(await to("{1,2}")).toEqual(["red"]);
    expect(await to("{2,2}")).toEqual([]);
  });

  it("13: take their direction from the types of their ends", async () => {
    for (const words of ["$t memberOf $u", "$u memberOf $t"]) {
      const body = `match { $t: Team { code: "red" } ${words} } return { $u }`;
      expect(await column(new FixtureF(), body)).toEqual(["ana"]);
    }
  });

  it("14: are constrained by what is said about their end", async () => {
    const body = 'match { $u: User $u memberOf $t $t: Team { code: "red" } } return { $u, $t }';
    expect(await rowsOf(new FixtureF(), body)).toEqual([["ana", "red"]]);
  });

  it("15: see parallel edges only when the edge is bound", async () => {
    const f = new FixtureF();
    f.commit(f.links("Follows", ["ana", "ben", { since: 20_000 }]));
    const from = (edge: string, items: string) =>
      rowsOf(f, `match { $u: User { handle: "ana" } $u ${edge} $v } return { ${items} } order { $v.handle }`);
    expect(await from("follows", "$v")).toEqual([["ben"], ["cy"]]);
    expect(await from("$w:follows", "$v, $w.since")).toEqual([
      ["ben", null],
      ["ben", "2024-10-04"],
      ["cy", null],
    ]);
  });

  it("multiply by wildcards outside of not", async () => {
    const body = "match { $u: User $u follows $_ } return { $u }";
    expect(await column(new FixtureF(), body)).toEqual(["ana", "ana", "ben"]);
  });
});

describe("negation", () => {
  it("17: drops rows with a solution", async () => {
    for (const inner of ["$u memberOf $_", '$u memberOf $t $t.code != ""']) {
      const body = `match { $u: User not { ${inner} } } return { $u } order { $u.handle }`;
      expect(await column(new FixtureF(), body)).toEqual(["cy", "dee"]);
    }
  });

  it("18: nests", async () => {
    const body =
      'match { $u: User not { $u memberOf $t not { $t.code = "red" } } } return { $u } order { $u.handle }';
    expect(await column(new FixtureF(), body)).toEqual(["ana", "cy", "dee"]);
  });

  it("19: keeps hop bounds", async () => {
    const body = "match { $u: User not { $u follows{2,2} $v } } return { $u } order { $u.handle }";
    expect(await column(new FixtureF(), body)).toEqual(["ben", "cy", "dee"]);
  });

  it("20: takes orientation from the types, as outside", async () => {
    const f = new FixtureF();
    f.commit({ type: f.node("Team"), rows: [f.row(f.node("Team"), "empty", { code: "empty" })] });
    expect(await column(f, "match { $t: Team not { $t memberOf $u } } return { $t }")).toEqual(["empty"]);
  });
});

describe("filters", () => {
  it("21: compare properties of different variables, and never with null", async () => {
    const f = new FixtureF();
    f.commit(f.users({ x: { city: "Rom" }, y: { city: "Rome" } }));
    const body =
      "match { $a: User $b: User $b.city starts_with $a.city } return { $a, $b } order { $a.handle, $b.handle }";
    expect(await rowsOf(f, body)).toEqual([
      ["x", "x"],
      ["x", "y"],
      ["y", "y"],
    ]);
  });

  it("22: take wildcards of other languages literally, and operands by place", async () => {
    const f = new FixtureF();
    f.commit(f.users({ x: { city: "a_b" }, y: { city: "axb" }, z: { city: "rome" } }));
    expect(await column(f, 'match { $u: User $u.city contains "a_b" } return { $u }')).toEqual(["x"]);
    expect(await column(f, 'match { $u: User "we like rome" contains $u.city } return { $u }')).toEqual([
      "z",
    ]);
    expect(await column(f, 'match { $u: User $u.city contains "" } return { $u }')).toEqual(["x", "y", "z"]);
  });

  it("24: compare numbers by value, without truncation", async () => {
    const f = new FixtureF();
    f.commit(f.users({ two: { age: 2 }, three: { age: 3 } }));
    expect(await column(f, "match { $u: User $u.age = 2.7 } return { $u }")).toEqual([]);
    expect(await column(f, "match { $u: User $u.age > 2.7 $u.age < 3.1 } return { $u }")).toEqual(["three"]);
  });

  it("25: compare times, and refuse a text that is none", async () => {
    const f = new FixtureF();
    f.commit(f.users({ old: { joined: Date.UTC(2024, 0, 1) }, new: { joined: Date.UTC(2026, 0, 1) } }));
    const before = (text: string) =>
      column(f, `match { $u: User $u.joined < datetime("${text}") } return { $u }`);
    expect(await before("2025-01-01T00:00:00Z")).toEqual(["old"]);
    expect(before("nope")).rejects.toThrow("invalid DateTime literal 'nope'");
  });

  it("of constants alone have one solution or none", async () => {
    const f = new FixtureF();
    expect(await rowsOf(f, 'match { 1 < 2.5 "ab" contains "b" } return { 7 as x, now() } limit 1')).toEqual([
      [7, new Date(NOW_MS).toISOString()],
    ]);
    expect(await rowsOf(f, "match { 1 = 1 1 = 2 } return { 7 }")).toEqual([]);
    expect(await rowsOf(f, "match { 1 = 1 } return { count(7), sum(2) as s }")).toEqual([[1, 2]]);
    expect(await rowsOf(f, "match { 1 = 2 } return { count(7), sum(2) as s }")).toEqual([[0, null]]);
    const declared = "$p: I64?";
    expect(await rowsOf(f, "match { $p = $p } return { $p }", {}, declared)).toEqual([]);
    expect(await rowsOf(f, "match { $p = $p } return { $p as q } order { q }", { p: 3 }, declared)).toEqual([
      [3],
    ]);
  });

  it("27: know the time of the request", async () => {
    const f = new FixtureF();
    f.commit(f.users({ old: { joined: NOW_MS - 1 }, new: { joined: NOW_MS + 1 } }));
    const body = "match { $u: User $u.joined < now() } return { $u, now() as at }";
    expect(await rowsOf(f, body)).toEqual([["old", "2025-06-01T00:00:00.000Z"]]);
  });

  it("round a constant beside an F32 property, and an inline match likewise", async () => {
    const f = new FixtureF(`${SCHEMA_F} node P { f: F32? g: F32? d: F64? }`);
    const type = f.node("P");
    f.commit({ type, rows: [f.row(type, "p", { f: Math.fround(0.1), g: Math.fround(0.1), d: 0.1 })] });
    expect(await column(f, "match { $p: P $p.f = 0.1 } return { $p.f }")).toEqual([0.10000000149011612]);
    expect(await column(f, "match { $p: P { f: 0.1 } } return { $p }")).toEqual(["p"]);
    expect(await column(f, "match { $p: P $p.f = $p.g } return { $p }")).toEqual(["p"]);
    expect(await column(f, "match { $p: P $p.f = $p.d } return { $p }")).toEqual([]);
  });

  it("23: find members of lists", async () => {
    const f = new FixtureF(`${SCHEMA_F} node D { tags: [String]? }`);
    const type = f.node("D");
    const d = (id: string, tags: Value) => f.row(type, id, { tags });
    f.commit({ type, rows: [d("d1", ["x", "y"]), d("d2", ["y"]), d("d3", null), d("d4", [])] });
    expect(await column(f, 'match { $d: D { tags: "x" } } return { $d }')).toEqual(["d1"]);
    expect(await column(f, 'match { $d: D $d.tags contains "x" } return { $d }')).toEqual(["d1"]);
    expect(
      await column(f, "match { $d: D } return { $d.tags } order { $d.tags }").catch((e) => e.message),
    ).toContain("unsupported ordering expression");
    expect(await column(f, 'match { $d: D ["y", "z"] contains "y" } return { $d }')).toHaveLength(4);
  });
});

describe("aggregates", () => {
  it("28: count per group; what has no row has no group", async () => {
    const body =
      "match { $u: User $u follows $v } return { $u.handle, count($v) as n } order { n desc } limit 1";
    expect(await rowsOf(new FixtureF(), body)).toEqual([["ana", 2]]);
    const all = "match { $u: User $u follows $v } return { $u.handle, count($v) as n }";
    expect(await rowsOf(new FixtureF(), all)).toEqual([
      ["ana", 2],
      ["ben", 1],
    ]);
  });

  it("29: of nothing are one row without a group key, and none with one", async () => {
    const f = follows();
    expect(await rowsOf(f, "match { $u: User } return { count($u) as n, avg($u.age) as a }")).toEqual([
      [0, null],
    ]);
    expect(await rowsOf(f, "match { $u: User } return { $u.city, count($u) as n }")).toEqual([]);
    const g = new FixtureF();
    g.commit(g.links("Follows", ["ana", "dee", { since: 1 }]));
    expect(
      await rowsOf(g, "match { $u: User $u $w:follows $v } return { count($w.since), count($v) as n }"),
    ).toEqual([[1, 4]]);
  });

  it("30: sum to floats, find extremes by bytes, and treat null as a group", async () => {
    const f = new FixtureF();
    f.commit(f.users({ x: { city: "Rome", age: 1 }, y: { city: "Oslo", age: 2 }, z: { city: "Rome" } }));
    const body =
      "match { $u: User } return { $u.city, sum($u.age) as s, min($u.handle) as lo, max($u.age) as hi } order { $u.city }";
    expect(await rowsOf(f, body)).toEqual([
      [null, 118, "ana", 35],
      ["Oslo", 2, "y", 2],
      ["Rome", 1, "x", 1],
    ]);
  });

  it("31: keep every digit of 64-bit integers", async () => {
    const f = new FixtureF(`${SCHEMA_F} node N { v: I64? u: U64? }`);
    const type = f.node("N");
    f.commit({
      type,
      rows: [f.row(type, "n", { v: 9_007_199_254_740_993n, u: 18_446_744_073_709_551_615n })],
    });
    const result = await runRead(
      f.cache().view(f.state()),
      "match { $n: N $n.v = $p } return { $n.v, $n.u, $p }",
      { p: "9007199254740993" },
      "$p: I64",
    );
    expect(result.rowsJson()).toBe(
      '[{"n.v":9007199254740993,"n.u":18446744073709551615,"p":9007199254740993}]',
    );
    expect(await column(f, "match { $n: N $n.v > 9007199254740992 } return { $n }")).toEqual(["n"]);
  });
});

describe("text", () => {
  const SCHEMA = `${SCHEMA_F} node Doc { title: String? body: String? }`;
  const library = () => {
    const f = new FixtureF(SCHEMA);
    const type = f.node("Doc");
    const doc = (id: string, title: string, body: string) => f.row(type, id, { title, body });
    f.commit({
      type,
      rows: [
        doc("d1", "Introduction to Graphs", "neural networks have many layers"),
        doc("d2", "Advanced graph theory", "a single layer"),
        doc("d3", "Cooking", "the soup of the day"),
        f.row(type, "d4", {}),
      ],
    });
    return f;
  };

  it("34: is found by one common token, also right after it was written", async () => {
    const f = library();
    const find = (text: string) => column(f, `match { $d: Doc search($d.title, "${text}") } return { $d }`);
    expect(await find("graphs unheard")).toEqual(["d1", "d2"]);
    expect(await find("unheard")).toEqual([]);
    expect(await find("the of")).toEqual([]);
    f.commit({ type: f.node("Doc"), rows: [f.row(f.node("Doc"), "d5", { title: "GRAPHING" })] });
    expect(await find("graphs")).toEqual(["d1", "d2", "d5"]);
    f.commit({
      type: f.node("Doc"),
      rows: [f.row(f.node("Doc"), "d1", { title: "Renamed" })],
      deletedNodes: ["d2"],
    });
    expect(await find("graphs")).toEqual(["d5"]);
  });

  it("35: is matched whatever the order of words", async () => {
    const body = 'match { $d: Doc match_text($d.body, "layers networks") } return { $d }';
    expect(await column(library(), body)).toEqual(["d1", "d2"]);
  });

  it("36: is found in spite of typing errors", async () => {
    const fuzzy = (text: string, edits: string) =>
      column(library(), `match { $d: Doc fuzzy($d.title, "${text}"${edits}) } return { $d }`);
    expect(await fuzzy("Introductio", ", 2")).toEqual(["d1"]);
    expect(await fuzzy("grphs", "")).toEqual(["d1", "d2"]);
    expect(await fuzzy("grphs", ", 0")).toEqual([]);
  });

  it("holds or not like any condition, inside of not as well", async () => {
    const f = library();
    const find = (clause: string) =>
      column(f, `match { $d: Doc ${clause} } return { $d } order { $d.title }`);
    expect(await find('search($d.title, "graph") = false')).toEqual(["d4", "d3"]);
    expect(await find('not { search($d.title, "graph") }')).toEqual(["d4", "d3"]);
    expect(await find('search($d.title, "graph") search($d.body, "layer") ')).toEqual(["d2", "d1"]);
    expect(
      await column(f, "match { $d: Doc search($d.title, $q) } return { $d }", { q: null }, "$q: String?"),
    ).toEqual([]);
  });

  it("37: is ranked by bm25, best first, without what does not match", async () => {
    const f = library();
    const ranked = (tail: string) =>
      column(f, `match { $d: Doc } return { $d } order { bm25($d.body, "neural layer")${tail} }`);
    expect(await ranked("")).toEqual(["d1", "d2"]);
    expect(await ranked(" desc")).toEqual(["d1", "d2"]);
    expect(
      await column(f, 'match { $d: Doc } return { $d } order { bm25($d.body, "layer") } limit 1'),
    ).toEqual(["d2"]);
    const count = 'match { $d: Doc } return { count($d) as n } order { bm25($d.body, "layer") }';
    expect(await column(f, count)).toEqual([2]);
  });

  it("needs a string to rank by", async () => {
    const body = "match { $d: Doc } return { $d } order { bm25($d.body, $q) }";
    expect(column(library(), body, { q: null }, "$q: String?")).rejects.toThrow(
      "query must resolve to a string",
    );
  });
});
