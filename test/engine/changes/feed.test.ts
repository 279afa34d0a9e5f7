import { describe, expect, it } from "bun:test";
import { OmnigraphError } from "../../../src/lib/errors.ts";
import { expectRefused, HARBOUR, refusal, testGraph } from "../support.ts";
import { blockLines, cursorOf, harbour, headOf, tokenOf, wholePoll } from "./support.ts";

const port = (code: string) => `insert Port { code: "${code}", name: "${code}" }`;

describe("a feed", () => {
  it("starts now: after the head, with nothing to tell", async () => {
    const { graph, mutate } = await harbour();
    const page = await graph.pollChanges({});
    expect(page).toEqual({ blocks: [], cursor: cursorOf(page), caught_up: true });
    expect(await graph.pollChanges({ start: "now" })).toEqual(page);
    await mutate(port("BGO"));
    const next = await graph.pollChanges({ cursor: page.cursor });
    expect(blockLines(next.blocks)).toEqual([["insert node Port BGO"]]);
    expect(next.blocks[0].cause.graph_commit_id).toBe(await headOf(graph));
  });

  it("starts at the beginning with every commit after the genesis, what was inherited included", async () => {
    const { graph, mutate, load } = await harbour();
    await mutate(port("BGO"));
    await graph.createBranch({ name: "refit", actor: null });
    await mutate(port("TRD"), {}, "refit");
    await load([], "merge", "refit");
    const page = await graph.pollChanges({ branch: "refit", start: "beginning", types: ["Port"] });
    expect(blockLines(page.blocks)).toEqual([
      ["insert node Port OSL"],
      ["insert node Port BGO"],
      ["insert node Port TRD"],
      [],
    ]);
    expect(page.blocks.map(({ cause }) => cause.authored_branch)).toEqual(["main", "main", "refit", "refit"]);
    const chain = (await graph.commits("refit")).map((commit) => commit.graph_commit_id).reverse();
    expect(page.blocks.map(({ cause }) => cause.graph_commit_id)).toEqual(chain.slice(1));
    expect(page.caught_up).toBe(true);
  });

  it("starts after a commit of the branch, and of no other", async () => {
    const { graph, mutate } = await harbour();
    const loaded = await headOf(graph);
    await graph.createBranch({ name: "refit", actor: null });
    await mutate(port("BGO"), {}, "refit");
    await mutate(port("TRD"));
    const page = await graph.pollChanges({ start: `after:${loaded}` });
    expect(blockLines(page.blocks)).toEqual([["insert node Port TRD"]]);
    const elsewhere = await headOf(graph, "refit");
    for (const start of [`after:${elsewhere}`, "after:01X"]) {
      await expectRefused(graph.pollChanges({ start }), 400, "change cursor rejected: ");
    }
  });

  for (const start of ["soon", "after:", "", "Now"]) {
    it(`refuses to start at ${JSON.stringify(start)}`, async () => {
      const { graph } = await harbour();
      const phrase = "start must be now | beginning | after:<commit_id>";
      await expectRefused(graph.pollChanges({ start }), 400, phrase);
    });
  }

  it("refuses two places at once", async () => {
    const { graph } = await harbour();
    const cursor = cursorOf(await graph.pollChanges({}));
    await expectRefused(graph.pollChanges({ cursor, start: "now" }), 400, "mutually exclusive");
    await expectRefused(graph.pollChanges({ cursor, pageToken: "x" }), 400, "mutually exclusive");
  });

  it("knows no branch that is not there", async () => {
    const { graph } = await harbour();
    await expectRefused(graph.pollChanges({ branch: "x" }), 404, "branch 'x' not found");
  });

  it("splits a commit over pages, and gives a cursor only after it", async () => {
    const { graph, mutate } = await harbour();
    const start = `after:${await headOf(graph)}`;
    await mutate(`${port("BGO")} ${port("TRD")}`);
    const first = await graph.pollChanges({ start, limit: 1 });
    expect(blockLines(first.blocks)).toEqual([["insert node Port BGO"]]);
    expect(Object.keys(first)).toEqual(["blocks", "next_page_token"]);
    const second = await graph.pollChanges({ pageToken: tokenOf(first), limit: 1 });
    expect(blockLines(second.blocks)).toEqual([["insert node Port TRD"]]);
    expect(second.blocks[0].cause).toEqual(first.blocks[0].cause);
    expect(Object.keys(second)).toEqual(["blocks", "cursor", "caught_up"]);
    expect(second.caught_up).toBe(true);
  });

  it("tells every change once, however small its pages, in any process", async () => {
    const { graph, mutate, reopen } = await harbour();
    await mutate(`${port("BGO")} ${port("TRD")} ${port("KRS")}`);
    await mutate('delete Port where code = "OSL"');
    const whole = blockLines((await graph.pollChanges({ start: "beginning" })).blocks).flat();
    expect(whole).toHaveLength(11);
    const other = await reopen();
    for (const limit of [1, 2, 3, 7]) {
      const told: string[] = [];
      let page = await graph.pollChanges({ start: "beginning", limit });
      for (let turn = 0; ; turn++) {
        told.push(...blockLines(page.blocks).flat());
        const reader = turn % 2 === 0 ? other : graph;
        if (page.next_page_token !== undefined) {
          page = await reader.pollChanges({ pageToken: page.next_page_token, limit });
        } else if (page.caught_up !== true) {
          page = await reader.pollChanges({ cursor: cursorOf(page), limit });
        } else break;
      }
      expect(told).toEqual(whole);
    }
  });

  it("leaves what lands after its first page to the next poll", async () => {
    const { graph, mutate } = await harbour();
    const start = `after:${await headOf(graph)}`;
    await mutate(`${port("BGO")} ${port("TRD")}`);
    const first = await graph.pollChanges({ start, limit: 1 });
    await mutate(port("KRS"));
    const second = await graph.pollChanges({ pageToken: tokenOf(first) });
    expect(blockLines(second.blocks)).toEqual([["insert node Port TRD"]]);
    expect(second.caught_up).toBe(false);
    const third = await graph.pollChanges({ cursor: second.cursor });
    expect(blockLines(third.blocks)).toEqual([["insert node Port KRS"]]);
    expect(third.caught_up).toBe(true);
  });

  it("looks at 128 commits a page", async () => {
    const { graph, mutate } = await testGraph(HARBOUR);
    for (let i = 0; i < 130; i++) await mutate(port(`P${i}`));
    const first = await graph.pollChanges({ start: "beginning" });
    expect(first.blocks).toHaveLength(128);
    expect(first.caught_up).toBe(false);
    const second = await graph.pollChanges({ cursor: first.cursor });
    expect(blockLines(second.blocks)).toEqual([["insert node Port P128"], ["insert node Port P129"]]);
    expect(second.caught_up).toBe(true);
  });

  it("ends before a change of the schema, which refuses the next poll", async () => {
    const { graph, mutate } = await harbour();
    const start = `after:${await headOf(graph)}`;
    await mutate(port("BGO"));
    await graph.applySchema({ source: HARBOUR.replace("berth:", "pier: String?  berth:"), actor: null });
    const boundary = await headOf(graph);
    await mutate(port("TRD"));
    const page = await graph.pollChanges({ start });
    expect(blockLines(page.blocks)).toEqual([["insert node Port BGO"]]);
    expect(page.caught_up).toBe(false);
    const error = await refusal(graph.pollChanges({ cursor: page.cursor }));
    expect(error.status).toBe(409);
    expect(error.details.change_diff_refusal).toEqual({
      reason: "schema_boundary",
      graph_commit_id: boundary,
      type_name: "CallsAt",
    });
    const beyond = await graph.pollChanges({ start: `after:${boundary}` });
    expect(blockLines(beyond.blocks)).toEqual([["insert node Port TRD"]]);
  });
});

