import { describe, expect, it } from "bun:test";
import { seededUnit } from "../../src/storage/faults.ts";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { batchOf, ObjectCache, type Row } from "../../src/store/index.ts";
import { segmentKey } from "../../src/store/layout.ts";
import { Objects } from "../../src/store/objects.ts";
import { type LayeredSegment, replacedRows } from "../../src/store/replaced-rows.ts";
import { encodeSegment } from "../../src/store/segment-write.ts";
import {
  CALLS_AT,
  call,
  commit,
  contents,
  initHarbour,
  openHarbour,
  quickPorts,
  SHIP,
  ship,
} from "./support.ts";

const keyOf = ({ src, dst, id }: Row) => `${src} ${dst} ${id}`;

/** Distinct edges out of a few, in the order of a segment. */
function randomCalls(random: () => number): Row[] {
  const pick = (count: number) => Math.floor(random() * count);
  const rows = new Map<string, Row>();
  for (let i = 0; i < 1 + pick(60); i++) {
    const row = call(`S${pick(6)}`, `P${pick(5)}`, `E${pick(4)}`);
    rows.set(keyOf(row), row);
  }
  return [...rows.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

describe("rows that later segments replace", () => {
  it("are those whose keys a replacing segment of a higher layer has", async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededUnit(seed);
      const storage = memoryStorage(quickPorts());
      const layers: { readonly layered: LayeredSegment; readonly rows: readonly Row[] }[] = [];
      for (let layer = 0; layer < 1 + random() * 6; layer++) {
        const rows = randomCalls(random);
        const { ref, bytes } = await encodeSegment(`01SEGMENT${layer}`, CALLS_AT, batchOf(rows, CALLS_AT));
        await storage.put(segmentKey(CALLS_AT.id, ref.id), bytes);
        layers.push({ layered: { segment: ref, layer, replaces: random() < 0.6 }, rows });
      }
      const objects = new Objects(storage, new ObjectCache(1e6));
      const found = await replacedRows(
        { objects },
        layers.map(({ layered }) => layered),
      );
      for (const { layered, rows } of layers) {
        const later = layers.filter((other) => other.layered.replaces && other.layered.layer > layered.layer);
        const keys = new Set(later.flatMap((other) => other.rows.map(keyOf)));
        const expected = rows.flatMap((row, i) => (keys.has(keyOf(row)) ? [i] : []));
        expect([...(found.get(layered) ?? [])]).toEqual(expected);
      }
    }
  });

  it("are dead at a checkpoint, however many, among deletions and rows of log entries", async () => {
    const ports = quickPorts();
    const bucket = new MemoryBucket();
    await initHarbour(memoryStorage(ports, { bucket }), ports);
    const store = await openHarbour(memoryStorage(ports, { bucket }), ports);
    const ids = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `S${String(from + i).padStart(6, "0")}`);
    const write = (rows: readonly Row[], deleted: readonly string[] = [], asSegment = false) =>
      commit(store, { changes: [{ type: SHIP, rows, deleted, asSegment }] });
    const named = (name: string, some: readonly string[]) => some.map((id) => ship(id, name));

    await write(named("first", ids(0, 70_000)), [], true);
    await write(named("between", [...ids(10, 20), ...ids(50_000, 50_010), "X"]));
    await write(named("second", [...ids(40_000, 110_000), "X"]), ids(30, 40), true);
    await write(named("after", [...ids(60_000, 60_010), "Y"]), [...ids(45_000, 45_010), "X"]);
    await write(named("third", ids(100_000, 100_500)), [], true);
    // As the log tells it, before anything has made a checkpoint.
    const before = await store.branch("main").head();
    expect(before.checkpoint.position).toBe(0);
    const expected = await contents(store, before);
    for (let i = 0; i < 14; i++) await write([ship("Z", `${i}`)]);
    await store.settle();
    const cold = await openHarbour(memoryStorage(quickPorts(2), { bucket }), quickPorts(2));
    const state = await cold.branch("main").head();
    expect(state.checkpoint.position).toBeGreaterThan(16);
    const { Ship } = await contents(cold, state);
    const { Z, ...others } = Ship;
    expect(Z).toBeDefined();
    expect(Object.keys(others)).toHaveLength(110_000 - 10 - 10 + 1);
    expect(Bun.deepEquals(others, expected.Ship)).toBe(true);
  }, 60_000);
});
