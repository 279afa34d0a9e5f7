// Processes that write one branch and are killed at random, again and again: what they acknowledged is there once, and nobody
// is refused because somebody else died.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADD_PERSON, HISTORY_SCHEMA } from "../../test/support/history.ts";
import { BINARY } from "../build.ts";
import type { Bench } from "./bench.ts";
import { type Environment, omnigraph } from "./processes.ts";
import type { BenchRow } from "./table.ts";

const WRITERS = 6;
const RUN_MS = 20_000;
/** A life lasts up to so many times as long as a write alone takes: six at once take several times as long, and some must end. */
const LIFE = 12;
/** "Hundreds". */
const REACH_ACKNOWLEDGED = 200;

interface Outcome {
  readonly acknowledged: string[];
  readonly tried: string[];
  readonly refused: string[];
  killed: number;
}

export async function killedWriters({ home, env, say }: Bench): Promise<BenchRow[]> {
  const schema = join(home, "killed.pg");
  const graph = join(home, "killed.omni");
  await writeFile(schema, HISTORY_SCHEMA);
  await omnigraph(["init", "--schema", schema, graph], env);
  const { ms } = await omnigraph(addTo(graph, "alone"), env);

  say(`kill ${WRITERS} writing processes at random for ${RUN_MS / 1_000} s`);
  const outcome: Outcome = { acknowledged: ["alone"], tried: ["alone"], refused: [], killed: 0 };
  const end = performance.now() + RUN_MS;
  await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) => write(graph, env, writer, ms, end, outcome)),
  );

  const { acknowledged, tried, refused, killed } = outcome;
  const names = await namesIn(graph, env);
  const found = new Set(names);
  const lost = acknowledged.filter((name) => !found.has(name)).length;
  const attempted = new Set(tried);
  const strange = names.length - found.size + names.filter((name) => !attempted.has(name)).length;
  if (refused.length > 0) say(`refused, among others: ${refused[0]}`);
  return [
    {
      work: `${WRITERS} CLI processes on one branch for ${RUN_MS / 1_000} s, each killed at random`,
      measured: `${acknowledged.length} acknowledged, ${lost} lost, ${strange} doubled, ${refused.length} refused (${killed} kills)`,
      reach: "hundreds acknowledged, none lost, doubled or refused",
      peer: "2 acknowledged, 154 refused",
      reached: acknowledged.length >= REACH_ACKNOWLEDGED && lost + strange + refused.length === 0,
    },
  ];
}

const addTo = (graph: string, name: string) => [
  "mutate",
  "-e",
  ADD_PERSON,
  "--params",
  JSON.stringify({ name }),
  "--store",
  graph,
];

/** One process after the other, each with a life of random length, until the time is up. */
async function write(
  graph: string,
  env: Environment,
  writer: number,
  aloneMs: number,
  end: number,
  outcome: Outcome,
): Promise<void> {
  for (let n = 0; performance.now() < end; n++) {
    const name = `writer-${writer}-${n}`;
    outcome.tried.push(name);
    const child = Bun.spawn([BINARY, ...addTo(graph, name)], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: { PATH: process.env.PATH, ...env },
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), Math.random() * LIFE * aloneMs);
    const [stderr] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    clearTimeout(timer);
    if (child.signalCode !== null) outcome.killed++;
    else if (child.exitCode === 0) outcome.acknowledged.push(name);
    else outcome.refused.push(stderr.trim());
  }
}

async function namesIn(graph: string, env: Environment): Promise<string[]> {
  const { stdout } = await omnigraph(["export", graph], env);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => (JSON.parse(line) as { data: { name: string } }).data.name);
}
