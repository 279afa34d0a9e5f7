import { describe, expect, it } from "bun:test";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { compileBundle, enforce, type PolicyGate, validateBundle } from "../../src/policy/index.ts";
import { bundleWith, LIBRARY_BUNDLE, rule } from "./fixtures.ts";

const atlas = (text: string): Promise<PolicyGate> => compileBundle(text, { kind: "graph", graphId: "atlas" });

describe("the gate of the library bundle", () => {
  it("lets a curator change a draft and not a protected branch", async () => {
    const gate = await atlas(LIBRARY_BUNDLE);
    expect(gate.decide("act-oleg", { action: "change", branch: "draft-7" })).toEqual({
      allowed: true,
      matchedRuleId: "curators-edit-drafts",
      message: "policy allowed action 'change' for actor 'act-oleg'",
    });
    expect(gate.decide("act-oleg", { action: "change", branch: "main" })).toEqual({
      allowed: false,
      matchedRuleId: null,
      message: "policy denied action 'change' on branch 'main' for actor 'act-oleg'",
    });
  });

  it("lets a steward merge into protected branches only", async () => {
    const gate = await atlas(LIBRARY_BUNDLE);
    const merge = (actor: string, targetBranch: string) =>
      gate.decide(actor, { action: "branch_merge", branch: "draft-7", targetBranch });
    expect(merge("act-maya", "main").allowed).toBe(true);
    expect(merge("act-maya", "draft-8")).toMatchObject({
      allowed: false,
      message:
        "policy denied action 'branch_merge' on branch 'draft-7' targeting branch 'draft-8' for actor 'act-maya'",
    });
    expect(merge("act-oleg", "main").allowed).toBe(false);
    expect(merge("act-oleg", "draft-8").allowed).toBe(false);
  });

  it("lets a steward apply a schema to main and not to a draft", async () => {
    const gate = await atlas(LIBRARY_BUNDLE);
    expect(gate.decide("act-maya", { action: "schema_apply", targetBranch: "main" }).allowed).toBe(true);
    expect(gate.decide("act-maya", { action: "schema_apply", targetBranch: "draft-7" }).allowed).toBe(false);
  });

  it("names an actor of no group as unknown", async () => {
    const gate = await atlas(LIBRARY_BUNDLE);
    expect(gate.decide("act-zed", { action: "read", branch: "main" })).toEqual({
      allowed: false,
      matchedRuleId: null,
      message: "policy denied action 'read' for unknown actor 'act-zed'",
    });
  });

  it("answers the same when asked again", async () => {
    const gate = await atlas(LIBRARY_BUNDLE);
    const first = gate.decide("act-maya", { action: "change", branch: "draft-1" });
    expect(gate.decide("act-maya", { action: "change", branch: "draft-1" })).toEqual(first);
    expect(gate.decide("act-maya", { action: "change", branch: "release" }).allowed).toBe(false);
  });
});

