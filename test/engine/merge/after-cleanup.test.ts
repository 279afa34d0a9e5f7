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

  it("takes away what the base has and the source never knew, and sees that the target changed it", async () => {
    const world = await fleet();
    await world.set("main", "A", "main");
    await world.fork("early", "main");
    for (const ship of ["B", "C"]) await world.set("main", ship, "main");
    await world.fork("late", "main");
    for (const ship of ["B", "C"]) await world.sink("main", ship);
    await world.set("early", "E", "early");
    await world.merge("main", "early");
    await world.set("late", "L", "late");
    if (isCleaned) await world.cleanUp();
    // What they have in common is the commit of main with B and C, and no commit of `early` itself ever named those.
    expect(await world.merge("early", "late")).toBe("merged");
    expect(await world.ships("late")).toEqual({ A: "main", E: "early", L: "late" });
    await world.fork("other", "late");
    await world.set("late", "B", "again");
    expect(await world.merge("late", "other")).toBe("fast_forward");
  });

  it("refuses what the target changed and the source, by way of another branch, deleted", async () => {
    const world = await fleet();
    await world.set("main", "A", "main");
    await world.fork("early", "main");
    await world.set("main", "B", "main");
    await world.fork("late", "main");
    await world.sink("main", "B");
    await world.set("early", "E", "early");
    await world.merge("main", "early");
    await world.set("late", "B", "late");
    if (isCleaned) await world.cleanUp();
    expect(await world.refuse("early", "late")).toContain("delete_vs_update");
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
