// Reads of generated graphs: 20,000 people over HTTP, and 100,000 people in this process.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Graph } from "../../src/engine/graph.ts";
import type { Bench } from "./bench.ts";
import { type Connection, connect, prepared, textOf } from "./connection.ts";
import { openInProcess } from "./in-process.ts";
import { digits, type Repeats, summarize, timed } from "./measure.ts";
import { PEOPLE_SCHEMA, type PeopleSize, personName, writePeople } from "./people.ts";
import { PEOPLE_QUERIES, type PeopleQuery } from "./people-queries.ts";
import { omnigraph, startServer } from "./processes.ts";
import { within } from "./serve.ts";
import type { BenchRow } from "./table.ts";

const SERVED: PeopleSize = { people: 20_000, follows: 400_000, cities: 500 };
const IN_PROCESS: PeopleSize = { people: 100_000, follows: 2_330_000, cities: 500 };
const POWER_LAW: PeopleSize = { people: 100_000, follows: 1_000_000, cities: 500, areFollowersSkewed: true };
const REPEATS: Repeats = { warmup: 30, runs: 150 };
const FEW: Repeats = { warmup: 2, runs: 7 };
const LOADS = 3;
const REACH_LOAD_ROWS = 250_000;
const REACH_LOOKUPS = 200_000;
const LOOKUPS = 400_000;
/** People to begin at, spread over the file. */
const STARTS = 64;

type Row = readonly [work: string, query: PeopleQuery, reach: number, peer: string];

const SERVED_ROWS: readonly Row[] = [
  ["distinct people two hops from one", "two_hops", 1.5, "16.9 ms"],
  ["distinct people up to three hops from one", "three_hops", 5, "48 ms"],
  ["three most followed", "most_followed", 10, "233 ms"],
  ["two-step paths out of the largest city, filtered", "city_paths", 25, "1,371 ms"],
  ["filter count", "older", 1, "4.1 ms"],
  ["group by city with an average", "city_ages", 2, "5.8 ms"],
  ["people of a city following nobody over 85", "following_nobody_old", 5, "49.9 ms"],
];

const IN_PROCESS_ROWS: readonly Row[] = [
  ["distinct people two hops from one", "two_hops", 1.5, "12.2 ms (an embedded engine)"],
  ["three most followed", "most_followed", 20, "305 ms (the same)"],
  ["two-step paths, counted", "all_paths", 8, "14.6 ms (the same)"],
];

export async function graphs(bench: Bench): Promise<BenchRow[]> {
  return [...(await served(bench)), ...(await inProcess(bench)), ...(await powerLaw(bench))];
}

const label = ({ people, follows }: PeopleSize) =>
  `${people.toLocaleString("en-US")} people, ${follows.toLocaleString("en-US")} follows`;

const nameParams = ({ people }: PeopleSize, run: number) => ({
  name: personName(((run % STARTS) * 7_919) % people),
});

async function served(bench: Bench): Promise<BenchRow[]> {
  const directory = join(bench.home, "people");
  const graph = join(directory, "graphs", "people.omni");
  const data = join(bench.home, "people.ndjson");
  bench.say(`load ${label(SERVED)} ${LOADS} times`);
  const rows = await writePeople(data, SERVED);
  await makeCluster(directory, bench.env);
  const loads: number[] = [];
  for (let run = 0; run < LOADS; run++) {
    const { ms } = await omnigraph(
      ["load", graph, "--data", data, "--mode", "overwrite", "--quiet"],
      bench.env,
    );
    loads.push(ms);
  }
  const rate = (rows * 1_000) / summarize(loads).median;
  const table: BenchRow[] = [
    {
      work: `load ${label(SERVED)}`,
      measured: `${digits(rate)} rows/s (median of ${LOADS})`,
      reach: "250,000 rows/s",
      peer: "229,900 rows/s",
      reached: rate >= REACH_LOAD_ROWS,
    },
  ];

  bench.say(`query ${label(SERVED)} over HTTP`);
  const server = await startServer(directory, bench.env);
  const connection = await connect(server.host, server.port);
  for (const [work, query, reach, peer] of SERVED_ROWS) {
    const ask = (run: number) => connection.ask(request(query, nameParams(SERVED, run)));
    const answer = await firstRow(connection, query, nameParams(SERVED, 0));
    table.push(within(`${work} (${answer})`, await timed(REPEATS, ask), reach, peer));
  }
  connection.close();
  await server.stop();
  return table;
}

