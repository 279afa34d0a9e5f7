import { describe, expect, it } from "bun:test";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { admit, marked, REPAIR_SHOP, refusal, refusalError } from "./support.ts";

describe("the grammar", () => {
  it("reads a schema that uses most of it", () => {
    const { nodes, edges, interfaces } = admit(REPAIR_SHOP);
    expect([...nodes.keys()]).toEqual(["Machine", "Slot"]);
    expect([...edges.keys()]).toEqual(["StandsIn"]);
    expect([...interfaces.keys()]).toEqual(["Labelled"]);
  });

  it.each(["", " \t\r\n", "// nothing", "/* nothing\n at all */"])(
    "takes %j for an empty schema",
    (source) => {
      expect(admit(source).nodes.size).toBe(0);
    },
  );

  it("allows comments between any two tokens and needs no line ends", () => {
    const source =
      'node/**/A/**/{/**/p/**/:/**/[/**/I32/**/]/**/?/**/@/**/x/**/(/**/"v"/**/,/**/k/**/=/**/1/**/)/**/}edge E:A->A';
    const property = admit(source).nodes.get("A")?.properties[0];
    expect(property?.type).toEqual({ scalar: "I32", list: true, nullable: true, enumValues: null });
    expect(property?.annotations).toEqual([{ name: "x", value: "v", kwargs: { k: "1" } }]);
    expect(admit(source).edges.has("E")).toBe(true);
  });

  it("keeps keywords free for properties", () => {
    const source =
      "node A { node: String edge: String key: String enum: String implements: I32 interface: I32 true: Bool card: I32 @index(key, enum) }";
    expect(admit(source).nodes.get("A")?.properties).toHaveLength(8);
  });

  it("takes any enum value of letters, digits, underscores and hyphens", () => {
    const type = admit("node A { p: enum(9-lives, -x, a-_b, B2, --, 007, true) }").nodes.get("A")
      ?.properties[0].type;
    expect(type?.enumValues).toEqual(["--", "-x", "007", "9-lives", "B2", "a-_b", "true"]);
  });

  it("takes a literal or a bare name as the value of an annotation, and keeps it as text", () => {
    const values = ['"a b"', "word", "12", "1.50", "true"].map(
      (value) => admit(`node A @x(${value}) {}`).nodes.get("A")?.annotations[0].value,
    );
    expect(values).toEqual(["a b", "word", "12", "1.50", "true"]);
    expect(admit("node A @x {}").nodes.get("A")?.annotations).toEqual([{ name: "x", value: null }]);
  });

  it("reads a rule behind a property as a rule of the body", () => {
    const constraints = admit('node A { code: String @check(code, "^A") }').nodes.get("A")?.constraints;
    expect(constraints).toEqual([{ kind: "check", property: "code", pattern: "^A" }]);
  });

  it("reads bounds of every form", () => {
    const bounds = (text: string) =>
      admit(`node A { t: F64 @range(t, ${text}) }`).nodes.get("A")?.constraints[0];
    const range = { kind: "range", property: "t" } as const;
    expect(bounds("-40.5..60")).toEqual({
      ...range,
      min: { kind: "float", value: -40.5 },
      max: { kind: "int", value: 60n },
    });
    expect(bounds("5..")).toEqual({ ...range, min: { kind: "int", value: 5n }, max: null });
    expect(bounds("..5")).toEqual({ ...range, min: null, max: { kind: "int", value: 5n } });
    expect(bounds("1.5..2.5")).toEqual({
      ...range,
      min: { kind: "float", value: 1.5 },
      max: { kind: "float", value: 2.5 },
    });
  });
});

