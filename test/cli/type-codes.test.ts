// Every code of the checker as its users meet it: in the JSON of lint, and as the answer of a query or a mutation.

import { beforeAll, describe, expect, it } from "bun:test";
import { createWorld, type World } from "./support.ts";

const SCHEMA = `
node User {
  handle: String @key
  age: I32?
  city: String?
  state: enum(new, old)?
  tags: [String]?
  joined: DateTime?
  photo: Blob?
  vec: Vector(3)?
}
node Team { code: String @key }
edge Follows: User -> User { since: Date?  note: String? }
edge MemberOf: User -> Team
`;

let world: World;
beforeAll(async () => {
  world = createWorld();
  world.file("s.pg", SCHEMA);
  await world.run(["init", "--schema", "s.pg", "g"]);
});

const matching = (clauses: string) => `match { $u: User ${clauses} } return { $u.handle }`;
const returning = (items: string, rest = "") => `match { $u: User } return { ${items} } ${rest}`;

/** A body, and what its error says behind `type error: `. */
const CASES: readonly (readonly [says: string, body: string, params?: string])[] = [
  ["T1: unknown node type 'Usr'", "match { $u: Usr } return { $u }"],
  ["T2: node type 'User' has no property 'nope'", matching("$v: User { nope: 1 }")],
  ["T3: property 'User.age' is I32? and takes no String literal", matching('$v: User { age: "x" }')],
  ["T3: property 'User.state' expects one of [new, old], got 'gone'", matching('$v: User { state: "gone" }')],
  ["T3: property 'User.tags' is [String]?", matching('$v: User { tags: ["x"] }')],
  ["T3: property 'User.photo' is a Blob", matching('$v: User { photo: "x" }')],
  ["T3: property 'User.vec' is Vector(3)?", matching("$v: User { vec: [1, 2] }")],
  ["T4: unknown edge 'likes'", matching("$u likes $v")],
  ["T5: `$t` is a Team, which does not fit edge 'Follows'", matching("$t: Team $t follows $u")],
  ["T6: `$v.age`: variable `$v` is not bound", matching("$v.age = 1")],
  ["T6: `$u.id`: node type 'User' has no property 'id'", matching('$u.id = "x"')],
  ["T6: `$x` is not a declared parameter", matching("$v: User { age: $x }")],
  ["T7: cannot apply '<' to DateTime? and String", matching('$u.joined < "2025-01-01"')],
  ["T7: cannot apply 'contains' to I32? and String", matching('$u.age contains "x"')],
  ["T7: property 'User.tags' is [String]?", matching("$v: User { tags: $p }"), "$p: [String]"],
  ["T7: property 'User.age' is I32?, now() is DateTime", 'update User set { age: now() } where city = "x"'],
  ["T8: sum takes numbers, `$u.city` is String?", returning("sum($u.city)")],
  ["T8: max takes numbers or Strings, `$u.tags` is [String]?", returning("max($u.tags)")],
  ["T9: a `not` block must refer to a variable bound outside", matching("not { $t: Team }")],
  ["T9: beside an aggregate, return only properties and variables", returning('count($u), "x"')],
  ["T10: insert of unknown node or edge type 'Usr'", 'insert Usr { handle: "x" }'],
  ["T10: a statement on 'User' assigns nothing", "insert User { }"],
  ["T11: node type 'User' has no property 'nope'", 'insert User { handle: "x", nope: 1 }'],
  ["T11: property 'User.photo' is a Blob", 'delete User where photo = "x"'],
  ["T12: insert User must provide non-nullable property 'handle'", "insert User { age: 1 }"],
  ["T12: insert MemberOf must provide endpoint 'to'", 'insert MemberOf { from: "x" }'],
  ["T13: property 'handle' of 'User' is assigned twice", 'insert User { handle: "x", handle: "y" }'],
  ["T14: `$h` is not a declared parameter", "delete User where handle = $h"],
  ["T15: hop bounds of 'follows' start at 0", matching("$u follows{0,2} $v")],
  ["T15: hop bounds of 'follows' end at 2, before 3", matching("$u follows{3,2} $v")],
  ["T15: unbounded traversal is disabled", matching("$u follows{1,} $v")],
  ["T15: nearest: `$u.vec` is Vector(3)", returning("$u", "order { nearest($u.vec, [1, 2]) } limit 1")],
  ["T16: update takes node types", 'update Follows set { note: "x" } where from = "x"'],
  ["T17: ordering by nearest needs a limit", returning("$u", "order { nearest($u.vec, [1, 2, 3]) }")],
  ["T17: ordering by nearest needs a limit", returning("nearest($u.vec, [1, 2, 3]) as d", "order { d }")],
  [
    "T18: a query that orders by nearest cannot also order by an alias",
    returning("$u.age as a", "order { nearest($u.vec, [1, 2, 3]), a } limit 1"),
  ],
  ["T19: the field of search must be a String, `$u.age` is I32?", matching('search($u.age, "x")')],
  ["T19: the query of fuzzy must be a String", matching("fuzzy($u.city, 1)")],
  ["T19: max_edits of fuzzy must be an integer", matching('fuzzy($u.city, "x", 1.5)')],
  ["T20: the field of match_text must be a String", matching('match_text($u.age, "x")')],
  ["T20: the query of bm25 must be a String", returning("$u", "order { bm25($u.city, 1) }")],
  ["T21: rrf fuses two rankings", returning("$u", 'order { rrf($u.age, bm25($u.city, "x")) } limit 1')],
  [
    "T21: k of rrf must be greater than 0, got 0",
    returning("$u", 'order { rrf(bm25($u.city, "x"), bm25($u.city, "y"), 0) } limit 1'),
  ],
  [
    "T21: ordering by rrf needs a limit",
    returning('rrf(bm25($u.city, "x"), bm25($u.city, "y")) as s', "order { s desc }"),
  ],
  ["T22: undirected `<memberOf>` needs equal ends", matching("$u <memberOf> $t")],
  ["T23: edge binding `$w:follows` takes no hop bounds", matching("$u $w:follows{1,2} $v")],
  ["T23: edge variable `$w` has no value", "match { $u: User $u $w:follows $v } return { $w }"],
  ["T23: search searches nodes, `$w` is an edge", matching('$u $w:follows $v search($w.note, "x")')],
  ["T24: `$u.photo` is a Blob, which a read cannot return", returning("$u.photo")],
  ["T24: `$u.photo` is a Blob and cannot be compared", matching('$u.photo = "x"')],
  ["T24: `$u.photo` is a Blob and cannot be ordered by", returning("$u", "order { $u.photo }")],
  ["T24: `$p` is a Blob, which a read cannot return", returning("$p"), "$p: Blob"],
  ["variable `$v` is not bound", returning("$v")],
  ["variable `$u` already bound to type `User`", matching("$u: Team")],
  ["unknown parameter type 'Vector(0)'", returning("$u"), "$p: Vector(0)"],
  [
    "parameter `$__nanograph_now` is reserved for runtime timestamp injection",
    returning("$u"),
    "$__nanograph_now: DateTime",
  ],
  ["nested list literals are not supported", returning("[[1]]")],
  ["list literal elements must share a compatible scalar type", returning('[1, "a"]')],
  ["alias 'nope' not found for ordering", returning("$u", "order { nope }")],
  ["unsupported ordering expression", returning("$u", "order { $u }")],
  ["cannot update @key property 'handle'", 'update User set { handle: "x" } where age = 1'],
];

