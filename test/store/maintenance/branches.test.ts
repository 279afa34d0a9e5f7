import { describe, expect, it } from "bun:test";
import type { GraphStore } from "../../../src/store/index.ts";
import { addShips, commit, contents, failureOf, idsOf, SHIP, ship } from "../support.ts";
import {
  addMany,
  everything,
  expectReadable,
  HOUR_MS,
  harbour,
  keep,
  keepLater,
  keysUnder,
} from "./support.ts";

const merge = async (store: GraphStore, source: string, into: string, rows: string[]) =>
  commit(store, {
    branch: into,
    operation: "merge",
    merged: await store.branch(source).head(),
    changes: [{ type: SHIP, rows: rows.map((imo) => ship(imo)) }],
  });

const baseOf = async (store: GraphStore, a: string, b: string) =>
  (await store.mergeBase(await store.branch(a).head(), await store.branch(b).head())).record;

/** Ships that commits between the base and a head of two branches name. */
async function touched(store: GraphStore, branch: string, base: string): Promise<string[]> {
  const head = await store.branch(branch).head();
  const named = new Set<string>();
  for (const { changes } of await store.commitsAfter(head, await store.stateAt(base, [head]))) {
    for (const { deletedNodes, rows, segments } of changes) {
      for (const id of deletedNodes) named.add(id);
      const { rowsOf } = await import("../../../src/store/index.ts");
      for (const row of rows === null ? [] : rowsOf(rows, SHIP)) named.add(row.id);
      for (const segment of segments) {
        for (const batch of await store.readSegmentBatches(segment))
          for (const row of rowsOf(batch, SHIP)) named.add(row.id);
      }
    }
  }
  return [...named].sort();
}