describe("a syntax error", () => {
  it.each([
    ["# no\nnode Kit {}", "unexpected character '#'"],
    ["node { }", "expected a node type name"],
    ["enum Color {red}", "expected 'interface', 'node' or 'edge'"],
    ["type A {}", "expected 'interface', 'node' or 'edge'"],
    ["node A { tags: [enum(a,b)] }", "lists hold base types only"],
    ["node A { xs: [Vector(3)] }", "lists hold base types only"],
    ["node A { xs: [[I32]] }", "lists hold base types only"],
    ["node A { xs: [I32?] }", "expected ']'"],
    ["node A { p: string }", "expected a type: String, Bool"],
    ["node A { p: Text }", "found 'Text'"],
    ["node A { p: toString }", "expected a type"],
    ["node A { p String }", "expected ':'"],
    ["node A { P: String }", "expected a property name"],
    ["node A { p: String, q: String }", "expected a property name"],
    ["node a {}", "expected a node type name"],
    ["node A", "expected '{' to open the node body, found the end of the file"],
    ["node A { p: String", "found the end of the file"],
    ["node A { p: enum() }", "expected an enum value"],
    ["node A { p: enum(a b) }", "expected ')'"],
    ["node A { p: enum(a,) }", "expected an enum value"],
    ["node A { p: enum(a.b) }", "unexpected character '.'"],
    ["node A { p: enum(1.5) }", "expected an enum value"],
    ["node A { p: Vector(x) }", "expected the dimension"],
    ["node A { p: Vector(-3) }", "expected the dimension"],
    ["node A { p: Vector }", "expected '('"],
    ["node A implements {}", "expected an interface name"],
    ["node A implements I, {}", "expected an interface name"],
    ['node A implements I @description("x") {}', "annotations of a node stand before 'implements'"],
    ['interface I @description("x") {}', "an interface takes no annotations of its own"],
    ["interface I implements J {}", "expected '{'"],
    ["interface I { p: String @index(p) }", "unexpected rule @index(...) in the body of an interface"],
    ["interface I { @key(p) p: String }", "unexpected rule @key(...) in the body of an interface"],
    ["node A @unique(p) { p: String }", "unexpected rule @unique(...) on the header"],
    ["edge E: A -> B @index(src)", "unexpected rule @index(...) on the header"],
    ["edge E A -> B", "expected ':'"],
    ["edge E: A - B", "expected '->'"],
    ["edge E: A -> B @card(2)", "expected '..'"],
    ["edge E: A -> B @card(..3)", "expected the least number of edges"],
    ["edge E: A -> B @card(1..*)", "unexpected character '*'"],
    ["edge E: A -> B @card", "expected '('"],
    ["edge E: A -> B @card(0..1) @card(0..1)", "unexpected @card"],
    ["edge E: A -> B @x @card(0..1)", "unexpected @card"],
    ["node A @card(0..1) {}", "unexpected @card"],
    ["node A { @key() }", "expected a property name, a string or bounds"],
    ["node A { @key(a,) }", "expected a property name, a string or bounds"],
    ["node A { a: I32 @range(a, -5) }", "expected '..'"],
    ["node A { a: I32 @range(a, ..) }", "expected a number"],
    ["node A { a: I32 @range(a, 1..-) }", "expected a number"],
    ["node A { a: I32 @ }", "expected an annotation name"],
    ["node A { a: I32 @X }", "expected an annotation name"],
    ["node A { a: I32 @x() }", "expected a value for @x"],
    ["node A { a: I32 @x(-1) }", "expected a value for @x"],
    ["node A { a: I32 @x(1, 2) }", "expected a keyword argument"],
    ["node A { a: I32 @x(1, k=v) }", "expected a literal for 'k='"],
    ["node A { a: I32 @x(1, k=1, k=2) }", "argument 'k=' is given twice"],
    ["node A { a: I32 @x(1 }", "expected ')' to close @x"],
    ['node A @description("a\\qb") {}', "unsupported escape sequence: \\q"],
    ['node A @description("abc) {}', "unterminated string"],
    ["node A {} /* open", "unterminated comment"],
    ["nöde A {}", "only ASCII is allowed"],
  ])("is found in %j", (source, phrase) => {
    const error = refusalError(() => admit(source));
    expect(error.message).toStartWith("parse error: ");
    expect(error.message).toContain(phrase);
    expect(error.message).toMatch(/ \(line \d+, column \d+\)$/);
    expect(error.span.end).toBeGreaterThan(error.span.start);
    expect(error.stage).toBe("parse");
  });

  it("is a bad request that names line and column", () => {
    const error = refusalError(() => admit("node A {\n  tags: [enum(a)]\n}"));
    expect(error).toBeInstanceOf(OmnigraphError);
    expect([error.kind, error.status, error.exitCode]).toEqual(["bad_request", 400, 1]);
    expect([error.line, error.column]).toEqual([2, 10]);
    expect(error.message).toEndWith("(line 2, column 10)");
  });

  it("marks what is wrong", () => {
    expect(marked("node A { p: string }")).toBe("string");
    expect(marked("edge E: A -> B @x @card(0..1)")).toBe("@card");
    expect(marked('node A @description("a\\qb") {}')).toBe("\\q");
  });

  it("shortens what it quotes", () => {
    expect(refusal(`node A { p: T${"x".repeat(100_000)} }`).length).toBeLessThan(400);
  });
});
