// Graphs as older programs wrote them. Whatever becomes of the code, these open and answer as they did: answers may gain
// members, and lose or change none.

import { describe, expect, it } from "bun:test";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Graph } from "../../src/engine/graph.ts";
import { openGraph } from "../../src/engine/index.ts";
import { STORAGE_FORMAT_VERSION } from "../../src/lib/version.ts";
import { fileStorage } from "../../src/storage/index.ts";
import { type GoldenGraph, goldenGraphs } from "../support/golden.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { ports, text } from "./support.ts";

const open = (root: string) => openGraph({ storage: fileStorage(root, ports), ports });

/** A copy that may be written to. */
function copyOf({ root }: GoldenGraph): string {
  const copy = join(temporaryDirectory(), "graph.omni");
  cpSync(root, copy, { recursive: true });
  return copy;
}

const namesIn = (root: string) => readdirSync(root, { recursive: true, encoding: "utf8" }).sort();

async function linesOf(
  graph: Graph,
  at: { branch: string } | { snapshot: string },
  lines: readonly string[],
) {
  const typeNames = [...new Set(lines.map(typeOf))];
  const exported = await text(await graph.export({ ...at, typeNames }));
  return exported.split("\n").filter((line) => line !== "");
}

const typeOf = (line: string): string => {
  const { type, edge } = JSON.parse(line);
  return type ?? edge;
};

it("there is a golden graph of the format that this program writes", () => {
  expect(goldenGraphs().map(({ format }) => format)).toContain(`format-${STORAGE_FORMAT_VERSION}`);
});

for (const golden of goldenGraphs()) {
  const { answers, root } = golden;

  describe(`the golden graph of ${golden.format}`, () => {
    it("has its branches and their commits", async () => {
      const graph = await open(root);
      expect(await graph.branches()).toEqual(answers.branches);
      for (const branch of answers.branches)
        expect(await graph.commits(branch)).toMatchObject([...answers.commits[branch]]);
      expect(await graph.snapshot({})).toMatchObject(answers.snapshot);
    });

    it("exports every branch, and its past, as it was", async () => {
      const graph = await open(root);
      for (const [name, lines] of Object.entries(answers.exports)) {
        const at = answers.branches.includes(name) ? { branch: name } : { snapshot: name };
        expect(await linesOf(graph, at, lines)).toEqual([...lines]);
      }
    });

    it("answers queries with every digit", async () => {
      const graph = await open(root);
      for (const { source, branch = "main", rows } of answers.queries)
        expect((await graph.query({ source, branch })).rowsJson()).toBe(rows);
    });

    it("gives the same state when its checkpoints and hints are lost", async () => {
      const copy = copyOf(golden);
      const derived = namesIn(copy).filter((name) => /\/checkpoint\/.*json$|hint\.json$/.test(name));
      expect(derived.length).toBeGreaterThan(1);
      const storage = fileStorage(copy, ports);
      for (const name of derived) await storage.delete(name);
      const graph = await open(copy);
      for (const branch of answers.branches) {
        const lines = answers.exports[branch];
        expect(await linesOf(graph, { branch }, lines)).toEqual([...lines]);
        expect(await graph.commits(branch)).toMatchObject([...answers.commits[branch]]);
      }
    });

    it("is not written to by reading", async () => {
      const before = namesIn(root).map((name) => `${name}`);
      const graph = await open(root);
      await graph.query({ source: answers.queries[0].source });
      await graph.close();
      expect(namesIn(root)).toEqual(before);
    });

    it("takes commits, merges and schema changes", async () => {
      const graph = await open(copyOf(golden));
      const [source] = answers.branches.filter((name) => name !== "main").slice(-1);
      const before = answers.commits.main.length;
      expect((await graph.merge({ source, actor: null, deleteBranch: true })).branch_deleted).toBe(true);
      for (const name of answers.branches.filter((name) => name !== "main" && name !== source).reverse())
        await graph.deleteBranch({ name, actor: null });
      const { source: schema } = await graph.catalog();
      await graph.applySchema({ source: `${schema}\nnode Extra { key: String @key }\n`, actor: null });
      await graph.mutate({ source: 'query m() { insert Extra { key: "new" } }', actor: null });
      expect(await graph.commits()).toHaveLength(before + 3);
    });

    it("holds every kind of object, each of them small", () => {
      const kinds = new Set(
        namesIn(root).map((name) => name.replace(/^branches\/[^/]+\//, "").split("/")[0]),
      );
      for (const kind of ["log", "checkpoint", "hint.json", "refs", "schema", "segments", "deletes", "blobs"])
        expect(kinds).toContain(kind);
      const logs = namesIn(root).filter((name) => /\/log\/.*json$/.test(name));
      const commits = logs.map((name) => JSON.parse(readFileSync(join(root, name), "utf8")).commits.length);
      expect(Math.max(...commits)).toBeGreaterThan(1);
      expect(Math.min(...commits)).toBe(0);
    });
  });
}
