// Reads over HTTP, from the binary's server on WordNet: lookups, closures, ranking and aggregates, whole answers included.

import type { Bench } from "./bench.ts";
import { type Connection, connect, textOf } from "./connection.ts";
import { describeTimes, digits, type Repeats, type Summary, timed } from "./measure.ts";
import { invoke } from "./queries.ts";
import type { BenchRow } from "./table.ts";
import { throughput } from "./throughput.ts";

const CONNECTIONS = 16;
const LOOKUPS: Repeats = { warmup: 1_000, runs: 3_000 };
const QUERIES: Repeats = { warmup: 30, runs: 200 };
const HUGE: Repeats = { warmup: 5, runs: 30 };
/** Of several words each, some of them frequent, so that postings of every length take part. */
const TEXTS = [
  "small boat propelled by oars",
  "a person who studies the stars",
  "instrument for measuring pressure",
  "move quickly through the air",
  "flowering plant of tropical America",
  "the act of making something clean",
  "having a sharp or pungent taste",
  "money paid for the use of land",
];

export async function serve(bench: Bench): Promise<BenchRow[]> {
  const { names } = await bench.wordnet();
  const server = await bench.server();
  const connection = await connect(server.host, server.port);
  const lookups = names.map((name) => invoke("synset", { name }));
  const ask = (repeats: Repeats, requests: readonly Uint8Array[]) =>
    timed(repeats, (run) => connection.ask(requests[run % requests.length]));
  const rows = (query: string, params = {}) => rowsOf(connection, invoke(query, params));

  bench.say("point lookups over HTTP");
  const lookup = await ask(LOOKUPS, lookups);
  const rate = await throughput(server, CONNECTIONS, (request) => lookups[request % lookups.length]);
  const table = [
    within("point lookup over HTTP, median", lookup, 0.5, "6.5 ms"),
    {
      work: `point lookup over HTTP, ${CONNECTIONS} connections`,
      measured: `${digits(rate)}/s`,
      reach: "8,000/s",
      peer: "83 to 300/s",
      reached: rate >= 8_000,
    },
  ];

  bench.say("closures, ranking and aggregates over HTTP");
  const queries: [work: string, query: string, params: object[], Repeats, ms: number, peer: string][] = [
    ["dog closure {1,20}", "kinds_of", [{ of: "dog.n.01" }], QUERIES, 2, "8.7 ms"],
    ["entity closure {1,20} limit 46199", "first_kinds_of", [{ of: "entity.n.01" }], HUGE, 60, "169 ms"],
    [
      "entity closure {1,20}, all of it",
      "kinds_of",
      [{ of: "entity.n.01" }],
      HUGE,
      60,
      "169 ms (46,199 rows)",
    ],
    ["bm25 top 10 over glosses", "gloss_top", TEXTS.map((text) => ({ text })), QUERIES, 3, "16.9 ms"],
    ["group by part of speech", "by_part_of_speech", [{}], QUERIES, 5, "55.5 ms"],
    ["ten most frequent parents", "top_parents", [{}], QUERIES, 10, "164 ms"],
  ];
  for (const [work, query, params, repeats, ms, peer] of queries) {
    const count = await rows(query, params[0]);
    const times = await ask(
      repeats,
      params.map((some) => invoke(query, { ...some })),
    );
    table.push(within(`${work} (${count.toLocaleString("en-US")} rows)`, times, ms, peer));
  }
  connection.close();
  return table;
}

async function rowsOf(connection: Connection, request: Uint8Array): Promise<number> {
  return (JSON.parse(textOf(await connection.ask(request))) as { row_count: number }).row_count;
}

/** A row whose median is to stay within so many milliseconds. */
export function within(work: string, times: Summary, ms: number, peer: string): BenchRow {
  return {
    work,
    measured: describeTimes(times),
    reach: `${ms} ms`,
    peer,
    reached: times.median <= ms,
  };
}
