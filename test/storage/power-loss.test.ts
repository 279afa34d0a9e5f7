// Power goes at any moment of a graph's life on a directory, and takes with it any part of what was not made durable.

import { describe, expect, it } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Graph } from "../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { seededUnit } from "../../src/storage/faults.ts";
import { fileStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { Disk, EVERYTHING, fingerprint, NOTHING_MORE, type Remains, restore, type Survival } from "./disk.ts";

const SCHEMA = `node Person { name: String @key  pad: String? }
edge Knows: Person -> Person
`;
/** Rows of a write that do not fit into its log entry. */
const LONG = "x".repeat(70_000);
/** Commits on main: past the length of a tail that asks for a checkpoint. */
const COMMITS = 20;
/** Cuts at one moment that keep a random part of what was not synced. */
const RANDOM_CUTS = 4;
/** Turns of the event loop that a sync takes, fewer than; some take long, so that others see what it is to make durable. */
const SYNC_TURNS_MAX = 6;
const SLOW_SYNC_TURNS_MAX = 200;
const SLOW_SYNCS = 0.3;
const SEEDS = [3, 5, 8];
const TIMEOUT_MS = 60_000;

const ports = systemPorts();

/** Something that a caller was told, and when. */
interface Told {
  readonly at: number;
  readonly fact:
    | { readonly kind: "graph" }
    | { readonly kind: "commit"; readonly branch: string; readonly mark: string }
    | { readonly kind: "branch"; readonly name: string }
    /** Told at its call: from then on the branch may be gone. */
    | { readonly kind: "deleting"; readonly name: string };
}

/** A disk on which a graph lived, and what its callers were told meanwhile. */
interface Life {
  readonly disk: Disk;
  readonly told: Told[];
}

/** One commit of three entities, which must all be there or none. */
async function write(
  { disk, told }: Life,
  graph: Graph,
  branch: string,
  mark: string,
  pad = "",
): Promise<void> {
  const source = `query m($a: String, $b: String, $p: String?) {
    insert Person { name: $a pad: $p }
    insert Person { name: $b }
    insert Knows { from: $a to: $b }
  }`;
  await graph.mutate({ source, params: { a: `${mark}-a`, b: `${mark}-b`, p: pad }, branch, actor: mark });
  told.push({ at: disk.moment, fact: { kind: "commit", branch, mark } });
}

/** Three processes that write at once: to main, and to branches of it that are merged and deleted. */
async function live(life: Life): Promise<void> {
  const tell = (fact: Told["fact"]) => life.told.push({ at: life.disk.moment, fact });
  // Another spelling of the root is another process to the caches.
  const processes = ["", "/.", "/./."].map((spelling) => fileStorage(life.disk.root + spelling, ports));
  await initGraph({ storage: processes[0], ports, schemaSource: SCHEMA });
  tell({ kind: "graph" });
  const [first, second, third] = await Promise.all(processes.map((storage) => openGraph({ storage, ports })));

  const writeMuch = async () => {
    for (let i = 0; i < COMMITS; i++) await write(life, first, "main", `first-${i}`, i % 7 === 3 ? LONG : "");
  };
  const writeSome = async () => {
    for (let i = 0; i < 6; i++) await write(life, third, "main", `third-${i}`);
  };
  const fork = async () => {
    for (const name of ["one", "two"]) {
      await second.createBranch({ name, actor: null });
      tell({ kind: "branch", name });
      await Promise.all([
        write(life, second, name, `${name}-1`),
        write(life, third, name, `${name}-2`),
        write(life, first, name, `${name}-3`),
      ]);
      await second.merge({ source: name, actor: `merge-${name}` });
      tell({ kind: "commit", branch: "main", mark: `merge-${name}` });
    }
    tell({ kind: "deleting", name: "one" });
    await second.deleteBranch({ name: "one", actor: null });
  };
  await Promise.all([writeMuch(), writeSome(), fork()]);
  for (const graph of [first, second, third]) await graph.close();
}

/** Syncs take some turns of the event loop, in which others go on. */
async function recordLife(seed: number): Promise<Life> {
  const random = seededUnit(seed);
  const disk = new Disk(join(temporaryDirectory(), "graph.omni"), async () => {
    const most = random() < SLOW_SYNCS ? SLOW_SYNC_TURNS_MAX : SYNC_TURNS_MAX;
    for (let turns = Math.floor(random() * most); turns > 0; turns--) await new Promise(setImmediate);
  });
  const life = { disk, told: [] };
  disk.record();
  try {
    await live(life);
  } finally {
    disk.stop();
  }
  return life;
}

/** What is wrong with a graph that was found after a cut; null for nothing. */
async function faultOf({ told }: Life, moment: number, directory: string): Promise<string | null> {
  const known = told.filter(({ at }) => at <= moment).map(({ fact }) => fact);
  const storage = fileStorage(directory, ports);
  let graph: Graph;
  try {
    graph = await openGraph({ storage, ports, forWriting: true });
  } catch (thrown) {
    const isAbsent = thrown instanceof OmnigraphError && thrown.kind === "not_found";
    return isAbsent && known.length === 0 ? null : `it does not open: ${thrown}`;
  }
  try {
    const deleting = new Set(known.flatMap((fact) => (fact.kind === "deleting" ? [fact.name] : [])));
    const branches = await graph.branches();
    for (const fact of known)
      if (fact.kind === "branch" && !branches.includes(fact.name) && !deleting.has(fact.name))
        return `branch '${fact.name}' is missing`;
    for (const branch of branches) {
      const marks = known.flatMap((fact) =>
        fact.kind === "commit" && fact.branch === branch ? [fact.mark] : [],
      );
      const fault = await faultOfBranch(graph, branch, marks).catch((thrown) => {
        const isClosed =
          thrown instanceof OmnigraphError && thrown.kind === "not_found" && deleting.has(branch);
        return isClosed ? null : `branch '${branch}' cannot be read: ${thrown}`;
      });
      if (fault !== null) return fault;
    }
    await graph.mutate({ source: 'query m() { insert Person { name: "after" } }', actor: null });
    return null;
  } finally {
    await graph.close();
  }
}

async function faultOfBranch(graph: Graph, branch: string, marks: readonly string[]): Promise<string | null> {
  const commits = (await graph.commits(branch)).map(({ actor_id }) => actor_id);
  const missing = marks.filter((mark) => !commits.includes(mark));
  if (missing.length > 0) return `branch '${branch}' lacks the commits ${missing}`;
  const source = "query q() { match { $a: Person $a knows $b } return { $a.name as a, $b.name as b } }";
  const pairs = (await graph.query({ source, branch })).rows();
  const people = (
    await graph.query({ source: "query q() { match { $a: Person } return { $a.name as a } }", branch })
  ).rowCount;
  const written = commits.filter((mark) => mark !== null && !mark.startsWith("merge-")).length;
  if (people !== 2 * pairs.length || pairs.length < written)
    return `branch '${branch}' holds parts: ${people} people, ${pairs.length} pairs, ${written} commits`;
  return pairs.every(({ a, b }) => `${a}`.slice(0, -2) === `${b}`.slice(0, -2)) ? null : "pairs are mixed up";
}

/** Every cut that can be told from those before it: by what is left, or by what was acknowledged until then. */
function* cuts({ disk, told }: Life, seed: number): Generator<{ moment: number; remains: Remains }> {
  const random = seededUnit(seed);
  const anyPart: Survival = (choices) => Math.floor(random() * choices);
  const seen = new Set<string>();
  for (let moment = 0; moment <= disk.moment; moment++) {
    const facts = told.filter(({ at }) => at <= moment).length;
    for (const survival of [
      NOTHING_MORE,
      EVERYTHING,
      ...Array.from({ length: RANDOM_CUTS }, () => anyPart),
    ]) {
      const remains = disk.cut(moment, survival);
      const mark = `${facts} ${fingerprint(remains)}`;
      if (!seen.has(mark)) yield { moment, remains };
      seen.add(mark);
    }
  }
}

async function openRemains(life: Life, moment: number, remains: Remains): Promise<string | null> {
  const directory = temporaryDirectory();
  try {
    restore(life.disk, remains, directory);
    return await faultOf(life, moment, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe("an object that a writer was told is durable", () => {
  const bytes = new Uint8Array(8);

  /** A writer whose syncs of directories hang once it has begun, and another one that goes on beside it. */
  async function beside(
    begin: (stalled: StorageAdapter) => Promise<unknown>,
    isVisible: (root: string, storage: StorageAdapter) => unknown,
    goOn: (storage: StorageAdapter) => Promise<unknown>,
  ): Promise<string[]> {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let isStalling = false;
    const stall = (kind: "file" | "directory") =>
      isStalling && kind === "directory" ? released : Promise.resolve();
    const disk = new Disk(temporaryDirectory(), stall);
    const [stalled, storage] = ["", "/."].map((spelling) => fileStorage(disk.root + spelling, ports));
    disk.record();
    try {
      for (const key of ["log/0", "refs/zero"]) await stalled.put(key, bytes);
      isStalling = true;
      const work = begin(stalled);
      while (!(await isVisible(disk.root, storage))) await new Promise(setImmediate);
      isStalling = false;
      await goOn(storage);
      const remains = disk.cut(disk.moment, NOTHING_MORE);
      release();
      await work;
      return [...remains.keys()].map((path) => path.slice(disk.root.length));
    } finally {
      disk.stop();
    }
  }

  it("outlives a power cut with the one that it follows, which was visible and not durable", async () => {
    const left = await beside(
      (stalled) => stalled.put("log/1", bytes),
      (_, storage) => storage.get("log/1"),
      (storage) => storage.put("refs/one", bytes),
    );
    expect(left).toContain("/refs/one");
    expect(left).toContain("/log/1");
  });

  it("outlives a power cut in a directory that another writer just made", async () => {
    const left = await beside(
      (stalled) => stalled.put("a/b/1", bytes),
      (root) => existsSync(join(root, "a/b")),
      (storage) => storage.put("a/b/2", bytes),
    );
    expect(left).toContain("/a/b/2");
  });
});

describe("a graph on a directory after a power cut", () => {
  for (const seed of SEEDS) {
    it(
      `has all that was acknowledged, whole, whatever was left of the rest (life ${seed})`,
      async () => {
        const life = await recordLife(seed);
        expect(life.told.length).toBeGreaterThan(COMMITS);
        for (const { moment, remains } of cuts(life, seed)) {
          const fault = await openRemains(life, moment, remains);
          if (fault !== null) throw new Error(`cut at event ${moment} of ${life.disk.moment}: ${fault}`);
        }
      },
      TIMEOUT_MS,
    );
  }
});
