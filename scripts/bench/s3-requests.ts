// What the binary asks of a bucket, counted by the server that it asks: the suite's own, on this machine, which answers
// after a pause so that requests made side by side overlap and round trips show.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemPorts } from "../../src/lib/ports.ts";
import { ensureConditionalWrites, openStorage } from "../../src/storage/index.ts";
import {
  ADD_PERSON,
  copyToServer,
  FIND_PERSON,
  HISTORY_SCHEMA,
  histories,
  personName,
} from "../../test/support/history.ts";
import { type S3Request, type S3Server, startS3Server } from "../../test/support/s3-server.ts";
import type { Bench } from "./bench.ts";
import { connect, prepared } from "./connection.ts";
import { type Environment, omnigraph, startServer } from "./processes.ts";
import type { BenchRow } from "./table.ts";

const DEPTHS = [10, 200, 2_000] as const;
const LATENCY_MS = 40;
/** So long without a request, and whoever asked has nothing left to do. */
const CALM_MS = 6 * LATENCY_MS;
/** More than lie between two checkpoints. */
const SERVED_MUTATIONS = 20;

export async function s3Requests(bench: Bench): Promise<BenchRow[]> {
  bench.say(`make histories of ${DEPTHS.join(", ")} commits`);
  const ports = systemPorts();
  const buckets = await histories(DEPTHS, ports);
  const server = await startS3Server({ latencyMs: LATENCY_MS });
  try {
    const env = { ...bench.env, ...server.env };
    const costs: ProcessCosts[] = [];
    for (const [depth, bucket] of buckets) {
      bench.say(`new processes on S3 after ${depth.toLocaleString("en-US")} commits`);
      const root = `after-${depth}.omni`;
      const uri = `s3://${server.bucket}/${root}`;
      copyToServer(bucket, server, root);
      await ensureConditionalWrites(await openStorage(uri, { ...ports, env }), ports);
      costs.push(await newProcesses(server, uri, env));
    }
    bench.say("mutations in a running server on S3");
    return [await servedMutations(bench, server, env), ...processRows(costs)];
  } finally {
    await server.stop();
  }
}

interface Cost {
  readonly requests: number;
  /** Round trips one after the other, up to the one that made the change. */
  readonly waves: number;
}

interface ProcessCosts {
  readonly mutate: Cost;
  readonly read: Cost;
  readonly branchCreate: Cost;
  readonly branchMutate: Cost;
  readonly merge: Cost;
}

async function newProcesses(server: S3Server, uri: string, env: Environment): Promise<ProcessCosts> {
  const cost = async (...words: string[]): Promise<Cost> => {
    server.clearRequests();
    await omnigraph([...words, "--store", uri], env);
    return costOf(server.requests);
  };
  const add = (name: string) => ["mutate", "-e", ADD_PERSON, "--params", JSON.stringify({ name })];
  const find = ["query", "-e", FIND_PERSON, "--params", JSON.stringify({ name: personName(0) })];
  return {
    mutate: await cost(...add("on-main")),
    read: await cost(...find),
    branchCreate: await cost("branch", "create", "draft"),
    branchMutate: await cost(...add("on-draft"), "--branch", "draft"),
    merge: await cost("branch", "merge", "draft"),
  };
}

function costOf(requests: readonly S3Request[]): Cost {
  const published = requests.findLast(({ method, key }) => method === "PUT" && key.includes("/log/"));
  const first = requests[0]?.wave ?? 0;
  const last = (published ?? requests.at(-1))?.wave ?? 0;
  return { requests: requests.length, waves: last - first + 1 };
}

function processRows(costs: readonly ProcessCosts[]): BenchRow[] {
  const row = (
    work: string,
    of: (costs: ProcessCosts) => Cost,
    requests: number,
    peer: string,
  ): BenchRow => ({
    work: `${work}, new process on S3, after ${DEPTHS.join(" / ")} commits`,
    measured: `${costs.map((each) => of(each).requests).join(" / ")} requests`,
    reach: `at most ${requests} requests`,
    peer,
    reached: costs.every((each) => of(each).requests <= requests),
  });
  const mutate = row("one-row mutate", ({ mutate }) => mutate, 32, "77 in 69 waves; 896 at the 64th");
  const waves = costs.map(({ mutate }) => mutate.waves);
  return [
    {
      ...mutate,
      measured: `${mutate.measured} in ${waves.join(" / ")} waves`,
      reach: `${mutate.reach} in at most 5 waves`,
      reached: mutate.reached && waves.every((count) => count <= 5),
    },
    row("point read", ({ read }) => read, 28, "61; 488 after 64 commits"),
    row("branch create", ({ branchCreate }) => branchCreate, 10, "94; 643"),
    row("insert on a branch", ({ branchMutate }) => branchMutate, 40, "241; 1,766"),
    row("fast-forward merge of 1 row", ({ merge }) => merge, 48, "212; 1,432"),
  ];
}

/** What each mutation asks before it is acknowledged; checkpoints follow in the background and are waited for. */
async function servedMutations(bench: Bench, store: S3Server, env: Environment): Promise<BenchRow> {
  const directory = join(bench.home, "s3-cluster");
  await makeS3Cluster(directory, `s3://${store.bucket}/served`, env);
  const server = await startServer(directory, env);
  const connection = await connect(server.host, server.port);
  const puts: number[] = [];
  const others: number[] = [];
  for (let mutation = 0; mutation <= SERVED_MUTATIONS; mutation++) {
    await calm(store);
    store.clearRequests();
    const params = { name: personName(mutation) };
    await connection.ask(prepared("/graphs/people/mutate", { query: ADD_PERSON, params }));
    // The first one opens what the later ones find open.
    if (mutation === 0) continue;
    const asked = [...store.requests];
    puts.push(asked.filter(({ kind }) => kind === "put").length);
    others.push(asked.filter(({ kind }) => kind !== "put").length);
  }
  connection.close();
  await server.stop();
  return {
    work: "one-row mutation on S3 in a running server",
    measured: `${range(puts)} PUT, ${range(others)} other (n=${SERVED_MUTATIONS})`,
    reach: "exactly 1 PUT, at most 1 other",
    peer: "",
    reached: puts.every((count) => count === 1) && others.every((count) => count <= 1),
  };
}

async function makeS3Cluster(directory: string, root: string, env: Environment): Promise<void> {
  await mkdir(directory, { recursive: true });
  const config = `version: 1
metadata: { name: bench }
storage: ${root}
graphs:
  people:
    schema: people.pg
`;
  await writeFile(join(directory, "cluster.yaml"), config);
  await writeFile(join(directory, "people.pg"), HISTORY_SCHEMA);
  await omnigraph(["cluster", "import", "--config", directory], env);
  await omnigraph(["cluster", "apply", "--config", directory], env);
}

async function calm(server: S3Server): Promise<void> {
  for (let known = -1; known !== server.requests.length; ) {
    known = server.requests.length;
    await Bun.sleep(CALM_MS);
  }
}

function range(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(most) : `${least} to ${most}`;
}
