import { describe, expect, it } from "bun:test";
import { compileBundle, parsePolicyTests, runPolicyTests } from "../../src/policy/index.ts";
import { LIBRARY_BUNDLE } from "./fixtures.ts";

const cases = (...lines: string[]): string =>
  `version: 1\ncases:\n${lines.map((line) => `  - ${line}\n`).join("")}`;

describe("a policy test file", () => {
  it("passes where the bundle decides as expected", async () => {
    const gate = await compileBundle(LIBRARY_BUNDLE, { kind: "graph", graphId: "atlas" });
    const tests = await parsePolicyTests(
      cases(
        "{id: draft, actor: act-oleg, action: change, branch: draft-7, expect: allow}",
        "{id: merge, actor: act-maya, action: branch_merge, branch: d, target_branch: main, expect: allow}",
        "{id: stranger, actor: nobody, action: read, expect: deny}",
      ),
    );
    expect(runPolicyTests(gate, tests)).toBe(3);
  });

  it("lists every case that is decided otherwise", async () => {
    const gate = await compileBundle(LIBRARY_BUNDLE, { kind: "graph", graphId: "atlas" });
    const tests = await parsePolicyTests(
      cases(
        "{id: one, actor: act-oleg, action: change, branch: main, expect: allow}",
        "{id: two, actor: act-oleg, action: read, branch: main, expect: allow}",
        "{id: three, actor: act-oleg, action: read, branch: main, expect: deny}",
      ),
    );
    expect(() => runPolicyTests(gate, tests)).toThrow(
      "policy tests failed:\none: expected allow but got deny\nthree: expected deny but got allow",
    );
  });

  it("has no cases where none are given", async () => {
    expect(await parsePolicyTests("version: 1\ncases:\n")).toEqual([]);
  });

  const good = "{id: a, actor: x, action: read, expect: deny}";
  const table: readonly [string, string, string][] = [
    ["version 2", "version: 2\n", "policy test version must be 1"],
    [
      "a blank id",
      cases('{id: " ", actor: x, action: read, expect: deny}'),
      "policy test case ids must not be blank",
    ],
    ["an id twice", cases(good, good), "duplicate policy test case id 'a'"],
    ["a blank actor", cases('{id: a, actor: "", action: read, expect: deny}'), "must not use a blank actor"],
    ["an unknown action", cases("{id: a, actor: x, action: fly, expect: deny}"), "unknown variant `fly`"],
    ["an unknown verdict", cases("{id: a, actor: x, action: read, expect: no}"), "unknown variant `no`"],
    ["a missing expectation", cases("{id: a, actor: x, action: read}"), "missing field `expect`"],
    [
      "an unknown key",
      cases("{id: a, actor: x, action: read, expect: deny, when: now}"),
      "unknown field `when`",
    ],
    ["broken YAML", "version: [1\n", "line 2 column 1"],
  ];
  for (const [what, text, phrase] of table) {
    it(`refuses ${what}`, async () => {
      expect(parsePolicyTests(text)).rejects.toThrow(phrase);
    });
  }
});
