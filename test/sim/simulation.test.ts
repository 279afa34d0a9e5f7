import { describe, expect, it } from "bun:test";
import type { MemoryBucket } from "../../src/storage/index.ts";
import { SimulationError, simulate } from "./simulate.ts";

const SEEDS = 2_000;
/** Runs of one test: a failure is found within seconds, and does not hide those of others. */
const SEEDS_PER_TEST = 100;
/** Most runs are short, for there to be many; some are long enough for checkpoints and merged segments. */
const STEPS_SHORT = 14;
const STEPS_LONG = 80;
const LONG_EVERY = 10;
const TIMEOUT_MS = 120_000;

const stepsOf = (seed: number): number => (seed % LONG_EVERY === 0 ? STEPS_LONG : STEPS_SHORT);

describe("a graph in the simulation", () => {
  for (let first = 1; first <= SEEDS; first += SEEDS_PER_TEST) {
    const last = first + SEEDS_PER_TEST - 1;
    it(
      `is what its history says, whatever happens to it (seeds ${first} to ${last})`,
      async () => {
        for (let seed = first; seed <= last; seed++) await simulate({ seed, steps: stepsOf(seed) });
      },
      TIMEOUT_MS,
    );
  }

  it("lives the same life again for the same seed", async () => {
    for (const seed of [3, 14, 159]) {
      const [once, again] = [await simulate({ seed, steps: 60 }), await simulate({ seed, steps: 60 })];
      expect(again).toEqual(once);
    }
  });
});

describe("a store that does not keep its promises", () => {
  const CALLS = 60;
  const isLog = (key: string) => key.includes("/log/");

  /** What runs of some seeds say of a store that is broken in a way. */
  async function said(sabotage: (bucket: MemoryBucket) => void): Promise<string> {
    for (let seed = 1; seed <= 20; seed++) {
      const failure = await simulate({ seed, steps: CALLS, sabotage }).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (failure instanceof SimulationError) return failure.message;
    }
    return "nothing";
  }

  it("is noticed when it loses an entry that it acknowledged, with the command that shows it again", async () => {
    let puts = 0;
    const found = await said(({ objects }) => {
      const set = objects.set.bind(objects);
      objects.set = (key, object) => (isLog(key) && ++puts % 5 === 0 ? objects : set(key, object));
    });
    expect(found).toMatch(/^step \d+: /);
    expect(found).toMatch(/\nreplay with: npm run sim -- --seed \d+ --steps 60$/);
  });

  it("is noticed when a conditional put overwrites", async () => {
    const found = await said(({ objects }) => {
      const get = objects.get.bind(objects);
      let asked = 0;
      objects.get = (key) => (isLog(key) && ++asked % 9 === 0 ? undefined : get(key));
    });
    expect(found).not.toBe("nothing");
  });

  it("is noticed when rows of a segment are lost", async () => {
    const found = await said(({ objects }) => {
      const get = objects.get.bind(objects);
      objects.get = (key) => (key.startsWith("segments/") ? undefined : get(key));
    });
    expect(found).toContain("is damaged");
  });

  it("is noticed when a branch's end is forgotten", async () => {
    const found = await said(({ objects }) => {
      const set = objects.set.bind(objects);
      objects.set = (key, object) =>
        isLog(key) && Buffer.from(object.bytes).includes('"closed"') ? objects : set(key, object);
    });
    expect(found).not.toBe("nothing");
  });
});