describe("branches that were forked long ago", () => {
  it("read, write and know what changed since, though main expired around their fork", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 21);
    await world.store.createBranch("old", "main");
    await world.store.createBranch("idle", "main");
    await addMany(world.store, 21, 40);
    await commit(world.store, { changes: [{ type: SHIP, deleted: ["S003"] }] });
    await addMany(world.store, 50, 53, "old");
    const before = await Promise.all(["main", "old", "idle"].map((name) => everything(world.store, name)));
    const fork = before[2][0].record;
    await keepLater(world, 1);
    await keepLater(world, 1);
    const reader = await world.another();
    await expectReadable(reader, before[0], [42, 22]);
    await expectReadable(reader, before[1], [25, 22], "old");
    await expectReadable(reader, before[2], [22], "idle");
    expect(await baseOf(reader, "main", "old")).toEqual(fork);
    expect(await touched(reader, "old", fork.id)).toEqual(["S050", "S051", "S052"]);
    const named = Array.from({ length: 19 }, (_, i) => `S0${i + 21}`);
    expect(await touched(reader, "main", fork.id)).toEqual(["S003", ...named]);
    await addShips(reader, "AFTER");
    await commit(reader, { branch: "idle", changes: [{ type: SHIP, rows: [ship("IDLE")] }] });
    expect(await idsOf(reader, await reader.branch("idle").head(), SHIP)).toHaveLength(22);
  });

  it("tell one change for what was changed and changed back, and nothing for what is equal", async () => {
    const world = await harbour();
    await commit(world.store, {
      changes: [{ type: SHIP, asSegment: true, rows: ["A", "B", "C"].map((imo) => ship(imo)) }],
    });
    await world.store.createBranch("old", "main");
    const base = (await world.store.branch("old").head()).head;
    await addShips(world.store, "X");
    await commit(world.store, { changes: [{ type: SHIP, deleted: ["X"] }] });
    await commit(world.store, {
      changes: [{ type: SHIP, asSegment: true, rows: [ship("A"), ship("B", "new B")] }],
    });
    await world.store.optimize("main", 2);
    await keepLater(world, 1);
    expect(await touched(await world.another(), "main", base.id)).toEqual(["B"]);
  });

  it("lead to the commit that they were forked from, though they stand on an older checkpoint", async () => {
    const world = await harbour();
    const forker = await world.another();
    await addMany(world.store, 0, 6);
    await forker.branch("main").head();
    await world.store.optimize("main", 2);
    await forker.createBranch("side", "main");
    const fork = await world.store.branch("main").head();
    const expected = await contents(world.store, fork);
    await commit(world.store, {
      branch: "side",
      changes: [{ type: SHIP, replaced: true, rows: [ship("NEW")], asSegment: true }],
    });
    await addMany(world.store, 10, 12);
    await keepLater(world, 1);
    const reader = await world.another();
    const side = await reader.branch("side").head();
    expect(side.checkpoint.position).toBe(0);
    expect(await contents(reader, await reader.stateAt(fork.head.id, [side]))).toEqual(expected);
  });

  it("tell what changed since, where cleanup took rows of their own that were replaced", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 3);
    const base = (await world.store.branch("main").head()).head;
    await world.store.createBranch("side", "main");
    const replace = (imo: string) =>
      commit(world.store, {
        branch: "side",
        changes: [{ type: SHIP, replaced: true, rows: [ship(imo)], asSegment: true }],
      });
    await replace("OLD");
    await replace("NEW");
    await world.store.createBranch("deeper", "side");
    await commit(world.store, { branch: "deeper", changes: [{ type: SHIP, rows: [ship("OWN")] }] });
    await keepLater(world, 1);
    const reader = await world.another();
    expect(await touched(reader, "side", base.id)).toContain("NEW");
    expect(await touched(reader, "deeper", base.id)).toEqual(expect.arrayContaining(["NEW", "OWN"]));
  });

  it("keep the bases of every pair of them", async () => {
    const world = await harbour();
    const { store } = world;
    await addMany(store, 0, 5);
    await store.createBranch("a", "main");
    await addMany(store, 5, 10, "a");
    await store.createBranch("b", "a");
    await addMany(store, 10, 15, "b");
    await merge(store, "b", "main", ["M"]);
    await addMany(store, 15, 20, "b");
    await addMany(store, 20, 25);
    await addMany(store, 25, 30, "a");
    const pairs = [
      ["main", "a"],
      ["main", "b"],
      ["a", "b"],
    ] as const;
    const bases = await Promise.all(pairs.map(([x, y]) => baseOf(store, x, y)));
    const states = await Promise.all(bases.map(async ({ id }) => contents(store, await store.stateAt(id))));
    await keepLater(world, 1);
    await keepLater(world, 1);
    const reader = await world.another();
    for (const [i, [x, y]] of pairs.entries()) {
      const base = await baseOf(reader, x, y);
      expect(base).toEqual(bases[i]);
      expect(await contents(reader, await reader.stateAt(base.id))).toEqual(states[i]);
    }
    expect((await keepLater(world, 1)).expired).toBe(0);
  });

  it("find their base through a branch that was merged and deleted", async () => {
    const world = await harbour();
    const { store } = world;
    await addMany(store, 0, 3);
    await store.createBranch("a", "main");
    await addMany(store, 3, 6, "a");
    await store.createBranch("d", "a");
    await addMany(store, 6, 8, "d");
    await merge(store, "d", "main", ["M"]);
    await store.deleteBranch("d");
    await addMany(store, 8, 12, "a");
    await addMany(store, 12, 15);
    const base = await baseOf(store, "main", "a");
    expect(base).toMatchObject({ version: 7 });
    await keepLater(world, 1);
    await keepLater(world, 1);
    const reader = await world.another();
    expect(await baseOf(reader, "main", "a")).toEqual(base);
    expect(await contents(reader, await reader.stateAt(base.id))).toEqual(
      await contents(store, await store.stateAt(base.id)),
    );
  });

  it("keep their names for branches that come later", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 3);
    const old = await world.store.createBranch("draft", "main");
    await world.store.deleteBranch("draft");
    await world.store.createBranch("draft", "main");
    await addMany(world.store, 3, 5, "draft");
    await keepLater(world, 1);
    expect(keysUnder(world.bucket, `branches/${old.id}`)).toEqual([]);
    const reader = await world.another();
    expect(await idsOf(reader, await reader.branch("draft").head(), SHIP)).toHaveLength(5);
  });

  it("that are half deleted stay so: closed, and named", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 3);
    await world.store.createBranch("draft", "main");
    await addMany(world.store, 3, 5, "draft");
    const dying = await world.another(({ method, key }) =>
      method === "putIfMatch" && key.startsWith("refs/") ? { kind: "crash-before" } : null,
    );
    await failureOf(dying.deleteBranch("draft"));
    await keepLater(world, 1);
    const reader = await world.another();
    expect(await failureOf(reader.branch("draft").head())).toMatchObject({ kind: "not_found" });
    await reader.deleteBranch("draft");
    expect(await reader.listBranches()).toEqual(["main"]);
  });
});

