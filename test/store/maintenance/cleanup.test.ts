import { describe, expect, it } from "bun:test";
import type { OmnigraphError } from "../../../src/lib/errors.ts";
import { type MemoryBucket, memoryStorage } from "../../../src/storage/index.ts";
import { batchOf } from "../../../src/store/index.ts";
import { addShips, commit, contents, idsOf, openHarbour, SHIP, ship } from "../support.ts";
import {
  addMany,
  copyOf,
  everything,
  expectReadable,
  HOUR_MS,
  harbour,
  keep,
  keepLater,
  keysUnder,
} from "./support.ts";

describe("expiry", () => {
  it.each([
    [0, [41]],
    [1, [41]],
    [3, [41, 40, 39]],
    [25, Array.from({ length: 25 }, (_, i) => 41 - i)],
    [100, Array.from({ length: 41 }, (_, i) => 41 - i)],
  ])(
    "with --keep %d leaves the newest commits readable and all of them listed",
    async (versions, readable) => {
      const world = await harbour();
      await addMany(world.store, 0, 40);
      const known = await everything(world.store);
      const report = await keepLater(world, versions);
      expect(report.expired).toBe(41 - readable.length);
      expect(report.expiredByType.get(SHIP.id) ?? 0).toBe(
        Math.min(40, 41 - readable.length - (readable.length === 41 ? 0 : 1)),
      );
      await expectReadable(await world.another(), known, readable);
      await expectReadable(await world.another(), known, readable);
    },
  );

  it("makes young commits unreadable too, and deletes nothing of theirs", async () => {
    const { store, another, bucket } = await harbour();
    await addMany(store, 0, 20);
    const known = await everything(store);
    const keys = keysUnder(bucket, "");
    const report = await keep(await another(), 1);
    expect(report).toMatchObject({ expired: 20, bytes: 0 });
    expect(keys.filter((key) => !bucket.objects.has(key))).toEqual([]);
    await expectReadable(await another(), known, [21]);
  });

  it("by age keeps what is younger, and the head whatever its age", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 5);
    world.ports.advance(10 * HOUR_MS);
    await addMany(world.store, 5, 10);
    const known = await everything(world.store);
    const older = (ms: number) => ({ keep: null, olderThanMs: ms });
    expect((await (await world.another()).cleanUp(older(20 * HOUR_MS))).expired).toBe(0);
    expect((await (await world.another()).cleanUp(older(5 * HOUR_MS))).expired).toBe(6);
    await expectReadable(await world.another(), known, [7, 8, 9, 10, 11]);
    world.ports.advance(1000);
    expect((await (await world.another()).cleanUp(older(0))).expired).toBe(4);
    await expectReadable(await world.another(), known, [11]);
  });

  it("takes only what is beyond both limits where both are given", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 5);
    world.ports.advance(10 * HOUR_MS);
    await addMany(world.store, 5, 10);
    const known = await everything(world.store);
    await (await world.another()).cleanUp({ keep: 2, olderThanMs: 5 * HOUR_MS });
    await expectReadable(await world.another(), known, [7, 8, 9, 10, 11]);
    world.ports.advance(1000);
    await (await world.another()).cleanUp({ keep: 7, olderThanMs: 0 });
    await expectReadable(await world.another(), known, [7, 8, 9, 10, 11]);
  });

  it("does not give back what expired, when more is to be kept later", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 10);
    const known = await everything(world.store);
    await keepLater(world, 2);
    expect((await keepLater(world, 8)).expired).toBe(0);
    await expectReadable(await world.another(), known, [10, 11]);
  });

  it("cuts through the commits of one entry", async () => {
    const world = await harbour();
    await addShips(world.store, "A");
    await Promise.all(["B", "C", "D", "E"].map((imo) => addShips(world.store, imo)));
    const known = await everything(world.store);
    expect(new Set(known.map(({ record }) => record.position)).size).toBe(3);
    await keepLater(world, 2);
    await expectReadable(await world.another(), known, [5, 6]);
  });

  it("holds for the process that had the history in memory", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 10);
    const known = await everything(world.store);
    await keepLater(world, 2);
    await expectReadable(world.store, known, [10, 11]);
    await addShips(world.store, "NEW");
    expect(await idsOf(world.store, await world.store.branch("main").head(), SHIP)).toHaveLength(11);
  });
});

