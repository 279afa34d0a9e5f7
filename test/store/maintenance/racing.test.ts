import { afterAll, describe, expect, it } from "bun:test";
import { type Faults, memoryStorage, type StorageAdapter } from "../../../src/storage/index.ts";
import { batchOf, type GraphStore, type SegmentRef } from "../../../src/store/index.ts";
import {
  addShips,
  commit,
  contents,
  directoryStorage,
  draftOf,
  failureOf,
  idsOf,
  initHarbour,
  openHarbour,
  quickPorts,
  realPorts,
  removeDirectories,
  SHIP,
  ship,
} from "../support.ts";
import {
  addMany,
  copyOf,
  everything,
  expectReadable,
  type Harbour,
  HOUR_MS,
  harbour,
  keep,
  keepLater,
} from "./support.ts";

afterAll(removeDirectories);

/** Every commit of every branch either reads as a whole or says that it is gone. */
async function expectSound(store: GraphStore): Promise<void> {
  for (const name of await store.listBranches()) {
    const head = await store.branch(name).head();
    await contents(store, head);
    for (const { id } of await store.history(head)) {
      const state = await store.stateAt(id, [head]).catch((thrown: Error) => thrown);
      if (state instanceof Error) expect(state).toMatchObject({ kind: "gone" });
      else await contents(store, state);
    }
  }
}

describe("cleanup and compaction beside writers", () => {
  it("lose no commit of any of them", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 20);
    const processes = await Promise.all([1, 2, 3].map(() => world.another()));
    const acknowledged: string[] = [];
    const write = async (store: GraphStore, w: number) => {
      for (let i = 0; i < 25; i++) {
        const imo = `W${w}-${i}`;
        const change = { type: SHIP, rows: [ship(imo)], asSegment: i % 3 === 0 };
        // Time flies here: a write that takes more than an hour of it is told to run again.
        for (let isDone = false; !isDone; ) {
          isDone = await commit(store, { changes: [change] }).then(
            () => true,
            (thrown: Error) => {
              expect(thrown.message).toContain("nothing was written: run it again");
              return false;
            },
          );
        }
        acknowledged.push(imo);
        world.ports.advance(60_000);
      }
    };
    const maintain = async () => {
      for (let i = 0; i < 6; i++) {
        world.ports.advance(HOUR_MS / 4);
        await (await world.another()).optimize("main", 2);
        await keep(await world.another(), 2);
      }
    };
    await Promise.all([...processes.map(write), maintain()]);
    const reader = await world.another();
    const ids = await idsOf(reader, await reader.branch("main").head(), SHIP);
    expect(ids.filter((id) => id.startsWith("W"))).toHaveLength(75);
    expect(acknowledged.filter((imo) => !ids.includes(imo))).toEqual([]);
    for (const store of [reader, ...processes]) await expectSound(store);
  });

  it("leave branches whole that are made and deleted meanwhile", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 20);
    const forker = await world.another();
    const fork = async () => {
      for (let i = 0; i < 12; i++) {
        await forker.createBranch(`b${i}`, i % 3 === 2 ? `b${i - 1}` : "main");
        await commit(forker, { branch: `b${i}`, changes: [{ type: SHIP, rows: [ship(`B${i}`)] }] });
        if (i % 3 === 0) await forker.deleteBranch(`b${i}`);
      }
    };
    const write = () => addMany(world.store, 20, 50);
    const maintain = async () => {
      for (let i = 0; i < 6; i++) {
        world.ports.advance(HOUR_MS / 3);
        await keep(await world.another(), 1);
      }
    };
    await Promise.all([fork(), write(), maintain()]);
    const reader = await world.another();
    expect(await reader.listBranches()).toHaveLength(9);
    await expectSound(reader);
    await keepLater(world, 1);
    await expectSound(await world.another());
  });

  it("let one of two cleanups win, or both", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 30);
    const known = await everything(world.store);
    world.ports.advance(2 * HOUR_MS);
    const outcomes = await Promise.allSettled([3, 5].map(async (n) => keep(await world.another(), n)));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected")
        expect(outcome.reason).toMatchObject({
          kind: "conflict",
          message: expect.stringContaining("run it again"),
        });
    }
    expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
    await keep(await world.another(), 3);
    await expectReadable(await world.another(), known, [31, 30, 29]);
  });

  it("work on a directory", async () => {
    const storage = directoryStorage(realPorts);
    await initHarbour(storage, realPorts);
    const open = (aheadMs: number) =>
      openHarbour(storage, { ...realPorts, now: () => realPorts.now() + aheadMs });
    const store = await open(0);
    await addMany(store, 0, 40);
    const known = await everything(store);
    await store.optimize("main", 2);
    const report = await keep(await open(2 * HOUR_MS), 1);
    expect(report.expired).toBe(41);
    expect(report.bytes).toBeGreaterThan(10_000);
    const reader = await open(0);
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toHaveLength(40);
    expect(await failureOf(reader.stateAt(known[0].record.id))).toMatchObject({ kind: "gone" });
    await addShips(store, "AFTER");
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toHaveLength(41);
  });
});

