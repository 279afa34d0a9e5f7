// Merges whose base was made on a branch that has been deleted since.

import { describe, expect, it } from "bun:test";
import type { Graph } from "../../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../../src/engine/index.ts";
import { openMaintenance } from "../../../src/engine/maintenance/index.ts";
import { MemoryBucket, memoryStorage } from "../../../src/storage/index.ts";
import { quickPorts } from "../../store/support.ts";
import { refusal } from "../support.ts";

const SCHEMA = "node Ship { imo: String @key  x: String?  photo: Blob? }\n";
const HOUR_MS = 60 * 60_000;
/** More than a tail is long: checkpoints are made on the way. */
const MANY = 20;
/** Takes the row of a commit out of its log entry, into a segment. */
const LONG = "x".repeat(70_000);

interface Fleet {
  set(branch: string, imo: string, x: string): Promise<void>;
  fork(name: string, from: string): Promise<void>;
  merge(source: string, target: string): Promise<string>;
  remove(name: string): Promise<void>;
  ships(branch: string): Promise<Record<string, string>>;
  /** Keeps one commit a branch, two hours later, as a process of its own. */
  cleanUp(): Promise<void>;
  /** What everybody does from now on, new processes do. */
  restart(): Promise<void>;
  refuse(source: string, target: string): Promise<string>;
}

let fleets = 0;

async function fleet(): Promise<Fleet> {
  const number = ++fleets;
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  let processes = 0;
  const storage = () => memoryStorage(ports, { bucket, uri: `memory://fleet-${number}-${++processes}` });
  await initGraph({ storage: storage(), ports, schemaSource: SCHEMA });
  let graph: Graph = await openGraph({ storage: storage(), ports });
  const fleet: Fleet = {
    set: async (branch, imo, x) => {
      const source = "query m($i: String, $x: String, $b: Blob) { insert Ship { imo: $i x: $x photo: $b } }";
      await graph.mutate({ source, params: { i: imo, x, b: `base64:${btoa(x)}` }, branch, actor: null });
    },
    fork: async (name, from) => {
      await graph.createBranch({ name, from, actor: null });
    },
    merge: async (source, target) => (await graph.merge({ source, target, actor: null })).outcome,
    remove: async (name) => {
      await graph.deleteBranch({ name, actor: null });
    },
    ships: async (branch) => {
      const source = "query q() { match { $s: Ship } return { $s.imo as i, $s.x as x } }";
      const rows = (await graph.query({ source, branch })).rows();
      return Object.fromEntries(rows.map(({ i, x }) => [String(i), String(x)]).sort());
    },
    cleanUp: async () => {
      await fleet.restart();
      ports.advance(2 * HOUR_MS);
      await (await openMaintenance({ storage: storage(), ports })).cleanup({ keep: 1 });
    },
    restart: async () => {
      await graph.close();
      graph = await openGraph({ storage: storage(), ports });
    },
    refuse: async (source, target) => (await refusal(graph.merge({ source, target, actor: null }))).message,
  };
  return fleet;
}

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
