// Several things wrong with one schema, told at once.

import { describe, expect, it } from "bun:test";
import { admit, refusalError } from "./support.ts";

/** What each problem of a schema says, with its line. */
const problemsOf = (source: string): string[] =>
  refusalError(() => admit(source)).problems.map(({ message, line }) => `${line}: ${message}`);

function expectProblems(source: string, starts: readonly string[]): void {
  const problems = problemsOf(source);
  expect(problems.map((problem, i) => problem.slice(0, starts[i]?.length))).toEqual([...starts]);
}

describe("the problems of a schema", () => {
  it("are a line each in one message, which begins with the first", () => {
    const { message, line, column, problems } = refusalError(() =>
      admit("node A { p: I32, q: I32 }\nnode B { p: [enum(a)] }\n"),
    );
    expect(message).toBe(
      "parse error: expected a property name (it starts with a-z or '_'), a rule such as @key(...) or '}', found ',' (line 1, column 16)\n" +
        "parse error: expected a base type such as String: lists hold base types only, found 'enum' (line 2, column 14)",
    );
    expect([line, column, problems.length]).toEqual([1, 16, 2]);
  });

  it("in the syntax are one for each declaration, whatever it broke", () => {
    expectProblems(
      `node a { p: I32 }
node B { p: }
interface C @x { }
node D2 { p: enum() }
edge D: B -> { w: I32 }
node E { node: I32  edge: String }
node F { p: I32
node G { p: I32? ? }
edge H: E -> E @card(2)
node I { p: I32 } }
node J {`,
      [
        "1: expected a node type name",
        "2: expected a type",
        "3: expected '{'",
        "4: expected an enum value",
        "5: expected the edge's target type",
        "8: expected ':' between property 'node' and its type, found 'G'",
        "8: expected a property name",
        "9: expected '..'",
        "10: expected 'interface', 'node' or 'edge', found '}'",
        "11: expected a property name",
      ],
    );
  });

  it("in words are one for each declaration too, up to a string that does not end", () => {
    expectProblems('node A { p: I32 # a }\nnode B { p: I32 @x("\\q") }\nnode C { p: I32 @x(") }\nnode D {', [
      "1: unexpected character '#'",
      "2: unsupported escape sequence",
      "3: unterminated string",
    ]);
  });

  it("are those of the first step that finds any, in the order of the text", () => {
    const wrong = `node A { id: I32  p: Vector(0) }
node B implements Missing { p: I32 }
node C @key { @key(nothing) }
node D { p: enum(a, a) }
edge E: Nobody -> Nowhere
node D { p: I32  p: I32 }
edge e2: D -> D`;
    const fixed = (...lines: (readonly [number, string])[]) =>
      wrong
        .split("\n")
        .map((line, i) => lines.find(([number]) => number === i + 1)?.[1] ?? line)
        .join("\n");
    const sound = [
      [7, "edge E2: D -> D"],
      [1, "node A { p: I32 }"],
      [4, "node D { p: enum(a) }"],
      [2, "node B { p: I32 @key @key }"],
      [3, "node C @key { @key(nothing) }"],
    ] as const;
    expectProblems(wrong, ["7: expected an edge type name"]);
    expectProblems(fixed(sound[0]), [
      "1: property name 'id' is reserved",
      "4: enum type cannot include duplicate values",
    ]);
    expectProblems(fixed(...sound.slice(0, 3)), ["2: node B implements unknown"]);
    expectProblems(fixed(...sound), [
      "2: property B.p declares @key multiple times",
      "3: @key is only supported on node",
    ]);
    expectProblems(fixed(...sound.slice(0, 3), [2, "node B { @key(p) }"], [3, "node C { @key(nothing) }"]), [
      "2: @key on B references unknown",
      "3: @key on C references unknown",
    ]);
    expectProblems(fixed(...sound.slice(0, 3), [2, "node B {}"], [3, "node C {}"]), [
      "5: edge E references unknown source type: Nobody",
      "5: edge E references unknown target type: Nowhere",
      "6: duplicate node type: D",
      "6: duplicate property 'D.p'",
    ]);
  });

  it("that an interface brings are told once", () => {
    const nodes = [1, 2, 3].map((i) => `node N${i} implements I {}`);
    expectProblems(`interface I { p: Blob @instruction("x") }\n${nodes.join("\n")}`, [
      "1: @instruction is only supported",
    ]);
  });

  it("are twenty at most", () => {
    const nodes = Array.from({ length: 50 }, (_, i) => `node N${i} { id: I32 }`);
    expect(problemsOf(nodes.join("\n"))).toHaveLength(20);
    expect(problemsOf(nodes.join("\n").replaceAll("I32", "i32"))).toHaveLength(20);
    expect(problemsOf(nodes.join("\n").replaceAll("{ id: I32 }", "{ p: I32 p: I32 }"))).toHaveLength(20);
  });
});
