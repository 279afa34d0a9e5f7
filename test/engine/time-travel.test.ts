// Every read, at any commit that cleanup left (spec 03 §5): none is a special case of a query.

import { describe, expect, it } from "bun:test";
import type { Graph } from "../../src/engine/graph.ts";
import { openMaintenance } from "../../src/engine/maintenance/index.ts";
import { expectRefused, ports, type TestGraph, testGraph, text } from "./support.ts";

const FIRST = "node Ship { imo: String @key  name: String?  photo: Blob? }\nedge Follows: Ship -> Ship\n";
const SECOND = FIRST.replace("name: String?", "name: String?  crew: I32?");
const PHOTO = `base64:${Buffer.from("photo").toString("base64")}`;
const ALL = "match { $s: Ship } return { $s.imo, $s.name } order { $s.imo }";

interface Fleet extends TestGraph {
  /** The commit that had two ships, before the schema changed and one of them went. */
  readonly past: string;
  readonly branch: string;
}

async function fleet(): Promise<Fleet> {
  const fixture = await testGraph(FIRST);
  const { graph, load, mutate } = fixture;
  const { commit } = await load([
    { type: "Ship", data: { imo: "1", name: "a", photo: PHOTO } },
    { type: "Ship", data: { imo: "2" } },
    { edge: "Follows", from: "1", to: "2", data: { id: "f" } },
  ]);
  await graph.applySchema({ source: SECOND, actor: null });
  await graph.createBranch({ name: "refit", actor: null });
  const { commit: onBranch } = await mutate('update Ship set { crew: 7 } where imo = "1"', {}, "refit");
  await mutate('delete Ship where imo = "2"');
  return { ...fixture, past: commit?.graph_commit_id ?? "", branch: onBranch?.graph_commit_id ?? "" };
}

const THEN_EXPORTED = [
  { edge: "Follows", from: "1", to: "2", data: { id: "f" } },
  { type: "Ship", data: { id: "1", imo: "1", name: "a", photo: PHOTO } },
  { type: "Ship", data: { id: "2", imo: "2", name: null, photo: null } },
];

/** Each read of a graph at a commit. */
const READS: Readonly<Record<string, (graph: Graph, snapshot: string) => Promise<unknown>>> = {
  query: (graph, snapshot) => graph.query({ source: `query q() { ${ALL} }`, snapshot }),
  export: async (graph, snapshot) => text(await graph.export({ snapshot })),
  snapshot: (graph, snapshot) => graph.snapshot({ snapshot }),
  schema: (graph, snapshot) => graph.catalog({ snapshot }),
  blob: (graph, snapshot) =>
    graph.openBlob({ entity: "node", type: "Ship", id: "1", property: "photo", snapshot }),
};

describe("a commit of the past", () => {
  it("answers every read as it was, in every process", async () => {
    const { graph, reopen, past } = await fleet();
    for (const reader of [graph, await reopen()]) {
      const rows = (await reader.query({ source: `query q() { ${ALL} }`, snapshot: past })).rows();
      expect(rows).toEqual([
        { "s.imo": "1", "s.name": "a" },
        { "s.imo": "2", "s.name": null },
      ]);
      const lines = (await text(await reader.export({ snapshot: past }))).trimEnd().split("\n");
      expect(lines.map((line) => JSON.parse(line))).toEqual(THEN_EXPORTED);
      const { datasets, ...described } = await reader.snapshot({ snapshot: past });
      expect(described).toEqual({
        graph_branch: "main",
        graph_manifest_version: 2,
        internal_schema_version: 1,
        graph_commit_id: past,
      });
      expect(datasets.map(({ type_name, entity_count }) => [type_name, entity_count])).toEqual([
        ["Follows", 1],
        ["Ship", 2],
      ]);
      expect((await reader.catalog({ snapshot: past })).source).toBe(FIRST);
      expect((await reader.catalog()).source).toBe(SECOND);
      const blob = await reader.openBlob({
        entity: "node",
        type: "Ship",
        id: "1",
        property: "photo",
        snapshot: past,
      });
      expect(blob).toMatchObject({ kind: "managed", size: 5, snapshot: past });
    }
  });

  it("is described by the branch that it landed on", async () => {
    const { graph, branch } = await fleet();
    expect(await graph.snapshot({ snapshot: branch })).toMatchObject({
      graph_branch: "refit",
      graph_commit_id: branch,
    });
    const lines = (await text(await graph.export({ snapshot: branch, typeNames: ["Ship"] }))).split("\n");
    expect(JSON.parse(lines[0]).data).toEqual({ id: "1", crew: 7, imo: "1", name: "a", photo: PHOTO });
  });

  for (const [read, at] of Object.entries(READS)) {
    it(`is 404 for ${read} where it is unknown, and 410 where it expired`, async () => {
      const { graph, storage, reopen, past } = await fleet();
      const unknown = "01K2ZJ6Q3V8E5T0M4RYB7WNXHC";
      await expectRefused(at(graph, unknown), 404, `commit '${unknown}' not found`);
      await graph.deleteBranch({ name: "refit", actor: null });
      await (await openMaintenance({ storage, ports })).cleanup({ keep: 1 });
      for (const reader of [graph, await reopen()]) {
        await expectRefused(at(reader, past), 410, past);
        await expectRefused(at(reader, past), 410, "was reclaimed");
      }
    });
  }
});
