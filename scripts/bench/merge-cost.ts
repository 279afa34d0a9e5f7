// Three-way merges in a running server and in a new process: what they take must follow what changed, not what is stored.

import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { connect, prepared, textOf } from "./connection.ts";
import { type Summary, summarize } from "./measure.ts";
import { type Environment, omnigraph, type RunningServer, startServer } from "./processes.ts";
import { within } from "./serve.ts";
import type { BenchRow } from "./table.ts";

const PEOPLE = 1_000_000;
const PEOPLE_CHANGED = 1_000;
const PEOPLE_SCHEMA = "node Person {\n  name: String @key\n  age: I32\n  about: String\n}\n";
/** Lines written at once. */
const CHUNK = 50_000;
const SYNSETS_CHANGED = 20;
const RUNS = 9;

/** A graph of a running server, and the changes of the nth merge, as NDJSON: on the source branch, and on main. */
interface Subject {
  readonly server: RunningServer;
  readonly graph: string;
  readonly changes: (run: number) => string;
  readonly meanwhile: (run: number) => string;
}

export async function mergeCost(bench: Bench): Promise<BenchRow[]> {
  const rows = (changed: number, stored: string) =>
    `merge of ${changed.toLocaleString("en-US")} changed rows into ${stored}`;
  bench.say(`merge ${SYNSETS_CHANGED} rows into WordNet`);
  const synsets = await mergesOf(await synsetsOf(bench));
  const directory = await peopleCluster(bench);
  bench.say(`merge ${PEOPLE_CHANGED} rows into ${PEOPLE}`);
  const server = await startServer(directory, bench.env);
  const people = await mergesOf({ server, graph: "people", ...PEOPLE_CHANGES });
  await server.stop();
  const alone = await mergesOfProcesses(join(directory, "graphs", "people.omni"), bench.home, bench.env);
  await rm(directory, { recursive: true });
  return [
    within(`${rows(SYNSETS_CHANGED, "WordNet's 117,791")}, running server`, synsets, 15, "203 ms"),
    within(`${rows(PEOPLE_CHANGED, "1,000,000")}, running server`, people, 300, ""),
    within(`${rows(PEOPLE_CHANGED, "1,000,000")}, new process`, alone, 300, ""),
  ];
}

async function synsetsOf(bench: Bench): Promise<Subject> {
  const { names } = await bench.wordnet();
  const synset = (name: string, gloss: string) =>
    JSON.stringify({ type: "Synset", data: { name, pos: "noun", words: ["bench"], gloss } });
  // Half of them are there already.
  const changes = (run: number) =>
    Array.from({ length: SYNSETS_CHANGED }, (_, i) => {
      const name = i % 2 === 0 ? names[run * SYNSETS_CHANGED + i] : `merged.bench.${run}.${i}`;
      return synset(name, `changed on a branch, number ${i}`);
    }).join("\n");
  const meanwhile = (run: number) => synset(`meanwhile.bench.${run}`, "came to main meanwhile");
  return { server: await bench.server(), graph: "wordnet", changes, meanwhile };
}

const person = (number: number, about: string) =>
  `{"type":"Person","data":{"name":"p${String(number).padStart(8, "0")}","age":${number % 90},"about":"${about} ${number}, and some more words so that a row has a size"}}`;

const PEOPLE_CHANGES: Pick<Subject, "changes" | "meanwhile"> = {
  // All over the type, each of them there already.
  changes: (run) =>
    Array.from({ length: PEOPLE_CHANGED }, (_, i) =>
      person((i * PEOPLE) / PEOPLE_CHANGED + run, `changed in run ${run}`),
    ).join("\n"),
  meanwhile: (run) => person(PEOPLE + run, "came to main meanwhile"),
};

/** A cluster with one graph, `people`. */
async function peopleCluster({ home, env, say }: Bench): Promise<string> {
  say(`load ${PEOPLE.toLocaleString("en-US")} rows`);
  const directory = join(home, "people");
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "cluster.yaml"), "version: 1\ngraphs:\n  people: { schema: people.pg }\n");
  await writeFile(join(directory, "people.pg"), PEOPLE_SCHEMA);
  await omnigraph(["cluster", "import", "--config", directory], env);
  await omnigraph(["cluster", "apply", "--config", directory], env);
  const data = join(home, "people.ndjson");
  for (let from = 0; from < PEOPLE; from += CHUNK) {
    const lines = Array.from({ length: CHUNK }, (_, i) => `${person(from + i, "somebody with number")}\n`);
    await appendFile(data, lines.join(""));
  }
  const graph = join(directory, "graphs", "people.omni");
  await omnigraph(["load", graph, "--data", data, "--mode", "overwrite", "--quiet"], env);
  await rm(data);
  return directory;
}

/** What merges over HTTP take; each of a branch of its own, made before main moved on. */
async function mergesOf({ server, graph, changes, meanwhile }: Subject): Promise<Summary> {
  const base = `http://${server.host}:${server.port}/graphs/${graph}`;
  const connection = await connect(server.host, server.port);
  const samples: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const source = `merge-${run}`;
    await post(`${base}/branches`, "application/json", JSON.stringify({ name: source }));
    await post(`${base}/load/ndjson?branch=${source}&mode=merge`, "application/x-ndjson", changes(run));
    await post(`${base}/load/ndjson?mode=merge`, "application/x-ndjson", meanwhile(run));
    const request = prepared(`/graphs/${graph}/branches/merge`, { source });
    const started = performance.now();
    const answer = await connection.ask(request);
    // The first one brings the type into memory.
    if (run > 0) samples.push(performance.now() - started);
    expectMerged(textOf(answer));
  }
  connection.close();
  return summarize(samples);
}

/** The same by commands of their own on the storage. */
async function mergesOfProcesses(graph: string, home: string, env: Environment): Promise<Summary> {
  const samples: number[] = [];
  const load = async (data: string, ...more: string[]) => {
    const file = join(home, "changes.ndjson");
    await writeFile(file, data);
    await omnigraph(["load", graph, "--data", file, "--mode", "merge", "--quiet", ...more], env);
  };
  for (let run = RUNS + 1; run <= 2 * RUNS; run++) {
    const source = `merge-${run}`;
    await load(PEOPLE_CHANGES.changes(run), "--branch", source, "--from", "main");
    await load(PEOPLE_CHANGES.meanwhile(run));
    const { ms, stdout } = await omnigraph(["branch", "merge", source, "--store", graph, "--json"], env);
    expectMerged(stdout);
    samples.push(ms);
  }
  return summarize(samples);
}

function expectMerged(answer: string): void {
  const { outcome } = JSON.parse(answer) as { outcome: string };
  if (outcome !== "merged") throw new Error(`expected a three-way merge, got ${answer}`);
}

async function post(url: string, type: string, body: string): Promise<void> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": type }, body });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}
