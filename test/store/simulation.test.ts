// Many writers on storage that fails in every way it can, and processes that die at any call. For every seed: what was
// acknowledged is in the log exactly once, what was not is there wholly or not at all, and no read sees half of a commit.

import { describe, expect, it } from "bun:test";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { ulid } from "../../src/lib/ulid.ts";
import { type FaultRates, seededFaults, seededUnit } from "../../src/storage/faults.ts";
import { CrashError, MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import type { BranchState, CommitId, Draft, GraphStore } from "../../src/store/index.ts";
import {
  changesOf,
  contents,
  draftOf,
  initHarbour,
  openHarbour,
  PORT,
  port,
  quickPorts,
  SHIP,
  ship,
} from "./support.ts";

const SEEDS = 200;
const PROCESSES = 3;
const STEPS = 9;

const RATES: FaultRates = {
  crashBefore: 0.01,
  crashAfter: 0.01,
  loseResponse: 0.03,
  conflict: 0.03,
  throttle: 0.02,
  serverError: 0.04,
  latency: 0.3,
  latencyMsMax: 20,
};

interface World {
  readonly bucket: MemoryBucket;
  readonly acknowledged: { readonly id: CommitId; readonly branch: string }[];
  readonly attempted: Set<CommitId>;
}

/** The counter ship's tonnage; every increment also renames the counter port, so that half of a commit would show. */
async function counterOf(store: GraphStore, state: BranchState): Promise<number> {
  const all = await contents(store, state);
  const counter = all.Ship.COUNTER?.[SHIP.properties.findIndex(({ name }) => name === "tonnage")] ?? 0;
  const name = all.Port.COUNTER?.[PORT.properties.findIndex(({ name: own }) => own === "name")] ?? "0";
  expect(String(counter)).toBe(name as string);
  return counter as number;
}

/** One process after another: when one dies, the next opens the graph afresh. */
async function runProcess(world: World, seed: number): Promise<void> {
  const ports = quickPorts(seed);
  const random = seededUnit(seed + 1);
  let generation = 0;
  let store: GraphStore | null = null;
  for (let step = 0; step < STEPS; step++) {
    try {
      if (store === null) {
        generation++;
        const faults = seededFaults(seed * 1000 + generation, RATES);
        store = await openHarbour(memoryStorage(ports, { bucket: world.bucket, faults }), ports);
      }
      await runStep(world, store, random);
    } catch (thrown) {
      if (thrown instanceof CrashError) store = null;
      else expect(thrown).toBeInstanceOf(OmnigraphError);
    }
  }
  await store?.settle();
}

async function runStep(world: World, store: GraphStore, random: () => number): Promise<void> {
  const draw = random();
  const branch = random() < 0.6 ? "main" : "side";
  if (draw < 0.08) await store.createBranch("side", "main");
  else if (draw < 0.12) await store.deleteBranch("side");
  else if (draw < 0.25) await counterOf(store, await store.branch(branch).head());
  else await increment(world, store, branch, draw < 0.3 ? 17 : 1);
}

/** Adds one to the counter `times` over, each its own commit, all at once. */
async function increment(world: World, store: GraphStore, branch: string, times: number): Promise<void> {
  const writes = Array.from({ length: times }, async () => {
    const id = ulid(store.ports);
    const prepare = async (head: BranchState): Promise<Draft> => {
      const next = (await counterOf(store, head)) + 1;
      const changes = await changesOf(store, [
        { type: SHIP, rows: [ship("COUNTER", "counter", next), ship(id)] },
        {
          type: PORT,
          rows: [
            {
              ...port("COUNTER"),
              values: PORT.properties.map((p) => (p.name === "name" ? String(next) : "COUNTER")),
            },
          ],
        },
      ]);
      world.attempted.add(id);
      return { ...draftOf(store.ports, { changes: [], reads: { ids: [[SHIP, ["COUNTER"]]] } }, changes), id };
    };
    const { commit } = await store.branch(branch).publish({ repeat: "always", prepare });
    if (commit !== null) world.acknowledged.push({ id: commit.id, branch: commit.branch });
  });
  for (const result of await Promise.allSettled(writes))
    if (result.status === "rejected") throw result.reason;
}

async function verify({
  bucket,
  acknowledged,
  attempted,
}: World): Promise<{ landed: number; unsure: number }> {
  const ports = quickPorts(99_991);
  const store = await openHarbour(memoryStorage(ports, { bucket }), ports);
  const logs = new Set<string>();
  let landed = 0;
  for (const name of await store.listBranches()) {
    const state = await store
      .branch(name)
      .head()
      .catch(() => null);
    if (state === null) continue;
    logs.add(state.ref.id);
    const chain = await store.history(state);
    const ids = chain.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids.slice(0, -1)) expect(attempted.has(id)).toBe(true);
    const own = new Set(acknowledged.filter(({ branch }) => branch === state.ref.id).map(({ id }) => id));
    for (const id of own) expect(ids).toContain(id);
    // Every commit adds one to the counter and brings a ship named after itself.
    expect(await counterOf(store, state)).toBe(ids.length - 1);
    const ships = Object.keys((await contents(store, state)).Ship).filter((id) => id !== "COUNTER");
    expect(ships).toEqual(ids.slice(0, -1).sort());
    landed += ids.length;
  }
  expect(logs.has(store.mainId)).toBe(true);
  return { landed, unsure: attempted.size - acknowledged.length };
}

describe("many writers, failing storage and dying processes", () => {
  it(`keep their promises for ${SEEDS} seeds`, async () => {
    let landed = 0;
    let unsure = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world: World = { bucket: new MemoryBucket(), acknowledged: [], attempted: new Set() };
      const ports = quickPorts(seed);
      await initHarbour(memoryStorage(ports, { bucket: world.bucket }), ports);
      await Promise.all(Array.from({ length: PROCESSES }, (_, i) => runProcess(world, seed * 10 + i)));
      const result = await verify(world).catch((thrown) => {
        throw new Error(`seed ${seed}: ${thrown instanceof Error ? thrown.stack : thrown}`);
      });
      landed += result.landed;
      unsure += result.unsure;
    }
    // The faults bite: some commits are acknowledged, some are not.
    expect(landed).toBeGreaterThan(SEEDS * 10);
    expect(unsure).toBeGreaterThan(SEEDS / 10);
  }, 120_000);
});
