// What is wrong with a source is told in one go: each broken declaration, each wrong clause, and no consequence of them.

import { describe, expect, it } from "bun:test";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { parseQueries, planQuery } from "../../src/query/index.ts";
import { messageOf, people } from "./fixtures.ts";

const GOOD = "query good() { match { $u: User } return { $u } }";

/** The first words of each line, with the line that it names. */
const told = (message: string) =>
  message.split("\n").map((line) => {
    const [, code, place] = /^\w+ error: (?:(T\d+): )?.*\(line (\d+), column \d+\)$/.exec(line) ?? [];
    return code === undefined ? `${line.slice(0, 40).trim()} ${place}` : `${code} ${place}`;
  });

const parseTold = (source: string) => messageOf(() => parseQueries(source)).split("\n");
const checkTold = (source: string) => told(messageOf(() => planQuery(source, undefined, people)));

describe("a source with several broken declarations", () => {
  it("tells the first error of each, in their order", () => {
    expect(
      parseTold(`query a( { match { $u: User } return { $u } }
${GOOD}
query Upper() { match { $u: User } return { $u } }
query c($p: I32) { match { $u: User } }
query d() { delete User where age ~ 1 }`),
    ).toEqual([
      "parse error: expected a parameter such as $name, found '{' (line 1, column 10)",
      "parse error: expected a query name (a lower-case letter or '_' first), found 'Upper' (line 3, column 7)",
      "parse error: expected 'return' after the match block, found '}' (line 4, column 39)",
      "parse error: unexpected character '~' (line 5, column 35)",
    ]);
  });

  it("tells one error of a declaration whose braces are wrong, and goes on with the next", () => {
    expect(parseTold(`query a() { match { $u: User return { $u } }\n${GOOD}`)).toEqual([
      "parse error: expected a comparison (= != < <= > >= contains starts_with), found '{' (line 1, column 37)",
    ]);
    expect(parseTold(`query a() { match { $u: User } return { $u }\n${GOOD}`)).toEqual([
      "parse error: expected '}' at the end of query 'a', found 'query' (line 2, column 1)",
    ]);
    expect(parseTold(`${GOOD} }\n${GOOD} }`)).toEqual([
      "parse error: expected 'query' at the start of a declaration, found '}' (line 1, column 51)",
      "parse error: expected 'query' at the start of a declaration, found '}' (line 2, column 51)",
    ]);
  });

  it("says nothing of what an unterminated string swallows", () => {
    expect(parseTold(`query a() { delete User where handle = "x }\nquery b() { ? }\n`)).toEqual([
      `parse error: unterminated string: it needs a closing '"' (line 1, column 40)`,
    ]);
  });

  it("takes properties and aliases called query for what they are", () => {
    const source = `query a() { match { $u: User ? $u.query = 1 } return { $u.query as query, count($u) } }\n${GOOD}`;
    expect(parseTold(source)).toHaveLength(1);
  });

  it("tells no more than twenty", () => {
    const lines = parseTold("query q() { }\n".repeat(50_000));
    expect(lines).toHaveLength(21);
    expect(lines[20]).toBe("there are more; these are the first 20");
    expect(parseTold("query q() { }\n".repeat(20))).toHaveLength(20);
  });
});