describe("a process that slept through a cleanup", () => {
  it("learns that its branch was deleted, though nothing of it is left", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 3);
    await world.store.createBranch("draft", "main");
    const sleeper = await world.another();
    await sleeper.branch("draft").head();
    await world.store.deleteBranch("draft");
    await keepLater(world, 1);
    expect(await failureOf(sleeper.branch("draft").head())).toMatchObject({ kind: "not_found" });
  });

  it("learns that its branch was deleted when it reads it first and a part of its log is left", async () => {
    const world = await harbour();
    await world.store.createBranch("draft", "main");
    const other = await world.another();
    await addMany(other, 0, 1, "draft");
    world.ports.advance(2 * HOUR_MS);
    await other.deleteBranch("draft");
    await keep(await world.another(), 1);
    expect(keysUnder(world.bucket, "branches/").filter((key) => key.includes("/log/"))).toHaveLength(1);
    expect(await failureOf(world.store.branch("draft").head())).toMatchObject({ kind: "not_found" });
  });

  it.each([false, true])(
    "does not write to the branch that it made and never read (made again: %p)",
    async (again) => {
      const world = await harbour();
      const maker = await world.another();
      await maker.createBranch("draft", "main");
      await world.store.deleteBranch("draft");
      await keepLater(world, 1);
      if (again) await world.store.createBranch("draft", "main");
      const written = commit(maker, { branch: "draft", changes: [{ type: SHIP, rows: [ship("LATE")] }] });
      if (!again) expect(await failureOf(written)).toMatchObject({ kind: "not_found" });
      await written.catch(() => {});
      const reader = await world.another();
      if (again) expect(await idsOf(reader, await reader.branch("draft").head(), SHIP)).toEqual(["LATE"]);
      else expect(await reader.listBranches()).toEqual(["main"]);
    },
  );

  it("does not publish on a branch that is gone", async () => {
    const world = await harbour();
    await world.store.createBranch("draft", "main");
    const sleeper = await world.another();
    await sleeper.branch("draft").head();
    await world.store.deleteBranch("draft");
    await keepLater(world, 1);
    const late = commit(sleeper, { branch: "draft", changes: [{ type: SHIP, rows: [ship("LATE")] }] });
    expect(await failureOf(late)).toMatchObject({ kind: "not_found" });
  });

  it.each([
    ["reads", 0],
    ["writes", 1],
  ])("%s on newer segments than it knew", async (_, writes) => {
    const world = await harbour();
    await addMany(world.store, 0, 20);
    const sleeper = await world.another();
    await contents(sleeper, await sleeper.branch("main").head());
    await world.store.optimize("main", 2);
    await keepLater(world, 1);
    await keepLater(world, 1);
    if (writes > 0) await addShips(sleeper, "LATE");
    const fresh = await sleeper.branch("main").head();
    expect(await idsOf(sleeper, fresh, SHIP)).toHaveLength(20 + writes);
    await addMany(sleeper, 100, 120);
    const reader = await world.another();
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toHaveLength(40 + writes);
  });

  it("prepares again when what it read from is gone", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 20);
    const sleeper = await world.another();
    const stale = await sleeper.branch("main").head();
    const old = stale.checkpoint.types.get(SHIP.id)?.segments[0]?.segment;
    await world.store.optimize("main", 2);
    await keepLater(world, 1);
    await keepLater(world, 1);
    expect(world.bucket.objects.has(`segments/${SHIP.id}/${old?.id}.arrow`)).toBe(false);
    const { commit: published } = await sleeper.branch("main").publish({
      repeat: "always",
      prepare: async (head) => {
        const ids = Object.keys((await contents(await uncached(), head)).Ship ?? {});
        return {
          id: `01KDVDNA00M008FYZQ8YEB${ids.length}XX`,
          actor: null,
          authoredAt: 1,
          operation: "mutate",
          mergedParent: null,
          schema: null,
          changes: [],
          reads: { types: new Set(), ids: new Map(), unique: new Map(), incident: new Map() },
        };
      },
    });
    expect(published?.id).toBe("01KDVDNA00M008FYZQ8YEB20XX");
    function uncached() {
      return world.another();
    }
  });

  it("in the middle of a long read finds everything where it was for an hour", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 20);
    const head = await world.store.branch("main").head();
    world.ports.advance(30 * 24 * HOUR_MS);
    // The reader begins; then the rows move, and history expires.
    await world.store.optimize("main", 2);
    world.ports.advance(HOUR_MS / 2);
    await keep(await world.another(), 1);
    expect(await idsOf(await world.another(), head, SHIP)).toHaveLength(20);
  });
});
