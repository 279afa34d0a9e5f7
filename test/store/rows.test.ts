import { describe, expect, it } from "bun:test";
import { memoryStorage } from "../../src/storage/index.ts";
import {
  BatchBuilder,
  batchOf,
  findRow,
  INLINE_BYTES_MAX,
  inlineBytes,
  ObjectCache,
  rowsOf,
  shapeOf,
  textAt,
} from "../../src/store/index.ts";
import { CALLS_AT, call, initHarbour, openHarbour, PORT, port, quickPorts, SHIP, ship } from "./support.ts";

describe("building a batch", () => {
  it("sorts rows and says where each came from, and which repeat", () => {
    const builder = new BatchBuilder(shapeOf(SHIP));
    for (const row of [ship("C"), ship("A", "first"), ship("B", "x", 7), ship("A", "second")])
      builder.append(row);
    const { batch, order, repeats } = builder.finish();
    expect(rowsOf(batch, SHIP)).toEqual([
      ship("A", "first"),
      ship("A", "second"),
      ship("B", "x", 7),
      ship("C"),
    ]);
    expect([...(order ?? [])]).toEqual([1, 3, 2, 0]);
    expect([...repeats]).toEqual([1]);
  });

  it("takes columns one by one, as a bulk load does", () => {
    const builder = new BatchBuilder(shapeOf(CALLS_AT));
    const source = new TextEncoder().encode("A|RTM|c1");
    builder.src?.appendUtf8(source, 0, 1);
    builder.dst?.appendUtf8(source, 2, 5);
    builder.ids.appendUtf8(source, 6, 8);
    for (const column of builder.columns.values()) column.append("north");
    const { batch, order } = builder.finish();
    expect(order).toBeNull();
    expect(rowsOf(batch, CALLS_AT)).toEqual([{ id: "c1", src: "A", dst: "RTM", values: ["north"] }]);
  });

  it("refuses rows that do not fit", () => {
    const builder = new BatchBuilder(shapeOf(CALLS_AT));
    expect(() => builder.append(port("RTM"))).toThrow("invariant broken");
    expect(() => batchOf([ship("A"), ship("A")], SHIP)).toThrow("distinct");
    const uneven = new BatchBuilder(shapeOf(SHIP));
    uneven.ids.appendText("A");
    expect(() => uneven.finish()).toThrow("one length");
  });

  it("keeps a text as it is, a byte order mark at its start included", () => {
    const builder = new BatchBuilder(shapeOf(SHIP));
    builder.append(ship("\ufeffA", "\ufeffa name longer than what is read byte by byte", 7));
    expect(rowsOf(builder.finish().batch, SHIP)).toEqual([
      ship("\ufeffA", "\ufeffa name longer than what is read byte by byte", 7),
    ]);
  });

  it("fills a column that a row's own batch lacks with null", () => {
    const old = new BatchBuilder({ kind: "node", columns: new Map() });
    old.append({ id: "A", src: null, dst: null, values: [] });
    const builder = new BatchBuilder(shapeOf(SHIP));
    builder.appendFrom(old.finish().batch, 0);
    const { values } = rowsOf(builder.finish().batch, SHIP)[0];
    expect(values).toEqual(SHIP.properties.map(() => null));
  });
});

describe("finding a row", () => {
  it("goes by id, or by src, dst and id of an edge", () => {
    const ports = batchOf(
      Array.from({ length: 100 }, (_, i) => port(`P${i}`)),
      PORT,
    );
    for (let i = 0; i < 100; i++) expect(textAt(ports.ids, findRow(ports, [`P${i}`]))).toBe(`P${i}`);
    expect(findRow(ports, ["P100"])).toBe(-1);
    expect(findRow(ports, [""])).toBe(-1);
    const calls = batchOf([call("A", "X", "1"), call("A", "X", "2"), call("A", "Y", "1")], CALLS_AT);
    expect(findRow(calls, ["A", "X", "2"])).toBe(1);
    expect(findRow(calls, ["A", "Z", "1"])).toBe(-1);
  });
});

describe("the rows of a write", () => {
  it("stay inline until all types of the write together pass the limit", async () => {
    const ports = quickPorts();
    const storage = memoryStorage(ports);
    await initHarbour(storage, ports);
    const writer = (await openHarbour(storage, ports)).rowWriter();
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => port(`P${String(i).padStart(40, "0")}`));
    const half = many(400);
    expect(inlineBytes(batchOf(half, PORT))).toBeGreaterThan(INLINE_BYTES_MAX / 2);
    expect(await writer.write(PORT, half)).toMatchObject({ segments: [] });
    const second = await writer.write(PORT, half);
    expect(second.rows).toBeNull();
    expect(second.segments).toMatchObject([{ rows: 400 }]);
    expect((await writer.write(SHIP, [ship("A")])).rows?.length).toBe(1);
    expect(await writer.write(SHIP, [])).toEqual({ rows: null, segments: [] });
  });
});

describe("the cache of decoded objects", () => {
  it("drops what was used longest ago once its bytes are passed", () => {
    const cache = new ObjectCache(100);
    cache.put("a", "A", 40);
    cache.put("b", "B", 40);
    expect(cache.get<string>("a")).toBe("A");
    cache.put("c", "C", 40);
    expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual(["A", undefined, "C"]);
    cache.put("huge", "H", 101);
    expect(cache.get("huge")).toBeUndefined();
    expect(cache.get<string>("a")).toBe("A");
    cache.put("a", "A again", 60);
    expect([cache.get("a"), cache.get("c")]).toEqual(["A again", "C"]);
  });
});
