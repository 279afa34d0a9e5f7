// How many commits a second one server makes on one branch for many clients, and what each costs in puts: on a local
// directory, and on a bucket whose puts take as long as those of a distant store.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADD_PERSON, HISTORY_SCHEMA } from "../../test/support/history.ts";
import { type S3Server, startS3Server } from "../../test/support/s3-server.ts";
import type { Bench } from "./bench.ts";
import { connect, prepared } from "./connection.ts";
import { digits } from "./measure.ts";
import { type Environment, omnigraph, type RunningServer, startServer } from "./processes.ts";
import type { BenchRow } from "./table.ts";
import { throughput } from "./throughput.ts";

const CLIENTS = 64;
const PUT_LATENCY_MS = 40;
/** Commits of one client alone whose puts are counted: fewer than make a checkpoint due. */
const ALONE = 16;
const REACH_LOCAL = 2_000;
const REACH_S3 = 500;
const REACH_PUTS_PER_COMMIT = 0.2;

export async function commitRate(bench: Bench): Promise<BenchRow[]> {
  // All clients are one actor, which may have them all at once.
  const env = { ...bench.env, OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX: String(2 * CLIENTS) };
  bench.say(`${CLIENTS} clients commit to one branch of a local graph`);
  const local = await onServer(join(bench.home, "rate-local"), null, env, commitsPerSecond);
  const work = `commits on one branch, ${CLIENTS} clients of one server`;
  return [
    {
      work: `${work}, local`,
      measured: `${digits(local)}/s`,
      reach: `${REACH_LOCAL.toLocaleString("en-US")}/s`,
      peer: "5.75/s with 16 clients",
      reached: local >= REACH_LOCAL,
    },
    ...(await onS3(bench, env, work)),
  ];
}

async function onS3(bench: Bench, env: Environment, work: string): Promise<BenchRow[]> {
  bench.say(`the same on S3 with ${PUT_LATENCY_MS} ms for each put`);
  const store = await startS3Server({ putLatencyMs: PUT_LATENCY_MS });
  try {
    const directory = join(bench.home, "rate-s3");
    const root = `s3://${store.bucket}/rate`;
    return await onServer(directory, root, { ...env, ...store.env }, async (server) => {
      const alone = await putsAlone(store, server);
      store.clearRequests();
      const begun = await commits(server);
      const rate = await commitsPerSecond(server);
      const puts = store.count("put") / ((await commits(server)) - begun);
      return [
        {
          work: `${work}, S3 with ${PUT_LATENCY_MS} ms a put`,
          measured: `${digits(rate)}/s`,
          reach: `${REACH_S3}/s`,
          peer: "",
          reached: rate >= REACH_S3,
        },
        {
          work: "puts a commit under that load, checkpoints included",
          measured: digits(puts),
          reach: `below ${REACH_PUTS_PER_COMMIT}`,
          peer: "",
          reached: puts < REACH_PUTS_PER_COMMIT,
        },
        {
          work: "puts a commit of one client alone",
          measured: alone.join(" "),
          reach: "exactly 1",
          peer: "",
          reached: alone.every((count) => count === 1),
        },
      ];
    });
  } finally {
    await store.stop();
  }
}

/** Runs `work` on a server of a fresh cluster with one graph, `people`, in the directory or under `root`. */
async function onServer<T>(
  directory: string,
  root: string | null,
  env: Environment,
  work: (server: RunningServer) => Promise<T>,
): Promise<T> {
  await mkdir(directory, { recursive: true });
  const storage = root === null ? "" : `storage: ${root}\n`;
  const config = `version: 1\n${storage}graphs:\n  people: { schema: people.pg }\n`;
  await writeFile(join(directory, "cluster.yaml"), config);
  await writeFile(join(directory, "people.pg"), HISTORY_SCHEMA);
  await omnigraph(["cluster", "import", "--config", directory], env);
  await omnigraph(["cluster", "apply", "--config", directory], env);
  const server = await startServer(directory, env);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

const commitsPerSecond = (server: RunningServer) => throughput(server, CLIENTS, (n) => add(`together-${n}`));

const add = (name: string) => prepared("/graphs/people/mutate", { query: ADD_PERSON, params: { name } });

/** The puts that each commit of a single client waits for. */
async function putsAlone(store: S3Server, server: RunningServer): Promise<number[]> {
  const connection = await connect(server.host, server.port);
  const counts: number[] = [];
  for (let commit = 0; commit < ALONE; commit++) {
    store.clearRequests();
    await connection.ask(add(`alone-${commit}`));
    counts.push(store.count("put"));
  }
  connection.close();
  return counts;
}

/** Commits on main so far. */
async function commits({ host, port }: RunningServer): Promise<number> {
  const response = await fetch(`http://${host}:${port}/graphs/people/snapshot`);
  return ((await response.json()) as { graph_manifest_version: number }).graph_manifest_version;
}
