import { describe, expect, it } from "bun:test";
import { tableFromIPC } from "apache-arrow";
import type { Value } from "../../src/query/plan.ts";
import { admitSchema, type NodeType } from "../../src/schema/index.ts";
import { memoryStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { batchOf, ObjectCache, type Row, rowsOf, type SegmentRef } from "../../src/store/index.ts";
import { segmentKey } from "../../src/store/layout.ts";
import { Objects } from "../../src/store/objects.ts";
import { readSegmentBatches } from "../../src/store/segment-read.ts";
import { batchRows, encodeSegment } from "../../src/store/segment-write.ts";
import { CALLS_AT, call, failureOf, PORT, port, quickPorts } from "./support.ts";

const EVERYTHING = admitSchema(
  `node Thing {
  key: String @key
  text: String?  yes: Bool?  i: I32?  u: U32?  l: I64?  ul: U64?  f: F32?  d: F64?
  day: Date?  at: DateTime?  v: Vector(3)?  file: Blob?  kind: enum(a, b)?
  texts: [String]?  flags: [Bool]?  longs: [I64]?  days: [Date]?
}
`,
  null,
).nodes.get("Thing") as NodeType;

const FULL: Readonly<Record<string, Value>> = {
  text: "naïve 🚢",
  yes: true,
  i: -2_147_483_648,
  u: 4_294_967_295,
  l: -9_223_372_036_854_775_808n,
  ul: 18_446_744_073_709_551_615n,
  f: Math.fround(0.1),
  d: 0.1,
  day: -719_162,
  at: 1_767_225_600_123,
  v: new Float32Array([1, -0.5, 3.25]),
  file: "sha256:00",
  kind: "b",
  texts: ["", "a", "é"],
  flags: [true, false, true],
  longs: [1n, -9_007_199_254_740_993n],
  days: [0, 19_782],
};
const EMPTY_LISTS: Readonly<Record<string, Value>> = {
  text: "",
  texts: [],
  flags: [],
  longs: [],
  days: [],
  d: -0,
};

function thing(key: string, values: Readonly<Record<string, Value>>): Row {
  const all: Readonly<Record<string, Value>> = { key, ...values };
  return {
    id: key,
    src: null,
    dst: null,
    values: EVERYTHING.properties.map(({ name }) => all[name] ?? null),
  };
}

/** Rows in turn full, empty and null. */
function things(count: number): Row[] {
  const kinds = [FULL, EMPTY_LISTS, {}];
  return Array.from({ length: count }, (_, i) => thing(`thing-${String(i).padStart(6, "0")}`, kinds[i % 3]));
}

interface Written {
  readonly storage: StorageAdapter;
  readonly objects: Objects;
  readonly segment: SegmentRef;
  readonly bytes: Uint8Array;
}

async function write(type: typeof EVERYTHING | typeof CALLS_AT, rows: readonly Row[]): Promise<Written> {
  const storage = memoryStorage(quickPorts());
  const { ref, bytes } = await encodeSegment("01SEGMENT", type, batchOf(rows, type));
  await storage.put(segmentKey(type.id, ref.id), bytes);
  return { storage, objects: new Objects(storage, new ObjectCache(1e8)), segment: ref, bytes };
}

async function readAll(
  { objects, segment }: Written,
  type: typeof EVERYTHING | typeof CALLS_AT,
): Promise<Row[]> {
  return (await readSegmentBatches(objects, segment)).flatMap((batch) => rowsOf(batch, type));
}

describe("a segment", () => {
  it("gives back rows of every type, with nulls, empty values and the ends of 64 bits", async () => {
    const rows = things(100);
    const written = await write(EVERYTHING, [...rows].reverse());
    expect(await readAll(written, EVERYTHING)).toEqual(rows);
    expect(written.segment).toMatchObject({ rows: 100, bytes: written.bytes.length, type: EVERYTHING.id });
    expect(written.segment.layouts).toContain("vector(3)");
    expect(written.segment.layouts).toContain("list<utf8>");
  });

  it("gives back edges in the order of src, dst and id", async () => {
    const rows = [call("b", "x", "2"), call("a", "y", "1"), call("b", "x", "1"), call("a", "x", "9")];
    const written = await write(CALLS_AT, rows);
    expect((await readAll(written, CALLS_AT)).map(({ src, dst, id }) => [src, dst, id])).toEqual([
      ["a", "x", "9"],
      ["a", "y", "1"],
      ["b", "x", "1"],
      ["b", "x", "2"],
    ]);
    expect(written.segment.batches[0]).toMatchObject({ least: "a", greatest: "b" });
  });

  it("splits into record batches that each come by a ranged read of their own", async () => {
    const rows = things(10_000);
    const written = await write(EVERYTHING, rows);
    const { storage, objects, segment } = written;
    expect(segment.batches.map((batch) => batch.rows)).toEqual([4096, 4096, 1808]);
    expect(segment.batches[1]).toMatchObject({ least: "thing-004096", greatest: "thing-008191" });
    storage.resetCounts();
    const [second] = await readSegmentBatches(objects, segment, [1]);
    expect(storage.counts()).toMatchObject({ get: 1, total: 1 });
    expect(rowsOf(second, EVERYTHING)).toEqual(rows.slice(4096, 8192));
    expect(await readAll(written, EVERYTHING)).toEqual(rows);
    expect(storage.counts().get).toBe(3);
    await readAll(written, EVERYTHING);
    expect(storage.counts().get).toBe(3);
  });

  it("answers several callers of one batch with one request", async () => {
    const { storage, objects, segment } = await write(EVERYTHING, things(3));
    storage.resetCounts();
    await Promise.all([1, 2, 3].map(() => readSegmentBatches(objects, segment)));
    expect(storage.counts().total).toBe(1);
  });

  it("is an Arrow file that other readers open, with names and stable ids", async () => {
    const { bytes } = await write(EVERYTHING, things(5000));
    const table = tableFromIPC(bytes);
    expect(table.numRows).toBe(5000);
    expect(table.batches).toHaveLength(2);
    expect(table.schema.fields[0].name).toBe("id");
    const text = table.schema.fields.find(({ name }) => name === "text");
    const property = EVERYTHING.properties.find(({ name }) => name === "text");
    expect(text?.metadata.get("omnigraph:id")).toBe(String(property?.id));
    const first = table.get(0)?.toJSON() ?? {};
    expect(first).toMatchObject({
      id: "thing-000000",
      text: "naïve 🚢",
      yes: true,
      ul: 18_446_744_073_709_551_615n,
    });
    expect(first.v?.toJSON()).toEqual([1, -0.5, 3.25]);
  });

  it("has batches of bounded size, aligned to whole words of bitmaps", () => {
    expect([1, 100_000, 2_000_000, 1e9].map(batchRows)).toEqual([4096, 4096, 7872, 65_536]);
  });

  it("is refused with its name when it is missing, cut short or altered", async () => {
    const damage: readonly (readonly [string, (written: Written, key: string) => Promise<unknown>])[] = [
      ["the segment is missing", ({ storage }, key) => storage.delete(key)],
      ["expected", ({ storage, bytes }, key) => storage.put(key, bytes.subarray(0, bytes.length >> 1))],
      [
        "record batch 0 fails its checksum",
        ({ storage, bytes, segment }, key) => {
          const altered = bytes.slice();
          altered[segment.batches[0].offset + segment.batches[0].length - 20] ^= 1;
          return storage.put(key, altered);
        },
      ],
    ];
    for (const [phrase, harm] of damage) {
      const written = await write(EVERYTHING, things(100));
      const key = segmentKey(EVERYTHING.id, written.segment.id);
      await harm(written, key);
      const failure = await failureOf(readAll(written, EVERYTHING));
      expect(failure).toMatchObject({ kind: "internal" });
      expect(failure.message).toContain(key);
      expect(failure.message).toContain(phrase);
    }
  });

  it("is refused when its bytes are not what its reference promises", async () => {
    const written = await write(PORT, [port("A"), port("B")]);
    const [batch] = written.segment.batches;
    const wrong: readonly Partial<SegmentRef>[] = [
      { batches: [{ ...batch, rows: 3 }] },
      { layouts: ["i64", "i64"] },
      { layouts: ["utf8", "list<utf8>"] },
      { layouts: ["utf8", "nonsense"] },
      { columns: written.segment.columns.slice(1), layouts: ["utf8"] },
    ];
    for (const change of wrong) {
      const segment = { ...written.segment, ...change };
      expect(await failureOf(readAll({ ...written, segment }, PORT))).toMatchObject({ kind: "internal" });
    }
  });
});
