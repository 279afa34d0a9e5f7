// What values look like on their way in as parameters and out as results (spec 02 §5, §9), and how many are made.

import { describe, expect, it, spyOn } from "bun:test";
import { Table } from "../../../src/index/table.ts";
import { parseJsonExact } from "../../../src/lib/json.ts";
import { testGraph } from "../support.ts";

const SCHEMA = `
node Thing { key: String @key  bool: Bool?  i32: I32?  i64: I64?  u32: U32?  u64: U64?  f32: F32?  f64: F64?
  day: Date?  at: DateTime?  colour: enum(red, blue)?  texts: [String]?  numbers: [I64]?  floats: [F32]?
  days: [Date]?  times: [DateTime]?  bools: [Bool]?  vector: Vector(3)? }
edge Near: Thing -> Thing { far: I64?  at: Vector(2)? }
`;

const FULL =
  `{"type":"Thing","data":{"key":"full","bool":true,"i32":-5,"i64":9007199254740993,"u32":4294967295,
"u64":18446744073709551615,"f32":0.1,"f64":0.1,"day":"2024-2-29","at":"2025-02-03T08:00:00.123456+02:00","colour":"red",
"texts":["x","y,\\"z"],"numbers":[9007199254740993,-9007199254740993],"floats":[0.1],"days":["20240229"],
"times":["2024-02-29"],"bools":[true,false],"vector":[0.1,2,-3]}}`.replaceAll("\n", "");

const PROPERTIES =
  "key bool i32 i64 u32 u64 f32 f64 day at colour texts numbers floats days times bools vector".split(" ");
const ITEMS = PROPERTIES.map((name) => `$t.${name} as ${name}`).join(", ");

async function things() {
  const graph = await testGraph(SCHEMA);
  await graph.load([
    FULL,
    { type: "Thing", data: { key: "none" } },
    '{"edge":"Near","from":"full","to":"none","data":{"far":-9223372036854775808,"at":[1,0.5]}}',
  ]);
  const json = async (source: string, params = "{}") =>
    (await graph.graph.query({ source, params: parseJsonExact(params) })).rowsJson();
  return { ...graph, json };
}

describe("a result", () => {
  it("spells each kind of value in its own way, with all digits", async () => {
    const { json } = await things();
    expect(await json(`query q() { match { $t: Thing { key: "full" } } return { ${ITEMS} } }`)).toBe(
      '[{"key":"full","bool":true,"i32":-5,"i64":9007199254740993,"u32":4294967295,"u64":18446744073709551615,' +
        '"f32":0.10000000149011612,"f64":0.1,"day":"2024-02-29","at":"2025-02-03T06:00:00.123Z","colour":"red",' +
        '"texts":["x","y,\\"z"],"numbers":[9007199254740993,-9007199254740993],"floats":[0.10000000149011612],' +
        '"days":["2024-02-29"],"times":["2024-02-29T00:00:00.000Z"],"bools":[true,false],' +
        '"vector":[0.10000000149011612,2,-3]}]',
    );
    expect(await json("query q() { match { $t $n:near $o } return { $n.far, $n.at, $o } }")).toBe(
      '[{"n.far":-9223372036854775808,"n.at":[1,0.5],"o":"none"}]',
    );
  });

  it("has a null for each value that is not there", async () => {
    const { json } = await things();
    const nulls = PROPERTIES.slice(1).map((name) => `"${name}":null`);
    expect(await json(`query q() { match { $t: Thing { key: "none" } } return { ${ITEMS} } }`)).toBe(
      `[{"key":"none",${nulls.join(",")}}]`,
    );
  });

  it("spells values the same before they are in a segment and after", async () => {
    const { json, mutate } = await things();
    const all = `query q() { match { $t: Thing } return { ${ITEMS} } order { $t.key } }`;
    const before = await json(all);
    await mutate('update Thing set { f64: 0.1 } where key = "full"');
    expect(await json(all)).toBe(before);
  });

  it("returns literals, now and parameters as they were given", async () => {
    const { json } = await things();
    const items =
      '$i, $u, $f, $days, $at, $v, $none, 1.5 as lit, 9223372036854775807 as big, ["a", "b"] as list, date("2024-1-5") as day, datetime("2024-01-05") as dt';
    const declared = "$i: I64, $u: U64, $f: F32, $days: [Date], $at: DateTime, $v: Vector(3), $none: String?";
    const params =
      '{"i":"-9223372036854775808","u":9223372036854775807,"f":0.1,"days":["20240105","2024-1-5"],"at":"2024-01-05 10:00:00+01:00","v":[0.1,1e3,2]}';
    expect(
      await json(`query q(${declared}) { match { $t: Thing { key: "none" } } return { ${items} } }`, params),
    ).toBe(
      '[{"i":-9223372036854775808,"u":9223372036854775807,"f":0.1,"days":["2024-01-05","2024-01-05"],' +
        '"at":"2024-01-05T09:00:00.000Z","v":[0.10000000149011612,1000,2],"none":null,"lit":1.5,' +
        '"big":9223372036854775807,"list":["a","b"],"day":"2024-01-05","dt":"2024-01-05T00:00:00.000Z"}]',
    );
  });

  it("makes values of the rows that it returns, and of no other", async () => {
    const { load, graph } = await testGraph("node N { key: String @key  at: DateTime  score: F64 }");
    await load(
      Array.from({ length: 5_000 }, (_, n) => ({
        type: "N",
        data: { key: `k${n}`, at: new Date(n * 1_000).toISOString(), score: n / 7 },
      })),
    );
    const source =
      "query q() { match { $n: N $n.score > 10.0 } return { $n.at, $n.score } order { $n.key } limit 3 }";
    const row = spyOn(Table.prototype, "row");
    const value = spyOn(Table.prototype, "value");
    const text = (await graph.query({ source })).rowsJson();
    const made = [row.mock.calls.length, value.mock.calls.length];
    row.mockRestore();
    value.mockRestore();
    expect(text).toContain('"n.score":14.285714285714286');
    expect(made).toEqual([0, 3 * 2]);
  });
});
