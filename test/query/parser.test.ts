import { describe, expect, it } from "bun:test";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { SourceError } from "../../src/lib/source.ts";
import type { MatchClause, ReadDeclaration } from "../../src/query/ast.ts";
import { type MutationDeclaration, parseQueries } from "../../src/query/index.ts";
import { parseMessage } from "./fixtures.ts";

function parseRead(body: string): ReadDeclaration {
  const [declaration] = parseQueries(`query q() { ${body} }`);
  if (declaration?.kind !== "read") throw new Error("not a read");
  return declaration;
}

function parseMutation(body: string): MutationDeclaration {
  const [declaration] = parseQueries(`query q() { ${body} }`);
  if (declaration?.kind !== "mutation") throw new Error("not a mutation");
  return declaration;
}

/** A tree without its places, words as their texts: what was said, not where. */
function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(bare);
  if (typeof node !== "object" || node === null) return node;
  if ("text" in node && "start" in node) return node.text;
  const members = Object.entries(node).filter(([name]) => name !== "start" && name !== "end");
  return Object.fromEntries(members.map(([name, value]) => [name, bare(value)]));
}

const clauses = (text: string): readonly MatchClause[] =>
  bare(parseRead(`match { ${text} } return { $a }`).match) as readonly MatchClause[];
const items = (text: string) => parseRead(`match { $a: T } return { ${text} }`).items;
const bodyMessage = (body: string) => parseMessage(`query q() { ${body} }`);
const clauseMessage = (text: string) => bodyMessage(`match { ${text} } return { $a }`);

const literal = (value: bigint | number | string | boolean) => ({
  kind: "literal",
  literal: {
    kind: { bigint: "int", number: "float", string: "string", boolean: "bool" }[typeof value as "string"],
    value,
  },
});
const property = (variable: string, name: string) => ({ kind: "property", variable, property: name });
const variable = (name: string) => ({ kind: "variable", name });

describe("a source", () => {
  it("may hold no query", () => {
    expect(parseQueries("")).toEqual([]);
    expect(parseQueries(" \t\r\n// only a comment\n/* and { another */")).toEqual([]);
  });

  it("holds declarations in their order, duplicates included", () => {
    const source =
      "query b() { match { $x: T } return { $x } } query a() { delete T where k = 1 } query b() { delete T where k = 2 }";
    expect(parseQueries(source).map(({ name, kind }) => [name, kind])).toEqual([
      ["b", "read"],
      ["a", "mutation"],
      ["b", "mutation"],
    ]);
  });

  it("takes comments wherever white space may stand", () => {
    const source = "query/**/q(/*a*/$p/**/:/**/I32/**/?) // x\n{match{$a/*b*/: T}return{$a/**/./**/b}}";
    expect(parseQueries(source)).toHaveLength(1);
  });

  it("needs no separators between clauses, items and assignments", () => {
    expect(clauses("$a:T$a.x=1$a e$b")).toHaveLength(3);
    expect(items("$a.x $a.y as z count($a)")).toHaveLength(3);
    expect(items("$a.x, $a.y,")).toHaveLength(2);
  });
});

describe("the head of a query", () => {
  it("declares parameters of every type", () => {
    const types = "String Bool I32 I64 U32 U64 F32 F64 Date DateTime Blob [String] [Blob] Vector(7)".split(
      " ",
    );
    const list = types.map((type, index) => `$p${index}: ${type}`).join(", ");
    const [query] = parseQueries(`query q(${list}, $last: I32?) { delete T where k = 1 }`);
    expect(query?.params.map(({ type }) => [type.scalar, type.list, type.nullable])).toEqual([
      ...types.slice(0, 11).map((type) => [type, false, false]),
      ["String", true, false],
      ["Blob", true, false],
      [{ vector: 7 }, false, false],
      ["I32", false, true],
    ] as never);
  });

  it("carries its description and instruction, in either order", () => {
    const [query] = parseQueries(
      'query q() @instruction("use \\"it\\"") @description("two\nlines") { delete T where k = 1 }',
    );
    expect([query?.description, query?.instruction]).toEqual(["two\nlines", 'use "it"']);
    const [plain] = parseQueries("query q() { delete T where k = 1 }");
    expect([plain?.description, plain?.instruction]).toEqual([null, null]);
  });

  it.each([
    ['@description("a") @description("b")', "cannot include duplicate @description annotations"],
    [
      '@instruction("a") @description("c") @instruction("")',
      "cannot include duplicate @instruction annotations",
    ],
    ['@title("a")', "unknown annotation @title"],
    ["@description", "expected '(' after @description"],
    ["@description(word)", "expected a string in @description(…), found 'word'"],
  ])("refuses %s", (notes, phrase) => {
    expect(parseMessage(`query q() ${notes} { delete T where k = 1 }`)).toContain(phrase);
  });

  it.each([
    ["$a: I32, $a: I64", "duplicate parameter '$a'"],
    ["$a: I32,", "expected a parameter such as $name, found ')'"],
    ["$_: I32", "'$_' stands for no value"],
    ["$a: Foo", "unknown parameter type 'Foo'"],
    ["$a: [Vector(3)]", "unknown parameter type 'Vector'"],
    ["$a: [I32?]", "expected ']' after the element type"],
    ["$a: enum(x)", "expected a parameter type, found 'enum'"],
    ["$a I32", "expected ':' after '$a'"],
    ["$A: I32", "expected a lower-case name right after '$'"],
    ["a: I32", "expected a parameter such as $name, found 'a'"],
  ])("refuses the parameters (%s)", (params, phrase) => {
    expect(parseMessage(`query q(${params}) { delete T where k = 1 }`)).toContain(phrase);
  });
});

