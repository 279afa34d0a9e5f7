// A consumer of the feed whose place cleanup took, from the command line: it learns that there is a gap, takes a baseline,
// and goes on from there.

import { describe, expect, it } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChangeBlock } from "../../src/engine/outputs.ts";
import { createWorld, type World } from "./support.ts";

interface Poll {
  readonly blocks: readonly ChangeBlock[];
  readonly cursor: string;
  readonly caught_up: boolean;
}

const poll = async (world: World, ...words: readonly string[]): Promise<Poll> =>
  (await world.json(["changes", "poll", "--store", "g", "--json", ...words])) as Poll;

const idsOf = ({ blocks }: Poll): string[] => blocks.flatMap(({ changes }) => changes.map(({ id }) => id));

async function launch(world: World, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const query = `query q() { insert Ship { name: "${name}" } }`;
    await world.json(["mutate", "--store", "g", "-e", query, "--json"]);
  }
}

async function fleet(): Promise<World> {
  const world = createWorld();
  const { code, stderr } = await world.run([
    "init",
    "--schema",
    world.file("fleet.pg", "node Ship { name: String @key }\n"),
    "g",
  ]);
  if (code !== 0) throw new Error(stderr);
  return world;
}

const cleanUp = (world: World, keep: number) =>
  world.json(["cleanup", "g", "--keep", String(keep), "--confirm", "--json"]);

describe("a consumer of the feed", () => {
  it("whose cursor cleanup passed is told, takes a baseline, and misses nothing", async () => {
    const world = await fleet();
    const { cursor } = await poll(world);
    await launch(world, "A", "B", "C", "D");
    const followed = await poll(world, "--cursor", cursor);
    expect([idsOf(followed), followed.caught_up]).toEqual([["A", "B", "C", "D"], true]);

    await cleanUp(world, 2);
    // At its place nothing is missing yet: the head it saw is kept, and what follows it.
    await launch(world, "E");
    expect(idsOf(await poll(world, "--cursor", followed.cursor))).toEqual(["E"]);

    const late = await world.run(["changes", "poll", "--store", "g", "--json", "--cursor", cursor]);
    expect(late.code).toBe(1);
    const { commits } = (await world.json(["commit", "list", "g", "--json"])) as {
      commits: { graph_commit_id: string }[];
    };
    // The oldest that is left has no parent to compare it with.
    const [first] = commits.toReversed().slice(1);
    expect(JSON.parse(late.stderr)).toEqual({
      error: `change feed gap at commit '${first.graph_commit_id}'`,
      change_feed_gap: { cursor, first_unreadable_commit_id: first.graph_commit_id },
    });
    expect(late.stdout).not.toContain("cursor");

    const out = join(world.directory, "ships.ndjson");
    const words = ["changes", "baseline", "--store", "g", "--out", out, "--json"];
    const baseline = (await world.json(words)) as { snapshot_commit_id: string; resume_cursor: string };
    expect(readFileSync(out, "utf8").match(/"id":"\w+"/g)).toHaveLength(5);
    expect(baseline.snapshot_commit_id).toBe(commits[0].graph_commit_id);
    await launch(world, "F", "G");
    const resumed = await poll(world, "--cursor", baseline.resume_cursor);
    expect(resumed.blocks.map(({ changes }) => changes.map(({ id }) => id))).toEqual([["F"], ["G"]]);
    expect(resumed.caught_up).toBe(true);
  });

  it("whose branch was made anew is told so, whatever the new one holds", async () => {
    const world = await fleet();
    await launch(world, "A");
    const onBranch = ["--branch", "draft"];
    await world.json(["branch", "create", "draft", "--uri", "g", "--json"]);
    const { cursor } = await poll(world, ...onBranch);
    await world.json(["branch", "delete", "draft", "--uri", "g", "--json"]);
    const poller = ["changes", "poll", "--store", "g", "--json", ...onBranch, "--cursor", cursor];
    const gone = await world.run(poller);
    expect([gone.code, JSON.parse(gone.stderr)]).toEqual([
      1,
      { error: "branch 'draft' not found", code: "not_found" },
    ]);
    await world.json(["branch", "create", "draft", "--uri", "g", "--json"]);
    await cleanUp(world, 1);
    const anew = await world.run(poller);
    expect(anew.code).toBe(1);
    expect(anew.stderr).toContain("change cursor rejected: ");
    expect(anew.stderr).toContain("different branch incarnation");
  });

  it("at a branch that lives on is untouched by a cleanup of the others", async () => {
    const world = await fleet();
    await launch(world, "A", "B");
    await world.json(["branch", "create", "draft", "--uri", "g", "--json"]);
    const { cursor } = await poll(world, "--branch", "draft");
    await launch(world, "C", "D", "E");
    await cleanUp(world, 1);
    expect(await poll(world, "--branch", "draft", "--cursor", cursor)).toMatchObject({
      blocks: [],
      caught_up: true,
    });
    const query = 'query q() { insert Ship { name: "X" } }';
    await world.json(["mutate", "--store", "g", "--branch", "draft", "-e", query, "--json"]);
    expect(idsOf(await poll(world, "--branch", "draft", "--cursor", cursor))).toEqual(["X"]);
  });
});
