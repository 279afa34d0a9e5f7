// Branches that are made in the very moment of a schema change.

import { describe, expect, it } from "bun:test";
import type { Graph } from "../../src/engine/graph.ts";
import { openGraph } from "../../src/engine/index.ts";
import type { StorageAdapter } from "../../src/storage/index.ts";
import { expectRefused, interrupted, ndjson, ports, testGraph } from "./support.ts";

const SCHEMA = "node Ship { imo: String @key }\n";
const NEXT = "node Ship { imo: String @key  flag: String? }\n";

/** The graph as another process has it, for which `meanwhile` happens right before a branch gets its name. */
async function slowFork(storage: StorageAdapter, meanwhile: () => Promise<unknown>): Promise<Graph> {
  let isWaiting = true;
  const slow = new Proxy(storage, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "putIfAbsent") return member.bind(target);
      return async (key: string, bytes: Uint8Array) => {
        const isMeant = isWaiting && key.startsWith("refs/");
        if (isMeant) isWaiting = false;
        if (isMeant) await meanwhile();
        return target.putIfAbsent(key, bytes);
      };
    },
  });
  return openGraph({ storage: slow, ports });
}

describe("a branch that is made while the schema is changed", () => {
  it("begins behind the change that came first", async () => {
    const { graph, storage, reopen } = await testGraph(SCHEMA);
    const slow = await slowFork(storage, () => graph.applySchema({ source: NEXT, actor: null }));
    await slow.createBranch({ name: "late", actor: null });
    const fresh = await reopen();
    expect(await fresh.branches()).toEqual(["late", "main"]);
    expect(await fresh.commits("late")).toHaveLength(2);
    const source = 'query m() { insert Ship { imo: "A" flag: "NL" } }';
    await fresh.mutate({ source, branch: "late", actor: null });
    expect((await fresh.merge({ source: "late", actor: null })).outcome).toBe("fast_forward");
  });

  it("is not made by a load, which is told to run again", async () => {
    const { graph, storage, reopen } = await testGraph(SCHEMA);
    const slow = await slowFork(storage, () => graph.applySchema({ source: NEXT, actor: null }));
    const load = (engine: Graph) => {
      const data = () => ndjson([{ type: "Ship", data: { imo: "A" } }]);
      return engine.load({ data, mode: "merge", branch: "late", from: "main", actor: null });
    };
    await expectRefused(load(slow), 409, "the schema was changed in the same moment; nothing was written");
    const fresh = await reopen();
    expect(await fresh.branches()).toEqual(["main"]);
    expect((await load(slow)).branch_created).toBe(true);
    expect((await fresh.merge({ source: "late", actor: null })).outcome).toBe("fast_forward");
  });

  it("is told of by the change where it came before that, and says so when it is merged", async () => {
    const fixture = await testGraph(SCHEMA);
    const { graph, reopen } = fixture;
    const warnings: string[] = [];
    const slow = await interrupted(fixture, () => graph.createBranch({ name: "early", actor: null }));
    const applied = await slow.graph.applySchema({
      source: NEXT,
      actor: null,
      onWarning: (message) => warnings.push(message),
    });
    expect(applied.applied).toBe(true);
    const advice = "export what it holds, delete it, and load that into a new branch";
    expect(warnings).toEqual([expect.stringContaining("branch 'early' was created while the schema was")]);
    expect(warnings[0]).toContain(advice);
    const fresh = await reopen();
    await fresh.mutate({ source: 'query m() { insert Ship { imo: "A" } }', branch: "early", actor: null });
    await expectRefused(fresh.merge({ source: "early", actor: null }), 409, advice);
  });
});
