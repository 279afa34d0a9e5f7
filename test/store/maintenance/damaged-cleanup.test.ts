// Cleanup of graphs in which something is lost: what is derived is done without, and what is lost is not asked for again.

import { describe, expect, it } from "bun:test";
import { addShips, contents, failureOf, idsOf, SHIP } from "../support.ts";
import { addMany, type Harbour, HOUR_MS, harbour, keep, keepLater, keysUnder } from "./support.ts";

const keyOf = (world: Harbour, kind: "log" | "checkpoint", position: number): string =>
  `branches/${world.store.mainId}/${kind}/${String(position).padStart(20, "0")}.json`;

function tear({ bucket }: Harbour, key: string): void {
  const object = bucket.objects.get(key);
  if (object === undefined) throw new Error(`there is no ${key}`);
  bucket.objects.set(key, { ...object, bytes: object.bytes.slice(0, 100), version: "torn" });
}

const checkpoints = ({ bucket, store }: Harbour): number[] =>
  keysUnder(bucket, `branches/${store.mainId}/checkpoint/`).map((key) => Number(/\d{20}/.exec(key)?.[0]));

describe("cleanup of a graph with a torn checkpoint", () => {
  it.each([
    ["the first", 0],
    ["one in the middle", 1],
    ["the newest", -1],
  ])("does without it: %s", async (_, which) => {
    for (const ageMs of [0, 2 * HOUR_MS]) {
      const world = await harbour();
      await addMany(world.store, 0, 60);
      const positions = checkpoints(world);
      expect(positions.length).toBeGreaterThan(2);
      tear(world, keyOf(world, "checkpoint", positions.at(which) ?? 0));
      world.ports.advance(ageMs);
      const report = await keep(await world.another(), 1);
      expect(report.expired).toBe(60);
      const reader = await world.another();
      expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toHaveLength(60);
      await addMany(reader, 60, 80);
      await keepLater(world, 1);
      const later = await world.another();
      expect(await idsOf(later, await later.branch("main").head(), SHIP)).toHaveLength(80);
    }
  });

  it("refuses, deletes nothing, and says what helps where the kept states hang on it", async () => {
    const world = await harbour();
    await addMany(world.store, 0, 60);
    await keepLater(world, 1);
    await keepLater(world, 1);
    const [only] = checkpoints(world).slice(-1);
    tear(world, keyOf(world, "checkpoint", only));
    const before = [...world.bucket.objects.keys()];
    expect(await failureOf(keepLater(world, 1))).toMatchObject({
      message: expect.stringMatching(/ is damaged: .*; nothing was deleted: run repair first$/),
    });
    expect([...world.bucket.objects.keys()]).toEqual(before);
  });
});

describe("cleanup after repair led around a lost entry", () => {
  it.each([0, HOUR_MS / 2, 2 * HOUR_MS])("goes on at once, %i ms after the last commits", async (ageMs) => {
    const world = await harbour();
    await addMany(world.store, 0, 30);
    world.ports.advance(ageMs);
    const { position } = await world.store.branch("main").head();
    world.bucket.objects.delete(keyOf(world, "log", position - 2));
    const repairer = await world.another();
    const { commits } = await repairer.repair({ confirm: true, force: true });
    expect(commits).toHaveLength(1);
    const healed = await world.another();
    const expected = await contents(healed, await healed.branch("main").head());
    await keep(await world.another(), 5);
    await keepLater(world, 1);
    const reader = await world.another();
    expect(await contents(reader, await reader.branch("main").head())).toEqual(expected);
    await addShips(reader, "AFTER");
    await keepLater(world, 1);
  });
});
