// What holds on every load, by the cases of the schema language (spec 01 §§9-10).

import { describe, expect, it } from "bun:test";
import { openGraph } from "../../../src/engine/index.ts";
import { expectRefused, ndjson, over, ports, refusal, testGraph, text } from "../support.ts";

describe("the ids of keyed nodes", () => {
  it.each([
    ["Date", '"2021-03-04"', "18690"],
    ["Date", "-1", "-1"],
    ["DateTime", '"2024-02-29T10:00:00+02:00"', "1709193600000"],
    ["F32", "33554433", "33554432"],
    ["F32", "0.1", "0.1"],
    ["F64", "-0.0", "0"],
    ["F64", "1e21", "1000000000000000000000"],
    ["F64", "1e-7", "0.0000001"],
    ["U64", "18446744073709551615", "18446744073709551615"],
    ["I64", "-9007199254740993", "-9007199254740993"],
    ["Bool", "true", "true"],
    ["String", '""', ""],
    ["enum(a, b)", '"b"', "b"],
  ])("of %s %s is %s, and edges find them by it", async (type, value, id) => {
    const { load, graph, rows } = await testGraph(`node K { k: ${type} @key }\nedge E: K -> K\n`);
    await load([
      `{"edge":"E","from":${JSON.stringify(id)},"to":${JSON.stringify(id)}}`,
      `{"type":"K","data":{"k":${value}}}`,
    ]);
    expect(await rows("match { $k: K $k e $k } return { $k }")).toEqual([{ k: id }]);
    // The same key again is the same node, and an explicit id must be spelled like it.
    await load([`{"type":"K","data":{"id":${JSON.stringify(id)},"k":${value}}}`]);
    expect(await rows("match { $k: K } return { count($k) as n }")).toEqual([{ n: 1 }]);
    await expectRefused(
      load([`{"type":"K","data":{"id":"${id}x","k":${value}}}`]),
      400,
      `does not match its canonical @key id '${id}'`,
    );
    const exported = await text(await graph.export({}));
    const copy = await testGraph(`node K { k: ${type} @key }\nedge E: K -> K\n`);
    await copy.load(exported.trimEnd().split("\n"), "overwrite");
    expect(await text(await copy.graph.export({}))).toBe(exported);
  });

  it.each(["@key(zone, bin)", "@key(bin, zone)"])("of %s have their parts in one order", async (key) => {
    const { load, rows } = await testGraph(`node Slot { zone: String  bin: U32  ${key} }`);
    await load([
      { type: "Slot", data: { zone: "N", bin: 7 } },
      { type: "Slot", data: { zone: 'a"b', bin: 1, id: '["1","a\\"b"]' } },
    ]);
    expect(await rows("match { $s: Slot } return { $s } order { $s.bin }")).toEqual([
      { s: '["1","a\\"b"]' },
      { s: '["7","N"]' },
    ]);
    const twice = { type: "Slot", data: { zone: "N", bin: 7 } };
    await expectRefused(load([twice, twice]), 400, `@unique violation on Slot.(bin, zone): value '(7, N)'`);
  });
});

