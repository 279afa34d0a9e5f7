// What the groups share in one run: WordNet as NDJSON, a cluster that holds it, and a server on that cluster. Each is
// made when the first group asks for it, and afresh in every run.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { REPOSITORY } from "../build.ts";
import { COMMON_EDGES, wordnetSchema, writeWordnet } from "../wordnet.ts";
import { type Environment, omnigraph, type RunningServer, startServer } from "./processes.ts";
import { BENCH_QUERIES } from "./queries.ts";
import type { BenchRow } from "./table.ts";

/** A group of rows of the table. */
export type Group = (bench: Bench) => Promise<BenchRow[]>;

export interface Wordnet {
  /** The NDJSON file: all nodes, then all edges. */
  readonly data: string;
  readonly schema: string;
  /** Nodes and edges. */
  readonly rows: number;
  /** Keys of synsets, spread evenly over the file. */
  readonly names: readonly string[];
}

export interface Cluster {
  readonly directory: string;
  /** The storage of its one graph, `wordnet`, with everything loaded. */
  readonly graph: string;
}

export interface Bench {
  /** A directory of this run. */
  readonly home: string;
  /** For the binary: no configuration of the person who runs this may change what happens. */
  readonly env: Environment;
  /** Tells what is being done; not part of the result. */
  say(text: string): void;
  wordnet(): Promise<Wordnet>;
  cluster(): Promise<Cluster>;
  server(): Promise<RunningServer>;
  close(): Promise<void>;
}

const HOME = join(REPOSITORY, "dist", "bench");
/** Enough keys that lookups do not meet the same one soon. */
const NAMES_KEPT = 4_096;

export async function openBench(say: (text: string) => void): Promise<Bench> {
  await rm(HOME, { recursive: true, force: true });
  await mkdir(HOME, { recursive: true });
  const env = { OMNIGRAPH_HOME: join(HOME, "no-operator-config") };

  const wordnet = once(async () => {
    say("convert WordNet 3.1 to NDJSON");
    return makeWordnet();
  });
  const cluster = once(async () => {
    const { data, schema } = await wordnet.get();
    say("make a cluster and load WordNet");
    return makeCluster(data, schema, env);
  });
  const server = once(async () => {
    const { directory } = await cluster.get();
    say("start a server");
    return startServer(directory, env);
  });
  return {
    home: HOME,
    env,
    say,
    wordnet: wordnet.get,
    cluster: cluster.get,
    server: server.get,
    close: async () => (await server.made())?.stop(),
  };
}

async function makeWordnet(): Promise<Wordnet> {
  const data = join(HOME, "wordnet.ndjson");
  const schema = join(HOME, "wordnet.pg");
  const { nodes, edges } = await writeWordnet(data, COMMON_EDGES);
  await writeFile(schema, wordnetSchema(COMMON_EDGES));
  const lines = (await readFile(data, "utf8")).split("\n", nodes);
  const step = Math.ceil(nodes / NAMES_KEPT);
  const kept = lines.filter((_, line) => line % step === 0);
  return { data, schema, rows: nodes + edges, names: shuffled(kept.map(nameOf)) };
}

const nameOf = (line: string) => (JSON.parse(line) as { data: { name: string } }).data.name;

/** In an order of no meaning that is the same in every run: strides of a prime that does not divide the length. */
function shuffled(names: readonly string[]): string[] {
  const stride = names.length % 1_009 === 0 ? 1_013 : 1_009;
  return names.map((_, index) => names[(index * stride) % names.length]);
}

async function makeCluster(data: string, schema: string, env: Environment): Promise<Cluster> {
  const directory = join(HOME, "cluster");
  await mkdir(join(directory, "queries"), { recursive: true });
  const config = `version: 1
metadata: { name: bench }
graphs:
  wordnet:
    schema: wordnet.pg
    queries: queries/
`;
  await writeFile(join(directory, "cluster.yaml"), config);
  await writeFile(join(directory, "wordnet.pg"), await readFile(schema));
  await writeFile(join(directory, "queries", "bench.gq"), BENCH_QUERIES);
  await omnigraph(["cluster", "import", "--config", directory], env);
  await omnigraph(["cluster", "apply", "--config", directory], env);
  const graph = join(directory, "graphs", "wordnet.omni");
  await omnigraph(["load", graph, "--data", data, "--mode", "overwrite", "--quiet"], env);
  return { directory, graph };
}

/** A value made when first asked for. */
function once<T>(make: () => Promise<T>) {
  let value: Promise<T> | null = null;
  return {
    get: () => {
      value ??= make();
      return value;
    },
    /** Null where nobody asked, or where it could not be made. */
    made: async () => (value === null ? null : value.catch(() => null)),
  };
}