describe("a cleanup that was interrupted", () => {
  /** Dies at the n-th request that changes something. */
  const dyingAt = (n: number): Faults => {
    let changes = 0;
    return ({ method }) => {
      if (method === "get" || method === "head" || method === "list") return null;
      return changes++ === n ? { kind: n % 2 === 0 ? "crash-before" : "crash-after" } : null;
    };
  };

  async function voyage(): Promise<Harbour> {
    const world = await harbour();
    await addMany(world.store, 0, 21);
    await world.store.createBranch("old", "main");
    await addMany(world.store, 21, 40);
    await addMany(world.store, 40, 60, "old");
    world.ports.advance(2 * HOUR_MS);
    return world;
  }

  it("at any request leaves a sound graph, and the next run finishes the work", async () => {
    const world = await voyage();
    const finished = copyOf(world.bucket);
    const clean = async (bucket: typeof finished, faults?: Faults) => {
      const ports = quickPorts(7);
      ports.advance(world.ports.now() - ports.now());
      const options = faults === undefined ? { bucket } : { bucket, faults };
      const open = () => openHarbour(memoryStorage(ports, options), ports);
      return keep(await open(), 2);
    };
    await clean(finished);
    const keys = [...finished.objects.keys()].sort();
    let isDone = false;
    for (let n = 0; !isDone; n += n < 8 ? 1 : 7) {
      const bucket = copyOf(world.bucket);
      isDone = await clean(bucket, dyingAt(n)).then(
        () => true,
        () => false,
      );
      const reader = await openHarbour(memoryStorage(world.ports, { bucket }), world.ports);
      await expectSound(reader);
      await clean(bucket);
      expect([...bucket.objects.keys()].sort()).toEqual(keys);
      await expectSound(await openHarbour(memoryStorage(world.ports, { bucket }), world.ports));
    }
  });

  it("deletes nothing when a live branch cannot be read", async () => {
    const world = await voyage();
    const broken = [...world.bucket.objects.keys()].find((key) => key.startsWith("refs/")) ?? "";
    const ref = world.bucket.objects.get(broken);
    world.bucket.objects.set(broken, { bytes: new Uint8Array([1]), version: "x", modifiedAt: 0 });
    const before = world.bucket.objects.size;
    expect(await failureOf(keep(await world.another(), 1))).toMatchObject({ kind: "internal" });
    expect(world.bucket.objects.size).toBe(before);
    if (ref !== undefined) world.bucket.objects.set(broken, ref);
    expect((await keep(await world.another(), 1)).bytes).toBeGreaterThan(0);
  });

  it("says for which type an object would not go, and tries again the next time", async () => {
    const world = await voyage();
    const stubborn: Faults = ({ method, key }) =>
      method === "delete" && key.startsWith("segments/") ? { kind: "answer", status: 403 } : null;
    const report = await keep(await world.another(stubborn), 1);
    expect(report.types.get(SHIP.id)).toMatchObject({ bytes: 0, error: expect.stringContaining("403") });
    const again = await keep(await world.another(), 1);
    expect(again.types.get(SHIP.id)?.error).toBeNull();
    expect(again.types.get(SHIP.id)?.bytes).toBeGreaterThan(0);
  });
});

