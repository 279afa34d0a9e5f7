// Ten thousand commits: what a process that just started asks to stand at the head, at any commit that can be read, and to
// list them all.

import { beforeAll, describe, expect, it } from "bun:test";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import type { BranchState, CommitRecord } from "../../src/store/index.ts";
import { PACK_COMMITS_MAX } from "../../src/store/limits.ts";
import { type WaveProcess, waveProcess } from "../support/waves.ts";
import { addShips, failureOf, idsOf, initHarbour, openHarbour, quickPorts, SHIP } from "./support.ts";

const COMMITS = 10_000;
const HEAD = COMMITS + 1;
const MADE_MS_MAX = 60_000;
/** What cleanup leaves in the second half of the tests. */
const KEPT = 4_000;
const TWO_HOURS_MS = 2 * 3_600_000;

const ports = quickPorts();
const bucket = new MemoryBucket();
/** Oldest first: version v stands at v - 1. */
let commits: readonly CommitRecord[] = [];
const shipOf = (version: number) => `S${Math.imul(version, 2_654_435_761) >>> 0}`;

beforeAll(async () => {
  const storage = memoryStorage(ports, { bucket });
  await initHarbour(storage, ports);
  const store = await openHarbour(storage, ports);
  for (let version = 2; version <= HEAD; version++) {
    await addShips(store, shipOf(version));
    await store.settle();
    // Ids tell the time, and by it the pack.
    ports.advance(1);
  }
  commits = (await store.history(await store.branch("main").head())).toReversed();
}, MADE_MS_MAX);

/** Around the ends of packs and of the tail, where checkpoints are near and far, and some in between. */
const VERSIONS = [
  ...[1, 2, 3, 17, 18, 19, 35, 511, 512, 513, 514, 530],
  ...Array.from({ length: 20 }, (_, i) => 400 + i * 479),
  ...[HEAD - 40, HEAD - 20, HEAD - 17, HEAD - 2, HEAD - 1, HEAD],
];

interface Cost {
  readonly requests: number;
  readonly waves: number;
}

function costOf({ waves }: WaveProcess): Cost {
  return { requests: waves.flat().length, waves: waves.length };
}

/** The state at a version, as a new process finds it by the commit's id. */
async function travel(
  objects: MemoryBucket,
  version: number,
): Promise<Cost & { readonly state: BranchState }> {
  const process = waveProcess(objects, ports);
  const store = await openHarbour(process.storage, ports);
  const { state, head } = await store.pastState(commits[version - 1].id);
  expect(head.head.version).toBe(HEAD);
  return { state, ...costOf(process) };
}

/** The state holds the commits up to its version: each of them added one ship. */
function expectState({ head, checkpoint, tail }: BranchState, version: number): void {
  expect(head).toEqual(commits[version - 1]);
  expect(tail.map(({ record }) => record.version)).toEqual(
    Array.from({ length: version - checkpoint.head.version }, (_, i) => checkpoint.head.version + 1 + i),
  );
  expect(checkpoint.types.get(SHIP.id)?.count ?? 0).toBe(checkpoint.head.version - 1);
}

