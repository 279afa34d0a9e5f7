import { describe, expect, it } from "bun:test";
import type { StorageCall } from "../../src/storage/faults.ts";
import { seededUnit } from "../../src/storage/faults.ts";
import { type Fault, MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import type { GraphStore } from "../../src/store/index.ts";
import {
  addShips,
  CALLS_AT,
  type Change,
  call,
  commit,
  contents,
  failureOf,
  idsOf,
  initHarbour,
  openHarbour,
  PORT,
  port,
  quickPorts,
  SHIP,
  ship,
} from "./support.ts";

async function harbour(faults?: (call: StorageCall) => Fault | null) {
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  await initHarbour(memoryStorage(ports, { bucket }), ports);
  const storage = memoryStorage(ports, { bucket, ...(faults === undefined ? {} : { faults }) });
  return { ports, bucket, storage, store: await openHarbour(storage, ports) };
}

const fresh = (bucket: MemoryBucket, seed = 9): Promise<GraphStore> => {
  const ports = quickPorts(seed);
  return openHarbour(memoryStorage(ports, { bucket }), ports);
};

/** A copy without what is derived from the log, so that states come from replay alone. */
function logOnly(bucket: MemoryBucket): MemoryBucket {
  const copy = new MemoryBucket();
  for (const [key, object] of bucket.objects) {
    if (!/\/checkpoint\/|hint\.json$|^dead\//.test(key)) copy.objects.set(key, object);
  }
  return copy;
}

/** Random changes to a small harbour, so that ids come back again and again. */
function randomChanges(random: () => number): Change[] {
  const pick = (count: number) => Math.floor(random() * count);
  const draw = random();
  const asSegment = random() < 0.15;
  if (draw < 0.05)
    return [{ type: SHIP, replaced: true, rows: [ship(`S${pick(30)}`, "replaced")], asSegment }];
  if (draw < 0.25) return [{ type: SHIP, deleted: [`S${pick(30)}`, `S${30 + pick(30)}`] }];
  if (draw < 0.35) {
    const edges = [[`S${pick(9)}`, `P${pick(5)}`, `E${pick(9)}`]] as const;
    return [{ type: CALLS_AT, deletedEdges: edges, rows: [call("S1", "P1", `E${pick(9)}`)] }];
  }
  if (draw < 0.55) {
    const ends = new Map(
      Array.from({ length: 1 + pick(4) }, () => [`S${pick(9)} P${pick(5)} E${pick(9)}`, null]),
    );
    const rows = [...ends.keys()].map((key) => call(...(key.split(" ") as [string, string, string])));
    return [{ type: CALLS_AT, rows, asSegment }];
  }
  const ids = new Set(Array.from({ length: 1 + pick(6) }, () => `S${pick(60)}`));
  const ships = [...ids].map((id) => ship(id, `${id} of ${draw}`, pick(100)));
  return [
    { type: SHIP, rows: ships, asSegment },
    { type: PORT, rows: [port(`P${pick(5)}`)] },
  ];
}

describe("a checkpoint", () => {
  it("holds exactly the state that replaying the log gives, whatever was written", async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const random = seededUnit(seed);
      const { store, bucket } = await harbour();
      for (let i = 0; i < 70; i++) {
        await commit(store, { changes: randomChanges(random) });
        if (random() < 0.5) await store.settle();
      }
      await store.settle();
      const cold = await fresh(bucket);
      const state = await cold.branch("main").head();
      expect(state.checkpoint.position).toBeGreaterThan(16);
      const replayed = await fresh(logOnly(bucket));
      const plain = await replayed.branch("main").head();
      expect(plain.checkpoint.position).toBe(0);
      expect(await contents(cold, state)).toEqual(await contents(replayed, plain));
    }
  });

  it("leaves a type with a number of segments that grows with the logarithm of its size", async () => {
    const { store } = await harbour();
    for (let i = 0; i < 1200; i++) {
      await addShips(store, `S${(i * 7919) % 100_003}`);
      await store.settle();
    }
    const { checkpoint } = await store.branch("main").head();
    const rows = checkpoint.types.get(SHIP.id)?.segments.map(({ segment, dead }) => {
      expect(dead.kind).toBe("none");
      return segment.rows;
    });
    expect(rows?.length).toBeLessThanOrEqual(5);
    for (const [i, older] of (rows ?? []).slice(0, -1).entries()) {
      expect(older).toBeGreaterThan(4 * (rows?.[i + 1] ?? 0));
    }
  });

  it("does not grow with updates of one entity", async () => {
    const { store } = await harbour();
    for (let i = 0; i < 200; i++) {
      await commit(store, { changes: [{ type: SHIP, rows: [ship("A", `name ${i}`)] }] });
      await store.settle();
    }
    const { checkpoint } = await store.branch("main").head();
    expect(checkpoint.types.get(SHIP.id)).toMatchObject({ count: 1, segments: [{ segment: { rows: 1 } }] });
  });

  it("marks the dead rows of a large segment, in an object of their own when they are many", async () => {
    const { store, bucket } = await harbour();
    const ids = Array.from({ length: 30_000 }, (_, i) => `S${String(i).padStart(5, "0")}`);
    await commit(store, { changes: [{ type: SHIP, rows: ids.map((id) => ship(id)) }] });
    const doomed = ids.filter((_, i) => i % 3 === 0);
    for (let i = 0; i < 20; i++) {
      await commit(store, { changes: [{ type: SHIP, deleted: doomed.filter((_, at) => at % 20 === i) }] });
    }
    await store.settle();
    const cold = await fresh(bucket);
    const state = await cold.branch("main").head();
    const [{ dead }] = state.checkpoint.types.get(SHIP.id)?.segments ?? [];
    expect(dead).toMatchObject({ kind: "object" });
    const isDoomed = new Set(doomed);
    expect(await idsOf(cold, state, SHIP)).toEqual(ids.filter((id) => !isDoomed.has(id)));
  });

  it("keeps many deleted ids out of the entry, and finds them again", async () => {
    const { store, bucket } = await harbour();
    const ids = Array.from({ length: 9000 }, (_, i) => `ship-${String(i).padStart(5, "0")}`);
    const calls = ids.map((id) => call(id, "RTM", `call of ${id}`));
    await commit(store, {
      changes: [
        { type: SHIP, rows: ids.map((id) => ship(id)) },
        { type: CALLS_AT, rows: calls },
      ],
    });
    await commit(store, {
      changes: [
        { type: SHIP, deleted: ids.slice(0, 8000) },
        { type: CALLS_AT, deletedEdges: ids.slice(0, 8500).map((id) => [id, "RTM", `call of ${id}`]) },
      ],
    });
    const entry = [...bucket.objects].find(([key]) => key.endsWith("02.json"))?.[1];
    expect(entry?.bytes.length).toBeLessThan(2000);
    expect([...bucket.objects.keys()].filter((key) => key.startsWith("deletes/"))).toHaveLength(2);
    const cold = await fresh(bucket);
    const state = await cold.branch("main").head();
    expect(await idsOf(cold, state, SHIP)).toEqual(ids.slice(8000));
    expect(await idsOf(cold, state, CALLS_AT)).toHaveLength(500);
  });

  it("comes after 16 entries, or 256 KiB of them", async () => {
    const { store } = await harbour();
    for (let i = 0; i < 16; i++) await addShips(store, `S${i}`);
    await store.settle();
    expect((await store.branch("main").head()).checkpoint.position).toBe(0);
    await addShips(store, "S16");
    await store.settle();
    expect((await store.branch("main").head()).checkpoint.position).toBe(17);
    for (let i = 0; i < 5; i++) {
      await commit(store, { changes: [{ type: PORT, rows: [port(`${i}${"p".repeat(30_000)}`)] }] });
    }
    await store.settle();
    expect((await store.branch("main").head()).checkpoint.position).toBeGreaterThan(17);
  });

  it("drops rows of types that the schema has not any more, and keeps those of the others", async () => {
    const { store } = await harbour();
    await commit(store, {
      changes: [
        { type: SHIP, rows: [ship("A")] },
        { type: PORT, rows: [port("RTM")] },
      ],
    });
    const { acceptedDigest, admitSchema, encodeAccepted } = await import("../../src/schema/index.ts");
    const head = await store.branch("main").head();
    const source = "node Port { code: String @key  name: String }\n";
    const catalog = admitSchema(source, head.catalog);
    const accepted = encodeAccepted(catalog);
    const { draftOf } = await import("./support.ts");
    const draft = {
      ...draftOf(store.ports, { changes: [], operation: "schema_apply" }, []),
      schema: { digest: acceptedDigest(accepted), accepted, catalog },
    };
    await store.branch("main").publish({ repeat: "always", prepare: async () => draft });
    for (let i = 0; i < 17; i++) await commit(store, { changes: [{ type: PORT, rows: [port(`P${i}`)] }] });
    await store.settle();
    const state = await store.branch("main").head();
    expect([...state.checkpoint.types.keys()]).toEqual([PORT.id]);
    expect(await idsOf(store, state, PORT)).toHaveLength(18);
    const past = await store.stateAt(head.head.id);
    expect(await idsOf(store, past, SHIP)).toEqual(["A"]);
  });
});

