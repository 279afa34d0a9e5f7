// Merges of branches whose past cleanup reclaimed: what changed is told by comparing states, and must come to the same.

import { describe, expect, it } from "bun:test";
import { fleet } from "./fleet.ts";

describe.each([false, true])("a merge (after a cleanup: %p)", (isCleaned) => {
  it("takes away what came by an earlier merge and was deleted since", async () => {
    const world = await fleet();
    await world.set("main", "A", "main");
    await world.fork("side", "main");
    await world.set("side", "S", "side");
    await world.merge("side", "main");
    await world.sink("main", "S");
    await world.set("side", "T", "side");
    if (isCleaned) await world.cleanUp();
    expect(await world.merge("main", "side")).toBe("merged");
    expect(await world.ships("side")).toEqual({ A: "main", T: "side" });
  });

  it("takes back what came by an earlier merge and was set again to what it was", async () => {
    const world = await fleet();
    await world.set("main", "A", "old");
    await world.fork("side", "main");
    await world.set("side", "A", "new");
    await world.merge("side", "main");
    await world.set("main", "A", "old");
    await world.set("side", "T", "side");
    if (isCleaned) await world.cleanUp();
    expect(await world.merge("main", "side")).toBe("merged");
    expect(await world.ships("side")).toEqual({ A: "old", T: "side" });
  });

  it("finds what both sides changed since an earlier merge, though one side is back where it began", async () => {
    const world = await fleet();
    await world.set("main", "A", "old");
    await world.fork("side", "main");
    await world.set("side", "A", "new");
    await world.merge("side", "main");
    await world.set("main", "A", "old");
    await world.set("side", "A", "newer");
    if (isCleaned) await world.cleanUp();
    expect(await world.refuse("main", "side")).toContain("divergent_update");
  });
});
