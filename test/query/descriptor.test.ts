import { describe, expect, it } from "bun:test";
import {
  catalogEntry,
  catalogWarnings,
  describeOperation,
  parseQueries,
  planQuery,
} from "../../src/query/index.ts";
import { library, people, plan, returning } from "./fixtures.ts";

const declaration = (source: string) => {
  const [query] = parseQueries(source);
  if (query === undefined) throw new Error("no query");
  return query;
};

const operation = (body: string) => describeOperation(plan(body), library);
const people_ = (body: string) => describeOperation(planQuery(`query q() { ${body} }`, "q", people), people);
const node = (type_name: string) => ({ kind: "node" as const, type_name });
const edge = (type_name: string) => ({ kind: "edge" as const, type_name });

describe("a catalog entry", () => {
  it("describes a stored query to an agent", () => {
    const source =
      'query similar($q: String, $tags: [String]?) @description("Notes close to a phrase") { match { $x: T } return { $x } }';
    expect(JSON.stringify(catalogEntry(declaration(source)))).toBe(
      '{"name":"similar","tool_name":"similar","description":"Notes close to a phrase","mutation":false,"params":[{"name":"q","kind":"string","nullable":false},{"name":"tags","kind":"list","item_kind":"string","nullable":true}]}',
    );
  });

  it("leaves out what is not declared, and says when it writes and under which tool name", () => {
    const query = declaration('query w() @instruction("") { delete T where k = 1 }');
    expect(catalogEntry(query, "remove")).toEqual({
      name: "w",
      tool_name: "remove",
      instruction: "",
      mutation: true,
      params: [],
    });
  });

  it("knows a kind for every parameter type", () => {
    const kinds = {
      String: "string",
      Bool: "bool",
      I32: "int",
      U32: "int",
      I64: "bigint",
      U64: "bigint",
      F32: "float",
      F64: "float",
      Date: "date",
      DateTime: "datetime",
      Blob: "blob",
    };
    for (const [type, kind] of Object.entries(kinds)) {
      const { params } = catalogEntry(
        declaration(`query q($a: ${type}, $b: [${type}]?) { delete T where k = 1 }`),
      );
      expect(params).toEqual([
        { name: "a", kind, nullable: false },
        { name: "b", kind: "list", item_kind: kind, nullable: true },
      ] as never);
    }
    expect(catalogEntry(declaration("query q($a: Vector(8)?) { delete T where k = 1 }")).params).toEqual([
      { name: "a", kind: "vector", vector_dim: 8, nullable: true },
    ]);
  });

  it("warns of vectors, which agents cannot supply", () => {
    const query = declaration("query q($a: Vector(8), $b: String) { delete T where k = 1 }");
    expect(catalogWarnings(query)).toEqual([expect.stringContaining("`$a` is a Vector")]);
  });
});

describe("an operation", () => {
  it("names results shortly and types them", () => {
    const { result } = operation(
      returning(
        '$x.slug, $x.tags, $x.vec, $x.pages as n, $x, $s, $v2, now(), 1, "a", [1.5], bm25($x.title, $s), search($x.title, $s)',
      ),
    );
    expect(result).toEqual([
      { name: "slug", kind: "string", nullable: false },
      { name: "tags", kind: "list", item_kind: "string", nullable: true },
      { name: "vec", kind: "vector", vector_dim: 3, nullable: true },
      { name: "n", kind: "int", nullable: true },
      { name: "x", kind: "object", nullable: false },
      { name: "s", kind: "string", nullable: false },
      { name: "v2", kind: "vector", vector_dim: 2, nullable: false },
      { name: "now", kind: "datetime", nullable: false },
      { name: "literal", kind: "bigint", nullable: false },
      { name: "literal", kind: "string", nullable: false },
      { name: "literal", kind: "list", item_kind: "float", nullable: false },
      { name: "bm25", kind: "float", nullable: false },
      { name: "search", kind: "bool", nullable: false },
    ]);
  });

  it("types aggregates", () => {
    expect(
      operation(returning("count($x), sum($x.pages), avg($x.pages) as a, max($x.bytes), min($x.slug)"))
        .result,
    ).toEqual([
      { name: "count", kind: "bigint", nullable: true },
      { name: "sum", kind: "float", nullable: true },
      { name: "a", kind: "float", nullable: true },
      { name: "max", kind: "bigint", nullable: true },
      { name: "min", kind: "string", nullable: true },
    ]);
  });

  it("reads what it binds and traverses, inside `not` too, nodes before edges and by name", () => {
    expect(people_("match { $u: User not { $u memberOf $_ not { $u follows $_ } } } return { $u }")).toEqual({
      result: [{ name: "u", kind: "object", nullable: false }],
      reads: [node("Team"), node("User"), edge("Follows"), edge("MemberOf")],
      writes: [],
    });
    expect(people_("match { $t: Team $s: Team } return { $t }").reads).toEqual([node("Team")]);
  });

  it("writes what a mutation addresses, and the edges that go with a deleted node", () => {
    expect(people_('insert User { handle: "a" }')).toEqual({
      result: [],
      reads: [node("User")],
      writes: [node("User")],
    });
    expect(people_('insert MemberOf { from: "a", to: "b" }')).toEqual({
      result: [],
      reads: [node("Team"), node("User"), edge("MemberOf")],
      writes: [edge("MemberOf")],
    });
    expect(people_('update User set { age: 1 } where handle = "a"').writes).toEqual([node("User")]);
    expect(people_('delete User where handle = "a"')).toEqual({
      result: [],
      reads: [node("User"), edge("Follows"), edge("MemberOf")],
      writes: [node("User"), edge("Follows"), edge("MemberOf")],
    });
    expect(people_('delete Follows where from = "a"')).toEqual({
      result: [],
      reads: [edge("Follows")],
      writes: [edge("Follows")],
    });
  });

  it("names a node type and an edge type of one name both", () => {
    const { reads } = operation("match { $w: Plain $x plain $y } return { $w }");
    expect(reads).toEqual([node("Doc"), node("Pair"), node("Plain"), edge("Plain")]);
  });
});