describe("two processes that checkpoint one branch", () => {
  it("take over each other's work and agree on the state", async () => {
    const { bucket, store } = await harbour();
    const other = await fresh(bucket, 3);
    for (let i = 0; i < 120; i++) {
      await addShips(i % 2 === 0 ? store : other, `S${i}`);
      await Promise.all([store.settle(), other.settle()]);
    }
    const [a, b] = await Promise.all([store.branch("main").head(), other.branch("main").head()]);
    expect(a.head.id).toBe(b.head.id);
    expect(await contents(store, a)).toEqual(await contents(other, b));
    expect(a.tail.length).toBeLessThan(40);
    expect(b.tail.length).toBeLessThan(40);
  });

  it("leave a reader with a short tail that never writes", async () => {
    const { bucket, store } = await harbour();
    const reader = await fresh(bucket, 3);
    await reader.branch("main").head();
    for (let i = 0; i < 100; i++) {
      await addShips(store, `S${i}`);
      await store.settle();
      await reader.branch("main").head();
    }
    const state = await reader.branch("main").head();
    expect(state.tail.length).toBeLessThanOrEqual(48);
    expect(await idsOf(reader, state, SHIP)).toHaveLength(100);
  });
});

describe("opening where something derived is missing", () => {
  async function busy() {
    const made = await harbour();
    for (let i = 0; i < 60; i++) {
      await addShips(made.store, `S${String(i).padStart(2, "0")}`);
      await made.store.settle();
    }
    const keys = [...made.bucket.objects.keys()];
    const checkpoints = keys.filter((key) => key.includes("/checkpoint/")).sort();
    const hint = keys.find((key) => key.endsWith("hint.json")) ?? "";
    return { ...made, checkpoints, hint, admin: memoryStorage(made.ports, { bucket: made.bucket }) };
  }
  const junk = new TextEncoder().encode('{"format":1,"junk":');

  it("survives a lost hint, a damaged one and a stale one", async () => {
    const { bucket, hint, admin, checkpoints } = await busy();
    expect(checkpoints).toHaveLength(3);
    const schema = JSON.parse(new TextDecoder().decode((await admin.get(hint))?.bytes)).schema as string;
    const stale = new TextEncoder().encode(JSON.stringify({ format: 1, position: 17, schema }));
    for (const bytes of [stale, junk, null]) {
      if (bytes === null) await admin.delete(hint);
      else await admin.put(hint, bytes);
      const store = await fresh(bucket);
      expect(await idsOf(store, await store.branch("main").head(), SHIP)).toHaveLength(60);
    }
  });

  it("survives lost and damaged checkpoints, down to none at all", async () => {
    const { bucket, checkpoints, admin } = await busy();
    for (const [i, key] of [...checkpoints].reverse().entries()) {
      if (i % 2 === 0) await admin.delete(key);
      else await admin.put(key, junk);
      const store = await fresh(bucket);
      const state = await store.branch("main").head();
      expect(await idsOf(store, state, SHIP)).toHaveLength(60);
      expect(await store.history(state)).toHaveLength(61);
    }
  });

  it("names the log entry that is missing in the middle, and one that is damaged", async () => {
    const { bucket, admin, checkpoints, hint } = await busy();
    for (const key of [...checkpoints, hint]) await admin.delete(key);
    const entry = [...bucket.objects.keys()].find((key) => key.endsWith("/00000000000000000030.json")) ?? "";
    const bytes = (await admin.get(entry))?.bytes ?? junk;
    await admin.delete(entry);
    const open = async () => (await fresh(bucket)).branch("main").head();
    expect((await failureOf(open())).message).toContain(`${entry}' is damaged: the log entry is missing`);
    for (const harm of [
      junk,
      bytes.subarray(0, 50),
      new TextEncoder().encode("{}"),
      new Uint8Array([255, 254]),
    ]) {
      await admin.put(entry, harm);
      expect((await failureOf(open())).message).toContain(`${entry}' is damaged`);
    }
    const other = [...bucket.objects.keys()].find((key) => key.endsWith("/00000000000000000031.json")) ?? "";
    const text = new TextDecoder().decode((await admin.get(other))?.bytes);
    const moved = text.replace('"position":31', '"position":30');
    await admin.put(entry, new TextEncoder().encode(moved));
    expect((await failureOf(open())).message).toContain("it fails its checksum");
    await admin.put(entry, new TextEncoder().encode(moved.replace(/,"crc":\d+\}$/, "}")));
    expect((await failureOf(open())).message).toContain("does not follow");
  });

  it("names a schema that is missing or is not what its name says", async () => {
    const { bucket, admin } = await busy();
    const key = [...bucket.objects.keys()].find((name) => name.startsWith("schema/")) ?? "";
    await admin.put(key, junk);
    const open = async () => (await fresh(bucket)).branch("main").head();
    expect((await failureOf(open())).message).toContain(`${key}' is damaged`);
    await admin.delete(key);
    expect((await failureOf(open())).message).toContain(`${key}' is damaged: the accepted schema is missing`);
  });
});

