// Migrations over rows, one by one: what they leave as it was, and what they touch on storage.

import { describe, expect, it } from "bun:test";
import type { StorageAdapter } from "../../src/storage/index.ts";
import { expectRefused, over, type TestGraph, testGraph, text } from "./support.ts";

const migrate = ({ graph }: TestGraph, source: string) => graph.applySchema({ source, actor: null });

const exported = async ({ graph }: TestGraph) => (await text(await graph.export({}))).trimEnd().split("\n");

async function keysOf(storage: StorageAdapter, prefix: string): Promise<string[]> {
  return (await storage.list(prefix)).objects.map(({ key }) => key);
}

describe("a node whose properties are called like the ends of edges", () => {
  it("is written and read like any other, also where it is keyed by one of them", async () => {
    const fixture = await testGraph(
      "node Hop { src: String @key  dst: String?  from: I32?  to: I32?  _row_id: I64?  type: String?  edge: String?  data: String? }\n" +
        "edge Then: Hop -> Hop { type: String?  data: String? }",
    );
    const { load, mutate, rows } = fixture;
    await mutate('insert Hop { src: "a", dst: "x", from: 1, to: 2, _row_id: 5 }');
    await load([
      { type: "Hop", data: { src: "b", dst: "y", from: 3, type: "t", edge: "e", data: "d" } },
      { edge: "tHEN", from: "a", to: "b", data: { type: "tt", data: "dd" } },
    ]);
    await mutate('update Hop set { to: 9, dst: "z" } where from = 1');
    expect(
      await rows(
        "match { $h: Hop { from: 1 } $h $t:then $n } return { $h.src, $h.dst, $h.to, $h._row_id, $t.type, $n.src, $n.data }",
      ),
    ).toEqual([
      {
        "h.src": "a",
        "h.dst": "z",
        "h.to": 9,
        "h._row_id": 5,
        "t.type": "tt",
        "n.src": "b",
        "n.data": "d",
      },
    ]);
    const copy = await testGraph((await fixture.graph.catalog()).source);
    await copy.load(await exported(fixture), "overwrite");
    expect(await exported(copy)).toEqual(await exported(fixture));
  });
});

