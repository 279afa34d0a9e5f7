// What is wrong with a text of the command line is shown in it: file, line, column, and a caret.

import { beforeAll, describe, expect, it } from "bun:test";
import { createWorld, type World } from "./support.ts";

let world: World;
beforeAll(async () => {
  world = createWorld();
  world.file("s.pg", "node Ship { name: String @key  age: I32? }");
  await world.run(["init", "--schema", "s.pg", "g"]);
});

const GRAPH = ["--store", "g"];
const BROKEN = `query a() {
  match { $s: Ship }
  return $s
}
query b($n: I32) { match { $s: Boat } return { $s } }
`;
const WRONG = `query a($n: I32) {
\tmatch {
\t\t$s: Ship { name: $n }
\t\t$s.agee > 3
\t}
\treturn { $s.name }
}
`;

describe("an error in a query file", () => {
  it("names file, line and column, and shows the line with a caret", async () => {
    world.file("broken.gq", BROKEN);
    expect(await world.run(["query", "--query", "broken.gq", ...GRAPH])).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: parse error: expected '{' after 'return', found '$s' (line 3, column 10)
 --> broken.gq:3:10
  |
3 |   return $s
  |          ^^
`,
    });
  });

  it("shows each of several", async () => {
    world.file("wrong.gq", WRONG);
    expect((await world.run(["query", "--query", "wrong.gq", ...GRAPH])).stderr).toBe(
      `error: type error: T7: property 'Ship.name' is String, parameter \`$n\` is I32 (line 3, column 20)
 --> wrong.gq:3:20
  |
3 | \t\t$s: Ship { name: $n }
  | \t\t                 ^^
error: type error: T6: \`$s.agee\`: node type 'Ship' has no property 'agee' (it has age, name) (line 4, column 3)
 --> wrong.gq:4:3
  |
4 | \t\t$s.agee > 3
  | \t\t^^^^^^^
`,
    );
  });

  it("is the object that HTTP would send with --json, places included", async () => {
    const { code, stdout, stderr } = await world.run(["query", "--query", "broken.gq", "--json", ...GRAPH]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(JSON.parse(stderr)).toEqual({
      error: "parse error: expected '{' after 'return', found '$s' (line 3, column 10)",
      code: "bad_request",
      source_errors: [
        {
          message: "parse error: expected '{' after 'return', found '$s'",
          line: 3,
          column: 10,
          start: 42,
          end: 44,
        },
      ],
    });
  });

  it("is shown for mutations, for -e and for stdin", async () => {
    const mutation = await world.run(["mutate", "-e", "query m() { insert Ship { age: 1.5.5 } }", ...GRAPH]);
    expect(mutation.stderr).toEndWith(
      " --> -e:1:35\n  |\n1 | query m() { insert Ship { age: 1.5.5 } }\n  |                                   ^\n",
    );
    const piped = await world.run(["query", "--query", "-", ...GRAPH], { stdin: "query é() {}" });
    expect(piped.stderr).toContain(" --> <stdin>:1:7\n");
  });

  it("counts characters, and puts the caret under them", async () => {
    const source = 'query q() { match { $s: Ship $s.name = "é😀" ! } return { $s } }';
    const { stderr } = await world.run(["query", "-e", source, ...GRAPH]);
    const [, place, , shown, caret] = stderr.split("\n");
    expect(place).toBe(" --> -e:1:45");
    expect([...shown.slice("1 | ".length)][44]).toBe("!");
    expect(caret).toBe(`  | ${" ".repeat(44)}^`);
  });

  it("cuts a very long line around the place, and marks the end of a text", async () => {
    const spaces = " ".repeat(50_000);
    const long = await world.run(["query", "-e", `${spaces}#${"x".repeat(50_000)}`, ...GRAPH]);
    const lines = long.stderr.split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(200);
    expect(lines[4].indexOf("^")).toBe(lines[3].indexOf("#"));
    expect(lines[3]).toMatch(/^1 \| … {60}#x{59}…$/);
    const cut = await world.run(["query", "-e", "query q()", ...GRAPH]);
    expect(cut.stderr).toEndWith(" --> -e:1:10\n  |\n1 | query q()\n  |          ^\n");
  });

  it("never sends control characters of the text to the terminal", async () => {
    const { stderr } = await world.run(["query", "-e", "query q() { \u001b[31m }\r\n", ...GRAPH]);
    expect(stderr).toContain("1 | query q() { \ufffd[31m }\n");
    expect(stderr).not.toContain("\u001b");
  });
});

describe("an error in a schema file", () => {
  it("is shown by init, plan, apply and lint", async () => {
    world.file("bad.pg", "node Ship {\n  name: String @key\n  age: Int\n}\nedge Owns: Ship\n");
    const shown = [
      " --> bad.pg:3:8",
      "  |",
      "3 |   age: Int",
      "  |        ^^^",
      "error: parse error: expected '->' before the edge's target type, found the end of the file (line 6, column 1)",
      " --> bad.pg:6:1",
      "  |",
      "6 | ",
      "  | ^",
      "",
    ].join("\n");
    world.file("fine.gq", "");
    for (const words of [
      ["init", "new"],
      ["schema", "plan", "g"],
      ["schema", "apply", "g"],
      ["lint", "--query", "fine.gq"],
    ]) {
      const { code, stdout, stderr } = await world.run([...words, "--schema", "bad.pg"]);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("error: parse error: expected a type: String, Bool");
      expect(stderr).toEndWith(shown);
    }
  });
});

describe("an error in parameters", () => {
  it("shows where their JSON is wrong", async () => {
    const query = "query q($n: String) { match { $s: Ship { name: $n } } return { $s } }";
    const inline = await world.run(["query", "-e", query, "--params", '{"n": "é" x}', ...GRAPH]);
    expect(inline.stderr).toStartWith("error: --params is not valid JSON: ");
    expect(inline.stderr).toEndWith(' --> --params:1:11\n  |\n1 | {"n": "é" x}\n  |           ^\n');
    world.file("p.json", '{\n  "m": "a",\n  "n": }\n');
    const file = await world.run(["query", "-e", query, "--params-file", "p.json", ...GRAPH]);
    expect(file.stderr).toContain(" --> p.json:3:8\n");
  });
});

describe("lint", () => {
  it("keeps a line of stdout to a result, and explains the wrong ones on stderr", async () => {
    world.file("wrong.gq", `${WRONG}query fine() { match { $s: Ship } return { $s } }\n`);
    const { code, stdout, stderr } = await world.run(["lint", "--schema", "s.pg", "--query", "wrong.gq"]);
    expect(code).toBe(1);
    expect(stdout.split("\n").map((line) => line.slice(0, 28))).toEqual([
      "ERROR query `a`: type error:",
      "ERROR query `a`: type error:",
      "OK    query `fine` (read)",
      "INFO  Lint complete: 2 queri",
      "",
    ]);
    expect(stderr).toBe(` --> wrong.gq:3:20
  |
3 | \t\t$s: Ship { name: $n }
  | \t\t                 ^^
 --> wrong.gq:4:3
  |
4 | \t\t$s.agee > 3
  | \t\t^^^^^^^
`);
  });

  it("tells every declaration that does not parse, as one finding", async () => {
    world.file("broken.gq", `${BROKEN}query c(\n`);
    const words = ["lint", "--schema", "s.pg", "--query", "broken.gq"];
    const human = await world.run(words);
    expect(human.stdout.split("\n")).toEqual([
      "ERROR Q000: parse error: expected '{' after 'return', found '$s' (line 3, column 10)",
      "ERROR Q000: parse error: expected a parameter such as $name, found the end of the source (line 7, column 1)",
      "INFO  Lint complete: 0 queries processed (1 error(s), 0 warning(s), 0 info item(s))",
      "",
    ]);
    expect(human.stderr).toContain(" --> broken.gq:3:10\n");
    const { code, stdout, stderr } = await world.run([...words, "--json"]);
    expect([code, stderr]).toEqual([1, ""]);
    expect(JSON.parse(stdout)).toMatchObject({
      errors: 1,
      findings: [{ code: "Q000", message: expect.stringMatching(/^parse error: .*\nparse error: .*$/) }],
    });
  });
});