describe("lexical rules", () => {
  it("reads every literal", () => {
    const [filter] = clauses(
      '$a.x = ["a\\"\\\\\\n\\r\\t\nb", 9223372036854775807, 1.50, true, false, date("d"), datetime("t"), []]',
    );
    expect(filter?.kind === "filter" && filter.right).toEqual({
      kind: "literal",
      literal: {
        kind: "list",
        items: [
          { kind: "string", value: 'a"\\\n\r\t\nb' },
          { kind: "int", value: 9223372036854775807n },
          { kind: "float", value: 1.5 },
          { kind: "bool", value: true },
          { kind: "bool", value: false },
          { kind: "date", text: "d" },
          { kind: "datetime", text: "t" },
          { kind: "list", items: [] },
        ],
      },
    } as never);
  });

  it("reads negative numbers, down to the least 64-bit integer", () => {
    const [low, half] = clauses("$a.x = -9223372036854775808 $a.y = -0.5");
    expect(low?.kind === "filter" && low.right).toEqual(literal(-9223372036854775808n) as never);
    expect(half?.kind === "filter" && half.right).toEqual(literal(-0.5) as never);
  });

  it.each([
    ["$a.x = 9223372036854775808", "invalid integer"],
    ["$a.x = -9223372036854775809", "invalid integer"],
    [`$a.x = ${"9".repeat(500)}`, "invalid integer"],
    [`$a.x = ${"9".repeat(400)}.0`, "invalid float"],
    ["$a.x = 1.", "expected an expression, found '.'"],
    ["$a.x = .5", "expected an expression, found '.'"],
    ["$a.x = 1e3", "invalid number: 'e3' stands right behind '1'"],
    ["$a.x = - 1", "expected a number right after '-'"],
    ['$a.x = -"a"', "expected a number right after '-'"],
    ['$a.x = "a\\u0041"', "unsupported escape sequence: \\u"],
    ['$a.x = "a', "unterminated string"],
    ["$a.x = 1 /* open", "unterminated comment"],
    ["$a.x = 1 # no comment", "unexpected character '#'"],
    ["$a.x = 'a'", "unexpected character '''"],
    ["$A.x = 1", "expected a lower-case name right after '$'"],
    ["$ a.x = 1", "expected a lower-case name right after '$'"],
    ["$a.x = [1, ]", "expected a literal in the list, found ']'"],
    ["$a.x = [$b]", "expected a literal in the list, found '$b'"],
    ["$a.x = date(now)", "expected a string in date(…), found 'now'"],
    ["$a.x ! 1", "unexpected character '!'"],
    ["$a.é = 1", "only ASCII"],
  ])("refuses %s", (text, phrase) => {
    const message = clauseMessage(text);
    expect(message).toStartWith("parse error: ");
    expect(message).toContain(phrase);
  });

  it("takes integers with leading zeros", () => {
    const [filter] = clauses(`$a.x = ${"0".repeat(100)}7`);
    expect(filter?.kind === "filter" && filter.right).toEqual(literal(7n) as never);
  });
});