describe("space", () => {
  it("is given back once it is old enough, down to what the head needs", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 40);
    await world.store.optimize("main", 2);
    const known = await everything(world.store);
    const { bytes, types } = await keepLater(world, 1);
    expect(bytes).toBeGreaterThan(types.get(SHIP.id)?.bytes ?? 0);
    expect(types.get(SHIP.id)?.bytes).toBeGreaterThan(0);
    expect(keysUnder(world.bucket, "segments/")).toHaveLength(1);
    expect(keysUnder(world.bucket, "branches/").filter((key) => key.includes("/log/"))).toEqual([]);
    await expectReadable(await world.another(), known, [42]);
    expect(await keepLater(world, 1)).toMatchObject({ expired: 0, bytes: 0 });
  });

  it("of rows that were overwritten is given back without any checkpoint", async () => {
    const world = await harbour();
    for (const imo of ["A", "B", "C"]) {
      const changes = [{ type: SHIP, rows: [ship(imo)], asSegment: true, replaced: true }];
      await commit(world.store, { changes });
    }
    expect(keysUnder(world.bucket, "segments/")).toHaveLength(3);
    await keepLater(world, 1);
    expect(keysUnder(world.bucket, "segments/")).toHaveLength(1);
    const reader = await world.another();
    await addMany(reader, 0, 20);
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toContain("C");
    expect((await (await world.another()).branch("main").head()).checkpoint.position).toBeGreaterThan(0);
  });

  it("of writers that died and of deleted branches is given back", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 3);
    await world.store.createBranch("draft", "main");
    await addMany(world.store, 3, 30, "draft");
    await world.store.rowWriter().writeSegment(SHIP, batchOf([ship("LOST")], SHIP));
    const draft = (await world.store.branch("draft").head()).ref.id;
    await world.store.deleteBranch("draft");
    await keepLater(world, 1000);
    expect(keysUnder(world.bucket, `branches/${draft}`)).toEqual([]);
    expect(keysUnder(world.bucket, "segments/")).toHaveLength(1);
    expect(
      await idsOf(await world.another(), await (await world.another()).branch("main").head(), SHIP),
    ).toHaveLength(3);
  });

  it("of an unfinished write is left alone while it is young", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 3);
    world.ports.advance(2 * HOUR_MS);
    const segment = await world.store.rowWriter().writeSegment(SHIP, batchOf([ship("LATE")], SHIP));
    await keep(await world.another(), 1);
    const draft = {
      type: SHIP.id,
      replaced: false,
      deletedNodes: [],
      deletedEdges: [],
      rows: null,
      segments: [segment],
    };
    const { state } = await world.store.branch("main").publish({
      repeat: "always",
      prepare: async () => ({
        id: "01KDVDNA00M008FYZQ8YEBGVFY",
        actor: null,
        authoredAt: 1,
        operation: "load",
        mergedParent: null,
        schema: null,
        changes: [draft],
        reads: { types: new Set(), ids: new Map(), unique: new Map(), incident: new Map() },
      }),
    });
    expect(await idsOf(world.store, state, SHIP)).toContain("LATE");
  });

  it("of foreign objects is left alone", async () => {
    const world = await harbour();
    const keys = ["notes.txt", "segments/readme", "branches/x/log/1.json", "blobs/cat.png", "schema/a.json"];
    for (const key of keys) await world.store.storage.put(key, new Uint8Array(3));
    await keepLater(world, 1);
    expect(keys.filter((key) => !world.bucket.objects.has(key))).toEqual([]);
  });

  it("holds nothing that nobody needs: without any one object something cannot be read", async () => {
    const world = await harbour();
    const { store } = world;
    await addMany(store, 0, 22);
    await store.createBranch("left", "main");
    await addMany(store, 22, 30);
    await addMany(store, 40, 44, "left");
    await store.createBranch("fresh", "left");
    await addMany(store, 30, 52);
    await keepLater(world, 2);
    await keepLater(world, 2);
    const read = async (bucket: MemoryBucket) => {
      const reader = await openHarbour(memoryStorage(world.ports, { bucket }), world.ports);
      const found = [];
      for (const branch of ["main", "left", "fresh"]) {
        const head = await reader.branch(branch).head();
        for (const { id } of await reader.history(head)) {
          const state = await reader.stateAt(id, [head]).catch((thrown: OmnigraphError) => thrown);
          found.push([id, state instanceof Error ? state.kind : await contents(reader, state)]);
        }
      }
      return found;
    };
    const expected = await read(world.bucket);
    const spare: string[] = [];
    for (const key of world.bucket.objects.keys()) {
      const found = await read(copyOf(world.bucket, (other) => other === key)).catch(() => null);
      if (Bun.deepEquals(found, expected)) spare.push(key.replace(/[0-9A-Z]{26}/, "*"));
    }
    expect(spare.filter((key) => !key.endsWith("hint.json"))).toEqual([]);
  });
});