describe("the values of a load", () => {
  const WIDE = `node W { no: I32 @key  i: I32?  u: U32?  big: I64?  f: F32?  d: F64?  v: Vector(3)?  on: Date?  at: DateTime?  tags: [String]?  ns: [I32]?  kind: enum(a, b)?  kinds: [String]?  ok: Bool? }`;
  it.each([
    ['"i":2147483648', "property 'i' value 2147483648 exceeds Int32 range"],
    ['"i":3.0', "strict property 'i' expects Int32, got 3.0"],
    ['"i":1e2', "strict property 'i' expects Int32, got 1e2"],
    ['"i":"3"', "strict property 'i' expects Int32, got \"3\""],
    ['"u":-1', "exceeds UInt32 range"],
    ['"big":9223372036854775808', "exceeds Int64 range"],
    ['"f":1e39', "exceeds Float32 range"],
    ['"d":1e999', "property 'd' must be finite for Float64"],
    ['"v":[1,2]', "vector property 'v' expects 3 dimensions, got 2"],
    ['"v":[1,2,null]', "vector property 'v' elements must be numeric"],
    ['"v":[1,2,"0.2"]', "vector property 'v' elements must be numeric"],
    ['"v":[1,2,1e39]', "exceeds Float32 range"],
    ['"v":5', "vector property 'v' expects a JSON array"],
    ['"tags":"x"', "list property 'tags' expects a JSON array"],
    ['"tags":["x",null]', "strict list property 'tags' contains a null or invalid item"],
    ['"tags":["x",1]', "strict list property 'tags' contains a null or invalid item"],
    ['"ns":[2147483648]', "exceeds Int32 range"],
    ['"on":"2023-02-29"', "invalid Date literal '2023-02-29'"],
    ['"on":2147483648', "Date value out of range"],
    ['"on":1.5', "strict property 'on' expects Date32, got 1.5"],
    ['"at":"noon"', "invalid DateTime literal 'noon'"],
    ['"at":true', "strict property 'at' expects Date64, got true"],
    ['"kind":"c"', "invalid enum value 'c' for W.kind (expected: a, b)"],
    ['"ok":1', "strict property 'ok' expects Boolean, got 1"],
  ])("are refused for %s", async (member, phrase) => {
    const { load, graph } = await testGraph(WIDE);
    const error = await refusal(
      load(['{"type":"W","data":{"no":1}}', `{"type":"W","data":{"no":2,${member}}}`]),
    );
    expect([error.status, error.message]).toEqual([400, expect.stringContaining(phrase)]);
    expect(error.message).toStartWith("line 2: ");
    expect(await graph.commits()).toHaveLength(1);
  });

  it("may be left out or null where they may be null, whatever rules there are", async () => {
    const { load, rows } = await testGraph(
      'node R { no: I32 @key  n: I32?  s: String?  m: String?  @range(n, 1..)  @check(s, "^x")  @unique(m, s) }',
    );
    await load([
      { type: "R", data: { no: 1 } },
      { type: "R", data: { no: 2, n: null, s: null, m: "a" } },
      { type: "R", data: { no: 3, m: "a" } },
      { type: "R", data: { no: 4, m: "a", s: "x1", n: 1 } },
    ]);
    await expectRefused(
      load([{ type: "R", data: { no: 5, m: "a", s: "x1" } }], "append"),
      400,
      "@unique violation on R.(m, s): value '(a, x1)' held by",
    );
    expect(await rows("match { $r: R } return { count($r) as n }")).toEqual([{ n: 4 }]);
  });

  it("take integers for floats, and dates as texts or numbers", async () => {
    const { load, rows } = await testGraph(WIDE);
    await load(['{"type":"W","data":{"no":1,"f":3,"d":-0.0,"on":"20240229","at":5,"big":9007199254740993}}']);
    expect(await rows("match { $w: W } return { $w.f, $w.d, $w.on, $w.at, $w.big }")).toEqual([
      {
        "w.f": 3,
        "w.d": -0,
        "w.on": "2024-02-29",
        "w.at": "1970-01-01T00:00:00.005Z",
        "w.big": 9007199254740993n,
      },
    ]);
  });
});

describe("unique values of a load", () => {
  const USERS = `node User { name: String @key  email: String? @unique  born: Date?  @unique(born) }
edge Follows: User -> User { why: enum(work, fun)?  @unique(src, dst) }
`;
  const user = (name: string, email?: string, born?: string) => ({
    type: "User",
    data: { name, email, born },
  });

  it("are held by one line of the batch, and by one entity of the graph", async () => {
    const { load, rows } = await testGraph(USERS);
    await expectRefused(
      load([user("a", "x@x"), user("c"), user("b", "x@x")]),
      400,
      "line 3: @unique violation on User.email: value 'x@x' held by 'a' and 'b'",
    );
    expect(await rows("match { $u: User } return { $u }")).toEqual([]);
    await load([user("a", "x@x", "2020-01-01")]);
    await expectRefused(load([user("b", "x@x")], "append"), 400, "@unique violation on User.email");
    await expectRefused(
      load([user("b", "y@x", "2020-01-01")]),
      400,
      "@unique violation on User.born: value '18262' held by 'a' and 'b'",
    );
    await load([user("b", "y@x", "2020-01-02")]);
    // Its own value is nobody else's, and one given up in the batch is free.
    await load([user("a", "x@x", "2020-01-01")]);
    await load([user("a", "y@x"), user("b", "x@x")]);
    expect(await rows("match { $u: User } return { $u.email } order { $u.name }")).toEqual([
      { "u.email": "y@x" },
      { "u.email": "x@x" },
    ]);
  });

  it("hold for edges, their ends among them", async () => {
    const { load } = await testGraph(USERS);
    const follows = { edge: "Follows", from: "a", to: "b" };
    await expectRefused(
      load([user("a"), user("b"), follows, follows]),
      400,
      "@unique violation on Follows.(dst, src): value '(b, a)'",
    );
    await load([user("a"), user("b"), follows]);
    await expectRefused(load([follows], "append"), 400, "@unique violation on Follows.(dst, src)");
    await expectRefused(
      load([{ ...follows, to: "a", data: { why: "love" } }]),
      400,
      "invalid enum value 'love' for Follows.why (expected: fun, work)",
    );
  });
});

