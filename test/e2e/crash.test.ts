// kill -9 at random moments: whatever a process was doing, its commit is there whole or not at all, what it acknowledged is
// there exactly once, and the next command works.

import { beforeAll, describe, expect, it, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import {
  bucketRoot,
  type Cluster,
  clusterFolder,
  file,
  type Place,
  placeAt,
  succeed,
  TEST_MS_MAX,
} from "./places.ts";
import { BUILD_MS_MAX, binary, type Environment, startServer, temporaryDirectory } from "./support.ts";

setDefaultTimeout(TEST_MS_MAX);

/** Milliseconds of each loop: enough for dozens of kills. */
const LOOP_MS = 2_000;
const WRITERS_LOOP_MS = 5_000;

let omnigraph: string;
beforeAll(async () => {
  omnigraph = await binary();
}, BUILD_MS_MAX);

/** Where things are kept: a fresh directory, or a fresh prefix of the live bucket. */
const STORAGES = [
  ["a directory", async () => ({ root: temporaryDirectory(), env: {} })],
  ["a bucket", bucketRoot],
] as const satisfies readonly (readonly [string, () => Promise<{ root: string; env: Environment }>])[];

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** Null where it was killed. */
  readonly code: number | null;
}

/** Runs the binary and kills it after so many milliseconds, unless it was faster. */
async function runAndKill(words: readonly string[], env: Environment, afterMs: number): Promise<Ended> {
  const child = Bun.spawn([omnigraph, ...words], {
    env: { ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(timer);
  return { stdout, stderr, code: child.exitCode };
}

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

interface Commit {
  readonly graph_commit_id: string;
  readonly parent_commit_id: string | null;
  readonly graph_manifest_version: number;
}

/** The commits of main, newest first; fails unless they are one chain down to the genesis. */
async function chain(place: Place): Promise<readonly Commit[]> {
  const { commits } = JSON.parse(await succeed(place.on("commit", "list", "--json"))) as {
    commits: Commit[];
  };
  const expected = commits.map((_, i) => commits[i + 1]?.graph_commit_id ?? null);
  expect(commits.map(({ parent_commit_id }) => parent_commit_id)).toEqual(expected);
  expect(commits.map(({ graph_manifest_version }) => graph_manifest_version)).toEqual(
    commits.map((_, i) => commits.length - i),
  );
  return commits;
}

async function exportedKeys(place: Place): Promise<readonly string[]> {
  const text = await succeed(place.on("export"));
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).data.id);
}

const ENTRY = "node Entry { key: String @key  writer: I32 }\n";
const ADD = "query add($key: String, $writer: I32) { insert Entry { key: $key, writer: $writer } }";

async function emptyGraph(root: string, env: Environment, schema = ENTRY): Promise<Place> {
  const uri = `${root}/g.omni`;
  const place = await placeAt(["--store", uri], { env });
  await succeed(place.run("init", "--schema", await file("s.pg", schema), uri));
  return place;
}

describe.each(STORAGES)("a kill on %s", (_, makeStorage) => {
  it("in the middle of a load leaves the whole commit or nothing", async () => {
    const { root, env } = await makeStorage();
    const place = await emptyGraph(
      root,
      env,
      "node Ship { name: String @key  age: I32 }\nedge To: Ship -> Ship\n",
    );
    const count = 10_000;
    const ships = Array.from(
      { length: count },
      (_, i) => `{"type":"Ship","data":{"name":"s${i}","age":${i}}}`,
    );
    const edges = ships.map((_, i) => `{"edge":"To","from":"s${i}","to":"s${(i * 7) % count}"}`);
    const data = await file("many.ndjson", [...edges, ...ships].join("\n"));
    const load = ["load", "--mode", "merge", "--data", data, "--quiet", ...place.graph];

    const wholeMs = await millisecondsOf(() => succeed(place.run(...load)));
    for (const end = Date.now() + LOOP_MS; Date.now() < end; ) {
      const before = (await chain(place)).length;
      const { code, stderr } = await runAndKill(load, env, Math.random() * wholeMs * 1.2);
      const commits = (await chain(place)).length;
      if (code === null) expect([before, before + 1]).toContain(commits);
      else expect([code, stderr, commits]).toEqual([0, "", before + 1]);
      const { datasets } = JSON.parse(await succeed(place.on("snapshot", "--json")));
      const counts = datasets.map(({ entity_count }: { entity_count: number }) => entity_count);
      // Edges have no key, so each load adds its own; ships are the same ones.
      expect(counts).toEqual([(commits - 1) * count, count]);
    }
    expect((await exportedKeys(place)).length).toBe(((await chain(place)).length - 1) * count + count);
  });

  it("in the middle of an init leaves a graph or none, and the next init or write works", async () => {
    const { root, env } = await makeStorage();
    const { run } = await placeAt([], { env });
    const schema = await file("s.pg", ENTRY);
    const wholeMs = await millisecondsOf(() =>
      succeed(run("init", "--schema", schema, `${root}/whole.omni`)),
    );
    for (let i = 0; i < 5; i++) {
      const uri = `${root}/${i}.omni`;
      await runAndKill(["init", "--schema", schema, uri], env, Math.random() * wholeMs * 1.2);
      const again = await run("init", "--schema", schema, uri);
      if (again.code !== 0) expect(again.stderr).toContain("already initialized");
      const place = await placeAt(["--store", uri], { env });
      await succeed(place.on("mutate", "-e", ADD, "--params", '{"key":"a","writer":1}'));
      expect(await exportedKeys(place)).toEqual(["a"]);
      expect((await chain(place)).length).toBe(2);
    }
  });

  it("in the middle of a cluster apply is mended by the next one", async () => {
    const { root, env } = await makeStorage();
    const cluster = await clusterFolder(`storage: ${root}/prod\n`, env);
    await succeed(cluster.run("cluster", "import"));
    const wholeMs = await millisecondsOf(() => succeed(cluster.run("cluster", "apply")));
    const apply = ["cluster", "apply", "--config", cluster.directory];
    let step = 0;
    for (const end = Date.now() + LOOP_MS; Date.now() < end; ) {
      await changeFolder(cluster, ++step);
      await runAndKill(apply, env, Math.random() * wholeMs * 1.2);
      await succeed(cluster.run("cluster", "status"));
      await converge(cluster);
      const atlas = await placeAt(["--store", `${root}/prod/graphs/atlas.omni`], { env });
      expect(await succeed(atlas.on("schema", "show"))).toContain(`p${step}: I32?`);
    }
  });

  it("of writers, again and again, loses nothing that was acknowledged and doubles nothing", async () => {
    const { root, env } = await makeStorage();
    const place = await emptyGraph(root, env);
    const add = (key: string, writer: number) => [
      "mutate",
      "-e",
      ADD,
      "--params",
      JSON.stringify({ key, writer }),
      ...place.graph,
    ];
    const wholeMs = await millisecondsOf(() => succeed(place.run(...add("first", -1))));
    const acknowledged = ["first"];
    const tried = ["first"];
    const end = Date.now() + WRITERS_LOOP_MS;
    const write = async (writer: number) => {
      for (let n = 0; Date.now() < end; n++) {
        const key = `${writer}-${n}`;
        tried.push(key);
        // Every other one may live as long as it wants. Four at once are slower than one alone.
        const afterMs = n % 2 === 0 ? Math.random() * wholeMs * 3 : TEST_MS_MAX;
        const { code, stderr } = await runAndKill(add(key, writer), env, afterMs);
        if (code === 0) acknowledged.push(key);
        else expect([code, stderr]).toEqual([null, expect.any(String)]);
      }
    };
    await Promise.all([0, 1, 2, 3].map(write));

    const keys = await exportedKeys(place);
    const found = new Set(keys);
    expect(found.size).toBe(keys.length);
    expect(acknowledged.filter((key) => !found.has(key))).toEqual([]);
    expect(keys.filter((key) => !tried.includes(key))).toEqual([]);
    expect((await chain(place)).length).toBe(keys.length + 1);
    await succeed(place.run(...add("last", 9)));
  });
});

/** Gives the folder another property, a query of it and one more graph. */
async function changeFolder({ directory }: Cluster, step: number): Promise<void> {
  const properties = Array.from({ length: step }, (_, i) => `p${i + 1}: I32?`).join("  ");
  await file("fleet.pg", `node Ship { name: String @key  ${properties} }\n`, directory);
  await file("queries/ships.gq", `query ships() { match { $s: Ship } return { $s.p${step} } }\n`, directory);
  const graphs = Array.from({ length: step }, (_, i) => `  more${i + 1}: { schema: fleet.pg }\n`).join("");
  const before = await Bun.file(join(directory, "cluster.yaml")).text();
  const head = before.slice(0, before.indexOf("graphs:"));
  await file(
    "cluster.yaml",
    `${head}graphs:\n  atlas: { schema: fleet.pg, queries: queries/ }\n${graphs}`,
    directory,
  );
}

/** Applies as an operator does: where the dead process left its lock, removes that and applies again. */
async function converge({ run }: Cluster): Promise<void> {
  const first = await run("cluster", "apply");
  const lock = /force-unlock (\w+)/.exec(first.stdout)?.[1];
  if (lock === undefined) {
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining("converged: true") });
    return;
  }
  expect(first.stdout).toContain("state_lock_held");
  await succeed(run("cluster", "force-unlock", lock));
  expect(await succeed(run("cluster", "apply"))).toContain("converged: true");
}