describe("a checkpoint that cannot be written", () => {
  it("costs nobody their commit, and is made later", async () => {
    let isBroken = true;
    const { store, bucket } = await harbour(({ method, key }) =>
      isBroken && method !== "get" && /checkpoint|segments/.test(key)
        ? { kind: "answer", status: 403 }
        : null,
    );
    for (let i = 0; i < 30; i++) {
      await addShips(store, `S${i}`);
      await store.settle();
    }
    expect((await store.branch("main").head()).checkpoint.position).toBe(0);
    isBroken = false;
    await addShips(store, "S30");
    await store.settle();
    expect((await store.branch("main").head()).checkpoint.position).toBe(31);
    const cold = await fresh(bucket);
    expect(await idsOf(cold, await cold.branch("main").head(), SHIP)).toHaveLength(31);
  });

  it("is not, where it took so long that cleanup may have taken its segments for garbage", async () => {
    let isSlow = true;
    const { store, bucket } = await harbour(({ method, key }) =>
      isSlow && method === "put" && key.includes("segments/") ? { kind: "latency", ms: 20 * 60_000 } : null,
    );
    const checkpoints = () => [...bucket.objects.keys()].filter((key) => key.includes("/checkpoint/"));
    for (let i = 0; i < 18; i++) await addShips(store, `A${i}`);
    await store.settle();
    expect(checkpoints()).toEqual([]);
    isSlow = false;
    await addShips(store, "B");
    await store.settle();
    expect(checkpoints()).toHaveLength(1);
    const reader = await fresh(bucket);
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toHaveLength(19);
  });
});