describe("keywords", () => {
  it("are names wherever a name may stand", () => {
    const words =
      "query match return order limit not insert update delete set where as asc desc count date now true";
    for (const word of words.split(" ")) {
      expect(clauses(`$${word}: T { ${word}: 1 } $${word}.${word} = 1`)).toHaveLength(2);
      expect(items(`$a.${word} as ${word}`)[0]?.alias).toBe(word);
      expect(parseQueries(`query ${word}() { insert T { ${word}: 1 } }`)[0]?.name).toBe(word);
    }
  });

  it("without a parenthesis name an alias", () => {
    const { order } = parseRead(
      "match { $a: T } return { $a } order { count, sum desc, search asc, nearest, now, date, desc, asc desc }",
    );
    expect(bare(order)).toEqual(
      ["count", "sum", "search", "nearest", "now", "date", "desc", "asc"].map((name) => ({
        expression: { kind: "alias", name },
        descending: name === "sum" || name === "asc",
      })) as never,
    );
  });

  it("match whole words only", () => {
    expect(bodyMessage("match { $a: T } return { $a } limit10")).toContain("found 'limit10'");
    const [key] = parseRead("match { $a: T } return { $a } order { trueness }").order;
    expect(bare(key?.expression)).toEqual({
      kind: "alias",
      name: "trueness",
    });
  });
});

describe("clauses", () => {
  it("tell node bindings from edge bindings by the case of the first letter", () => {
    expect(clauses("$b: Knows")).toEqual([
      { kind: "binding", variable: "b", type: "Knows", matches: [] },
    ] as never);
    expect(clauses("$a $b:knows $c")).toEqual([
      {
        kind: "traversal",
        left: "a",
        right: "c",
        edge: "knows",
        edgeVariable: "b",
        undirected: false,
        hops: null,
      },
    ] as never);
    expect(clauseMessage("$b: knows")).toContain("expected a node type after '$b:'");
    expect(clauseMessage("$a $b: Knows $c")).toContain("lower-case first letter");
    expect(clauseMessage("$a Knows $c")).toContain("found 'Knows'");
  });

  it("take inline matches with and without entries", () => {
    expect(clauses("$a: T {}")).toEqual(clauses("$a: T"));
    expect(clauses('$a: T { x: "v", y: $p, z: now(), }')).toEqual([
      {
        kind: "binding",
        variable: "a",
        type: "T",
        matches: [
          { property: "x", value: literal("v") },
          { property: "y", value: variable("p") },
          { property: "z", value: { kind: "now" } },
        ],
      },
    ] as never);
    expect(clauseMessage("$a: T { x: 1 y: 2 }")).toContain("expected ',' or '}', found 'y'");
    expect(clauseMessage("$a: T { , }")).toContain("expected a property name or '}'");
    expect(clauseMessage("$a: T { x: $b.y }")).toContain("expected ',' or '}', found '.'");
    expect(clauseMessage("$a: T { x: null }")).toContain("expected a literal, a parameter or now()");
  });

  it("read hop bounds, with or without an end", () => {
    const hops = (text: string) => {
      const [clause] = clauses(text);
      return clause?.kind === "traversal" ? clause.hops : undefined;
    };
    expect(hops("$a e{1,3} $b")).toEqual({ min: 1, max: 3 } as never);
    expect(hops("$a <e> { 0 , 2 } $_")).toEqual({ min: 0, max: 2 } as never);
    expect(hops("$a $w:e{2,} $b")).toEqual({ min: 2, max: null } as never);
    expect(clauseMessage("$a e{2} $b")).toContain("expected ',' in hop bounds");
    expect(clauseMessage("$a e{,2} $b")).toContain("expected the least number of hops");
    expect(clauseMessage("$a e{1,4294967296} $b")).toContain("invalid integer");
  });

  it("read `<e>` as an undirected traversal, and `<` alone as a comparison", () => {
    expect(clauses("$a <knows> $b")).toMatchObject([
      { kind: "traversal", undirected: true, edge: "knows" },
    ] as never);
    expect(clauses("$a $w:<knows> $b")).toMatchObject([
      { kind: "traversal", undirected: true, edgeVariable: "w" },
    ] as never);
    expect(clauses("$a < $b")).toEqual([
      { kind: "filter", left: variable("a"), operator: "<", right: variable("b") },
    ] as never);
    expect(clauses("$a.x <= $b.y")).toMatchObject([{ kind: "filter", operator: "<=" }]);
  });

  it("read `contains` between bare variables as an edge, and beside anything else as an operator", () => {
    expect(clauses("$q contains $m")).toMatchObject([{ kind: "traversal", edge: "contains" }] as never);
    expect(clauses("$q starts_with{1,2} $m")).toMatchObject([
      { kind: "traversal", edge: "starts_with" },
    ] as never);
    expect(clauses('$q contains "x"')).toEqual([
      { kind: "filter", left: variable("q"), operator: "contains", right: literal("x") },
    ] as never);
    expect(clauses("$q contains $m.p")).toEqual([
      { kind: "filter", left: variable("q"), operator: "contains", right: property("m", "p") },
    ] as never);
    expect(clauses('["a"] contains $x.p')).toMatchObject([
      { kind: "filter", right: property("x", "p") },
    ] as never);
  });

  it("never take `not` for an edge", () => {
    expect(clauseMessage("$a not $b")).toContain("found the keyword 'not'");
    expect(clauseMessage("$a <not> $b")).toContain("found the keyword 'not'");
    expect(clauses("$a.x = $b not { $a e $_ }")).toMatchObject([{ kind: "filter" }, { kind: "not" }]);
  });

  it("take text calls alone and compared", () => {
    const call = {
      kind: "text",
      function: "fuzzy",
      field: property("d", "t"),
      query: variable("q"),
      maxEdits: literal(1n),
    };
    expect(clauses("fuzzy($d.t, $q, 1)")).toEqual([call] as never);
    expect(clauses("fuzzy($d.t, $q, 1) = false true != fuzzy($d.t, $q, 1)")).toEqual([
      { kind: "filter", left: call, operator: "=", right: literal(false) },
      { kind: "filter", left: literal(true), operator: "!=", right: call },
    ] as never);
    expect(clauses('search($d.t, "x") match_text($d.t, "y")')).toMatchObject([
      { function: "search", maxEdits: null },
      { function: "match_text" },
    ]);
    expect(clauseMessage('search($d.t, "x", 2)')).toContain("expected ')' after the arguments of search");
  });

  it("nest negations", () => {
    expect(clauses("not { $a e $b not { $b.x = 1 } }")).toMatchObject([
      { kind: "not", clauses: [{ kind: "traversal" }, { kind: "not", clauses: [{ kind: "filter" }] }] },
    ]);
    expect(clauseMessage("not { }")).toContain("expected an expression, found '}'");
  });

  it.each([
    ["", "expected an expression, found '}'"],
    ["$a", "expected a comparison (= != < <= > >= contains starts_with), found '}'"],
    ["$a.x", "expected a comparison"],
    ["$a.x in [1]", "expected a comparison"],
    ["($a.x = 1)", "expected an expression, found '('"],
    ["$a.x = 1 or $a.x = 2", "expected a comparison"],
    ["$a.x = size($a)", "unknown function 'size'"],
    ["$a.X = 1", "expected a property name after '$a.', found 'X'"],
    ["$a e", "expected a variable at the right end of 'e'"],
    ["$a <e $b", "expected a comparison (= != < <= > >= contains starts_with), found '}'"],
  ])("refuse the block { %s }", (text, phrase) => {
    expect(clauseMessage(text)).toContain(phrase);
  });
});