describe("the error of a query that does not check", () => {
  it.each(CASES)("%s", async (says, body, params = "") => {
    const source = `// a comment first\nquery q(${params}) { ${body} }`;
    world.file("q.gq", source);
    const linted = await world.run(["lint", "--schema", "s.pg", "--query", "q.gq", "--json"]);
    expect([linted.code, linted.stderr]).toEqual([1, ""]);
    const output = JSON.parse(linted.stdout) as {
      status: string;
      errors: number;
      results: { status: string; error: string }[];
    };
    expect(output).toMatchObject({ status: "error", errors: 1, results: [{ name: "q", status: "error" }] });
    const [{ error }] = output.results;
    expect(error).toStartWith(`type error: ${says}`);
    expect(error).toMatch(/ \(line 2, column \d+\)$/);
    expect(output.results[0]).not.toHaveProperty("operation");

    const verb = body.startsWith("match") ? "query" : "mutate";
    const ran = await world.run([verb, "-e", source, "--store", "g", "--json", "--quiet"]);
    expect([ran.code, ran.stdout]).toEqual([1, ""]);
    expect(JSON.parse(ran.stderr)).toMatchObject({ error, code: "bad_request" });
  });
});

describe("findings about a file", () => {
  const lint = async (source: string) => {
    world.file("q.gq", source);
    const { code, stdout } = await world.run(["lint", "--schema", "s.pg", "--query", "q.gq", "--json"]);
    return { code, output: JSON.parse(stdout) as Record<string, unknown> };
  };

  it("are Q000 alone where it does not parse", async () => {
    expect(await lint("query q() { }")).toEqual({
      code: 1,
      output: {
        status: "error",
        schema_source: { kind: "file", path: "s.pg" },
        query_path: "q.gq",
        queries_processed: 0,
        errors: 1,
        warnings: 0,
        infos: 0,
        results: [],
        findings: [
          {
            severity: "error",
            code: "Q000",
            message:
              "parse error: expected 'match', 'insert', 'update' or 'delete', found '}' (line 1, column 13)",
          },
        ],
      },
    });
  });

  it("are L201 for what no update sets, and do not fail", async () => {
    const { code, output } = await lint(
      "query b($h: String) { update User set { age: 1, city: null } where handle = $h }\n" +
        "query a() { update User set { state: null, tags: null } where age = 1 }\n" +
        "query broken() { update User set { joined: 1 } where age = 1 }\n" +
        "query fine() { match { $u: User } return { $u } }",
    );
    expect(code).toBe(1);
    expect(output).toMatchObject({
      queries_processed: 4,
      errors: 1,
      warnings: 5,
      results: [
        { name: "b", kind: "mutation", status: "ok" },
        {
          name: "a",
          warnings: ["mutation declares no params; hardcoded mutations are easy to miss"],
          operation: { result: [], reads: [{ kind: "node", type_name: "User" }] },
        },
        { name: "broken", status: "error" },
        { name: "fine", kind: "read", status: "ok" },
      ],
      findings: ["joined", "photo", "vec"].map((property) => ({
        severity: "warning",
        code: "L201",
        message: `User.${property} exists in schema but no update query sets it`,
        type_name: "User",
        property,
        query_names: ["a", "b"],
      })),
    });
    const warned = await lint("query a() { update User set { state: null, tags: null } where age = 1 }");
    expect([warned.code, warned.output.status]).toEqual([0, "ok"]);
  });
});
