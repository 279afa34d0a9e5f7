import { afterAll, describe, expect, it } from "bun:test";
import { MemoryBucket, memoryStorage } from "../../../src/storage/index.ts";
import type { BranchState, GraphStore } from "../../../src/store/index.ts";
import {
  addShips,
  CALLS_AT,
  call,
  commit,
  contents,
  directoryStorage,
  initHarbour,
  openHarbour,
  PORT,
  port,
  quickPorts,
  realPorts,
  removeDirectories,
  SHIP,
  ship,
} from "../support.ts";

afterAll(removeDirectories);

async function harbour() {
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  await initHarbour(memoryStorage(ports, { bucket }), ports);
  const another = () => openHarbour(memoryStorage(ports, { bucket }), ports);
  return { ports, bucket, store: await another(), another };
}

const segmentsOf = (state: BranchState, type = SHIP) => state.checkpoint.types.get(type.id)?.segments ?? [];
const compact = (store: GraphStore) => store.optimize("main", 2);

/** Commits of every kind: inline rows, segments, updates, deletions. */
async function sail(store: GraphStore): Promise<void> {
  await commit(store, {
    changes: [
      { type: SHIP, asSegment: true, rows: ["A", "C", "E", "G"].map((imo) => ship(imo)) },
      { type: PORT, asSegment: true, rows: [port("NL"), port("NO")] },
    ],
  });
  await commit(store, {
    changes: [{ type: CALLS_AT, rows: [call("A", "NL", "c1"), call("C", "NO", "c2")] }],
  });
  await commit(store, { changes: [{ type: SHIP, asSegment: true, rows: [ship("B"), ship("C", "new C")] }] });
  await commit(store, {
    changes: [
      { type: SHIP, deleted: ["A"] },
      { type: CALLS_AT, deletedEdges: [["A", "NL", "c1"]] },
    ],
  });
  await addShips(store, "D", "F");
}

describe("compaction of a branch", () => {
  it("leaves one segment of live rows for each type, and the same contents", async () => {
    const { store, another } = await harbour();
    await sail(store);
    const before = await contents(store, await store.branch("main").head());
    const { state, types } = await compact(store);
    expect(types.get(SHIP.id)).toEqual({ ...types.get(SHIP.id), removed: 2, added: 1 });
    expect(types.get(PORT.id)).toBeUndefined();
    expect(types.get(CALLS_AT.id)).toMatchObject({ removed: 0, added: 1 });
    const reader = await another();
    const head = await reader.branch("main").head();
    expect(head.head).toEqual(state.head);
    expect(head.head).toMatchObject({ operation: "optimize", actor: null, version: 7 });
    expect(head.tail).toEqual([]);
    expect(segmentsOf(head)).toMatchObject([{ segment: { rows: 6 }, dead: { kind: "none" } }]);
    expect(await contents(reader, head)).toEqual(before);
  });

  it("publishes nothing the second time", async () => {
    const { store, another } = await harbour();
    await sail(store);
    const { state } = await compact(store);
    for (const again of [await compact(store), await compact(await another())]) {
      expect(again.types.size).toBe(0);
      expect(again.state.head).toEqual(state.head);
    }
  });

  it("publishes nothing on a graph without rows", async () => {
    const { store } = await harbour();
    const { state, types } = await compact(store);
    expect([types.size, state.head.version]).toEqual([0, 1]);
  });

  it("keeps every older state as it was", async () => {
    const { store, another } = await harbour();
    await sail(store);
    const states = await store.history(await store.branch("main").head());
    const before = await Promise.all(states.map(async ({ id }) => contents(store, await store.stateAt(id))));
    await compact(store);
    const reader = await another();
    const after = await Promise.all(states.map(async ({ id }) => contents(reader, await reader.stateAt(id))));
    expect(after).toEqual(before);
  });

  it("takes the tail along when a type has nothing but inline rows", async () => {
    const { store } = await harbour();
    await addShips(store, "B", "A");
    const { types, state } = await compact(store);
    expect(types.get(SHIP.id)).toMatchObject({ removed: 0, added: 1 });
    expect(segmentsOf(state)).toMatchObject([
      { segment: { rows: 2, batches: [{ least: "A", greatest: "B" }] } },
    ]);
  });

  it("drops a segment whose rows are all dead", async () => {
    const { store } = await harbour();
    await commit(store, { changes: [{ type: SHIP, asSegment: true, rows: [ship("A"), ship("B")] }] });
    await commit(store, { changes: [{ type: SHIP, deleted: ["A", "B"] }] });
    const { types, state } = await compact(store);
    expect(types.get(SHIP.id)).toMatchObject({ removed: 1, added: 0 });
    expect(segmentsOf(state)).toEqual([]);
    expect((await compact(store)).types.size).toBe(0);
  });

  it("does not need what a later commit replaced", async () => {
    const { store, bucket } = await harbour();
    await commit(store, { changes: [{ type: SHIP, asSegment: true, rows: [ship("A")] }] });
    const [old] = [...bucket.objects.keys()].filter((key) => key.startsWith("segments/"));
    await commit(store, { changes: [{ type: SHIP, asSegment: true, rows: [ship("B")] }] });
    await commit(store, { changes: [{ type: SHIP, replaced: true, asSegment: true, rows: [ship("C")] }] });
    bucket.objects.delete(old);
    const { state } = await compact(
      await openHarbour(memoryStorage(quickPorts(9), { bucket }), quickPorts(9)),
    );
    expect(Object.keys((await contents(store, state)).Ship ?? {})).toEqual(["C"]);
  });

  it("works on a directory", async () => {
    const storage = directoryStorage(realPorts);
    await initHarbour(storage, realPorts);
    const store = await openHarbour(storage, realPorts);
    await sail(store);
    const before = await contents(store, await store.branch("main").head());
    await compact(store);
    const reader = await openHarbour(storage, realPorts);
    const head = await reader.branch("main").head();
    expect(await contents(reader, head)).toEqual(before);
    expect(segmentsOf(head)).toHaveLength(1);
  });
});

