import { describe, expect, it } from "bun:test";
import type { BlobSelector, Graph } from "../../src/engine/graph.ts";
import { initGraph, openGraph, openMaintenance } from "../../src/engine/index.ts";
import { sha256Hex } from "../../src/lib/digest.ts";
import { type Faults, MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { quickPorts } from "../store/support.ts";
import { over, refusal, type TestGraph } from "./support.ts";

const SCHEMA = `
node Ship { imo: String @key  name: String?  photo: Blob? }
edge Tows: Ship -> Ship { contract: Blob? }
`;
const MIB = 1_048_576;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const base64 = (data: Uint8Array | string) => `base64:${Buffer.from(data).toString("base64")}`;
const keyOf = (data: Uint8Array | string) => `blobs/${sha256Hex(data)}`;

const photo = (id: string, more: Partial<BlobSelector> = {}): BlobSelector => ({
  entity: "node",
  type: "Ship",
  id,
  property: "photo",
  ...more,
});

async function read(graph: Graph, selector: BlobSelector): Promise<string> {
  const cell = await graph.openBlob(selector);
  if (cell.kind !== "managed") throw new Error("expected managed bytes");
  const parts: Uint8Array[] = [];
  for await (const chunk of cell.read()) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

interface Fleet extends TestGraph {
  readonly bucket: MemoryBucket;
  now(): number;
  advance(ms: number): void;
  /** Cleans up as a process of its own. */
  cleanUp(keep?: number, faults?: Faults): Promise<void>;
  optimize(): Promise<void>;
  /** What a check says of ships: the classification, and what was found. */
  check(): Promise<readonly [string, readonly string[]]>;
  blobs(): string[];
  setPhoto(id: string, data: string, branch?: string): Promise<string>;
}

let fleets = 0;

/** A graph on a clock that the test moves. */
async function fleet(): Promise<Fleet> {
  // Ids of its own: what this process remembers is remembered by id.
  const ports = quickPorts(++fleets);
  const bucket = new MemoryBucket();
  const storage = memoryStorage(ports, { bucket });
  await initGraph({ storage, ports, schemaSource: SCHEMA });
  const tested = over(storage, await openGraph({ storage, ports }));
  return {
    ...tested,
    bucket,
    now: ports.now,
    advance: ports.advance,
    cleanUp: async (keep = 1, faults) => {
      const own = memoryStorage(ports, { bucket, ...(faults === undefined ? {} : { faults }) });
      const graph = await openMaintenance({ storage: own, ports });
      await graph.cleanup({ keep });
      await graph.close();
    },
    optimize: async () => {
      const graph = await openMaintenance({ storage, ports });
      await graph.optimize();
      await graph.close();
    },
    check: async () => {
      // What this process read before says nothing about storage.
      const graph = await openMaintenance({ storage: memoryStorage(ports, { bucket }), ports });
      const { datasets } = await graph.repair({ confirm: false, force: false });
      const ships = datasets.find(({ type_key }) => type_key === "node:Ship");
      return [ships?.classification ?? "", ships?.operations ?? []];
    },
    blobs: () => [...bucket.objects.keys()].filter((key) => key.startsWith("blobs/")).sort(),
    setPhoto: async (imo, data, branch) => {
      const lines = [{ type: "Ship", data: { imo, photo: base64(data) } }];
      return (await tested.load(lines, "merge", branch)).commit?.graph_commit_id ?? "";
    },
  };
}

describe("a check of Blobs", () => {
  it.each([
    ["in log entries", async () => {}],
    ["in a checkpoint", (world: Fleet) => world.optimize()],
  ])("misses those that a readable state needs, and no other: %s", async (_, settle) => {
    const world = await fleet();
    for (const data of ["one", "two", "three", "four"]) await world.setPhoto("A", data);
    await world.setPhoto("B", "beside");
    await settle(world);
    world.advance(2 * HOUR_MS);
    await world.cleanUp(3);
    expect(world.blobs()).not.toContain(keyOf("one"));
    expect(await world.check()).toEqual(["no_drift", []]);
    for (const needed of [...world.blobs()]) {
      const object = world.bucket.objects.get(needed);
      if (object === undefined) throw new Error("it was listed");
      world.bucket.objects.delete(needed);
      const [classification, [finding]] = await world.check();
      expect(classification).toBe("suspicious");
      expect(finding).toContain(`${needed}' is damaged: the Blob is missing; affects `);
      world.bucket.objects.set(needed, { ...object, bytes: new Uint8Array(object.bytes.length) });
      expect((await world.check())[1][0]).toContain("its content is not what its name says");
      world.bucket.objects.set(needed, object);
    }
    expect(await world.check()).toEqual(["no_drift", []]);
  });
});

describe("a Blob under cleanup", () => {
  it("goes with the last commit that refers to it", async () => {
    const world = await fleet();
    const old = await world.setPhoto("A", "old");
    await world.setPhoto("B", "kept");
    const newest = await world.setPhoto("A", "new");
    world.advance(2 * HOUR_MS);
    await world.cleanUp(2);
    expect(world.blobs()).toEqual([keyOf("kept"), keyOf("new"), keyOf("old")].sort());
    await world.cleanUp(1);
    expect(world.blobs()).toEqual([keyOf("kept"), keyOf("new")].sort());
    const graph = await world.reopen();
    expect(await read(graph, photo("A"))).toBe("new");
    expect(await read(graph, photo("A", { snapshot: newest }))).toBe("new");
    expect(await read(graph, photo("B"))).toBe("kept");
    const gone = await refusal(graph.openBlob(photo("A", { snapshot: old })));
    expect([gone.status, gone.message]).toEqual([410, expect.stringContaining("was reclaimed")]);
  });

  it("stays while a branch, an edge or a commit before a fork refers to it", async () => {
    const world = await fleet();
    await world.setPhoto("A", "inherited");
    await world.graph.createBranch({ name: "left", actor: null });
    await world.graph.createBranch({ name: "right", actor: null });
    await world.setPhoto("A", "on right", "right");
    await world.setPhoto("A", "on main");
    await world.load([{ edge: "Tows", from: "A", to: "A", data: { id: "t", contract: base64("signed") } }]);
    world.advance(2 * HOUR_MS);
    await world.cleanUp();
    expect(world.blobs()).toEqual(["inherited", "on main", "on right", "signed"].map(keyOf).sort());
    const graph = await world.reopen();
    expect(await read(graph, photo("A", { branch: "left" }))).toBe("inherited");
    expect(await read(graph, photo("A", { branch: "right" }))).toBe("on right");

    for (const name of ["left", "right"]) await graph.deleteBranch({ name, actor: null });
    world.advance(2 * HOUR_MS);
    await world.cleanUp();
    expect(world.blobs()).toEqual(["on main", "signed"].map(keyOf).sort());
  });

  it("stays in a type whose rows were compacted, and in no other", async () => {
    const world = await fleet();
    const names = Array.from({ length: 30 }, (_, i) => `bytes ${i}`);
    for (const [i, name] of names.entries()) await world.setPhoto(`S${i}`, name);
    await world.mutate('delete Ship where imo = "S7"');
    await world.optimize();
    world.advance(2 * HOUR_MS);
    await world.cleanUp();
    expect(world.blobs()).toEqual(
      names
        .filter((_, i) => i !== 7)
        .map(keyOf)
        .sort(),
    );
  });

  it("of a load that failed goes once it is old, and not before", async () => {
    const world = await fleet();
    await world.setPhoto("A", "kept");
    // What a writer leaves that dies between its upload and its commit.
    await world.storage.put(keyOf("orphan"), Buffer.from("orphan"));
    world.advance(59 * MINUTE_MS);
    await world.cleanUp();
    expect(world.blobs()).toContain(keyOf("orphan"));
    world.advance(2 * MINUTE_MS);
    await world.cleanUp();
    expect(world.blobs()).toEqual([keyOf("kept")]);
  });

  it("that is written again while it is about to be deleted stays", async () => {
    const world = await fleet();
    await world.setPhoto("A", "again");
    await world.setPhoto("A", "new");
    world.advance(2 * HOUR_MS);
    let asked = 0;
    await world.cleanUp(1, ({ method, key }) => {
      const object = world.bucket.objects.get(key);
      if (method !== "head" || key !== keyOf("again") || object === undefined) return null;
      // Between the listing and the deletion a writer uploads the same bytes, for a commit that is yet to come.
      asked++;
      world.bucket.objects.set(key, { ...object, modifiedAt: world.now() });
      return null;
    });
    expect(asked).toBe(1);
    expect(world.blobs()).toEqual(["again", "new"].map(keyOf).sort());
  });

  it("of a load that takes longer than what cleanup spares stays", async () => {
    const world = await fleet();
    await world.setPhoto("A", "kept");
    // Two of them are more than a load holds before it uploads.
    const large = [1, 2].map((fill) => new Uint8Array(17 * MIB).fill(fill));
    const line = (imo: string, data: Uint8Array | string) =>
      Buffer.from(`${JSON.stringify({ type: "Ship", data: { imo, photo: base64(data) } })}\n`);
    const data = async function* () {
      for (const [i, bytes] of large.entries()) yield line(`L${i}`, bytes);
      for (let i = 0; i < 3; i++) {
        yield line(`S${i}`, `small ${i}`);
        world.advance(25 * MINUTE_MS);
        await world.cleanUp();
      }
    };
    await world.graph.load({ data, mode: "append", actor: null });
    await world.cleanUp();
    expect(world.blobs()).toHaveLength(6);
    const graph = await world.reopen();
    expect(await read(graph, photo("S0"))).toBe("small 0");
    expect((await graph.openBlob(photo("L1"))).kind).toBe("managed");
    expect(world.bucket.objects.get(keyOf(large[1]))?.bytes).toHaveLength(17 * MIB);
  });
});