describe("return, order and limit", () => {
  it("read every expression", () => {
    const text =
      '$a, $a.p as p, now(), 1, "s", date("d"), count($a), max($a.p), bm25($a.p, $q), nearest($a.v, [1.0]), rrf(nearest($a.v, $q), bm25($a.p, $q), 10), alias';
    expect(items(text).map(({ expression }) => expression.kind)).toEqual([
      "variable",
      "property",
      "now",
      "literal",
      "literal",
      "literal",
      "aggregate",
      "aggregate",
      "bm25",
      "nearest",
      "rrf",
      "alias",
    ]);
  });

  it("read directions and a limit of up to 64 bits", () => {
    const read = parseRead(
      "match { $a: T } return { $a.p } order { bm25($a.p, $q) desc, $a.p } limit 18446744073709551615",
    );
    expect(read.order.map(({ descending }) => descending)).toEqual([true, false]);
    expect(read.limit).toBe(2 ** 64);
    expect(parseRead("match { $a: T } return { $a } limit 0").limit).toBe(0);
    expect(parseRead("match { $a: T } return { $a }").limit).toBeNull();
  });

  it.each([
    ["return { }", "expected an expression, found '}'"],
    ["return { $a,, $b }", "expected an expression, found ','"],
    ["return { $a as }", "expected an alias after 'as'"],
    ["return { $a as B }", "expected an alias after 'as', found 'B'"],
    ["return { count() }", "expected an expression, found ')'"],
    ["return { count(distinct $a) }", "expected ')' after the argument of count"],
    ["return { $a } order { }", "expected an expression"],
    ["return { $a } order { $a.p, }", "expected an expression"],
    ["return { $a } order { $a.p $a.q }", "expected '}' or ',' after an order key"],
    ["return { $a } order { nearest($a.v, $q) desc } limit 1", "nearest takes no 'desc'"],
    ["return { $a } order { nearest($a.v, $q) asc } limit 1", "nearest takes no 'asc'"],
    ["return { $a } limit", "expected a number of rows after 'limit'"],
    ["return { $a } limit $n", "expected a number of rows"],
    ["return { $a } limit -1", "expected a number of rows"],
    ["return { $a } limit 18446744073709551616", "invalid limit"],
    ["return { $a } limit 1 order { $a.p }", "expected '}' at the end of query 'q'"],
    ["return { nearest($a, $q) }", "expected '.' after '$a' in nearest"],
    ["", "expected 'return' after the match block"],
  ])("refuse %s", (rest, phrase) => {
    expect(bodyMessage(`match { $a: T } ${rest}`)).toContain(phrase);
  });
});

