import { describe, expect, it } from "bun:test";
import { openMaintenance } from "../../src/engine/maintenance/index.ts";
import type { CommitOutput } from "../../src/engine/outputs.ts";
import { expectRefused, HARBOUR, ports, type TestGraph, testGraph } from "./support.ts";

/** All pages of `limit` commits, each asked of a process of its own. */
async function pages({ reopen }: TestGraph, limit: number, branch = "main"): Promise<CommitOutput[][]> {
  const found: CommitOutput[][] = [];
  let cursor: string | undefined;
  do {
    const graph = await reopen();
    const page = await graph.commitPage({ branch, limit, ...(cursor === undefined ? {} : { cursor }) });
    found.push([...page.commits]);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return found;
}

async function harbour(commits: number): Promise<TestGraph> {
  const harbour = await testGraph(HARBOUR);
  for (let i = 1; i < commits; i++) await harbour.mutate(`insert Note { text: "${i}" }`);
  return harbour;
}

describe("the list of a branch's commits", () => {
  it("comes whole without a limit, and in pages of any size as the same commits in the same order", async () => {
    const harbourOf40 = await harbour(40);
    const { graph } = harbourOf40;
    const { commits, next_cursor } = await graph.commitPage({});
    expect(next_cursor).toBeUndefined();
    expect(commits).toEqual(await graph.commits());
    expect(commits.map((commit) => commit.graph_manifest_version)).toEqual(
      Array.from({ length: 40 }, (_, i) => 40 - i),
    );
    for (const limit of [1, 7, 39, 40, 1000]) {
      const paged = await pages(harbourOf40, limit);
      expect(paged.flat()).toEqual([...commits]);
      expect(paged.map((page) => page.length).slice(0, -1)).toEqual(paged.slice(0, -1).map(() => limit));
    }
  });

  it("goes on where a page ended while new commits land, and to the end without a limit", async () => {
    const { graph, mutate } = await harbour(6);
    const { commits, next_cursor: cursor } = await graph.commitPage({ limit: 2 });
    const before = await graph.commits();
    await mutate('insert Note { text: "later" }');
    expect([...commits, ...(await graph.commitPage({ cursor })).commits]).toEqual([...before]);
  });

  it("goes through what a branch inherited", async () => {
    const made = await harbour(5);
    await made.graph.createBranch({ name: "refit", actor: null });
    await made.mutate('insert Note { text: "refit" }', {}, "refit");
    const paged = (await pages(made, 2, "refit")).flat();
    expect(paged).toEqual([...(await made.graph.commits("refit"))]);
    expect(paged.map((commit) => commit.graph_branch)).toEqual(["refit", null, null, null, null, null]);
  });

  it("refuses cursors of other branches, of an earlier incarnation, of another kind and damaged ones", async () => {
    const { graph } = await harbour(4);
    const rejected = (cursor: string | undefined, branch: string, reason: string) =>
      expectRefused(graph.commitPage({ branch, cursor }), 400, `change cursor rejected: ${reason}`);
    await graph.createBranch({ name: "refit", actor: null });
    const { next_cursor: ofMain } = await graph.commitPage({ limit: 1 });
    const { next_cursor: ofRefit } = await graph.commitPage({ branch: "refit", limit: 1 });
    await rejected(ofMain, "refit", "it was made for a different branch");
    await graph.deleteBranch({ name: "refit", actor: null });
    await graph.createBranch({ name: "refit", actor: null });
    await rejected(ofRefit, "refit", "it was made for a different branch incarnation");
    await rejected(
      (await graph.pollChanges({})).cursor,
      "main",
      "expected a commit list cursor, found a feed cursor",
    );
    await rejected(`${ofMain}A`, "main", "its encoding is damaged");
    await rejected("", "main", "its encoding is damaged");
    const other = await harbour(4);
    await expectRefused(other.graph.commitPage({ cursor: ofMain }), 400, "does not belong to this graph");
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses a limit of %p", async (limit) => {
    const { graph } = await harbour(1);
    await expectRefused(graph.commitPage({ limit }), 400, "limit");
  });

  it("says what made each commit, by whom, out of what", async () => {
    const { graph, load, storage } = await testGraph(HARBOUR);
    await load([{ type: "Ship", data: { imo: "IMO1", name: "a" } }]);
    await graph.createBranch({ name: "refit", actor: "ada" });
    const source = 'query m() { insert Ship { imo: "IMO2", name: "b" } }';
    const { commit: fork } = await graph.mutate({ source, branch: "refit", actor: "ada" });
    await graph.merge({ source: "refit", actor: "bob", deleteBranch: true });
    await graph.applySchema({
      source: HARBOUR.replace("text: String", "text: String  by: String?"),
      actor: "cyd",
    });
    await (await openMaintenance({ storage, ports })).optimize();
    const commits = await graph.commits();
    expect(commits.map(({ operation, actor_id }) => [operation, actor_id])).toEqual([
      ["optimize", null],
      ["schema_apply", "cyd"],
      ["merge", "bob"],
      ["load", null],
      ["init", null],
    ]);
    expect(commits.map((commit) => commit.parent_commit_id)).toEqual([
      ...commits.slice(1).map((commit) => commit.graph_commit_id),
      null,
    ]);
    expect(commits.map((commit) => commit.merged_parent_commit_id)).toEqual([
      null,
      null,
      fork?.graph_commit_id ?? "",
      null,
      null,
    ]);
  });
});
