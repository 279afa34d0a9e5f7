import { describe, expect, it } from "bun:test";
import { openGraph, openMaintenance } from "../../../src/engine/index.ts";
import { over, ports, refusal, type TestGraph } from "../support.ts";
import { blockLines, cursorOf, harbour, tokenOf } from "./support.ts";

const port = (code: string) => `insert Port { code: "${code}", name: "${code}" }`;

interface Expired extends TestGraph {
  /** Ids of all commits, by version; those below `first` have no state any more. */
  readonly chain: readonly string[];
  readonly first: number;
  /** Of the feed after the first load, with everything yet to come. */
  readonly oldCursor: string;
  readonly oldPage: string;
}

/** Commits that cleanup keeps. */
const KEPT = 20;

/** A graph whose older half was cleaned up, by a process of its own. */
async function expired(): Promise<Expired> {
  const { graph, mutate, storage } = await harbour();
  const oldCursor = cursorOf(await graph.pollChanges({}));
  await mutate(`${port("A")} ${port("B")}`);
  const oldPage = tokenOf(await graph.pollChanges({ cursor: oldCursor, limit: 1 }));
  for (let i = 0; i < 40; i++) await mutate(port(`P${i}`));
  await graph.close();
  const maintained = await openMaintenance({ storage, ports });
  const { commits_expired } = await maintained.cleanup({ keep: KEPT });
  await maintained.close();
  const reopened = await openGraph({ storage, ports });
  const chain = ["", ...(await reopened.commits()).map((commit) => commit.graph_commit_id).reverse()];
  const first = chain.length - KEPT;
  expect(commits_expired).toBe(first - 1);
  return { ...over(storage, reopened), chain, first, oldCursor, oldPage };
}

describe("a feed past what cleanup reclaimed", () => {
  it("is refused with the caller's cursor and the first commit that cannot be told", async () => {
    const { graph, oldCursor, chain } = await expired();
    const error = await refusal(graph.pollChanges({ cursor: oldCursor }));
    expect(error.status).toBe(410);
    expect(error.toEnvelope()).toEqual({
      error: `change feed gap at commit '${chain[3]}'`,
      change_feed_gap: { cursor: oldCursor, first_unreadable_commit_id: chain[3] },
    });
  });

  it("is refused without a cursor where none was given", async () => {
    const { graph, oldPage, chain } = await expired();
    const gapOf = async (request: object) =>
      (await refusal(graph.pollChanges(request))).details.change_feed_gap;
    expect(await gapOf({ start: "beginning" })).toEqual({ first_unreadable_commit_id: chain[2] });
    expect(await gapOf({ start: `after:${chain[5]}` })).toEqual({ first_unreadable_commit_id: chain[6] });
    expect(await gapOf({ pageToken: oldPage })).toEqual({ first_unreadable_commit_id: chain[3] });
  });

  it("begins after the oldest commit that is left, whose own changes went with its parent", async () => {
    const { graph, chain, first } = await expired();
    const page = await graph.pollChanges({ start: `after:${chain[first]}` });
    expect(page.blocks.map(({ cause }) => cause.graph_commit_id)).toEqual(chain.slice(first + 1));
    expect(page.caught_up).toBe(true);
    const gap = await refusal(graph.pollChanges({ start: `after:${chain[first - 1]}` }));
    expect(gap.details.change_feed_gap).toEqual({ first_unreadable_commit_id: chain[first] });
  });

  it("goes on after a baseline", async () => {
    const { graph, mutate } = await expired();
    let text = "";
    for await (const chunk of await graph.captureBaseline({})) text += Buffer.from(chunk).toString();
    const { baseline } = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "");
    await mutate(port("NEXT"));
    const page = await graph.pollChanges({ cursor: baseline.resume_cursor });
    expect(blockLines(page.blocks)).toEqual([["insert node Port NEXT"]]);
  });
});

describe("a commit that cleanup reclaimed", () => {
  it("tells no changes, and neither does the first one after it", async () => {
    const { graph, chain, first } = await expired();
    for (const version of [2, first - 1, first]) {
      const error = await refusal(graph.commitChanges({ commit: chain[version] }));
      expect(error.status).toBe(410);
      expect(error.details.change_feed_gap).toEqual({ first_unreadable_commit_id: chain[version] });
    }
    const page = await graph.commitChanges({ commit: chain[first + 1] });
    expect(page.changes).toHaveLength(1);
    expect((await refusal(graph.commitChanges({ commit: chain[1] }))).status).toBe(409);
  });
});
