// What a new process pays on a graph of ten thousand commits: to stand at the head and at commits of the past, counted by
// the S3 server that it asks, and to list them all from a local directory.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemPorts } from "../../src/lib/ports.ts";
import type { MemoryBucket } from "../../src/storage/index.ts";
import { copyToServer, FIND_PERSON, histories, personName } from "../../test/support/history.ts";
import { type S3Request, type S3Server, startS3Server } from "../../test/support/s3-server.ts";
import type { Bench } from "./bench.ts";
import { timed } from "./measure.ts";
import { type Environment, omnigraph } from "./processes.ts";
import { within } from "./serve.ts";
import type { BenchRow } from "./table.ts";

const COMMITS = 10_000;
const COMMITS_IN_WORDS = COMMITS.toLocaleString("en-US");
/** So that requests made side by side overlap. */
const LATENCY_MS = 40;
const REACH_REQUESTS = 28;
const REACH_WAVES = 4;
/** The head, and one request for each of its packs of 512 commits. */
const REACH_LIST_REQUESTS = 21 + Math.ceil(COMMITS / 512);
const REACH_LIST_MS = 100;
/** Places in the list of commits, newest first, as shares of it. */
const PAST = [0.0005, 0.002, 0.03, 0.2, 0.5, 0.8, 0.999, 1];

interface Cost {
  readonly requests: number;
  readonly waves: number;
}

export async function deepHistory(bench: Bench): Promise<BenchRow[]> {
  bench.say(`make a history of ${COMMITS_IN_WORDS} commits`);
  const bucket = (await histories([COMMITS], systemPorts())).get(COMMITS);
  if (bucket === undefined) throw new Error("no history was made");
  return [...(await onS3(bench, bucket)), await listing(bench, bucket)];
}

async function onS3({ env, say }: Bench, bucket: MemoryBucket): Promise<BenchRow[]> {
  const server = await startS3Server({ latencyMs: LATENCY_MS });
  try {
    copyToServer(bucket, server, "deep.omni");
    const store = `s3://${server.bucket}/deep.omni`;
    const own = { ...env, ...server.env };
    const list = await costOf(server, ["commit", "list", "--store", store, "--json"], own);
    const { commits } = JSON.parse(list.stdout) as { commits: { graph_commit_id: string }[] };
    say("stand at the head and at commits of the past");
    const params = JSON.stringify({ name: personName(0) });
    const find = ["query", "-e", FIND_PERSON, "--params", params, "--store", store];
    const head = await costOf(server, find, own);
    const past: Cost[] = [];
    for (const share of PAST) {
      const { graph_commit_id } = commits[Math.round(share * (commits.length - 1))];
      past.push(await costOf(server, [...find, "--snapshot", graph_commit_id], own));
    }
    return [
      openRow("at the head", [head]),
      openRow(`at ${PAST.length} commits of the past`, past),
      {
        work: `commit list of ${COMMITS_IN_WORDS} commits, new process on S3`,
        measured: `${list.requests} requests`,
        reach: `at most ${REACH_LIST_REQUESTS} requests`,
        peer: "",
        reached: list.requests <= REACH_LIST_REQUESTS,
      },
    ];
  } finally {
    await server.stop();
  }
}

function openRow(where: string, costs: readonly Cost[]): BenchRow {
  const requests = Math.max(...costs.map((cost) => cost.requests));
  const waves = Math.max(...costs.map((cost) => cost.waves));
  return {
    work: `open ${where} after ${COMMITS_IN_WORDS} commits, new process on S3`,
    measured: `at most ${requests} requests in ${waves} waves`,
    reach: `at most ${REACH_REQUESTS} requests in ${REACH_WAVES} waves`,
    peer: "",
    reached: requests <= REACH_REQUESTS && waves <= REACH_WAVES,
  };
}

/** The requests of a command but those for rows, which are not part of opening. */
async function costOf(
  server: S3Server,
  words: readonly string[],
  env: Environment,
): Promise<Cost & { readonly stdout: string }> {
  server.clearRequests();
  const { stdout } = await omnigraph(words, env);
  const opening = server.requests.filter(({ key }: S3Request) => !/\/(?:segments|dead)\//.test(key));
  return { requests: opening.length, waves: new Set(opening.map(({ wave }) => wave)).size, stdout };
}

async function listing({ home, env, say }: Bench, bucket: MemoryBucket): Promise<BenchRow> {
  say("list the commits of a local graph");
  const graph = join(home, "deep.omni");
  for (const [key, { bytes }] of bucket.objects) {
    const path = join(graph, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  const times = await timed({ warmup: 2, runs: 15 }, async () => {
    const { stdout } = await omnigraph(["commit", "list", "--store", graph, "--json"], env);
    const { commits } = JSON.parse(stdout) as { commits: unknown[] };
    if (commits.length !== COMMITS + 1) throw new Error(`${commits.length} commits were listed`);
  });
  return within(`commit list of ${COMMITS_IN_WORDS} commits, new process, local`, times, REACH_LIST_MS, "");
}
