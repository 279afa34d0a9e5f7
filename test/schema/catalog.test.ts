import { describe, expect, it } from "bun:test";
import {
  acceptedDigest,
  admitSchema,
  type Catalog,
  declaredIndexes,
  decodeAccepted,
  describeType,
  encodeAccepted,
  findEdge,
  ignoredHints,
  indexKind,
  type NodeType,
  type Property,
  sameMeaning,
  typeLabel,
  typeToJson,
} from "../../src/schema/index.ts";
import { admit, REPAIR_SHOP } from "./support.ts";

function node(catalog: Catalog, name: string): NodeType {
  const type = catalog.nodes.get(name);
  if (type === undefined) throw new Error(`no node ${name}`);
  return type;
}

function property(catalog: Catalog, typeName: string, name: string): Property {
  const found = node(catalog, typeName).properties.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no property ${typeName}.${name}`);
  return found;
}

const names = (properties: readonly Property[]) => properties.map(({ name }) => name);

describe("a catalog", () => {
  it("lists effective properties in byte order of name", () => {
    const catalog = admit(
      "interface I { m: I32 } node T implements I { zb: I32 _a: I32 zB: I32 a1: I32 a: I32 }",
    );
    expect(names(node(catalog, "T").properties)).toEqual(["_a", "a", "a1", "m", "zB", "zb"]);
  });

  it("carries annotations without meaning, keeps hints out, and reads embeddings", () => {
    const catalog = admit(
      'node T @owner("ops") @rename_from("Old") { s: String @owner(ops) @rename_from("o") v: Vector(2) @embed(s) w: Vector(2)? @embed("s", model="m") }',
    );
    expect(node(catalog, "T").annotations).toEqual([{ name: "owner", value: "ops" }]);
    expect(property(catalog, "T", "s").annotations).toEqual([{ name: "owner", value: "ops" }]);
    expect(property(catalog, "T", "v").embed).toEqual({ source: "s", model: null });
    expect(property(catalog, "T", "w").embed).toEqual({ source: "s", model: "m" });
    expect(property(catalog, "T", "w").annotations).toEqual([]);
  });

  it("names its source by the digest of the exact bytes", () => {
    expect(admit("").digest).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(admit("node A {}").digest).not.toBe(admit("node A { }").digest);
  });

  it("reads cardinalities", () => {
    const catalog = admit(
      "node A {} edge E: A -> A edge F: A -> A @card(1..) edge G: A -> A @card(0..4294967295)",
    );
    const bounds = [...catalog.edges.values()].map(({ cardinality }) => cardinality);
    expect(bounds).toEqual([
      { min: 0, max: null },
      { min: 1, max: null },
      { min: 0, max: 4294967295 },
    ]);
  });

  it("collapses duplicates in rules and rules written twice", () => {
    const { constraints } = node(
      admit("node T { a: I32 @index b: I32 @index(a, a) @unique(b, a) @unique(a, b) }"),
      "T",
    );
    expect(constraints).toEqual([
      { kind: "index", properties: ["a"] },
      { kind: "unique", properties: ["a", "b"] },
    ]);
  });

  it("finds types by stable id", () => {
    const catalog = admit(REPAIR_SHOP);
    for (const type of [...catalog.nodes.values(), ...catalog.edges.values()]) {
      expect(catalog.typeById.get(type.id)).toBe(type);
    }
  });

  it("joins an edge with its node types", () => {
    const catalog = admit("edge E: B -> A node A {} node B {}");
    expect(catalog.edges.get("E")?.source).toBe(node(catalog, "B"));
    expect(catalog.edges.get("E")?.target).toBe(node(catalog, "A"));
  });
});

describe("an interface", () => {
  const NAMED = "interface Named { title: String @index @unique }";

  it("gives a property with its rules to a node that does not declare it", () => {
    const type = node(admit(`${NAMED} node T implements Named {}`), "T");
    expect(names(type.properties)).toEqual(["title"]);
    expect(type.constraints).toEqual([
      { kind: "index", properties: ["title"] },
      { kind: "unique", properties: ["title"] },
    ]);
  });

  it("gives no rules and no annotations to a node that declares the property", () => {
    const type = node(admit(`${NAMED} node T implements Named { title: String @x }`), "T");
    expect(type.constraints).toEqual([]);
    expect(type.properties[0].annotations).toEqual([{ name: "x", value: null }]);
  });

  it("gives a key", () => {
    const type = node(admit("interface K { k: I32 @key } node T implements K {}"), "T");
    expect(names(type.key ?? [])).toEqual(["k"]);
  });

  it("compares enums as sets", () => {
    expect(() => admit("interface I { p: enum(a, b) } node T implements I { p: enum(b, a) }")).not.toThrow();
  });
});

describe("findEdge", () => {
  const catalog = admit("node A {} edge Likes: A -> A edge StandsIn: A -> A");

  it.each(["Likes", "likes", "lIkEs"])("finds Likes as %s", (name) => {
    expect(findEdge(catalog, name)?.name).toBe("Likes");
  });

  it("answers null for anything else", () => {
    expect(findEdge(catalog, "Like")).toBeNull();
    expect(findEdge(catalog, "constructor")).toBeNull();
    expect(findEdge(catalog, "Lıkes")).toBeNull();
  });
});

describe("indexes", () => {
  it("follow the type of the property", () => {
    const catalog = admit(
      "node T { s: String e: enum(a) b: Bool n: F32 d: DateTime? v: Vector(2) l: [String] x: Blob }",
    );
    const kinds = Object.fromEntries(
      node(catalog, "T").properties.map(({ name, type }) => [name, indexKind(type)]),
    );
    expect(kinds).toEqual({
      s: "text",
      e: "ordered",
      b: "ordered",
      n: "ordered",
      d: "ordered",
      v: "vector",
      l: null,
      x: null,
    });
  });

  it("include the tuple of the key once", () => {
    const declared = (source: string) => declaredIndexes(node(admit(source), "T"));
    expect(declared("node T { b: I32 a: I32 c: I32 @index @key(b, a) }")).toEqual([["a", "b"], ["c"]]);
    expect(declared("node T { a: I32 @key @index }")).toEqual([["a"]]);
    expect(declared("node T { a: I32 @unique }")).toEqual([]);
  });
});

describe("types", () => {
  const type = (text: string) => property(admit(`node T { p: ${text} }`), "T", "p").type;

  it.each([
    ["String", "String", "Utf8"],
    ["I32?", "I32?", "Int32"],
    ["[String]", "[String]", "List(Utf8)"],
    ["[DateTime]?", "[DateTime]?", "List(Date64)"],
    ["enum(b, a)?", "enum(a, b)?", "Utf8"],
    ["Vector(3)", "Vector(3)", "FixedSizeList(Float32, 3)"],
    ["U64", "U64", "UInt64"],
    ["Bool", "Bool", "Boolean"],
    ["Blob", "Blob", "Blob"],
  ])("%s prints as %s and names its column %s", (source, described, label) => {
    expect(describeType(type(source))).toBe(described);
    expect(typeLabel(type(source))).toBe(label);
  });

  it("have a JSON form with all four members", () => {
    expect(typeToJson(type("enum(b, a)?"))).toEqual({
      scalar: "String",
      nullable: true,
      list: false,
      enum_values: ["a", "b"],
    });
    expect(typeToJson(type("Vector(3)"))).toEqual({
      scalar: { Vector: 3 },
      nullable: false,
      list: false,
      enum_values: null,
    });
    expect(typeToJson(type("[I64]"))).toEqual({
      scalar: "I64",
      nullable: false,
      list: true,
      enum_values: null,
    });
  });
});

describe("stable ids", () => {
  const ids = (catalog: Catalog) => ({
    types: Object.fromEntries(
      [...catalog.interfaces.values(), ...catalog.nodes.values(), ...catalog.edges.values()].map((type) => [
        type.name,
        type.id,
      ]),
    ),
    properties: Object.fromEntries(
      [...catalog.interfaces.values(), ...catalog.nodes.values(), ...catalog.edges.values()].flatMap((type) =>
        type.properties.map(({ name, id }) => [`${type.name}.${name}`, id]),
      ),
    ),
  });

  it("go to types in the order of the text, then to properties by type and name", () => {
    const source =
      "edge E: B -> A { z: I32 } node B implements I { y: I32 c: I32 } interface I { x: I32 } node A { b: I32 }";
    expect(ids(admit(source))).toEqual({
      types: { E: 1, B: 2, I: 3, A: 4 },
      properties: { "E.z": 5, "B.c": 6, "B.x": 7, "B.y": 8, "I.x": 9, "A.b": 10 },
    });
    expect(admit(source).nextId).toBe(11);
  });

  it("stay through renames, and new ones go on counting", () => {
    const before = admit("node A { p: I32 } edge E: A -> A");
    const after = admitSchema(
      'node New { n: I32 } node B @rename_from("A") { q: I32 @rename_from("p") a: I32? } edge E: B -> B',
      before,
    );
    expect(ids(before)).toEqual({ types: { A: 1, E: 2 }, properties: { "A.p": 3 } });
    expect(ids(after)).toEqual({
      types: { B: 1, E: 2, New: 4 },
      properties: { "B.q": 3, "B.a": 5, "New.n": 6 },
    });
  });

  it("are never used again", () => {
    const first = admit("node A { p: I32 }");
    const without = admitSchema("", first);
    const again = admitSchema("node A { p: I32 }", without);
    expect(without.nextId).toBe(3);
    expect(ids(again)).toEqual({ types: { A: 3 }, properties: { "A.p": 4 } });
    expect(again.digest).toBe(first.digest);
  });

  it("tell kinds apart", () => {
    const before = admit("node Report {}");
    const after = admitSchema("node Report {} edge Report: Report -> Report interface Report {}", before);
    expect(after.nodes.get("Report")?.id).toBe(1);
    expect(after.edges.get("Report")?.id).toBe(2);
    expect(after.interfaces.get("Report")?.id).toBe(3);
  });

  it("order a composite key, however the rule lists it", () => {
    for (const rule of ["@key(zone, bin)", "@key(bin, zone)"]) {
      const type = node(admit(`node Bin { zone: String bin: U32 ${rule} }`), "Bin");
      expect(names(type.key ?? [])).toEqual(["bin", "zone"]);
    }
    expect(node(admit("node Bin { zone: String bin: U32 @key(zone, bin) }"), "Bin").keyAsDeclared).toEqual([
      "zone",
      "bin",
    ]);
  });

  it("keep the order of a composite key when its properties are renamed", () => {
    const before = admit("node T { a: String b: String @key(a, b) }");
    const after = admitSchema(
      'node T { y: String @rename_from("a") x: String @rename_from("b") @key(x, y) }',
      before,
    );
    expect(names(node(after, "T").key ?? [])).toEqual(["y", "x"]);
  });

  it("do not follow hints in a new graph, which are reported", () => {
    const source = 'node A @rename_from("B") { p: I32 @rename_from("q") }';
    expect(admit(source).nodes.get("A")?.id).toBe(1);
    expect(ignoredHints(source)).toEqual([
      '@rename_from("B") on node A has no effect in a new graph',
      '@rename_from("q") on property A.p has no effect in a new graph',
    ]);
    expect(ignoredHints("node A {}")).toEqual([]);
  });
});

describe("the accepted-schema object", () => {
  const renamed = REPAIR_SHOP.replace('@embed("manual"', '@embed("handbook"').replace(
    "manual: String\n",
    'handbook: String @rename_from("manual")\n',
  );
  const catalog = admitSchema(renamed, admit(REPAIR_SHOP));

  it("reads back as the catalog that it was made of", () => {
    expect(decodeAccepted(encodeAccepted(catalog))).toEqual(catalog);
    expect(decodeAccepted(encodeAccepted(admit("")))).toEqual(admit(""));
  });

  it("has the same bytes each time", () => {
    const text = encodeAccepted(catalog);
    expect(encodeAccepted(decodeAccepted(text))).toBe(text);
    expect(acceptedDigest(text)).toMatch(/^[0-9a-f]{64}$/);
  });

  it("differs where ids differ, even for one source", () => {
    const source = "node A {}";
    const later = admitSchema(source, admitSchema("", admit(source)));
    expect(encodeAccepted(later)).not.toBe(encodeAccepted(admit(source)));
  });

  it("holds names that objects know already", () => {
    const odd = admit("node A { __proto__: I32 constructor: I32 toString: I32 @x(1, __proto__=2) }");
    expect(decodeAccepted(encodeAccepted(odd))).toEqual(odd);
    expect(names(node(odd, "A").properties)).toEqual(["__proto__", "constructor", "toString"]);
  });

  const text = encodeAccepted(admit("node A { p: I32 }"));
  it.each([
    ["", "damaged"],
    ["[]", "expected an object"],
    [text.slice(0, -1), "damaged"],
    [text.replace('"format":1', '"format":2'), "this build reads format 1"],
    [text.replace("p: I32", "p: Int"), "its source does not check"],
    [text.replace("p: I32", "q: I32"), "different properties of A"],
    [text.replace("node A", "node B"), "no id for node B"],
    [text.replace("node A {", "node B {} node A {"), "different types"],
    [text.replace('"next_id":3', '"next_id":2'), "not below next_id"],
    [text.replace('"next_id":3', '"next_id":"3"'), "expected a positive integer at next_id"],
    [text.replace('"name":"p","id":2', '"name":"p","id":1'), "used twice"],
    [text.replace('"name":"p","id":2', '"name":"p","id":0'), "expected a positive integer at A.p"],
    [text.replace('"kind":"node"', '"kind":"type"'), "unknown kind"],
    [text.replace(/"types":.*/, '"types":{}}'), "expected an array at types"],
    [text.replace(/"types":.*/, '"types":[1]}'), "expected an object in types"],
  ])("is refused when damaged: %j", (damaged, phrase) => {
    expect(() => decodeAccepted(damaged)).toThrow(phrase);
    try {
      decodeAccepted(damaged);
    } catch (thrown) {
      expect(thrown).toHaveProperty("kind", "internal");
    }
  });
});

describe("the meaning of a schema", () => {
  const base =
    'node A @description("x") @owner(o) { p: I32 s: enum(m, s) @index(s, p) } node B {} edge E: A -> B';

  it.each([
    [
      "comments and layout",
      '// c\nnode A @description("x") @owner(o) {\n p: I32 s: enum(m, s) @index(s, p) }\nnode B {} edge E: A -> B',
    ],
    [
      "any order",
      'edge E: A -> B {} node B {} node A @owner("o") @description("x") { s: enum(s, m) p: I32 @index(p, s) }',
    ],
    ["hints", `${base} @rename_from("F")`],
  ])("does not depend on %s", (_subject, other) => {
    expect(sameMeaning(base, other)).toBe(true);
  });

  it("does not depend on where a rule is written", () => {
    expect(sameMeaning("node A { p: I32 @unique }", "node A { p: I32 @unique(p) }")).toBe(true);
  });

  it.each([
    ['@description("x")', '@description("y")'],
    ["@owner(o)", "@owner(o, k=1)"],
    ["p: I32", "p: I64"],
    ["p: I32", "p: I32?"],
    ["enum(m, s)", "enum(m)"],
    ["@index(s, p)", "@index(s)"],
    ["A -> B", "B -> A"],
    ["A -> B", "A -> B @card(0..1)"],
    ["node B {}", "node B { p: I32 }"],
    ["node B {}", "node B {} interface I {}"],
  ])("changes with %s -> %s", (from, to) => {
    expect(sameMeaning(base, base.replace(from, to))).toBe(false);
  });
});
