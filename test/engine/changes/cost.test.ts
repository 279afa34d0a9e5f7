// What telling changes costs: requests and rows follow what the commits name, whatever the graph holds besides.

import { beforeAll, describe, expect, it } from "bun:test";
import { ChangeReader } from "../../../src/engine/changes/index.ts";
import { initGraph, openGraph } from "../../../src/engine/index.ts";
import { decodeAccepted } from "../../../src/schema/index.ts";
import { MemoryBucket, memoryStorage } from "../../../src/storage/index.ts";
import type { RowBatch } from "../../../src/store/index.ts";
import { type GraphStore, openStore } from "../../../src/store/index.ts";
import { waveProcess } from "../../support/waves.ts";
import { ndjson, ports } from "../support.ts";
import { lines } from "./support.ts";

const PEOPLE = 40_000;
const LATER_COMMITS = 40;
const SCHEMA = `node Person { name: String @key  age: I32? }
edge Knows: Person -> Person { since: I32? }
`;

const bucket = new MemoryBucket();
let bigLoad = "";
let small: string[] = [];

const nameOf = (i: number) => `person-${String(i).padStart(6, "0")}`;

beforeAll(async () => {
  const storage = memoryStorage(ports, { bucket, uri: "memory://changes-cost" });
  await initGraph({ storage, ports, schemaSource: SCHEMA });
  const graph = await openGraph({ storage, ports });
  const people = Array.from({ length: PEOPLE }, (_, i) => ({
    type: "Person",
    data: { name: nameOf(i), age: i % 90 },
  }));
  const friends = Array.from({ length: PEOPLE }, (_, i) => ({
    edge: "Knows",
    from: nameOf(i),
    to: nameOf((i * 7919) % PEOPLE),
    data: { id: `knows-${(i * 104729) % PEOPLE}` },
  }));
  await graph.load({ data: () => ndjson([...people, ...friends]), mode: "append", actor: null });
  bigLoad = (await graph.commits())[0].graph_commit_id;
  for (let i = 0; i < LATER_COMMITS; i++) {
    await graph.mutate({
      source: `query m() { update Person set { age: ${100 + i} } where name = "${nameOf(i * 997)}" }`,
      actor: null,
    });
  }
  small = (await graph.commits()).slice(0, LATER_COMMITS).map((commit) => commit.graph_commit_id);
  await graph.close();
}, 60_000);

interface Counted {
  readonly changes: ChangeReader;
  readonly store: GraphStore;
  /** Requests so far, and rows of the record batches that were asked for. */
  counts(): { requests: number; waves: number; rows: number };
}

/** A new process that counts. */
async function newProcess(): Promise<Counted> {
  const process = waveProcess(bucket, ports);
  const opened = await openStore(process.storage, ports, { decodeSchema: decodeAccepted });
  let rows = 0;
  const read: GraphStore["readSegmentBatches"] = async (segment, batches) => {
    const found: RowBatch[] = await opened.readSegmentBatches(segment, batches);
    for (const batch of found) rows += batch.length;
    return found;
  };
  const store: GraphStore = Object.assign(Object.create(opened), { readSegmentBatches: read });
  const changes = new ChangeReader(store, () => {
    throw new Error("the changes of commits need no view of a head");
  });
  return {
    changes,
    store,
    counts: () => ({ requests: process.waves.flat().length, waves: process.waves.length, rows }),
  };
}

/** Rows of a record batch at most, in segments of this size. */
const BATCH_ROWS = 4096;

describe("the changes of a small commit in a large graph", () => {
  it("cost a cold process some requests and one record batch", async () => {
    for (const commit of [small[0], small[20], small[LATER_COMMITS - 1]]) {
      const { changes, counts } = await newProcess();
      const page = await changes.ofCommit({ commit });
      expect(page.changes).toHaveLength(1);
      const { requests, rows } = counts();
      expect(requests).toBeLessThanOrEqual(60);
      expect(rows).toBeLessThanOrEqual(2 * BATCH_ROWS);
    }
  });

  it("cost a process that knows the branch little more than the batch", async () => {
    const { changes, store, counts } = await newProcess();
    await store.branch("main").head();
    await changes.ofCommit({ commit: small[0] });
    const before = counts();
    await changes.ofCommit({ commit: small[0] });
    expect(counts().requests - before.requests).toBeLessThanOrEqual(3);
  });
});

describe("a poll over many small commits", () => {
  it("reads entries side by side, and a batch for each row at most", async () => {
    const { changes, counts } = await newProcess();
    const page = await changes.poll({ start: `after:${bigLoad}` });
    expect(page.blocks).toHaveLength(LATER_COMMITS);
    expect(page.blocks.every((block) => block.changes.length === 1)).toBe(true);
    const { requests, waves, rows } = counts();
    expect(requests).toBeLessThanOrEqual(100);
    expect(waves).toBeLessThanOrEqual(16);
    expect(rows).toBeLessThanOrEqual(2 * LATER_COMMITS * BATCH_ROWS);
  });

  it("costs one question where there is nothing new", async () => {
    const { changes, counts } = await newProcess();
    const { cursor } = await changes.poll({});
    if (cursor === undefined) throw new Error("a poll from now on ends with a cursor");
    const before = counts();
    expect((await changes.poll({ cursor })).caught_up).toBe(true);
    expect(counts().requests - before.requests).toBe(1);
  });
});

describe("the pages of a large commit", () => {
  it("read nodes as far as they go, wherever they begin", async () => {
    const first = await newProcess();
    const page = await first.changes.ofCommit({ commit: bigLoad, limit: 10 });
    expect(lines(page.changes)[9]).toBe(`insert node Person ${nameOf(9)}`);
    expect(first.counts().rows).toBeLessThanOrEqual(2 * BATCH_ROWS);

    let token = page.next_page_token;
    let told = page.changes.length;
    while (told < PEOPLE / 2) {
      const next = await first.changes.ofCommit({ commit: bigLoad, limit: 8192, pageToken: token });
      told += next.changes.length;
      token = next.next_page_token;
    }
    // Every batch up to there once: a walk goes on where it stopped.
    expect(first.counts().rows).toBeLessThanOrEqual(told + 2 * BATCH_ROWS);

    const second = await newProcess();
    const resumed = await second.changes.ofCommit({ commit: bigLoad, limit: 10, pageToken: token });
    expect(lines(resumed.changes)[0]).toBe(`insert node Person ${nameOf(told)}`);
    expect(second.counts().rows).toBeLessThanOrEqual(2 * BATCH_ROWS);
  });

  it("tell all of it once, edges by their id", async () => {
    const { changes } = await newProcess();
    const ids: string[] = [];
    for (let pageToken: string | undefined; ; ) {
      const page = await changes.ofCommit({ commit: bigLoad, kinds: ["edge"], limit: 8192, pageToken });
      ids.push(...page.changes.map(({ id }) => id));
      pageToken = page.next_page_token;
      if (pageToken === undefined) break;
    }
    expect(ids).toHaveLength(PEOPLE);
    expect(new Set(ids).size).toBe(PEOPLE);
    expect(ids).toEqual(ids.toSorted());
  });
});