describe("edges of a load", () => {
  const CARDS = `node P { name: String @key }
node Q { name: String @key }
edge AtMost: P -> Q @card(0..1)
edge AtLeast: P -> Q @card(1..)
`;
  const p = (name: string) => ({ type: "P", data: { name } });
  const q = (name: string) => ({ type: "Q", data: { name } });
  const edge = (kind: string, from: string, to: string, id?: string) => ({
    edge: kind,
    from,
    to,
    data: { id },
  });

  it("count once, at their last source", async () => {
    const { load, reopen, storage } = await testGraph(CARDS);
    await load([p("a"), p("b"), q("x"), edge("AtMost", "a", "x", "e9"), edge("AtMost", "b", "x", "e9")]);
    await load([edge("AtMost", "a", "x")]);
    // A process that looked before the first edge was there sees it all the same.
    const early = over(storage, await reopen());
    await early.rows("match { $p: P } return { $p }");
    await load([p("c"), edge("AtMost", "c", "x")]);
    await expectRefused(
      early.load([edge("AtMost", "c", "x")], "append"),
      400,
      "@card violation on edge AtMost: source 'c' has 2 edges (max 1)",
    );
  });

  it("that move away leave enough behind", async () => {
    const { load, rows } = await testGraph(CARDS);
    await load([p("a"), p("b"), q("x"), edge("AtLeast", "a", "x", "e1")]);
    await expectRefused(
      load([edge("AtLeast", "b", "x", "e1")]),
      400,
      "@card violation on edge AtLeast: source 'a' has 0 edges (min 1)",
    );
    expect(await rows("match { $p: P $p atLeast $q } return { $p }")).toEqual([{ p: "a" }]);
    await load([p("c")]);
  });

  it("need ends in the batch or the graph, in the image that the load leaves", async () => {
    const { load, rows } = await testGraph(CARDS);
    await expectRefused(load([edge("AtMost", "a", "x")], "append"), 400, "src 'a' not found in P");
    await load([p("a"), p("b"), q("x"), edge("AtMost", "a", "x")]);
    await expectRefused(load([p("b")], "overwrite"), 400, "src 'a' not found in P");
    await expectRefused(
      load([p("b"), edge("AtMost", "b", "nowhere")], "overwrite"),
      400,
      "dst 'nowhere' not found in Q",
    );
    await load([p("b"), edge("AtMost", "b", "x")], "overwrite");
    expect(await rows("match { $p: P $p atMost $q } return { $p, $q }")).toEqual([{ p: "b", q: "x" }]);
  });
});

describe("of several things wrong with a batch", () => {
  const SCHEMA = `node A { name: String @key  n: I32?  @range(n, 1..) }
node B { name: String @key  mail: String? @unique }
edge Z: A -> B
`;
  const good = { type: "A", data: { name: "a" } };
  const badRecord = { type: "B", data: { name: 5 } };
  const badValue = { type: "A", data: { name: "b", n: 0 } };
  const twin = (name: string) => ({ type: "B", data: { name, mail: "m" } });
  const orphan = { edge: "Z", from: "nobody", to: "nobody" };

  it.each([
    [
      "an unknown type before anything else",
      [badRecord, { type: "Nope" }],
      "line 2: unknown node type 'Nope'",
    ],
    [
      "records that do not fit before rules on values",
      [badValue, badRecord],
      "line 2: strict property 'name'",
    ],
    ["rules on values before unique ones", [twin("x"), twin("y"), badValue], "line 3: @range violation"],
    ["unique rules before missing ends", [orphan, twin("x"), twin("y")], "line 3: @unique violation"],
    [
      "nodes before edges, each by name",
      [{ edge: "Z", from: "a", to: "b", data: { x: 1 } }, badRecord],
      "line 2: ",
    ],
    ["the first line of a type", [badValue, { type: "A", data: { name: "c", n: -1 } }], "line 1: "],
  ])("the first is reported: %s", async (_, lines, phrase) => {
    const { load } = await testGraph(SCHEMA);
    expect((await refusal(load(lines))).message).toStartWith(phrase);
    const shifted = (await refusal(load([good, ...lines]))).message;
    expect(shifted).toStartWith(phrase.replace(/\d/, (line) => String(Number(line) + 1)));
  });
});

describe("a server that lives on", () => {
  it("reads what was loaded last, with the filter that it read before", async () => {
    const { storage } = await testGraph("node Ship { imo: String @key  flag: String? @index }");
    const { graph, rows } = over(storage, await openGraph({ storage, ports, resident: true }));
    const ship = (no: number, flag: string) => ({ type: "Ship", data: { imo: `I${no}`, flag } });
    const load = (lines: object[], mode: "append" | "overwrite") =>
      graph.load({ data: () => ndjson(lines), mode, actor: null });
    const filtered = () => rows('match { $s: Ship { flag: "NO" } } return { $s.imo } order { $s.imo }');
    await load(
      Array.from({ length: 50 }, (_, i) => ship(i, i % 2 === 0 ? "NO" : "SE")),
      "append",
    );
    expect(await filtered()).toHaveLength(25);
    await load([ship(1, "NO"), ship(2, "SE"), ship(99, "NO")], "overwrite");
    expect(await filtered()).toEqual([{ "s.imo": "I1" }, { "s.imo": "I99" }]);
    await expectRefused(load([ship(1, "DK")], "append") as never, 409, "already has id 'I1'");
    expect(await filtered()).toHaveLength(2);
    await graph.close();
  });
});
