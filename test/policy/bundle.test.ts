import { describe, expect, it } from "bun:test";
import { actorCount, parseBundle } from "../../src/policy/index.ts";
import { bundleWith, LIBRARY_BUNDLE, rule } from "./fixtures.ts";

const refusal = async (text: string, kind: "graph" | "server" | null = "graph"): Promise<string> => {
  try {
    await parseBundle(text, kind);
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  return "accepted";
};

describe("a policy bundle", () => {
  it("reads groups, protected branches and rules", async () => {
    const bundle = await parseBundle(LIBRARY_BUNDLE, "graph");
    expect(actorCount(bundle)).toBe(2);
    expect(bundle.protectedBranches).toEqual(["main", "release"]);
    expect(bundle.rules.map((each) => each.id)).toEqual([
      "curators-look",
      "curators-edit-drafts",
      "stewards-publish",
      "curators-run-tools",
    ]);
    expect(bundle.rules[2]?.targetBranchScope).toBe("protected");
  });

  it("takes plain scalars as written, repeats in a list, and optional keys without a value", async () => {
    const bundle = await parseBundle(
      "version: 1\ngroups: {team: [1001, 1.50, 1001]}\nprotected_branches:\nrules:\n",
      "server",
    );
    expect(bundle.groups.get("team")).toEqual(["1001", "1.50", "1001"]);
    expect(bundle.rules).toEqual([]);
  });

  it("trims protected branches and keeps every other string as written", async () => {
    const bundle = await parseBundle(
      'version: 1\ngroups: {" team ": [" ann "]}\nprotected_branches: [" main "]\n',
      "graph",
    );
    expect(bundle.protectedBranches).toEqual(["main"]);
    expect([...bundle.groups]).toEqual([[" team ", [" ann "]]]);
  });

  it("is valid for either kind without rules", async () => {
    expect(await refusal("version: 1\nrules: []\n", "graph")).toBe("accepted");
    expect(await refusal("version: 1\nrules: []\n", "server")).toBe("accepted");
  });

  const table: readonly [string, string, readonly string[]][] = [
    ["an empty text", "", ["line 1 column 1"]],
    ["a list", "- 1\n", ["mapping", "line 1 column 1"]],
    ["broken YAML", "version: 1\ngroups: {a: [b\nrules: []\n", ["at line 3 column 1"]],
    [
      "a misspelt scope",
      bundleWith(rule("r", "read", "branch_scpoe: protected")),
      ["unknown field `branch_scpoe`", "`branch_scope`", "line 6"],
    ],
    ["a kind", "version: 1\nkind: server\n", ["unknown field `kind`", "follows from", "applies_to"]],
    ["an effect", bundleWith("  - id: r\n    deny: {}\n"), ["unknown field `deny`", "`allow`"]],
    ["a merge key", "version: 1\n<<: {rules: []}\n", ["unknown field `<<`"]],
    ["a repeated key", "version: 1\nrules: []\nrules: []\n", ["duplicate", "`rules`", "line 3 column 1"]],
    ["a repeated group", "version: 1\ngroups: {a: [x], a: [y]}\n", ["duplicate", "groups.a"]],
    ["no version", "rules: []\n", ["missing field `version`"]],
    [
      "a rule without an id",
      bundleWith("  - allow: {actors: {group: team}, actions: [read]}\n"),
      ["missing field `id`"],
    ],
    ["a rule without a grant", bundleWith("  - id: r\n"), ["missing field `allow`"]],
    [
      "a grant without actors",
      bundleWith("  - {id: r, allow: {actions: [read]}}\n"),
      ["missing field `actors`"],
    ],
    [
      "a grant without a group",
      bundleWith("  - {id: r, allow: {actors: {}, actions: [read]}}\n"),
      ["missing field `group`"],
    ],
    [
      "a grant without actions",
      bundleWith("  - {id: r, allow: {actors: {group: team}}}\n"),
      ["missing field `actions`"],
    ],
    ["a quoted version", 'version: "1"\n', ["version", "expected an integer"]],
    [
      "a retired action",
      bundleWith(rule("r", "run_publish")),
      ["unknown variant `run_publish`", "`graph_list`"],
    ],
    ["a reserved action", bundleWith(rule("r", "graph_create")), ["unknown variant `graph_create`"]],
    [
      "an unknown scope",
      bundleWith(rule("r", "read", "branch_scope: all")),
      ["unknown variant `all`", "`unprotected`"],
    ],
    ["version 2", "version: 2\n", ["policy version must be 1"]],
    ["a blank group name", 'version: 1\ngroups: {" ": [a]}\n', ["group names must not be blank"]],
    ["a group without a value", "version: 1\ngroups:\n  team:\n", ["policy group 'team' must not be empty"]],
    ["an empty group", "version: 1\ngroups: {team: []}\n", ["policy group 'team' must not be empty"]],
    [
      "a blank actor",
      'version: 1\ngroups: {team: [""]}\n',
      ["policy group 'team' contains a blank actor id"],
    ],
    [
      "a blank protected branch",
      'version: 1\nprotected_branches: [" "]\n',
      ["protected branch names must not be blank"],
    ],
    ["a blank rule id", bundleWith(rule('" "', "read")), ["rule ids must not be blank"]],
    [
      "two rules of one id",
      bundleWith(rule("twin", "read") + rule("twin", "export")),
      ["duplicate policy rule id 'twin'"],
    ],
    [
      "a blank group reference",
      bundleWith('  - {id: r, allow: {actors: {group: " "}, actions: [read]}}\n'),
      ["policy rule 'r' must reference a non-blank group"],
    ],
    [
      "an unknown group",
      bundleWith("  - {id: r, allow: {actors: {group: ghosts}, actions: [read]}}\n"),
      ["policy rule 'r' references unknown group 'ghosts'"],
    ],
    ["no actions", bundleWith(rule("r", "")), ["policy rule 'r' must include at least one action"]],
    [
      "an action twice",
      bundleWith(rule("r", "read, read")),
      ["policy rule 'r' lists action 'read' more than once"],
    ],
    [
      "both scopes",
      bundleWith(rule("r", "read", "branch_scope: any, target_branch_scope: any")),
      ["may specify branch_scope or target_branch_scope, not both"],
    ],
    [
      "a branch scope on a merge",
      bundleWith(rule("r", "branch_merge", "branch_scope: protected")),
      ["policy rule 'r' uses branch_scope with unsupported action 'branch_merge'"],
    ],
    [
      "a branch scope on stored queries",
      bundleWith(rule("r", "invoke_query", "branch_scope: any")),
      ["branch_scope", "invoke_query"],
    ],
    [
      "a branch scope on the list of graphs",
      bundleWith(rule("r", "graph_list", "branch_scope: any")),
      ["uses branch_scope with unsupported action 'graph_list'"],
    ],
    [
      "a target scope on a read",
      bundleWith(rule("r", "read", "target_branch_scope: any")),
      ["policy rule 'r' uses target_branch_scope with unsupported action 'read'"],
    ],
    [
      "a rule of both kinds",
      bundleWith(rule("r", "graph_list, read")),
      ["mixes the server-scoped action", "split into separate rules"],
    ],
    [
      "a server action in a graph bundle",
      bundleWith(rule("r", "graph_list")),
      [
        "policy rule 'r' uses server-scoped action 'graph_list' in a Graph policy file; move it to a server policy file",
      ],
    ],
  ];
  for (const [what, text, phrases] of table) {
    it(`refuses ${what}`, async () => {
      const message = await refusal(text);
      for (const phrase of phrases) expect(message).toContain(phrase);
    });
  }

  it("refuses a graph action in a server bundle", async () => {
    expect(await refusal(bundleWith(rule("r", "read")), "server")).toBe(
      "policy rule 'r' uses per-graph action 'read' in a Server policy file; move it to a per-graph policy file",
    );
  });

  it("leaves kinds alone where the binding tells none", async () => {
    expect(await refusal(bundleWith(rule("a", "read") + rule("b", "graph_list")), null)).toBe("accepted");
  });

  it("reports an unknown key before anything else that is wrong", async () => {
    const text = "rules: [{id: 5, wehn: {}}]\nrules: []\ngroups: 3\n";
    expect(await refusal(text)).toContain("unknown field `wehn`");
  });

  it("follows the order of the contract, not the order of the file", async () => {
    const text = bundleWith(rule("twin", "") + rule("twin", "read"), "protected_branches: ['']\n");
    expect(await refusal(text)).toContain("protected branch names");
  });
});