describe("tokens", () => {
  const rejected = (promise: Promise<unknown>, reason: string) =>
    expectRefused(promise, 400, `change cursor rejected: ${reason}`);

  it("work for their own kind alone, and name both", async () => {
    const { graph } = await harbour();
    const commit = await headOf(graph);
    const cursor = cursorOf(await graph.pollChanges({}));
    const commitPage = tokenOf(await graph.commitChanges({ commit, limit: 1 }));
    const feedPage = tokenOf(await graph.pollChanges({ start: "beginning", limit: 1 }));
    await rejected(
      graph.commitChanges({ commit, pageToken: cursor }),
      "expected a commit page token, found a feed cursor",
    );
    await rejected(
      graph.pollChanges({ pageToken: commitPage }),
      "expected a feed page token, found a commit page token",
    );
    await rejected(
      graph.pollChanges({ cursor: feedPage }),
      "expected a feed cursor, found a feed page token",
    );
  });

  it("work on their own branch, and on this incarnation of it", async () => {
    const { graph } = await harbour();
    await graph.createBranch({ name: "refit", actor: null });
    const cursor = cursorOf(await graph.pollChanges({ branch: "refit" }));
    await rejected(graph.pollChanges({ cursor }), "it was made for a different branch");
    await graph.deleteBranch({ name: "refit", actor: null });
    await graph.createBranch({ name: "refit", actor: null });
    const error = await refusal(graph.pollChanges({ branch: "refit", cursor }));
    expect(error.message).toContain("different branch incarnation");
  });

  it("work on their own graph and commit", async () => {
    const [one, other] = [await harbour(), await harbour()];
    const cursor = cursorOf(await one.graph.pollChanges({}));
    await rejected(other.graph.pollChanges({ cursor }), "it does not belong to this graph");
    const commit = await headOf(one.graph);
    const pageToken = tokenOf(await one.graph.commitChanges({ commit, limit: 1 }));
    await one.mutate(port("BGO"));
    const later = await headOf(one.graph);
    await rejected(
      one.graph.commitChanges({ commit: later, pageToken }),
      "it was made for a different commit",
    );
  });

  it("work with the same filters, in any order, however spelled", async () => {
    const { graph } = await harbour();
    const cursor = cursorOf(await graph.pollChanges({ types: ["Port", "Ship"], kinds: ["node", "edge"] }));
    await rejected(graph.pollChanges({ cursor }), "it was made for a different filter scope");
    await rejected(
      graph.pollChanges({ cursor, types: ["Port"] }),
      "it was made for a different filter scope",
    );
    const same = { types: ["Ship", "Port", "Ship"], ops: ["delete", "insert", "update"] as const };
    expect((await graph.pollChanges({ cursor, ...same })).caught_up).toBe(true);
  });

  it("are refused when they are damaged, foreign or endless", async () => {
    const { graph } = await harbour();
    const cursor = cursorOf(await graph.pollChanges({}));
    const swapped = cursor.at(40) === "A" ? "B" : "A";
    const payload = '{"kind":"feed cursor","after":{"version":"x"}}';
    const { createHash } = await import("node:crypto");
    const forged = Buffer.from(
      `1${createHash("sha256").update(`1${payload}`).digest("hex").slice(0, 16)}${payload}`,
    ).toString("base64url");
    for (const damaged of [
      "",
      "x",
      "é",
      `${cursor}A`,
      `${cursor}=`,
      cursor.slice(0, -3),
      cursor.slice(0, 40) + swapped + cursor.slice(41),
      Buffer.from(`2${"0".repeat(16)}{}`).toString("base64url"),
      forged,
      cursor.repeat(20),
    ]) {
      const error = await refusal(graph.pollChanges({ cursor: damaged }));
      expect(error.status).toBe(400);
      expect(error.message).toStartWith("change cursor rejected: ");
      expect(error.message).toContain("encoding");
    }
  });

  it("stay below 4,096 characters and resume exactly within ids and branch names of any length", async () => {
    const { graph, load, reopen } = await testGraph(HARBOUR);
    const branch = "b".repeat(500);
    await graph.createBranch({ name: branch, actor: null });
    // Long ids with a common beginning, of characters that JSON escapes and that take several bytes.
    const long = ["\u0001", "é", "🚢"].flatMap((character) =>
      ["a", "b", "c"].map((end) => `${character.repeat(2000)}${end}`),
    );
    await load(
      [...long, "short"].map((code) => ({ type: "Port", data: { code, name: "x" } })),
      "merge",
      branch,
    );
    const commit = await headOf(graph, branch);
    const whole = (await graph.commitChanges({ commit })).changes.map(({ id }) => id);
    expect(whole).toHaveLength(10);
    const told: string[] = [];
    let page = await graph.pollChanges({ branch, start: "beginning", limit: 1 });
    for (;;) {
      told.push(...page.blocks.flatMap(({ changes }) => changes.map(({ id }) => id)));
      const token = page.next_page_token ?? cursorOf(page);
      expect(token.length).toBeLessThanOrEqual(4096);
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
      if (page.next_page_token === undefined) break;
      page = await (await reopen()).pollChanges({ branch, pageToken: page.next_page_token, limit: 1 });
    }
    expect(told).toEqual(whole);
  });
});

describe("pages", () => {
  it("hold at most the limit over all their blocks", async () => {
    const { graph, mutate } = await harbour();
    const start = `after:${await headOf(graph)}`;
    await mutate(`${port("A")} ${port("B")}`);
    await mutate(`${port("C")} ${port("D")}`);
    const pages = await wholePoll(graph, { start, limit: 3 });
    expect(pages.map(({ blocks }) => blockLines(blocks))).toEqual([
      [["insert node Port A", "insert node Port B"], ["insert node Port C"]],
      [["insert node Port D"]],
    ]);
    const exact = await graph.pollChanges({ start, limit: 2 });
    expect(blockLines(exact.blocks)).toEqual([["insert node Port A", "insert node Port B"]]);
    expect(exact).toMatchObject({ caught_up: false });
    expect(exact.next_page_token).toBeUndefined();
  });

  it("refuse a limit of none or too many", async () => {
    const { graph } = await harbour();
    await expectRefused(graph.pollChanges({ limit: 0 }), 400, "change page limit must be greater than zero");
    const error = await refusal(graph.pollChanges({ limit: 8193 }));
    expect(error).toBeInstanceOf(OmnigraphError);
    expect(error.status).toBe(413);
  });
});