describe("mutations", () => {
  it("read statements in their order", () => {
    const { statements } = parseMutation(
      'insert T { a: 1, b: "x" c: null d: now(), } update T set { a: $p } where b >= 2 delete E where from = "x"',
    );
    expect(bare(statements)).toEqual([
      {
        kind: "insert",
        type: "T",
        assignments: [
          { property: "a", value: literal(1n) },
          { property: "b", value: literal("x") },
          { property: "c", value: { kind: "null" } },
          { property: "d", value: { kind: "now" } },
        ],
      },
      {
        kind: "update",
        type: "T",
        assignments: [{ property: "a", value: variable("p") }],
        predicate: { property: "b", operator: ">=", value: literal(2n) },
      },
      { kind: "delete", type: "E", predicate: { property: "from", operator: "=", value: literal("x") } },
    ] as never);
  });

  it.each([
    ["", "expected 'match', 'insert', 'update' or 'delete', found '}'"],
    [
      "mutation { delete T where a = 1 }",
      "expected 'match', 'insert', 'update' or 'delete', found 'mutation'",
    ],
    ["delete T", "expected 'where'"],
    ["update T set { a: 1 }", "expected 'where'"],
    ["update T { a: 1 } where b = 1", "expected 'set' after 'update T'"],
    ["delete T where a = 1 and b = 2", "expected 'insert', 'update' or 'delete', found 'and'"],
    ['delete T where a contains "x"', "expected a comparison (= != < <= > >=), found 'contains'"],
    ['delete T where a starts_with "x"', "expected a comparison (= != < <= > >=), found 'starts_with'"],
    ["delete t where a = 1", "expected a type name after 'delete', found 't'"],
    ["insert T { a: $x.y }", "expected a property name or '}', found '.'"],
    ["insert T { a: null(), }", "found '('"],
    ["delete T where a = null", "expected a literal, a parameter or now(), found 'null'"],
    [
      "delete T where a = 1 match { $a: T } return { $a }",
      "expected 'insert', 'update' or 'delete', found 'match'",
    ],
    ["match { $a: T } return { $a } delete T where a = 1", "expected '}' at the end of query 'q'"],
  ])("refuse the body { %s }", (body, phrase) => {
    expect(bodyMessage(body)).toContain(phrase);
  });
});

describe("a parse error", () => {
  it("names line and column, counted in characters from 1", () => {
    expect(parseMessage("query q() {\n  match { $a: T }\n  return $a\n}")).toBe(
      "parse error: expected '{' after 'return', found '$a' (line 3, column 10)",
    );
    expect(parseMessage('// 😀\nquery q() { match { $a.x = "😀é" ? } }')).toContain("(line 2, column 33)");
    expect(parseMessage("query q()")).toBe(
      "parse error: expected '{' before the body of query 'q', found the end of the source (line 1, column 10)",
    );
  });

  it("is a bad request whose cause has the span, never empty", () => {
    try {
      parseQueries("query q(");
      throw new Error("it parsed");
    } catch (thrown) {
      if (!(thrown instanceof OmnigraphError) || !(thrown.cause instanceof SourceError)) throw thrown;
      expect(thrown.toEnvelope().code).toBe("bad_request");
      expect(thrown.cause.span).toEqual({ start: 8, end: 9 });
    }
  });

  it("is raised for a bad declaration after a good one", () => {
    expect(parseMessage("query a() { delete T where k = 1 } query b() {")).toContain("line 1, column 47");
    expect(parseMessage("query a() { delete T where k = 1 } node X {}")).toContain(
      "expected 'query' at the start of a declaration, found 'node'",
    );
  });
});
