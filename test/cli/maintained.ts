// One graph wherever maintenance can address it, on storage whose objects a test can make older.

import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { createWorld, type Outcome, type Settings, type World } from "./support.ts";

const SCHEMA = `node Ship { imo: String @key  name: String?  hull: Vector(2)? @index  photo: Blob? }
node Port { code: String @key }
edge CallsAt: Ship -> Port
`;

const HOURS_MS = 2 * 60 * 60_000;

/** A graph and the ways to say where it is. */
export interface Place {
  readonly world: World;
  /** Words that address the graph. */
  readonly at: readonly string[];
  /** The same graph, for commands on data. */
  readonly uri: string;
  readonly settings: Settings;
  readonly isLocal: boolean;
  /** Makes everything stored two hours older. */
  age(): void;
  keys(): string[];
}

let started: Promise<S3Server> | null = null;

/** The bucket of this file's tests: started when first asked for, stopped by who asked. */
export function s3Server(): Promise<S3Server> {
  started ??= startS3Server();
  return started;
}

export async function run(place: Place, words: readonly string[], more: Settings = {}): Promise<Outcome> {
  return place.world.run([...words, ...place.at], { ...place.settings, ...more });
}

export async function json(place: Place, ...words: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run(place, [...words, "--json"]);
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

export function filesUnder(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function onDirectory(world: World, directory: string) {
  return {
    age: () => {
      const then = (Date.now() - HOURS_MS) / 1000;
      for (const file of filesUnder(directory)) utimesSync(file, then, then);
    },
    keys: () => filesUnder(directory).sort(),
    settings: {},
    isLocal: true,
    world,
  };
}

async function inBucket(world: World, prefix: string) {
  const s3 = await s3Server();
  const objects = () => [...(s3.buckets.get(s3.bucket)?.objects ?? [])];
  return {
    age: () => {
      for (const [key, object] of objects()) {
        if (!key.startsWith(prefix)) continue;
        const modifiedAt = new Date(object.modifiedAt.getTime() - HOURS_MS);
        s3.buckets.get(s3.bucket)?.objects.set(key, { ...object, modifiedAt });
      }
    },
    keys: () => objects().flatMap(([key]) => (key.startsWith(prefix) ? [key] : [])),
    settings: { env: s3.env },
    isLocal: false,
    world,
  };
}

export async function succeed(running: Promise<Outcome>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new Error(stderr);
}

/** A graph of its own, empty. */
async function graphAt(place: Omit<Place, "at" | "uri">, uri: string, at: readonly string[]): Promise<Place> {
  const schema = place.world.file("fleet.pg", SCHEMA);
  await succeed(place.world.run(["init", "--schema", schema, uri], place.settings));
  return { ...place, uri, at };
}

let clusters = 0;

/** An applied cluster whose ledger is at `storage`, or beside its folder. */
export async function clusterAt(
  world: World,
  { storage, ...settings }: Settings & { storage?: string } = {},
): Promise<string> {
  const folder = join(world.directory, `prod${++clusters}`);
  const files: Readonly<Record<string, string>> = {
    "cluster.yaml": `version: 1\n${storage === undefined ? "" : `storage: ${storage}\n`}graphs:\n  atlas: { schema: fleet.pg }\n`,
    "fleet.pg": SCHEMA,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  await succeed(world.run(["cluster", "import", "--config", folder], settings));
  await succeed(world.run(["cluster", "apply", "--config", folder], settings));
  return folder;
}

let prefixes = 0;
const freshPrefix = () => `maintained/${++prefixes}`;

export const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  "a path": async () => {
    const world = createWorld();
    return graphAt(onDirectory(world, world.directory), "g", ["g"]);
  },
  "file://": async () => {
    const world = createWorld();
    const uri = `file://${join(world.directory, "g")}`;
    return graphAt(onDirectory(world, world.directory), uri, [uri]);
  },
  "--store": async () => {
    const world = createWorld();
    return graphAt(onDirectory(world, world.directory), "g", ["--store", "g"]);
  },
  "a profile": async () => {
    const world = createWorld();
    const uri = join(world.directory, "g");
    world.config(`profiles: { night: { store: "${uri}" } }\n`);
    return graphAt(onDirectory(world, world.directory), uri, ["--profile", "night"]);
  },
  "the defaults": async () => {
    const world = createWorld();
    const uri = join(world.directory, "g");
    world.config(`defaults: { store: "${uri}" }\n`);
    return graphAt(onDirectory(world, world.directory), uri, []);
  },
  "s3://": async () => {
    const s3 = await s3Server();
    const prefix = freshPrefix();
    const uri = `s3://${s3.bucket}/${prefix}/g`;
    return graphAt(await inBucket(createWorld(), prefix), uri, [uri]);
  },
  "--cluster <folder>": async () => {
    const world = createWorld();
    const folder = await clusterAt(world);
    const at = ["--cluster", folder, "--graph", "atlas"];
    return { ...onDirectory(world, folder), uri: join(folder, "graphs/atlas.omni"), at };
  },
  "--cluster <name>": async () => {
    const world = createWorld();
    const folder = await clusterAt(world);
    world.config(`clusters: { fleet: { root: "${folder}" } }\n`);
    return {
      ...onDirectory(world, folder),
      uri: join(folder, "graphs/atlas.omni"),
      at: ["--cluster", "fleet"],
    };
  },
  "a profile of a cluster": async () => {
    const world = createWorld();
    const folder = await clusterAt(world);
    world.config(
      `clusters: { fleet: { root: "${folder}" } }\nprofiles: { admin: { cluster: fleet, default_graph: atlas } }\n`,
    );
    return {
      ...onDirectory(world, folder),
      uri: join(folder, "graphs/atlas.omni"),
      at: ["--profile", "admin"],
    };
  },
  "--cluster <folder> with its state in a bucket": async () => {
    const world = createWorld();
    const s3 = await s3Server();
    const prefix = freshPrefix();
    const root = `s3://${s3.bucket}/${prefix}`;
    const folder = await clusterAt(world, { env: s3.env, storage: root });
    // Whether the target is local is known once the folder was read.
    return {
      ...(await inBucket(world, prefix)),
      uri: `${root}/graphs/atlas.omni`,
      at: ["--cluster", folder, "--graph", "atlas"],
    };
  },
  "--cluster s3://": async () => {
    const world = createWorld();
    const s3 = await s3Server();
    const prefix = freshPrefix();
    const root = `s3://${s3.bucket}/${prefix}`;
    await clusterAt(world, { env: s3.env, storage: root });
    return {
      ...(await inBucket(world, prefix)),
      uri: `${root}/graphs/atlas.omni`,
      at: ["--cluster", root, "--graph", "atlas"],
    };
  },
};

/** Loads ships A, B, … one commit each. */
export async function launch(place: Place, ...names: readonly string[]): Promise<void> {
  for (const imo of names) {
    const data = place.world.file("ship.ndjson", `{"type":"Ship","data":{"imo":"${imo}"}}\n`);
    const words = ["load", "--mode", "merge", "--data", data, "--store", place.uri];
    await succeed(place.world.run(words, place.settings));
  }
}

export async function shipsOf(place: Place): Promise<string> {
  const { code, stdout, stderr } = await place.world.run(["export", "--store", place.uri], place.settings);
  return code === 0 ? stdout.replaceAll(/^.*"id":"(\w+)".*\n/gm, "$1 ") : stderr;
}