const request = (query: PeopleQuery, params: Readonly<Record<string, string>>) =>
  prepared(`/graphs/people/queries/${query}`, { params });

/** The first row of an answer, for the label: figures for different answers cannot be compared. */
async function firstRow(
  connection: Connection,
  query: PeopleQuery,
  params: Readonly<Record<string, string>>,
): Promise<string> {
  const text = textOf(await connection.ask(request(query, params)));
  const { rows, row_count } = JSON.parse(text) as { rows: object[]; row_count: number };
  return row_count === 1 ? JSON.stringify(rows[0]) : `${row_count.toLocaleString("en-US")} rows`;
}

async function makeCluster(directory: string, env: Bench["env"]): Promise<void> {
  await mkdir(join(directory, "queries"), { recursive: true });
  const config = `version: 1
metadata: { name: people }
graphs:
  people:
    schema: people.pg
    queries: queries/
`;
  await writeFile(join(directory, "cluster.yaml"), config);
  await writeFile(join(directory, "people.pg"), PEOPLE_SCHEMA);
  await writeFile(join(directory, "queries", "people.gq"), Object.values(PEOPLE_QUERIES).join("\n\n"));
  await omnigraph(["cluster", "import", "--config", directory], env);
  await omnigraph(["cluster", "apply", "--config", directory], env);
}

/** Loads generated people into a graph of their own, and opens it here. */
async function loaded(bench: Bench, name: string, size: PeopleSize): Promise<Graph> {
  const directory = join(bench.home, `${name}.omni`);
  const schema = join(bench.home, `${name}.pg`);
  const data = join(bench.home, `${name}.ndjson`);
  bench.say(`load ${label(size)}`);
  await writeFile(schema, PEOPLE_SCHEMA);
  await writePeople(data, size);
  await omnigraph(["init", "--schema", schema, directory], bench.env);
  await omnigraph(["load", directory, "--data", data, "--mode", "overwrite", "--quiet"], bench.env);
  return openInProcess(directory);
}

async function ask(graph: Graph, query: PeopleQuery, params = {}): Promise<string> {
  return (await graph.query({ source: PEOPLE_QUERIES[query], params })).rowsJson();
}

async function inProcess(bench: Bench): Promise<BenchRow[]> {
  const graph = await loaded(bench, "people-100k", IN_PROCESS);
  bench.say(`query ${label(IN_PROCESS)} in process`);
  const table: BenchRow[] = [];
  for (const [work, query, reach, peer] of IN_PROCESS_ROWS) {
    const times = await timed(REPEATS, (run) => ask(graph, query, nameParams(IN_PROCESS, run)));
    table.push(within(`${work}, in process, ${label(IN_PROCESS)}`, times, reach, peer));
  }
  table.push(await lookups(graph));
  await graph.close();
  return table;
}

async function lookups(graph: Graph): Promise<BenchRow> {
  const params = Array.from({ length: STARTS }, (_, run) => nameParams(IN_PROCESS, run));
  const round = async (count: number) => {
    const started = performance.now();
    for (let run = 0; run < count; run++) await ask(graph, "person", params[run % STARTS]);
    return (count * 1_000) / (performance.now() - started);
  };
  await round(LOOKUPS / 4);
  const rate = await round(LOOKUPS);
  return {
    work: "point lookup in process, one after the other",
    measured: `${digits(rate)}/s`,
    reach: "200,000/s",
    peer: "",
    reached: rate >= REACH_LOOKUPS,
  };
}

async function powerLaw(bench: Bench): Promise<BenchRow[]> {
  const graph = await loaded(bench, "power-law", POWER_LAW);
  bench.say("count triangles");
  const corners = await ask(graph, "triangles");
  const times = await timed(FEW, () => ask(graph, "triangles"));
  await graph.close();
  return [within(`triangles of a power-law graph, ${label(POWER_LAW)} ${corners}`, times, 2_000, "")];
}
