// One small graph in each place that a command can address: a directory, a bucket, a server. What a command does wrong in
// one of them it may do right in another, so tests run it in all.

import { join } from "node:path";
import { liveS3 } from "../../scripts/s3.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { ulid } from "../../src/lib/ulid.ts";
import {
  binary,
  type Environment,
  type Finished,
  finish,
  type Server,
  startServer,
  temporaryDirectory,
} from "./support.ts";

export const FLEET = `node Ship {
  name: String @key
  age: I32?
  big: I64?
  huge: U64?
  kind: enum(cargo, tug)?
  built: Date?
  seen: DateTime?
  tags: [String]?
  pose: Vector(3)?
  note: String?
}
node Port { code: String @key  title: String }
node Log { text: String }
edge DocksAt: Ship -> Port { since: Date? }
edge Near: Port -> Port
`;

export const SHIPS = [
  '{"type":"Ship","data":{"name":"Aurora","age":3,"big":9007199254740993,"huge":18446744073709551615,"kind":"tug","built":"2001-02-03","seen":"2020-01-01T00:00:00Z","tags":["a","b"],"pose":[1,2,3],"note":"a fast ship"}}',
  '{"type":"Ship","data":{"name":"Boreas","age":9,"big":-9223372036854775808}}',
  '{"type":"Port","data":{"code":"OSL","title":"Oslo"}}',
  '{"type":"Port","data":{"code":"BGO","title":"Bergen"}}',
  '{"edge":"DocksAt","from":"Aurora","to":"OSL","data":{"since":"2020-05-05"}}',
  '{"edge":"DocksAt","from":"Boreas","to":"OSL"}',
  '{"edge":"Near","from":"OSL","to":"BGO"}',
  '{"type":"Log","data":{"text":"launched"}}',
];

/** Long enough for a test of many processes on a busy machine. */
export const TEST_MS_MAX = 60_000;

/** A file of lines, and where it is. */
export async function file(name: string, text: string, directory = temporaryDirectory()): Promise<string> {
  const path = join(directory, name);
  await Bun.write(path, text);
  return path;
}

export interface Place {
  /** The graph, as flags of a command that works on one. */
  readonly graph: readonly string[];
  /** Runs the binary with its environment, in its directory. */
  run(...words: readonly string[]): Promise<Finished>;
  /** As run, on the graph. */
  on(...words: readonly string[]): Promise<Finished>;
}

/** A place whose graph is where `graph` says. */
export async function placeAt(
  graph: readonly string[],
  { env = {}, cwd = temporaryDirectory() }: { env?: Environment; cwd?: string } = {},
): Promise<Place> {
  const omnigraph = await binary();
  const run = (...words: readonly string[]) => finish([omnigraph, ...words], { cwd, env });
  return { graph, run, on: (...words) => run(...words, ...graph) };
}

/** The words succeeded; answers what they printed. */
export async function succeed(running: Promise<Finished>): Promise<string> {
  const { code, stdout, stderr } = await running;
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}${stdout}`);
  return stdout;
}

export async function directoryPlace(directory = temporaryDirectory()): Promise<Place> {
  const place = await placeAt(["--store", join(directory, "fleet.omni")]);
  return filled(place, place.graph[1]);
}

/** A prefix of the live server's bucket that nobody else uses. */
export async function bucketRoot(): Promise<{ root: string; env: Environment }> {
  const { bucket, env } = await liveS3();
  return { root: `s3://${bucket}/e2e-${ulid(systemPorts())}`, env };
}

export async function bucketPlace(): Promise<Place> {
  const { root, env } = await bucketRoot();
  const graph = `${root}/fleet.omni`;
  return filled(await placeAt(["--store", graph], { env }), graph);
}

async function filled(place: Place, uri: string): Promise<Place> {
  await succeed(place.run("init", "--schema", await file("fleet.pg", FLEET), uri));
  await succeed(place.on("load", "--mode", "append", "--data", await file("ships.ndjson", SHIPS.join("\n"))));
  return place;
}

export interface Cluster {
  readonly directory: string;
  /** Runs the binary on the cluster's folder. */
  run(...words: readonly string[]): Promise<Finished>;
}

/** A folder with the graph `atlas` of the fleet, two stored queries, and what `more` adds to cluster.yaml; not applied. */
export async function clusterFolder(
  more = "",
  env: Environment = {},
  directory = temporaryDirectory(),
): Promise<Cluster> {
  await file("fleet.pg", FLEET, directory);
  await file(
    "queries/ships.gq",
    "query ships() { match { $s: Ship } return { $s.name } order { $s.name } }\n" +
      "query launch($name: String, $big: I64?) { insert Ship { name: $name, big: $big } }\n",
    directory,
  );
  await file(
    "cluster.yaml",
    `version: 1\n${more}graphs:\n  atlas: { schema: fleet.pg, queries: queries/ }\n`,
    directory,
  );
  const { run } = await placeAt([], { cwd: directory, env });
  return { directory, run };
}

export interface ServedPlace extends Place {
  readonly server: Server;
}

export async function serverPlace(): Promise<ServedPlace> {
  const cluster = await clusterFolder();
  await succeed(cluster.run("cluster", "import"));
  await succeed(cluster.run("cluster", "apply"));
  const server = await startServer(
    [await binary(), "server", "--cluster", cluster.directory, "--bind", "127.0.0.1:0", "--unauthenticated"],
    {},
  );
  const place = await placeAt(["--server", server.url, "--graph", "atlas"]);
  await succeed(place.on("load", "--mode", "append", "--data", await file("ships.ndjson", SHIPS.join("\n"))));
  return { ...place, server };
}

/** Everything that a graph shows of itself: rows, history, counts, branches. */
export async function picture(place: Place): Promise<readonly string[]> {
  return Promise.all(
    [["export"], ["commit", "list", "--json"], ["snapshot", "--json"], ["branch", "list"]].map((words) =>
      succeed(place.on(...words)),
    ),
  );
}