describe("whoever took longer than cleanup waits", () => {
  it("keeps what it wrote alive until it is published", async () => {
    const world = await harbour();
    const writer = world.store.rowWriter();
    const segments = [];
    for (const imo of ["A", "B", "C", "D", "E", "F"]) {
      segments.push(await writer.writeSegment(SHIP, batchOf([ship(imo)], SHIP)));
      world.ports.advance(HOUR_MS * 0.6);
      await keep(await world.another(), 1);
    }
    const { state } = await publish(world.store, segments);
    expect(await idsOf(await world.another(), state, SHIP)).toEqual(["A", "B", "C", "D", "E", "F"]);
    await keepLater(world, 1);
    const reader = await world.another();
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toHaveLength(6);
  });

  it("keeps what it wrote again between the look of cleanup and its hand", async () => {
    const world = await harbour();
    const segment = await world.store.rowWriter().writeSegment(SHIP, batchOf([ship("A")], SHIP));
    world.ports.advance(2 * HOUR_MS);
    const key = `segments/${SHIP.id}/${segment.id}.arrow`;
    const inner = memoryStorage(world.ports, { bucket: world.bucket });
    const looking = new Proxy(inner, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "list") return member.bind(target);
        return async (prefix: string, options?: object) => {
          const page = await target.list(prefix, options);
          const stored = await target.get(key);
          if (prefix === "segments/" && stored !== null) await target.put(key, stored.bytes);
          return page;
        };
      },
    });
    await keep(await openHarbour(looking, world.ports), 1);
    expect(world.bucket.objects.has(key)).toBe(true);
  });

  it("publishes nothing where that was in vain", async () => {
    const world = await harbour();
    const segment = await world.store.rowWriter().writeSegment(SHIP, batchOf([ship("A")], SHIP));
    await keepLater(world, 1);
    expect(await failureOf(publish(world.store, [segment]))).toMatchObject({
      message: expect.stringContaining("was cleaned up while this write waited"),
    });
    expect((await world.store.branch("main").head()).head.version).toBe(1);
  });

  it("makes no branch at a commit that expired meanwhile", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 5);
    let meanwhile: (() => Promise<unknown>) | null = async () => {
      meanwhile = null;
      await addMany(world.store, 5, 40);
      await keepLater(world, 1);
    };
    const slow = waiting(memoryStorage(world.ports, { bucket: world.bucket }), async (key) => {
      if (key.startsWith("refs/")) await meanwhile?.();
    });
    const forker = await openHarbour(slow, world.ports);
    expect(await failureOf(forker.createBranch("late", "main"))).toMatchObject({
      kind: "conflict",
      message: expect.stringContaining("create it again"),
    });
    expect(await world.store.listBranches()).toEqual(["main"]);
    await forker.createBranch("late", "main");
    await expectSound(await world.another());
  });

  it.each([
    ["before cleanup began to delete", "during"],
    ["right after a cleanup", "after"],
  ])("can read and merge a branch that came %s, at a commit that it expired", async (_, when) => {
    const world = await harbour();
    await addMany(world.store, 0, 5);
    const fork = (await world.store.branch("main").head()).head;
    const expected = await contents(world.store, await world.store.branch("main").head());
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const slow = waiting(memoryStorage(world.ports, { bucket: world.bucket }), async (key) => {
      if (!key.startsWith("refs/")) return;
      asked.resolve();
      await released.promise;
    });
    const forker = await openHarbour(slow, world.ports);
    const created = forker.createBranch("late", "main");
    await asked.promise;
    await addMany(world.store, 5, 40);
    const cleaning = waiting(memoryStorage(world.ports, { bucket: world.bucket }), async (key) => {
      if (when !== "during" || !key.endsWith("floor.json")) return;
      released.resolve();
      await created;
    });
    expect((await keep(await openHarbour(cleaning, world.ports), 1)).expired).toBe(
      when === "during" ? 39 : 40,
    );
    released.resolve();
    await created;
    const expectKept = async () => {
      const reader = await world.another();
      const [main, late] = await Promise.all(["main", "late"].map((name) => reader.branch(name).head()));
      expect(late.head).toEqual(fork);
      expect(await contents(reader, late)).toEqual(expected);
      const base = await reader.mergeBase(main, late);
      expect(base.record).toEqual(fork);
      expect(await contents(reader, await base.state())).toEqual(expected);
      expect(await contents(reader, (await reader.pastState(fork.id)).state)).toEqual(expected);
      expect(await reader.commitsAfter(main, await base.state())).not.toHaveLength(0);
    };
    await expectKept();
    for (let i = 0; i < 3; i++) {
      await keepLater(world, 1);
      await expectKept();
    }
    expect(await contents(world.store, await world.store.stateAt(fork.id))).toEqual(expected);
  });

  it("goes on where what branches have in common is gone, because a merge of it slept for long", async () => {
    const world = await harbour();
    await world.store.createBranch("side", "main");
    await addMany(world.store, 0, 5, "side");
    const merged = await world.store.branch("side").head();
    await addMany(world.store, 5, 45, "side");
    await keepLater(world, 1);
    await commit(await world.another(), { operation: "merge", merged, changes: [] });
    await keepLater(world, 1);
    const reader = await world.another();
    const [main, side] = await Promise.all(["main", "side"].map((name) => reader.branch(name).head()));
    const base = await reader.mergeBase(main, side);
    expect(base.record).toEqual(merged.head);
    expect(await failureOf(base.state())).toMatchObject({
      kind: "gone",
      message: expect.stringContaining(`commit '${merged.head.id}' was reclaimed`),
    });
    await expectSound(reader);
  });

  it("does not lose a branch that was made while cleanup looked elsewhere", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 30);
    world.ports.advance(2 * HOUR_MS);
    const made: Promise<unknown>[] = [];
    const seeing = waiting(memoryStorage(world.ports, { bucket: world.bucket }), async (key) => {
      if (!key.endsWith("floor.json") || made.length > 0) return;
      made.push(world.store.createBranch("meanwhile", "main").then(() => addMany(world.store, 30, 60)));
      await made[0];
    });
    await keep(await openHarbour(seeing, world.ports), 1);
    expect(made).toHaveLength(1);
    const reader = await world.another();
    expect(await idsOf(reader, await reader.branch("meanwhile").head(), SHIP)).toHaveLength(30);
    await keepLater(world, 1);
    const later = await world.another();
    expect(await idsOf(later, await later.branch("meanwhile").head(), SHIP)).toHaveLength(30);
    await expectSound(later);
  });
});

