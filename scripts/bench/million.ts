// A million people and ten million follows, which stand in no order in their file and have ids: loaded, in memory, and
// from a new process that reads only what it touches. Only on request, because it takes minutes.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openGraph } from "../../src/engine/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { openStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { REPOSITORY } from "../build.ts";
import type { Bench } from "./bench.ts";
import { digits, mebibytes, type Summary, timed } from "./measure.ts";
import { PEOPLE_SCHEMA, type PeopleSize, personName, writePeople } from "./people.ts";
import { PEOPLE_QUERIES, type PeopleQuery } from "./people-queries.ts";
import { type Finished, omnigraph } from "./processes.ts";
import { within } from "./serve.ts";
import type { BenchRow } from "./table.ts";

const SIZE: PeopleSize = { people: 1_000_000, follows: 10_000_000, cities: 500, areFollowsLoose: true };
const REACH_LOAD_ROWS_PER_SECOND = 100_000;
const REACH_LOAD_MEMORY_BYTES = 1.5 * 2 ** 30;
const REACH_MEMORY_BYTES = 1.5 * 2 ** 30;
const REACH_COLD_BYTES = 5 * 2 ** 20;
const COLD = { warmup: 2, runs: 15 };

interface Measured {
  readonly answer: string;
  readonly times: Summary;
}

interface ChildOutput {
  readonly readyMs: number;
  readonly threeHops: Measured;
  readonly older: Measured;
  readonly peakBytes: number | null;
}

export async function million(bench: Bench): Promise<BenchRow[]> {
  const graph = join(bench.home, "million.omni");
  const schema = join(bench.home, "million.pg");
  const data = join(bench.home, "million.ndjson");
  bench.say("load a million people and ten million follows");
  await writeFile(schema, PEOPLE_SCHEMA);
  const rows = await writePeople(data, SIZE);
  await omnigraph(["init", "--schema", schema, graph], bench.env);
  const words = ["load", graph, "--data", data, "--mode", "overwrite", "--quiet"];
  const loaded = await omnigraph(words, bench.env);
  return [...loading(rows, loaded), ...(await resident(bench, graph)), ...(await cold(bench, graph))];
}

function loading(rows: number, { ms, peakBytes }: Finished): BenchRow[] {
  const rate = (rows * 1_000) / ms;
  return [
    {
      work: "load a million nodes and ten million edges with ids, in no order",
      measured: `${digits(rate)} rows/s`,
      reach: "100,000 rows/s",
      peer: "",
      reached: rate >= REACH_LOAD_ROWS_PER_SECOND,
    },
    {
      work: "the same: most memory of the load",
      measured: peakBytes === null ? "not told by this system" : mebibytes(peakBytes),
      reach: "1.5 GiB",
      peer: "",
      reached: peakBytes !== null && peakBytes <= REACH_LOAD_MEMORY_BYTES,
    },
  ];
}

/** Reads in a process of their own. */
export async function resident(bench: Bench, graph: string): Promise<BenchRow[]> {
  bench.say("read it in memory");
  const child = Bun.spawn(
    [process.execPath, join(REPOSITORY, "scripts/bench/million-child.ts"), graph, String(SIZE.people)],
    { stdout: "pipe", stderr: "inherit" },
  );
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the process that reads the million-node graph failed");
  const { threeHops, older, peakBytes } = JSON.parse(text) as ChildOutput;
  return [
    {
      work: "a million nodes, ten million edges: most memory of the process that reads them",
      measured: peakBytes === null ? "not told by this system" : mebibytes(peakBytes),
      reach: "1.5 GiB",
      peer: "",
      reached: peakBytes !== null && peakBytes <= REACH_MEMORY_BYTES,
    },
    within(`the same: neighbourhood of three hops ${threeHops.answer}`, threeHops.times, 10, ""),
    within(`the same: filter scan of a numeric property ${older.answer}`, older.times, 5, ""),
  ];
}

/** Reads of new processes: their time with the binary, and the bytes that they take from storage. */
export async function cold(bench: Bench, graph: string): Promise<BenchRow[]> {
  bench.say("read it from new processes");
  const table: BenchRow[] = [];
  const rows: readonly [work: string, query: PeopleQuery][] = [
    ["point lookup", "person"],
    ["one hop", "followed"],
  ];
  for (const [work, query] of rows) {
    const times = await timed(COLD, (run) => {
      const params = JSON.stringify({ name: personName((run * 104_729) % SIZE.people) });
      const words = ["query", "--store", graph, "-e", PEOPLE_QUERIES[query], "--params", params, "--json"];
      return omnigraph(words, bench.env);
    });
    const bytes = await bytesRead(graph, query);
    table.push(within(`million nodes, ${work}, new process`, times, 200, ""), {
      work: `million nodes, ${work}, bytes read from storage`,
      measured: `${(bytes / 2 ** 20).toFixed(2)} MiB`,
      reach: "under 5 MiB",
      peer: "",
      reached: bytes < REACH_COLD_BYTES,
    });
  }
  return table;
}

/** Bytes that one read takes from storage in a process that holds nothing of the graph. */
async function bytesRead(graph: string, query: PeopleQuery): Promise<number> {
  const ports = systemPorts();
  const counted = countingReads(await openStorage(graph, ports));
  const opened = await openGraph({ storage: counted.storage, ports });
  await opened.query({ source: PEOPLE_QUERIES[query], params: { name: personName(SIZE.people - 77) } });
  await opened.close();
  return counted.bytes();
}

function countingReads(storage: StorageAdapter) {
  let bytes = 0;
  const counted: StorageAdapter = Object.assign(Object.create(storage) as StorageAdapter, {
    get: async (key: string) => {
      const object = await storage.get(key);
      bytes += object?.bytes.length ?? 0;
      return object;
    },
    getRange: async (key: string, offset: number, length: number) => {
      const range = await storage.getRange(key, offset, length);
      bytes += range?.length ?? 0;
      return range;
    },
  });
  return { storage: counted, bytes: () => bytes };
}
