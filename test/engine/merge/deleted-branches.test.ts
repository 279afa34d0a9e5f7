// Merges whose base was made on a branch that has been deleted since.

import { describe, expect, it } from "bun:test";
import { type Fleet, fleet } from "./fleet.ts";

/** More than a tail is long: checkpoints are made on the way. */
const MANY = 20;
/** Takes the row of a commit out of its log entry, into a segment. */
const LONG = "x".repeat(70_000);

const WAYS: readonly [string, (fleet: Fleet) => Promise<void>][] = [
  ["at once", async () => {}],
  ["in another process", (fleet) => fleet.restart()],
  ["after a cleanup", (fleet) => fleet.cleanUp()],
  [
    "after three cleanups",
    async (fleet) => {
      for (let i = 0; i < 3; i++) await fleet.cleanUp();
    },
  ],
];

describe.each(WAYS)("a merge %s", (_, meanwhile) => {
  it.each([1, MANY])("knows what a deleted branch, of %i commits, brought to both sides", async (commits) => {
    const world = await fleet();
    const { set, fork, merge, remove, ships } = world;
    await set("main", "A", "main");
    await fork("long", "main");
    for (let i = 0; i < commits; i++) await set("main", "M", `${i}`);
    await fork("topic", "main");
    for (let i = 0; i < commits; i++) await set("topic", "A", `topic ${i} ${LONG}`);
    await merge("topic", "main");
    for (let i = 0; i < commits; i++) await set("main", "M", `again ${i}`);
    await set("long", "L", "long");
    await merge("topic", "long");
    await set("topic", "T", "never merged");
    await remove("topic");
    await meanwhile(world);
    await set("long", "A", "long");
    expect(await merge("long", "main")).toBe("merged");
    expect(await ships("main")).toEqual({ A: "long", L: "long", M: `again ${commits - 1}` });
  });

  it("knows what a deleted branch of a deleted branch brought", async () => {
    const world = await fleet();
    const { set, fork, merge, remove, ships } = world;
    await set("main", "A", "main");
    await set("main", "B", "main");
    await fork("long", "main");
    await fork("first", "main");
    for (let i = 0; i < MANY; i++) await set("first", "A", `first ${i} ${LONG}`);
    await fork("second", "first");
    await set("second", "B", "second");
    await set("second", "C", "second");
    await merge("second", "main");
    await set("long", "L", "long");
    // The base of long and main is a commit of `first`, which main knows by way of `second` only.
    await merge("first", "long");
    await remove("second");
    await remove("first");
    await meanwhile(world);
    await set("long", "A", "long");
    await set("main", "B", "main again");
    expect(await merge("long", "main")).toBe("merged");
    expect(await ships("main")).toEqual({ A: "long", B: "main again", C: "second", L: "long" });
    expect(await merge("main", "long")).toBe("fast_forward");
  });

  it("still sees that both sides changed what such a branch brought", async () => {
    const world = await fleet();
    const { set, fork, merge, remove, refuse } = world;
    await set("main", "A", "main");
    await fork("long", "main");
    await fork("topic", "main");
    await set("topic", "A", "topic");
    await merge("topic", "main");
    await set("long", "L", "long");
    await merge("topic", "long");
    await remove("topic");
    // Its name is another branch now.
    await fork("topic", "main");
    await set("topic", "A", "another topic");
    await meanwhile(world);
    await set("long", "A", "long");
    await set("main", "A", "main again");
    expect(await refuse("long", "main")).toContain("divergent_update");
    expect(await refuse("topic", "main")).toContain("divergent_update");
  });
});
