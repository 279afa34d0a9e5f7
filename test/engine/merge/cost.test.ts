// What a merge costs: requests and rows follow what the two sides changed, whatever the graph holds besides.

import { beforeAll, describe, expect, it } from "bun:test";
import { GraphEngine } from "../../../src/engine/graph-engine.ts";
import { initGraph, openGraph } from "../../../src/engine/index.ts";
import { encodeUtf8 } from "../../../src/lib/utf8.ts";
import { decodeAccepted } from "../../../src/schema/index.ts";
import { MemoryBucket, memoryStorage } from "../../../src/storage/index.ts";
import { type GraphStore, openStore, type RowBatch } from "../../../src/store/index.ts";
import { waveProcess } from "../../support/waves.ts";
import { over, ports } from "../support.ts";

const PEOPLE = 250_000;
const FRIENDSHIPS = 250_000;
const SCHEMA = `node Person { name: String @key  mail: String? @unique  age: I32? }
edge Knows: Person -> Person @card(0..9) { since: I32? }
`;
/** Rows of a record batch at most, in segments of this size. */
const BATCH_ROWS = 4_096;
const TEST_MS_MAX = 60_000;
/** Lines handed over at once. */
const CHUNK = 10_000;

const big = new MemoryBucket();

const nameOf = (i: number) => `p${String(i).padStart(6, "0")}`;
const personLine = (i: number) =>
  `{"type":"Person","data":{"name":"${nameOf(i)}","mail":"${nameOf(i)}@example.org","age":${i % 90}}}`;
/** Person i knows the 7,919th after it, by an edge that has the number for its id. */
const friendshipLine = (i: number) =>
  `{"edge":"Knows","from":"${nameOf(i)}","to":"${nameOf((i + 7_919) % PEOPLE)}","data":{"id":"k${i}"}}`;

async function* everybody(): AsyncIterable<Uint8Array> {
  for (const [count, line] of [
    [PEOPLE, personLine],
    [FRIENDSHIPS, friendshipLine],
  ] as const) {
    for (let from = 0; from < count; from += CHUNK) {
      yield encodeUtf8(Array.from({ length: CHUNK }, (_, i) => `${line(from + i)}\n`).join(""));
    }
  }
}

beforeAll(async () => {
  const storage = memoryStorage(ports, { bucket: big, uri: "memory://merge-cost" });
  await initGraph({ storage, ports, schemaSource: SCHEMA });
  const graph = await openGraph({ storage, ports });
  await graph.load({ data: everybody, mode: "overwrite", actor: null });
  await graph.close();
}, TEST_MS_MAX);

/** The big graph, with a branch `side` of 100 changed rows, and some changes on main. */
async function changedGraph(): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  for (const [key, object] of big.objects) bucket.objects.set(key, object);
  const storage = memoryStorage(ports, { bucket, uri: `memory://merge-cost-${++made}` });
  const { graph, mutate, load } = over(storage, await openGraph({ storage, ports }));
  await graph.createBranch({ name: "side", actor: null });
  const numbers = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);
  // 40 people changed, 20 new ones with a friend each, and 5 who go with the two friendships that each has.
  const aged = numbers(1_000, 40).map((i) => ({
    type: "Person",
    data: { name: nameOf(i), mail: `${i}@new.org`, age: 99 },
  }));
  const born = numbers(0, 20).flatMap((i) => [
    { type: "Person", data: { name: `new-${i}`, mail: `new-${i}@new.org` } },
    { edge: "Knows", from: `new-${i}`, to: nameOf(1_000 + i) },
  ]);
  await load([...aged, ...born], "merge", "side");
  for (const i of numbers(100_000, 5)) await mutate(`delete Person where name = "${nameOf(i)}"`, {}, "side");
  await load(
    numbers(200_000, 15).map((i) => personLine(i).replace('"age":', '"age":1')),
    "merge",
    "side",
  );
  for (const i of numbers(150_000, 3))
    await mutate(`update Person set { age: 1 } where name = "${nameOf(i)}"`);
  await mutate(`insert Knows { from: "${nameOf(150_000)}", to: "${nameOf(150_002)}" }`);
  await graph.close();
  return bucket;
}
let made = 0;

interface Cost {
  /** The requests of each wave. */
  readonly waves: readonly (readonly string[])[];
  /** Of record batches that were decoded. */
  readonly rows: number;
}

/** What a new process asks and decodes to merge `side` into main. */
async function costOfMerge(bucket: MemoryBucket): Promise<Cost> {
  const process = waveProcess(bucket, ports);
  const opened = await openStore(process.storage, ports, { decodeSchema: decodeAccepted, branch: "side" });
  let rows = 0;
  const read: GraphStore["readSegmentBatches"] = async (segment, batches) => {
    const found: RowBatch[] = await opened.readSegmentBatches(segment, batches);
    for (const batch of found) rows += batch.length;
    return found;
  };
  const store: GraphStore = Object.assign(Object.create(opened), { readSegmentBatches: read });
  const engine = new GraphEngine(store, { storage: process.storage, ports }, Promise.resolve());
  expect((await engine.merge({ source: "side", actor: null })).outcome).toBe("merged");
  return { waves: process.waves, rows };
}

describe("a merge of 100 changed rows into 500,000", () => {
  it(
    "asks and decodes what the changed rows stand in, constraints and deleted nodes included",
    async () => {
      const { waves, rows } = await costOfMerge(await changedGraph());
      // The rows stand in three places of the people and in two of the friendships.
      expect(rows).toBeLessThanOrEqual(6 * BATCH_ROWS);
      const requests = waves.flat();
      // Two heads with their windows, and the put; each batch has a request of its own.
      expect(requests.length, requests.join("\n")).toBeLessThanOrEqual(50);
      expect(waves.length).toBeLessThanOrEqual(7);
    },
    TEST_MS_MAX,
  );
});

describe("a branch of a graph of 500,000", () => {
  it("is one put of a small object, and copies nothing", async () => {
    const bucket = new MemoryBucket();
    for (const [key, object] of big.objects) bucket.objects.set(key, object);
    const storage = memoryStorage(ports, { bucket, uri: `memory://merge-cost-${++made}` });
    const graph = await openGraph({ storage, ports });
    await graph.createBranch({ name: "side", actor: null });
    expect(storage.counts().put).toBe(1);
    const added = [...bucket.objects].filter(([key]) => !big.objects.has(key));
    expect(added.map(([key]) => key)).toEqual(["refs/side.json"]);
    expect(added[0][1].bytes.length).toBeLessThan(1_024);
  });
});