describe("repair beside a cleanup", () => {
  it.each([5, 20, 25, 30, 40, 60])("takes nothing for lost that cleanup removes (at read %i)", async (at) => {
    const world = await harbour();
    await addMany(world.store, 0, 40);
    await world.store.createBranch("side", "main");
    await addMany(world.store, 40, 60);
    world.ports.advance(2 * HOUR_MS);
    let reads = 0;
    const storage = new Proxy(memoryStorage(world.ports, { bucket: world.bucket }), {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "get") return member.bind(target);
        return async (key: string) => {
          if (++reads === at) await keep(await world.another(), 1);
          return target.get(key);
        };
      },
    });
    const repairer = await openHarbour(storage, world.ports);
    const { findings, commits } = await repairer.repair({ confirm: true, force: true });
    expect(findings).toEqual([]);
    expect(commits).toEqual([]);
    await expectSound(await world.another());
  });
});

function publish(store: GraphStore, segments: readonly SegmentRef[]) {
  const change = { type: SHIP.id, replaced: false, deletedNodes: [], deletedEdges: [], rows: null, segments };
  const draft = { ...draftOf(store.ports, { changes: [], operation: "load" }, [change]) };
  return store.branch("main").publish({ repeat: "always", prepare: async () => draft });
}

/** The storage of a process that waits before each conditional put. */
function waiting(storage: StorageAdapter, before: (key: string) => Promise<void>): StorageAdapter {
  return new Proxy(storage, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "putIfAbsent" && name !== "putIfMatch") return member.bind(target);
      return async (key: string, ...rest: readonly unknown[]) => {
        await before(key);
        return member.call(target, key, ...rest);
      };
    },
  });
}