describe("a migration over rows", () => {
  it("keeps ids where the properties of a composite key change places by name", async () => {
    const fixture = await testGraph("node Bin { zone: String  bin: U32  note: String?  @key(zone, bin) }");
    await fixture.load([{ type: "Bin", data: { zone: "N", bin: 7, note: "old" } }]);
    await migrate(
      fixture,
      'node Bin { area: String @rename_from("zone")  no: U32 @rename_from("bin")  note: String?  @key(area, no) }',
    );
    await fixture.mutate('insert Bin { area: "N", no: 7, note: "new" }');
    expect(await exported(fixture)).toEqual([
      '{"type":"Bin","data":{"id":"[\\"7\\",\\"N\\"]","area":"N","no":7,"note":"new"}}',
    ]);
  });

  it("renames a type, its key and the ends of its edges in one go", async () => {
    const fixture = await testGraph(
      "node User { name: String @key  bio: String  bio_vec: Vector(2)? @embed(bio) }\nedge Knows: User -> User { since: Date? }",
    );
    await fixture.load([
      { type: "User", data: { name: "ann", bio: "a", bio_vec: [1, 2] } },
      { type: "User", data: { name: "bob", bio: "b" } },
      { edge: "Knows", from: "ann", to: "bob", data: { id: "k", since: "2020-01-01" } },
    ]);
    const { steps } = await migrate(
      fixture,
      'edge Knows: Person -> Person { since: Date? }\nnode Person @rename_from("User") { handle: String @key @rename_from("name")  life: String @rename_from("bio")  bio_vec: Vector(2)? @embed(life) }',
    );
    expect(steps.map(({ kind }) => kind)).toEqual(["rename_type", "rename_property", "rename_property"]);
    expect(await exported(fixture)).toEqual([
      '{"edge":"Knows","from":"ann","to":"bob","data":{"id":"k","since":18262}}',
      '{"type":"Person","data":{"id":"ann","bio_vec":[1,2],"handle":"ann","life":"a"}}',
      '{"type":"Person","data":{"id":"bob","bio_vec":null,"handle":"bob","life":"b"}}',
    ]);
    await expectRefused(fixture.rows("match { $u: User } return { $u }"), 400, "type error: T1");
    await expectRefused(fixture.rows("match { $p: Person } return { $p.name }"), 400, "type error: T6");
    await expectRefused(fixture.load([{ type: "User", data: { name: "cem", bio: "c" } }]), 400, "User");
  });

  it("lets two properties change names, and the text of the schema come back", async () => {
    const schema = 'node T { k: String @key  a: I32?  b: I32? @rename_from("spare") }';
    const fixture = await testGraph(schema);
    await fixture.load([{ type: "T", data: { k: "x", a: 1, b: 2 } }]);
    const read = () => fixture.rows("match { $t: T } return { $t.a, $t.b }");
    expect(await read()).toEqual([{ "t.a": 1, "t.b": 2 }]);
    await migrate(fixture, 'node T { k: String @key  spare: I32? @rename_from("a")  b: I32? }');
    await migrate(fixture, 'node T { k: String @key  spare: I32?  a: I32? @rename_from("b") }');
    await migrate(fixture, schema);
    expect(await read()).toEqual([{ "t.a": 2, "t.b": 1 }]);
  });

  it("renames an edge in nothing but its case", async () => {
    const fixture = await testGraph("node A { k: String @key }\nedge Likes: A -> A { w: I32? }");
    await fixture.load([
      { type: "A", data: { k: "a" } },
      { edge: "Likes", from: "a", to: "a", data: { w: 1 } },
    ]);
    const [{ graph_commit_id: snapshot }] = await fixture.graph.commits();
    await migrate(fixture, 'node A { k: String @key }\nedge LIKES: A -> A @rename_from("Likes") { w: I32? }');
    for (const selector of [{}, { snapshot }]) {
      expect(await fixture.rows("match { $a $l:likes $b } return { $l.w }", {}, selector)).toEqual([
        { "l.w": 1 },
      ]);
    }
    await fixture.load([{ edge: "likes", from: "a", to: "a" }]);
    expect((await exported(fixture)).filter((line) => line.includes('"edge":"LIKES"'))).toHaveLength(2);
  });

  it("that declares indexes or describes things writes one commit, no rows and no index", async () => {
    const schema = "node Doc { k: String @key  body: String?  v: Vector(2)? }\nnode Empty { v: Vector(3)? }";
    const fixture = await testGraph(schema);
    await fixture.load(
      Array.from({ length: 3000 }, (_, i) => ({
        type: "Doc",
        data: { k: `k${i}`, body: `a text of some length, number ${i}`, v: [i, 1] },
      })),
    );
    const { storage, graph } = fixture;
    const before = await Promise.all(["segments/", "index/"].map((prefix) => keysOf(storage, prefix)));
    const { datasets } = await graph.snapshot({});
    const applied = await migrate(
      fixture,
      schema
        .replace("body: String?", 'body: String? @index @description("the text")')
        .replace("Doc {", 'Doc @instruction("read it") {')
        .replace("v: Vector(3)?", "v: Vector(3)? @index"),
    );
    expect(applied.steps.map(({ kind }) => kind)).toEqual([
      "update_type_metadata",
      "update_property_metadata",
      "add_constraint",
      "add_constraint",
    ]);
    expect(await Promise.all(["segments/", "index/"].map((prefix) => keysOf(storage, prefix)))).toEqual(
      before,
    );
    expect((await graph.snapshot({})).datasets).toEqual(datasets);
    expect(await graph.commits()).toHaveLength(3);
    const nearest = "match { $e: Empty } return { $e } order { nearest($e.v, $v) } limit 3";
    expect(await fixture.rows(`query q($v: Vector(3)) { ${nearest} }`, { v: [1, 2, 3] })).toEqual([]);
  });

  it("that fails leaves head, rows and source as they were, and the graph writable", async () => {
    const schema = "node T { k: String @key  state: enum(on, off)? }";
    const fixture = await testGraph(schema);
    await fixture.load([{ type: "T", data: { k: "a", state: "on" } }]);
    const before = await fixture.graph.commits();
    for (const [source, phrase] of [
      [schema.replace("on, off", "on"), "[OG-MF-106] changing property type for 'T.state'"],
      [schema.replace("on, off", "on, away"), "[OG-MF-106]"],
      [schema.replace("off)?", "off)"), "[OG-MF-106]"],
      [schema.replace("state", "mail: String  state"), "[OG-MF-103] adding required property 'T.mail'"],
      [`${schema} node U @rename_from("V") {}`, "no accepted declaration has that name"],
      [schema.replace("@key", ""), "removing"],
      [`${schema} edge E: T -> Nobody`, "unknown target type: Nobody"],
    ] as const) {
      await expectRefused(migrate(fixture, source), 400, phrase);
    }
    expect(await fixture.graph.commits()).toEqual(before);
    expect((await fixture.graph.catalog()).source).toBe(schema);
    await fixture.mutate('insert T { k: "b", state: "off" }');
    expect(await fixture.rows("match { $t: T } return { count($t) as n }")).toEqual([{ n: 2 }]);
  });

  it("is seen by a process that has read and written before, at its next operation", async () => {
    const fixture = await testGraph("node T { k: String @key  a: I32? }");
    await fixture.load([{ type: "T", data: { k: "x", a: 1 } }]);
    const other = over(fixture.storage, await fixture.reopen());
    expect(await other.rows("match { $t: T } return { $t.a }")).toEqual([{ "t.a": 1 }]);
    await other.mutate('update T set { a: 2 } where k = "x"');
    await migrate(fixture, 'node T { k: String @key  b: I32? @rename_from("a") }');
    expect(await other.rows("match { $t: T } return { $t.b }")).toEqual([{ "t.b": 2 }]);
    await migrate(fixture, "node T { k: String @key  c: I32? }");
    await expectRefused(other.mutate('update T set { b: 3 } where k = "x"'), 400, "T11");
    await other.mutate('update T set { c: 3 } where k = "x"');
    expect(await fixture.rows("match { $t: T } return { $t.c }")).toEqual([{ "t.c": 3 }]);
  });

  it("lets a branch be made and merged on either side of it", async () => {
    const fixture = await testGraph("node T { k: String @key  a: I32? }");
    const { graph, load, mutate, rows } = fixture;
    await load([{ type: "T", data: { k: "x", a: 1 } }]);
    const merge = async () => {
      await graph.merge({ source: "draft", actor: null, deleteBranch: true });
    };
    await graph.createBranch({ name: "draft", actor: null });
    await mutate('update T set { a: 2 } where k = "x"', {}, "draft");
    await merge();
    await migrate(fixture, "node T { k: String @key  a: I32?  b: I32? }");
    await graph.createBranch({ name: "draft", actor: null });
    await mutate('update T set { b: 5 } where k = "x"', {}, "draft");
    await mutate('insert T { k: "y", b: 1 }');
    await merge();
    await migrate(fixture, "node T { k: String @key  b: I32? }");
    await graph.createBranch({ name: "draft", actor: null });
    await mutate('delete T where k = "y"', {}, "draft");
    await merge();
    expect(await rows("match { $t: T } return { $t.k, $t.b }")).toEqual([{ "t.k": "x", "t.b": 5 }]);
  });
});
