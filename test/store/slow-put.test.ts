// Puts whose answer comes so late that cleanup, or the end of the branch, may have come first.

import { describe, expect, it } from "bun:test";
import { memoryStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { batchOf, type GraphStore } from "../../src/store/index.ts";
import { addMany, type Harbour, HOUR_MS, harbour, keep, keepLater } from "./maintenance/support.ts";
import { commit, failureOf, idsOf, openHarbour, SHIP, ship } from "./support.ts";

const MINUTE_MS = 60_000;

/** A process whose next log entry has this happen to it before it takes effect, or between that and the answer. */
async function slowProcess(
  { ports, bucket }: Harbour,
  when: "before" | "after",
  meanwhile: () => Promise<unknown>,
): Promise<GraphStore> {
  let isSlow = true;
  const slow = (storage: StorageAdapter): StorageAdapter =>
    new Proxy(storage, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "putIfAbsent") return member.bind(target);
        return async (key: string, bytes: Uint8Array) => {
          const isMeant = isSlow && key.includes("/log/");
          if (isMeant) isSlow = false;
          if (isMeant && when === "before") await meanwhile();
          const outcome = await target.putIfAbsent(key, bytes);
          if (isMeant && when === "after") await meanwhile();
          return outcome;
        };
      },
    });
  return openHarbour(slow(memoryStorage(ports, { bucket })), ports);
}

const write = (store: GraphStore, branch: string) =>
  commit(store, { branch, actor: "slow", changes: [{ type: SHIP, rows: [ship("LATE")] }] });

/** Versions of main's commits by the slow writer. */
async function slowCommits(store: GraphStore): Promise<number[]> {
  const history = await store.history(await store.branch("main").head());
  return history.filter(({ actor }) => actor === "slow").map(({ version }) => version);
}

describe("a writer whose answer comes late", () => {
  it("does not publish twice what landed before cleanup raised the floor above it", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 2);
    const slow = await slowProcess(world, "after", async () => {
      world.ports.advance(2 * MINUTE_MS);
      await addMany(world.store, 2, 40);
      await keep(await world.another(), 1);
    });
    await slow.branch("main").head();
    const { commit: published } = await write(slow, "main");
    expect(published).toMatchObject({ version: 4, position: 3 });
    const reader = await world.another();
    expect(await slowCommits(reader)).toEqual([4]);
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toHaveLength(41);
  });

  it("publishes on top what won a position that cleanup had emptied", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 2);
    const slow = await slowProcess(world, "before", async () => {
      await addMany(world.store, 2, 40);
      await keepLater(world, 1);
      await keepLater(world, 1);
    });
    await slow.branch("main").head();
    const { commit: published } = await write(slow, "main");
    expect(published).toMatchObject({ version: 42, position: 41 });
    const reader = await world.another();
    expect(await slowCommits(reader)).toEqual([42]);
  });

  it("is told of success when its branch was deleted after the commit landed", async () => {
    const world = await harbour();
    await world.store.createBranch("draft", "main");
    const slow = await slowProcess(world, "after", async () => {
      world.ports.advance(2 * MINUTE_MS);
      await (await world.another()).deleteBranch("draft");
      await keep(await world.another(), 1);
    });
    await slow.branch("draft").head();
    expect((await write(slow, "draft")).commit).toMatchObject({ version: 2 });
    expect(await failureOf(slow.branch("draft").head())).toMatchObject({ kind: "not_found" });
  });

  it.each([
    ["landed before its branch was deleted", "after"],
    ["won a place in what was left of a deleted branch", "before"],
  ] as const)("is told that nothing is certain when, long ago, it %s", async (_, when) => {
    const world = await harbour();
    await world.store.createBranch("draft", "main");
    const slow = await slowProcess(world, when, async () => {
      await (await world.another()).deleteBranch("draft");
      world.ports.advance(2 * HOUR_MS);
      await keep(await world.another(), 1);
    });
    await slow.branch("draft").head();
    expect(await failureOf(write(slow, "draft"))).toMatchObject({
      kind: "recovery_required",
      status: 503,
      message: expect.stringContaining("branch 'draft' was deleted while commit"),
      details: { recovery_required: { operation_id: expect.any(String) } },
    });
  });

  it("hears that the branch is gone when it begins to write long after it last looked", async () => {
    const world = await harbour();
    await world.store.createBranch("draft", "main");
    const sleeper = await world.another();
    await sleeper.branch("draft").head();
    await world.store.deleteBranch("draft");
    world.ports.advance(2 * MINUTE_MS);
    expect(await failureOf(write(sleeper, "draft"))).toMatchObject({ kind: "not_found" });
  });
});

describe("a draft that waited long", () => {
  it("is prepared again, for what it names may have been taken for garbage", async () => {
    const world = await harbour();
    let attempts = 0;
    const slow = await slowProcess(world, "before", async () => {
      await addMany(world.store, 0, 1);
      await keepLater(world, 1);
    });
    await slow.branch("main").head();
    const { commit: published } = await slow.branch("main").publish({
      repeat: "always",
      prepare: async () => {
        attempts++;
        const segment = await slow.rowWriter().writeSegment(SHIP, batchOf([ship("LATE")], SHIP));
        return {
          id: "01KDVDNA00M008FYZQ8YEB00XX",
          actor: "slow",
          authoredAt: 1,
          operation: "load",
          mergedParent: null,
          schema: null,
          changes: [
            {
              type: SHIP.id,
              replaced: false,
              deletedNodes: [],
              deletedEdges: [],
              rows: null,
              segments: [segment],
            },
          ],
          reads: { types: new Set(), ids: new Map(), unique: new Map(), incident: new Map() },
        };
      },
    });
    expect(attempts).toBe(2);
    expect(published).toMatchObject({ version: 3 });
    const reader = await world.another();
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toEqual(["LATE", "S000"]);
  });
});
