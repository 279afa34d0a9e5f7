// What other graph stores were seen to fail at, and no test of a single part covers.

import { describe, expect, it } from "bun:test";
import { openGraph } from "../../src/engine/index.ts";
import { openMaintenance } from "../../src/engine/maintenance/index.ts";
import { decodeAccepted } from "../../src/schema/index.ts";
import { ObjectCache, openStore } from "../../src/store/index.ts";
import { expectRefused, ports, refusal, testGraph, text } from "./support.ts";

const SCHEMA = "node Ship { imo: String @key  name: String? }\nedge Follows: Ship -> Ship\n";
const RUNS = 5;

describe("an export", () => {
  it("holds every row of a graph that a few hundred small commits made", async () => {
    const { graph, mutate } = await testGraph(SCHEMA);
    const count = 300;
    for (let i = 0; i < count; i++) await mutate(`insert Ship { imo: "${String(i).padStart(4, "0")}" }`);
    const lines = (await text(await graph.export({}))).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).data.id)).toEqual(
      Array.from({ length: count }, (_, i) => String(i).padStart(4, "0")),
    );
  });
});

describe("a query", () => {
  it("at a snapshot that cleanup expired is told so with 410 and the commit's id", async () => {
    const { graph, mutate, storage } = await testGraph(SCHEMA);
    for (let i = 0; i < 5; i++) await mutate(`insert Ship { imo: "${i}" }`);
    const [head, , old] = await graph.commits();
    await graph.close();
    const store = await openStore(storage, ports, {
      decodeSchema: decodeAccepted,
      cache: new ObjectCache(1 << 20),
    });
    await store.cleanUp({ keep: 1, olderThanMs: null });
    const reopened = await openGraph({ storage, ports });
    const find = (snapshot: string) =>
      reopened.query({ source: "query q() { match { $s: Ship } return { $s.imo } }", snapshot });
    await expectRefused(find(old.graph_commit_id), 410, old.graph_commit_id);
    expect((await find(head.graph_commit_id)).rowCount).toBe(5);
  });
});

describe("two schema changes at once", () => {
  it("end with at least one applied, the other applied or told why, and a graph that goes on", async () => {
    for (let run = 0; run < RUNS; run++) {
      const { graph, reopen } = await testGraph(SCHEMA);
      const processes = [graph, await reopen()];
      const changes = ["flag", "owner"].map((property, i) =>
        processes[i].applySchema({
          source: SCHEMA.replace("name:", `${property}: String?  name:`),
          actor: null,
        }),
      );
      const settled = await Promise.allSettled(changes);
      expect(settled.some(({ status }) => status === "fulfilled")).toBe(true);
      for (const [i, { status }] of settled.entries()) {
        if (status === "rejected") expect((await refusal(changes[i])).status).toBe(409);
      }
      for (const [i, each] of processes.entries()) {
        const source = `query m() { insert Ship { imo: "${i}" } }`;
        expect((await each.mutate({ source, actor: null })).affected_nodes).toBe(1);
        const read = await each.query({ source: "query q() { match { $s: Ship } return { $s.imo } }" });
        expect(read.rowCount).toBe(i + 1);
      }
    }
  });
});

describe("optimize", () => {
  it("right after a load succeeds every time", async () => {
    for (let run = 0; run < RUNS; run++) {
      const { graph, load, storage, rows } = await testGraph(SCHEMA);
      await load(Array.from({ length: 500 }, (_, i) => ({ type: "Ship", data: { imo: `${i}` } })));
      const maintenance = await openMaintenance({ storage, ports });
      expect((await maintenance.optimize()).datasets).toHaveLength(2);
      expect(await rows("match { $s: Ship } return { count($s) as ships }")).toEqual([{ ships: 500 }]);
      await graph.close();
    }
  });
});