describe("a gate", () => {
  it("denies everything without rules", async () => {
    const gate = await atlas("version: 1\ngroups: {team: [ann]}\nrules: []\n");
    expect(gate.decide("ann", { action: "read", branch: "main" }).allowed).toBe(false);
  });

  it("reports the smallest id, in byte order, of the rules that allow", async () => {
    const gate = await atlas(bundleWith(rule("b", "read") + rule('"a:read"', "read") + rule("a", "read")));
    expect(gate.decide("ann", { action: "read" }).matchedRuleId).toBe("a");
    const capital = await atlas(bundleWith(rule("a", "read") + rule("B", "read")));
    expect(capital.decide("ann", { action: "read" }).matchedRuleId).toBe("B");
  });

  it("compiles and matches names with quotes, control characters and other scripts", async () => {
    const text = String.raw`version: 1
groups: {"te\"am\\\n\u0007 日本": ["o'neil \"x\"", "ж\u0001"]}
rules:
  - id: "r\"1"
    allow: {actors: {group: "te\"am\\\n\u0007 日本"}, actions: [read]}
`;
    const gate = await atlas(text);
    expect(gate.decide('o\'neil "x"', { action: "read" })).toMatchObject({
      allowed: true,
      matchedRuleId: 'r"1',
    });
    expect(gate.decide("ж\u0001", { action: "read" }).allowed).toBe(true);
    expect(gate.decide("ж", { action: "read" }).allowed).toBe(false);
  });

  it("protects no branch by itself, not even main", async () => {
    const gate = await atlas(bundleWith(rule("r", "read", "branch_scope: unprotected")));
    expect(gate.decide("ann", { action: "read", branch: "main" }).allowed).toBe(true);
  });

  it("matches a scoped rule only where the request names a branch", async () => {
    const gate = await atlas(
      bundleWith(
        rule("r", "read", "branch_scope: protected") + rule("e", "export", "branch_scope: any"),
        "protected_branches: [main]\n",
      ),
    );
    expect(gate.decide("ann", { action: "read", branch: "main" }).allowed).toBe(true);
    expect(gate.decide("ann", { action: "read" }).allowed).toBe(false);
    expect(gate.decide("ann", { action: "export" }).allowed).toBe(true);
  });

  it("denies plainly what belongs to the other kind of bundle", async () => {
    const graph = await atlas(LIBRARY_BUNDLE);
    expect(graph.decide("act-maya", { action: "graph_list" })).toEqual({
      allowed: false,
      matchedRuleId: null,
      message: "policy denied action 'graph_list' for actor 'act-maya'",
    });
    const server = await compileBundle(bundleWith(rule("list", "graph_list")), { kind: "server" });
    expect(server.decide("ann", { action: "graph_list" })).toMatchObject({
      allowed: true,
      matchedRuleId: "list",
    });
    expect(server.decide("ann", { action: "read", branch: "main" }).allowed).toBe(false);
  });

  it("keeps to its own bundle when another of the same scope is compiled after it", async () => {
    const before = await atlas(bundleWith(rule("r", "read")));
    const after = await atlas(bundleWith(rule("e", "export")));
    expect(before.decide("ann", { action: "read" }).allowed).toBe(true);
    expect(after.decide("ann", { action: "read" }).allowed).toBe(false);
    expect(before.decide("ann", { action: "export" }).allowed).toBe(false);
    expect(after.decide("ann", { action: "export" }).allowed).toBe(true);
  });

  it("decides for one of a thousand actors", async () => {
    const actors = Array.from({ length: 1000 }, (_, i) => `actor-${i}`);
    const gate = await atlas(
      `version: 1\ngroups: {team: [${actors.join(", ")}]}\nrules:\n${rule("r", "read")}`,
    );
    expect(gate.actorCount).toBe(1000);
    expect(actors.every((actor) => gate.decide(actor, { action: "read", branch: "main" }).allowed)).toBe(
      true,
    );
  });

  it("refuses a bundle of the other kind before Cedar sees it", async () => {
    expect(compileBundle(bundleWith(rule("r", "read")), { kind: "server" })).rejects.toThrow(
      "per-graph action",
    );
    expect(validateBundle(bundleWith(rule("r", "graph_list")), "graph")).rejects.toThrow("server-scoped");
  });
});

describe("enforce", () => {
  const refusal = (act: () => void): OmnigraphError => {
    try {
      act();
    } catch (thrown) {
      if (thrown instanceof OmnigraphError) return thrown;
    }
    throw new Error("expected a refusal");
  };

  it("refuses a denied actor as forbidden and lets an allowed one pass", async () => {
    const gate = await atlas(LIBRARY_BUNDLE);
    enforce(gate, "act-oleg", { action: "change", branch: "draft" });
    const denied = refusal(() => enforce(gate, "act-oleg", { action: "change", branch: "main" }));
    expect(denied.status).toBe(403);
    expect(denied.message).toBe(
      "policy: policy denied action 'change' on branch 'main' for actor 'act-oleg'",
    );
  });

  it("never lets a call without an actor pass", async () => {
    const gate = await atlas(LIBRARY_BUNDLE);
    const denied = refusal(() => enforce(gate, null, { action: "change", branch: "draft" }));
    expect(denied.message).toContain("no actor");
  });
});
