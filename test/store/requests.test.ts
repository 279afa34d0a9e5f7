// What a process that just started pays: requests and waves, the same however long the history is.

import { describe, expect, it } from "bun:test";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import type { GraphStore } from "../../src/store/index.ts";
import { waveProcess } from "../support/waves.ts";
import { addShips, commit, idsOf, initHarbour, openHarbour, quickPorts, SHIP, ship } from "./support.ts";

const DEPTHS = [0, 10, 16, 17, 200, 2000];

/** One graph at each depth, with a branch of one commit. */
const graphs = (async () => {
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  const storage = memoryStorage(ports, { bucket });
  await initHarbour(storage, ports);
  const made = new Map<number, MemoryBucket>();
  let commits = 0;
  let store = await openHarbour(storage, ports);
  for (const depth of DEPTHS) {
    for (; commits < depth; commits++) {
      await addShips(store, `S${Math.imul(commits + 1, 2_654_435_761) >>> 0}`);
      await store.settle();
    }
    const copy = new MemoryBucket();
    for (const [key, object] of bucket.objects) copy.objects.set(key, object);
    const own = await openHarbour(memoryStorage(ports, { bucket: copy }), ports);
    await own.createBranch("zulu", "main");
    await commit(own, { branch: "zulu", changes: [{ type: SHIP, rows: [ship("Z")] }] });
    await own.settle();
    made.set(depth, copy);
    store = await openHarbour(storage, ports);
  }
  return made;
})();

interface Cost {
  readonly requests: number;
  readonly waves: number;
}

/** What a new process pays for `work`, graph.json included; checkpoints are counted by `settle` at the end alone. */
async function costOf(
  depth: number,
  branch: string,
  work: (store: GraphStore) => Promise<unknown>,
): Promise<Cost & { readonly settled: number }> {
  const bucket = new MemoryBucket();
  for (const [key, object] of (await graphs).get(depth)?.objects ?? []) bucket.objects.set(key, object);
  const ports = quickPorts(depth + 2);
  const process = waveProcess(bucket, ports);
  const store = await openHarbour(process.storage, ports, { branch, manualCheckpoints: true });
  await work(store);
  const count = () => process.waves.reduce((sum, wave) => sum + wave.length, 0);
  const cost = { requests: count(), waves: process.waves.length };
  await store.settle();
  return { ...cost, settled: count() };
}

const insert = (branch: string) => (store: GraphStore) =>
  commit(store, { branch, changes: [{ type: SHIP, rows: [ship("NEW")] }] });

describe("a process that just started", () => {
  it.each(DEPTHS)("reads the head of main after %d commits in 3 waves", async (depth) => {
    const cost = await costOf(depth, "main", (store) => store.branch("main").head());
    expect(cost.requests).toBeLessThanOrEqual(21);
    expect(cost.waves).toBeLessThanOrEqual(3);
  });

  it.each(DEPTHS)(
    "commits one row after %d commits in 4 waves, and checkpoints within 32 requests",
    async (depth) => {
      const cost = await costOf(depth, "main", insert("main"));
      expect(cost.requests).toBeLessThanOrEqual(22);
      expect(cost.waves).toBeLessThanOrEqual(4);
      expect(cost.settled).toBeLessThanOrEqual(32);
    },
  );

  it.each(DEPTHS)("commits one row on a branch of a graph of %d commits", async (depth) => {
    const cost = await costOf(depth, "zulu", insert("zulu"));
    expect(cost.requests).toBeLessThanOrEqual(30);
    expect(cost.waves).toBeLessThanOrEqual(4);
    expect(cost.settled).toBeLessThanOrEqual(38);
  });

  it.each(DEPTHS)("creates a branch after %d commits with 10 requests", async (depth) => {
    const cost = await costOf(depth, "main", (store) => store.createBranch("new", "main"));
    expect(cost.requests).toBeLessThanOrEqual(10);
  });

  it.each(DEPTHS)("reads both heads and what is between them after %d commits", async (depth) => {
    const cost = await costOf(depth, "zulu", async (store) => {
      const [main, zulu] = await Promise.all([store.branch("main").head(), store.branch("zulu").head()]);
      const { record: base } = await store.mergeBase(main, zulu);
      expect(base.id).toBe(main.head.id);
      expect(await store.commitsAfter(zulu, main)).toHaveLength(1);
    });
    expect(cost.requests).toBeLessThanOrEqual(32);
    expect(cost.waves).toBeLessThanOrEqual(4);
  });
});

describe("a process that goes on", () => {
  it("asks one question for readers that come together", async () => {
    const ports = quickPorts();
    const bucket = new MemoryBucket();
    await initHarbour(memoryStorage(ports, { bucket }), ports);
    const storage = memoryStorage(ports, { bucket });
    const store = await openHarbour(storage, ports);
    await store.branch("main").head();
    storage.resetCounts();
    await Promise.all(Array.from({ length: 50 }, () => store.branch("main").head()));
    expect(storage.counts().total).toBe(1);
  });

  it("never answers with a head older than the call", async () => {
    const ports = quickPorts();
    const bucket = new MemoryBucket();
    await initHarbour(memoryStorage(ports, { bucket }), ports);
    const slow = memoryStorage(ports, { bucket, faults: () => ({ kind: "latency", ms: 5 }) });
    const reader = await openHarbour(slow, ports);
    const writer = await openHarbour(memoryStorage(ports, { bucket }), ports);
    await reader.branch("main").head();
    for (let i = 0; i < 20; i++) {
      const early = reader.branch("main").head();
      const { commit: published } = await addShips(writer, `S${i}`);
      const late = await reader.branch("main").head();
      expect(late.head.version).toBeGreaterThanOrEqual(published?.version ?? 0);
      await early;
    }
  });

  it("asks nothing within the staleness that it was opened with", async () => {
    const ports = quickPorts();
    const bucket = new MemoryBucket();
    await initHarbour(memoryStorage(ports, { bucket }), ports);
    const storage = memoryStorage(ports, { bucket });
    const store = await openHarbour(storage, ports, { readStalenessMs: 1000 });
    const writer = await openHarbour(memoryStorage(ports, { bucket }), ports);
    await store.branch("main").head();
    await addShips(writer, "A");
    storage.resetCounts();
    expect((await store.branch("main").head()).head.version).toBe(1);
    expect(storage.counts().total).toBe(0);
    ports.advance(1000);
    expect(await idsOf(store, await store.branch("main").head(), SHIP)).toEqual(["A"]);
  });
});
