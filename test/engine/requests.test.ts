// What the common operations ask of a store, at every depth of history: requests, and round trips one after the other.

import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import type { Graph, GraphOptions } from "../../src/engine/graph.ts";
import { openGraph } from "../../src/engine/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { MemoryBucket } from "../../src/storage/index.ts";
import { addPerson, FIND_PERSON, histories, personName } from "../support/history.ts";
import { type WaveProcess, waveProcess } from "../support/waves.ts";

const ports = systemPorts();
const DEPTHS = [10, 200, 2_000] as const;
/** As many as lie between two checkpoints: each finds the log in another state. */
const PROCESSES = 17;

let buckets: ReadonlyMap<number, MemoryBucket>;

beforeAll(async () => {
  buckets = await histories(DEPTHS, ports);
  // Modules that load at their first use would split a wave.
  const warm = new MemoryBucket();
  for (const [key, object] of bucketAt(DEPTHS[0]).objects) warm.objects.set(key, object);
  await everything(warm);
}, 60_000);

type Waves = readonly (readonly string[])[];

interface Cost {
  /** Until the caller could have its answer. */
  readonly waves: Waves;
  /** With what the process did before it ended. */
  readonly requests: number;
}

/** Without what followed the put of the log entry, which is what makes a commit: a checkpoint keeps nobody waiting. */
function untilPublished(waves: Waves): Waves {
  const isPublishing = (request: string) => request.startsWith("putIfAbsent") && request.includes("/log/");
  const publishing = waves.findLastIndex((wave) => wave.some(isPublishing));
  return publishing < 0 ? waves : waves.slice(0, publishing + 1);
}

/** Runs one command as a new process does: opens, works, closes. */
async function inNewProcess(
  bucket: MemoryBucket,
  options: Pick<GraphOptions, "branch" | "forWriting">,
  work: (graph: Graph) => Promise<unknown>,
): Promise<Cost> {
  const process = waveProcess(bucket, ports);
  const graph = await openGraph({ storage: process.storage, ports, ...options });
  await work(graph);
  await graph.close();
  // Memory needs no mark that it keeps conditional puts; a bucket is asked for it, beside the first request.
  const mark = options.forWriting ? 1 : 0;
  return { waves: untilPublished(process.waves), requests: process.waves.flat().length + mark };
}

const mutate = (bucket: MemoryBucket, name: string, branch = "main") =>
  inNewProcess(bucket, { branch, forWriting: true }, (graph) => addPerson(graph, name, branch));

const find = (bucket: MemoryBucket, name: string, branch = "main") =>
  inNewProcess(bucket, { branch }, async (graph) => {
    const { rowCount } = await graph.query({ source: FIND_PERSON, params: { name }, branch });
    expect(rowCount).toBe(1);
  });

const createBranch = (bucket: MemoryBucket, name: string) =>
  inNewProcess(bucket, { forWriting: true }, (graph) => graph.createBranch({ name, actor: null }));

const mergeForward = (bucket: MemoryBucket, source: string) =>
  inNewProcess(bucket, { branch: source, forWriting: true }, async (graph) => {
    expect((await graph.merge({ source, actor: null })).outcome).toBe("fast_forward");
  });

async function everything(bucket: MemoryBucket): Promise<void> {
  await mutate(bucket, "warm");
  await find(bucket, "warm");
  await createBranch(bucket, "warm");
  await mutate(bucket, "warmer", "warm");
  await mergeForward(bucket, "warm");
}

function bucketAt(depth: number): MemoryBucket {
  const bucket = buckets.get(depth);
  if (bucket === undefined) throw new Error(`no history of ${depth} commits was made`);
  return bucket;
}

/** Shows the requests where a bound is passed: a number alone would not say why. */
function expectAtMost(cost: Cost, bound: { readonly requests: number; readonly waves?: number }): void {
  const isWithin =
    cost.requests <= bound.requests && cost.waves.length <= (bound.waves ?? Number.POSITIVE_INFINITY);
  expect(isWithin ? [] : cost.waves, `${cost.requests} requests, ${cost.waves.length} waves`).toEqual([]);
}

describe.each(DEPTHS)("A new process after %i commits", (depth) => {
  it("inserts a row with at most 32 requests, 5 waves of them before it is told", async () => {
    const bucket = bucketAt(depth);
    for (let process = 0; process < PROCESSES; process++) {
      expectAtMost(await mutate(bucket, `insert-${process}`), { requests: 32, waves: 5 });
    }
  });

  it("finds a row by its key with at most 28 requests", async () => {
    const bucket = bucketAt(depth);
    for (let process = 0; process < PROCESSES; process++) {
      await mutate(bucket, `find-${process}`);
      expectAtMost(await find(bucket, `find-${process}`), { requests: 28 });
      expectAtMost(await find(bucket, personName(0)), { requests: 28 });
    }
  });

  it("creates a branch with at most 10 requests", async () => {
    expectAtMost(await createBranch(bucketAt(depth), "created"), { requests: 10 });
  });

  it("inserts on a branch with at most 40 requests", async () => {
    const bucket = bucketAt(depth);
    await createBranch(bucket, "inserted");
    for (let process = 0; process < PROCESSES; process++) {
      expectAtMost(await mutate(bucket, `branch-${process}`, "inserted"), { requests: 40 });
    }
  });

  it("merges one row fast-forward with at most 48 requests", async () => {
    const bucket = bucketAt(depth);
    for (let process = 0; process < PROCESSES; process++) {
      await createBranch(bucket, `merged-${process}`);
      await mutate(bucket, `merge-${process}`, `merged-${process}`);
      expectAtMost(await mergeForward(bucket, `merged-${process}`), { requests: 48 });
    }
  });
});

describe.each(DEPTHS)("A running server after %i commits", (depth) => {
  let process: WaveProcess;
  let graph: Graph;

  beforeAll(async () => {
    process = waveProcess(bucketAt(depth), ports);
    graph = await openGraph({ storage: process.storage, ports, resident: true });
    await addPerson(graph, "first");
  });
  afterAll(() => graph.close());

  it("inserts a row with one put and at most one other request before it is told", async () => {
    for (let commit = 0; commit < PROCESSES; commit++) {
      await process.calm();
      const before = process.waves.length;
      await addPerson(graph, `served-${commit}`);
      const requests = untilPublished(process.waves.slice(before)).flat();
      expect(requests.filter((request) => request.startsWith("put"))).toHaveLength(1);
      expect(requests.length, requests.join(", ")).toBeLessThanOrEqual(2);
    }
  });
});
