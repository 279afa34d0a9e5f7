// One process that opens the million-node graph and reads it: memory is only that of the graph where nothing else runs
// beside it. Prints one JSON document.

import { readFileSync } from "node:fs";
import type { Graph } from "../../src/engine/graph.ts";
import { openInProcess } from "./in-process.ts";
import { timed } from "./measure.ts";
import { personName } from "./people.ts";
import { PEOPLE_QUERIES, type PeopleQuery } from "./people-queries.ts";

const REPEATS = { warmup: 20, runs: 50 };
const KIB = 1024;

/** The most memory that this process has held, in bytes; null where the system does not tell. */
function peakBytes(): number | null {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * KIB;
}

async function measure(graph: Graph, query: PeopleQuery, people: number) {
  const ask = async (run: number) => {
    const params = { name: personName((run * 7_919) % people) };
    return (await graph.query({ source: PEOPLE_QUERIES[query], params })).rowsJson();
  };
  const answer = await ask(0);
  return { answer, times: await timed(REPEATS, ask) };
}

const [directory, people] = process.argv.slice(2);
const graph = await openInProcess(directory);
const started = performance.now();
const threeHops = await measure(graph, "three_hops", Number(people));
const readyMs = performance.now() - started;
const older = await measure(graph, "older", Number(people));
console.log(JSON.stringify({ readyMs, threeHops, older, peakBytes: peakBytes() }));
await graph.close();