describe("a kill of a server", () => {
  it("under many writers loses nothing that it acknowledged, and the next server goes on", async () => {
    const cluster = await clusterFolder();
    await succeed(cluster.run("cluster", "import"));
    await succeed(cluster.run("cluster", "apply"));
    const serve = [
      omnigraph,
      "server",
      "--cluster",
      cluster.directory,
      "--bind",
      "127.0.0.1:0",
      "--unauthenticated",
    ];
    const acknowledged: string[] = [];
    const tried: string[] = [];
    for (let round = 0; round < 4; round++) {
      const server = await startServer(serve);
      let isAlive = true;
      const write = async (writer: number) => {
        for (let n = 0; isAlive; n++) {
          const key = `${round}-${writer}-${n}`;
          tried.push(key);
          if (await launch(server.url, key)) acknowledged.push(key);
        }
      };
      const writers = Promise.all(Array.from({ length: 16 }, (_, writer) => write(writer)));
      await Bun.sleep(100 + Math.random() * 300);
      await server.stop("SIGKILL");
      isAlive = false;
      await writers;
    }
    const place = await placeAt(["--store", join(cluster.directory, "graphs/atlas.omni")]);
    const keys = await exportedKeys(place);
    const found = new Set(keys);
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(found.size).toBe(keys.length);
    expect(acknowledged.filter((key) => !found.has(key))).toEqual([]);
    expect(keys.filter((key) => !tried.includes(key))).toEqual([]);
    expect((await chain(place)).length).toBe(keys.length + 1);
  });
});

/** Inserts one ship over HTTP; false where the server died before it answered. */
async function launch(url: string, name: string): Promise<boolean> {
  let response: Response;
  try {
    response = await fetch(`${url}/graphs/atlas/queries/launch`, {
      method: "POST",
      body: JSON.stringify({ params: { name } }),
    });
    await response.text();
  } catch {
    return false;
  }
  expect(response.status).toBe(200);
  return true;
}