describe("a query with several errors", () => {
  it("tells each, in their order", () => {
    expect(
      checkTold(`query q($v: Vector(0), $s: String) {
  match {
    $u: Usr
    $v: User { nope: 1, age: "x", city: $s }
    $v follows{0,2} $w
    $v.agee > $w.nope
    $v.age contains $s
    not { $v memberOf $t  $t.color = "red" }
    search($v.age, 1)
  }
  return { $v.nope, sum($v.city), "x", total }
  order { $v.wrong, missing }
}`),
    ).toEqual([
      "type error: unknown parameter type 'Vect 1",
      "T1 3",
      "T2 4",
      "T3 4",
      "T15 5",
      "T6 6",
      "T6 6",
      "T7 7",
      "T6 8",
      "T19 9",
      "T19 9",
      "T6 11",
      "T8 11",
      "T9 11",
      "type error: alias 'total' is no value to 11",
      "T6 12",
      "type error: alias 'missing' not found fo 12",
    ]);
  });

  it("says nothing of what follows from another error", () => {
    const lone = (body: string, params = "") =>
      expect(checkTold(`query q(${params}) { ${body} }`).length).toBe(1);
    lone("match { $u: Usr $u follows $v $v.age = $u.age not { $u memberOf $_ } } return { $u, $v.age }");
    lone("match { $u: User $u likes $v $v $w:follows $x $w.since = $x.age } return { $w.since, count($x) }");
    lone("match { $u: User $u $u:follows $v } return { $u.age, $v.age }");
    lone("match { $u: User } return { $u.nope as n } order { n }");
    lone("match { $u: User $u.age = $p $p = 1 } return { $p, max($p) }", "$p: Vector(0)");
    lone("match { $u: User not { $x.age = 1 } } return { $u }");
    lone("match { $u: User search($u.nope, 1 ) = 1 } return { 1 }");
    lone('insert User { hande: "x" }');
    lone('insert User { handle: "x", handle: "y" }');
    lone('insert Usr { handle: "x", age: "x" }');
    lone('update Follows set { since: "x" } where nope = 1');
  });

  it("tells the errors of every statement of a mutation", () => {
    expect(
      checkTold(`query q() {
  insert User { age: "x" }
  update User set { handle: "a", nope: 1, age: 1.5, age: 2 } where nope = 1
  insert Usr { }
  insert Follows { from: $a, since: "x" }
}`),
    ).toEqual([
      "T3 2",
      "T12 2",
      "type error: cannot update @key property 3",
      "T11 3",
      "T13 3",
      "T11 3",
      "T10 4",
      "T14 5",
      "T3 5",
      "T12 5",
    ]);
  });

  it("tells the first twenty of many", () => {
    const source = `query q() { match { $u: User ${"$u.nope = 1\n".repeat(10_000)} } return { $u } }`;
    const lines = messageOf(() => planQuery(source, undefined, people)).split("\n");
    expect(lines).toHaveLength(21);
    expect(lines[20]).toBe("there are more; these are the first 20");
  });
});

describe("the error of a source", () => {
  const errorOf = (source: string): OmnigraphError => {
    try {
      planQuery(source, undefined, people);
    } catch (thrown) {
      if (thrown instanceof OmnigraphError) return thrown;
    }
    throw new Error("no error of ours");
  };

  it("carries each problem with its place, in characters and in bytes", () => {
    const source = 'query q() {\n  match { $é }\n}\nquery r() { match { $u: User $u.city = "é😀" ? }';
    expect(errorOf(source).toEnvelope()).toEqual({
      error:
        "parse error: expected a lower-case name right after '$' (line 2, column 11)\nparse error: expected an expression, found '?' (line 4, column 45)",
      code: "bad_request",
      source_errors: [
        {
          message: "parse error: expected a lower-case name right after '$'",
          line: 2,
          column: 11,
          start: 22,
          end: 23,
        },
        {
          message: "parse error: expected an expression, found '?'",
          line: 4,
          column: 45,
          start: 78,
          end: 79,
        },
      ],
    });
  });

  it("marks names, values and operands, not the clauses that they stand in", () => {
    const marked = (body: string) => {
      const source = `query q() { ${body} }`;
      const bytes = Buffer.from(source);
      const { source_errors = [] } = errorOf(source).details;
      return source_errors.map(({ start, end }) => bytes.subarray(start, end).toString());
    };
    const matching = (text: string) => marked(`match { $u: User ${text} } return { $u }`);
    expect(matching("$v: Usr")).toEqual(["Usr"]);
    expect(matching("$u: Team")).toEqual(["$u"]);
    expect(matching('$v: User { nope: 1, age: "ten" }')).toEqual(["nope", '"ten"']);
    expect(matching("$u likes $v")).toEqual(["likes"]);
    expect(matching("$u <memberOf> $v")).toEqual(["memberOf"]);
    expect(matching("$u follows{ 3, 2 } $v")).toEqual(["{ 3, 2 }"]);
    expect(matching("$t: Team $t follows $u")).toEqual(["$t"]);
    expect(matching("$u $w:follows{1,2} $v")).toEqual(["$w"]);
    expect(matching("$u.nope = $v.age")).toEqual(["$u.nope", "$v.age"]);
    expect(matching("$u.age = $u.city")).toEqual(["$u.age = $u.city"]);
    expect(matching("not { $v: Team }")).toEqual(["not"]);
    expect(marked("match { $u: User } return { sum($u.city), $x } order { $u.nope }")).toEqual([
      "$u.city",
      "$x",
      "$u.nope",
    ]);
    expect(marked('update User set { nope: 1, age: "x" } where wrong = 1')).toEqual(["nope", '"x"', "wrong"]);
    expect(marked("insert User { age: 1 }")).toEqual(["User"]);
  });
});