describe("compaction beside writers", () => {
  it("lands on top of what was committed while it worked, and loses none of it", async () => {
    const { store, another } = await harbour();
    await sail(store);
    const writers = await Promise.all([another(), another()]);
    const writes = writers.flatMap((writer, w) =>
      Array.from({ length: 30 }, (_, i) => addShips(writer, `W${w}-${i}`)),
    );
    const compactor = await another();
    const results = await Promise.all([compact(compactor), compact(store), ...writes]);
    expect(results).toHaveLength(62);
    const reader = await another();
    const head = await reader.branch("main").head();
    const ships = Object.keys((await contents(reader, head)).Ship ?? {});
    expect(ships.filter((id) => id.startsWith("W"))).toHaveLength(60);
    expect(ships.filter((id) => !id.startsWith("W"))).toEqual(["B", "C", "D", "E", "F", "G"]);
    const chain = await reader.history(head);
    expect(chain.filter(({ operation }) => operation === "optimize").length).toBeLessThanOrEqual(2);
    for (const { id } of chain) await contents(reader, await reader.stateAt(id, [head]));
  });

  it("gives up its work, and no commit is lost, when cleanup expired what it began with", async () => {
    const { store, another, ports, bucket } = await harbour();
    await sail(store);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const slow = new Proxy(memoryStorage(ports, { bucket }), {
      get: (target, name) =>
        name !== "put"
          ? Reflect.get(target, name, target)
          : async (key: string, bytes: Uint8Array) => {
              if (key.startsWith("segments/")) await released;
              return target.put(key, bytes);
            },
    });
    const compacting = compact(await openHarbour(slow, ports));
    for (let i = 0; i < 30; i++) await addShips(store, `LATE${i}`);
    await store.settle();
    const versions = (await store.branch("main").head()).head.version;
    await (await another()).cleanUp({ keep: 2, olderThanMs: null });
    release();
    expect((await compacting).types.size).toBe(0);
    const reader = await another();
    const chain = await reader.history(await reader.branch("main").head());
    expect(chain.map(({ version }) => version)).toEqual(
      Array.from({ length: versions + 1 }, (_, i) => versions + 1 - i),
    );
  });

  it("gives up its work, and harms nothing, when another's checkpoint stands where its own belongs", async () => {
    const { store, another, bucket } = await harbour();
    await sail(store);
    const { objects } = bucket;
    const set = objects.set.bind(objects);
    const other = await another();
    let isArmed = true;
    // As soon as the entry of the compaction is there, somebody else checkpoints that very position.
    objects.set = (key, object) => {
      set(key, object);
      if (isArmed && key.includes("/log/") && Buffer.from(object.bytes).includes('"optimize"')) {
        isArmed = false;
        const place = key.replace("/log/", "/checkpoint/");
        set(place, { bytes: new TextEncoder().encode("{}"), version: "theirs", modifiedAt: 0 });
      }
      return objects;
    };
    const { types } = await compact(store);
    expect(types.size).toBe(0);
    objects.delete([...objects.keys()].find((key) => objects.get(key)?.version === "theirs") ?? "");
    const head = await other.branch("main").head();
    expect(Object.keys((await contents(other, head)).Ship ?? {})).toEqual(["B", "C", "D", "E", "F", "G"]);
    expect((await compact(other)).types.get(SHIP.id)).toMatchObject({ removed: 2, added: 1 });
  });

  it("does not move what a conditional write compares against", async () => {
    const { store, another } = await harbour();
    await addShips(store, "A");
    const read = (await store.branch("main").head()).head.id;
    await compact(await another());
    const { commit: published } = await commit(
      store,
      { changes: [{ type: SHIP, rows: [ship("B")] }] },
      { ifCommit: read },
    );
    expect(published).toMatchObject({ version: 4 });
  });
});