describe("a process that just started on 10,000 commits", () => {
  it("stands at the head after 21 requests in 3 waves", async () => {
    const process = waveProcess(bucket, ports);
    const store = await openHarbour(process.storage, ports);
    expect((await store.branch("main").head()).head.version).toBe(HEAD);
    const { requests, waves } = costOf(process);
    expect(requests).toBeLessThanOrEqual(21);
    expect(waves).toBeLessThanOrEqual(3);
  });

  it.each(VERSIONS)("stands at version %i after 28 requests in 4 waves", async (version) => {
    const { state, requests, waves } = await travel(bucket, version);
    expectState(state, version);
    expect(requests).toBeLessThanOrEqual(28);
    expect(waves).toBeLessThanOrEqual(4);
  });

  it("reads the ships that there were, and no other", async () => {
    const store = await openHarbour(memoryStorage(ports, { bucket }), ports);
    for (const version of [1, 2, 30, 700]) {
      const { state } = await store.pastState(commits[version - 1].id);
      const ships = Array.from({ length: version - 1 }, (_, i) => shipOf(i + 2));
      expect(await idsOf(store, state, SHIP)).toEqual(ships.sort());
    }
  });

  it("lists them all with a request for each pack", async () => {
    const process = waveProcess(bucket, ports);
    const store = await openHarbour(process.storage, ports);
    const state = await store.branch("main").head();
    const before = costOf(process);
    expect(await store.history(state)).toEqual(commits.toReversed());
    const { requests, waves } = costOf(process);
    expect(requests - before.requests).toBeLessThanOrEqual(Math.ceil(COMMITS / PACK_COMMITS_MAX));
    expect(waves - before.waves).toBeLessThanOrEqual(2);
  });

  it("lists a page of them with the pack that holds it, or none at the head", async () => {
    for (const [last, packs] of [
      [HEAD, 0],
      [5_000, 1],
      [PACK_COMMITS_MAX + 10, 2],
    ] as const) {
      const process = waveProcess(bucket, ports);
      const store = await openHarbour(process.storage, ports);
      const state = await store.branch("main").head();
      const before = costOf(process);
      expect(await store.history(state, last - 19, last)).toEqual(
        commits.slice(last - 20, last).toReversed(),
      );
      expect(costOf(process).requests - before.requests).toBeLessThanOrEqual(packs);
    }
  });

  it("finds a commit by its id in the one pack that may hold it", async () => {
    for (const version of [300, 5_000, 9_700]) {
      const process = waveProcess(bucket, ports);
      const store = await openHarbour(process.storage, ports);
      await store.branch("main").head();
      const before = costOf(process);
      expect((await store.findCommit(commits[version - 1].id)).record.version).toBe(version);
      // Whether there is a newer head, and the pack.
      expect(costOf(process).requests - before.requests).toBeLessThanOrEqual(2);
    }
  });

  it("finds its way without the bundles, by the entries of the log", async () => {
    const without = copyOf(bucket, (key) => !key.includes("/bundle/"));
    for (const version of [9, 700, 9_500]) expectState((await travel(without, version)).state, version);
  });

  it("finds its way without the checkpoint before the commit, and without any", async () => {
    const nearest = (await travel(bucket, 700)).state.checkpoint.position;
    const name = `/checkpoint/${String(nearest).padStart(20, "0")}.json`;
    for (const lost of [name, "/checkpoint/"]) {
      const without = copyOf(bucket, (key) => !key.includes(lost));
      const store = await openHarbour(memoryStorage(ports, { bucket: without }), ports);
      const { state } = await store.pastState(commits[699].id);
      expect((await idsOf(store, state, SHIP)).length).toBe(699);
    }
  });

  it("does not take a torn bundle for a whole one", async () => {
    const torn = copyOf(bucket, () => true);
    for (const [key, object] of torn.objects) {
      if (!key.includes("/bundle/")) continue;
      const lines = Buffer.from(object.bytes).toString().split("\n");
      const bytes = Buffer.from(`${lines.slice(0, lines.length / 2).join("\n")}\n`);
      torn.objects.set(key, { ...object, bytes: new Uint8Array(bytes) });
    }
    for (const version of [9, 30, 700]) expectState((await travel(torn, version)).state, version);
  });
});

describe("a process that just started where cleanup kept 4,000 of 10,000 commits", () => {
  let left: MemoryBucket;
  beforeAll(async () => {
    left = copyOf(bucket, () => true);
    ports.advance(TWO_HOURS_MS);
    const store = await openHarbour(memoryStorage(ports, { bucket: left }), ports);
    expect((await store.cleanUp({ keep: KEPT, olderThanMs: null })).expired).toBe(HEAD - KEPT);
  }, MADE_MS_MAX);

  it.each(VERSIONS.filter((version) => version > HEAD - KEPT).concat(HEAD - KEPT + 1))(
    "stands at version %i after 28 requests in 4 waves",
    async (version) => {
      const { state, requests, waves } = await travel(left, version);
      expectState(state, version);
      expect(requests).toBeLessThanOrEqual(28);
      expect(waves).toBeLessThanOrEqual(4);
    },
  );

  it("is told of the others that they were reclaimed", async () => {
    const store = await openHarbour(memoryStorage(ports, { bucket: left }), ports);
    for (const version of [1, 2, 3_000, HEAD - KEPT]) {
      const { id } = commits[version - 1];
      expect(await failureOf(store.pastState(id))).toMatchObject({ kind: "gone" });
    }
  });
});

function copyOf(source: MemoryBucket, isWanted: (key: string) => boolean): MemoryBucket {
  const copy = new MemoryBucket();
  for (const [key, object] of source.objects) if (isWanted(key)) copy.objects.set(key, object);
  return copy;
}
