// One run of the simulation: everything in it follows from the seed and the number of steps.

// The engine loads these when it first needs them. Loading takes a time that no seed knows, so it is done beforehand.
import "apache-arrow";
import "../../src/store/arrow-file.ts";
import type { Graph } from "../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { openMaintenance } from "../../src/engine/maintenance/index.ts";
import { decodeUtf8 } from "../../src/lib/utf8.ts";
import { type MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { type Action, exportedRecords, type Habits, runClient, type Society } from "./clients.ts";
import type { History } from "./history.ts";
import { type KeeperHabits, runKeeper } from "./keepers.ts";
import { records, SCHEMA } from "./model.ts";
import { Oracle } from "./oracle.ts";
import { Random } from "./random.ts";
import { Slot } from "./slot.ts";
import { Timeline } from "./timeline.ts";
import { CALM, startProcess, type Weather, type World, watchedBucket } from "./world.ts";
import type { WriteWeights } from "./writes.ts";

/** Milliseconds after which whatever is garbage may be deleted; what is younger than an hour may not. */
const GRACE_MS = 3 * 60 * 60_000;
/** More commits than any run makes. */
const KEEP_ALL = 1_000_000;

export interface SimulationOptions {
  readonly seed: number;
  /** What all clients do together, about. */
  readonly steps: number;
  /** Gets a line for each request and call. */
  readonly trace?: (line: string) => void;
  /** Breaks the store, for a test of the simulation itself. */
  readonly sabotage?: (bucket: MemoryBucket) => void;
}

/** What a run that went well amounts to; the same for the same seed. */
export interface SimulationResult {
  readonly commits: number;
  readonly branches: number;
  readonly events: number;
  /** Milliseconds of simulated time. */
  readonly elapsedMs: number;
  readonly requests: number;
  readonly crashes: number;
  /** Of the whole trace. */
  readonly digest: string;
}

/** A run found something wrong. */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
}

/** The command that runs a seed again. */
export const replayCommand = ({ seed, steps }: SimulationOptions): string =>
  `npm run sim -- --seed ${seed} --steps ${steps}`;

/** Throws SimulationError, with the command that replays the run, where anything is not as it should be. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const random = new Random(options.seed);
  const timeline = new Timeline();
  const weather = random.chance(0.15) ? CALM : someWeather(random);
  const habits = someHabits(random);
  const oracle = new Oracle(
    () => timeline.step,
    () => timeline.now(),
    weather === CALM,
  );
  const torn = new Set<string>();
  const bucket = watchedBucket(oracleWatcher(oracle), (key) => torn.has(key));
  options.sabotage?.(bucket);
  const digest = new Bun.CryptoHasher("sha256");
  const counts = { requests: 0, crashes: 0 };
  const trace = (line: string) => {
    const whole = `${timeline.step} ${timeline.now()} ${line}`;
    digest.update(whole);
    options.trace?.(whole);
    if (/ died: /.test(line)) counts.crashes++;
    else if (/^\S+ (?:get|head|put|list|delete)/.test(line)) counts.requests++;
  };
  const world: World = { timeline, bucket, weather, torn, trace };
  try {
    await timeline.run(live({ world, oracle, habits, takeStep: counter(options.steps) }, random));
    if (oracle.failure === null) await timeline.run(verify(world, oracle, random));
  } catch (thrown) {
    oracle.fail(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  }
  if (oracle.failure !== null)
    throw new SimulationError(`${oracle.failure}\nreplay with: ${replayCommand(options)}`);
  return {
    commits: oracle.history.commits.size,
    branches: oracle.history.branches.size,
    events: timeline.step,
    elapsedMs: timeline.now() - new Timeline().now(),
    ...counts,
    digest: digest.digest("hex"),
  };
}

function oracleWatcher(oracle: Oracle) {
  return {
    put: (key: string, text: () => string) => oracle.history.put(key, text),
    deleted: (key: string) => oracle.history.deleted(key),
    fail: (what: string) => oracle.fail(what),
  };
}

function counter(steps: number): () => boolean {
  let left = steps;
  return () => left-- > 0;
}

/** Makes the graph and lets everybody work on it until the steps are taken. */
async function live(society: Society, random: Random): Promise<void> {
  const { storage, ports } = startProcess(society.world, "founder", random.fork(), CALM);
  await initGraph({ storage, ports, schemaSource: SCHEMA });
  const slots = Array.from({ length: 1 + random.below(4) }, (_, i) => {
    const resident = random.chance(0.5);
    return new Slot(society.world, `p${i}`, random.fork(), ({ storage, ports }) =>
      openGraph({ storage, ports, forWriting: true, resident }),
    );
  });
  const clients = Array.from({ length: slots.length + random.below(5) }, (_, i) =>
    runClient(society, slots[i % slots.length], `c${i}`, random.fork()),
  );
  const keepers = Array.from({ length: society.habits.keepers.count }, (_, i) => {
    const slot = new Slot(society.world, `m${i}`, random.fork(), openMaintenance);
    return runKeeper(society, slot, `k${i}`, i === 0, random.fork());
  });
  await Promise.all([...clients, ...keepers]);
}

/** When all is quiet: the graph is what the history says, and still is when everything has gone that nobody needs. */
async function verify(world: World, oracle: Oracle, random: Random): Promise<void> {
  await inspect(world, oracle, random);
  const isExpired = random.chance(0.5);
  for (const keep of isExpired ? [KEEP_ALL, 1] : [KEEP_ALL]) {
    if (oracle.failure !== null) return;
    await world.timeline.sleep(GRACE_MS);
    const { storage, ports } = startProcess(world, "cleaner", random.fork(), CALM);
    const maintenance = await openMaintenance({ storage, ports });
    const operation = oracle.begin(`last-cleanup-${keep}`, { kind: "cleanup", policy: { keep } });
    await maintenance.cleanup({ keep });
    oracle.abandon(operation);
    for (const key of unreachable(world.bucket, oracle.history)) oracle.fail(`cleanup left ${key} behind`);
    await inspect(world, oracle, random);
  }
  if (isExpired && oracle.failure === null) await mergeEverything(world, oracle, random);
}

/** Whatever expired, every branch can be merged into every other, or there is a conflict. */
async function mergeEverything(world: World, oracle: Oracle, random: Random): Promise<void> {
  const { storage, ports } = startProcess(world, "merger", random.fork(), CALM);
  const graph = await openGraph({ storage, ports });
  const names = oracle.history.live().map(({ name }) => name);
  for (const [source, target] of names.flatMap((a) => names.map((b) => [a, b] as const))) {
    if (source === target) continue;
    const mark = `last-${source}-${target}`;
    const operation = oracle.begin(mark, { kind: "merge", source, target, isLast: false });
    world.trace(`${mark} begins`);
    try {
      oracle.merged(operation, (await graph.merge({ source, target, actor: mark })).outcome);
    } catch (thrown) {
      oracle.refused(operation, thrown);
    }
  }
  await graph.close();
}

/** A process that meets no faults sees what the history says, with and without what is derived. */
async function inspect(world: World, oracle: Oracle, random: Random): Promise<void> {
  const { storage, ports } = startProcess(world, "inspector", random.fork(), CALM);
  const graph = await openGraph({ storage, ports });
  const startedAt = world.timeline.step;
  oracle.listedBranches(startedAt, await graph.branches());
  const source = { bucket: withoutDerived(world.bucket), uri: `${storage.uri}-replayed` };
  const replayed = await openGraph({ storage: memoryStorage(ports, source), ports });
  for (const branch of oracle.history.live()) {
    const at = { branch: branch.name };
    oracle.listedCommits(startedAt, branch.name, await graph.commits(branch.name));
    oracle.exported(startedAt, at, await exportedRecords(graph, at));
    if (oracle.history.reclaimed.size === 0)
      oracle.exported(startedAt, at, await exportedRecords(replayed, at));
    await inspectPast(graph, oracle, startedAt, random.pick(branch.reigns).commit.id);
    const { datasets } = await graph.snapshot(at);
    const head = branch.reigns[branch.reigns.length - 1].commit;
    const counted = datasets.reduce((sum, { entity_count }) => sum + entity_count, 0);
    if (counted !== records(head.state).length) oracle.fail(`'${branch.name}' counts ${counted} entities`);
  }
  await graph.close();
}

async function inspectPast(graph: Graph, oracle: Oracle, startedAt: number, snapshot: string): Promise<void> {
  try {
    oracle.exported(startedAt, { snapshot }, await exportedRecords(graph, { snapshot }));
  } catch (thrown) {
    oracle.readRefused(startedAt, { snapshot }, thrown);
  }
}

/** Objects that nothing names any more: neither a live branch, nor what it was forked from, nor what was merged into it. */
function unreachable({ objects }: MemoryBucket, history: History): string[] {
  // What tells that a branch is deleted stays for as long as it has its name.
  const named = [...history.branches.values()].filter(
    ({ removedAt }) => removedAt === Number.POSITIVE_INFINITY,
  );
  const logs = new Set(named.flatMap(({ id, ancestors }) => [id, ...ancestors]));
  const texts: string[] = [];
  for (const log of logs) {
    for (const [key, { bytes }] of objects) {
      if (!key.startsWith(`branches/${log}/`)) continue;
      const text = decodeUtf8(bytes);
      texts.push(text);
      // What was merged into them leads back to where it came from.
      for (const id of history.branches.keys()) if (text.includes(id)) logs.add(id);
    }
  }
  const all = texts.join("\n");
  const isNamed = (key: string): boolean => {
    const [area, first, second] = key.split("/");
    if (area === "branches") return logs.has(first);
    if (area === "segments" || area === "deletes") return all.includes(second.replace(".arrow", ""));
    if (area === "schema")
      return all.includes(first.replace(".json", "")) || first.includes(history.firstSchema);
    return area === "dead" ? all.includes(first) : true;
  };
  return [...objects.keys()].filter((key) => !isNamed(key));
}

/** A copy of the bucket in which nothing derived is left: every state is replayed from the first entry on. */
function withoutDerived(bucket: MemoryBucket): MemoryBucket {
  const copy = new (bucket.constructor as new () => MemoryBucket)();
  for (const [key, object] of bucket.objects)
    if (!/\/checkpoint\/|\/hint\.json$|^index\/|^dead\//.test(key)) copy.objects.set(key, object);
  return copy;
}

/** Every run has its own mix of troubles, some of them none at all: rare ones do not hide behind common ones. */
function someWeather(random: Random): Weather {
  const rate = (most: number) => (random.chance(0.5) ? 0 : random.between(0, most));
  return {
    crash: rate(0.02),
    loseResponse: rate(0.05),
    serverError: rate(0.05),
    throttle: rate(0.05),
    conflict: rate(0.2),
    tear: rate(0.05),
    slow: rate(0.05),
    slowMs: random.pick([500, 5_000, 100_000]),
    outage: rate(0.5),
  };
}

/** The same for what clients do. */
function someHabits(random: Random): Habits {
  const weight = (most: number) => (random.chance(0.3) ? 0 : random.between(0, most));
  const hasBranches = random.chance(0.7);
  const branchy = (most: number) => (hasBranches ? weight(most) : 0);
  const actions: Record<Action, number> = {
    write: random.between(2, 8),
    conditional: weight(1),
    read: weight(3),
    past: weight(1),
    export: weight(1),
    list: weight(0.5),
    create: branchy(1),
    fork: branchy(0.7),
    delete: branchy(0.7),
    merge: branchy(1.5),
  };
  const writes: WriteWeights = {
    put: random.between(1, 5),
    "set-one": weight(2),
    "set-below": weight(1),
    "delete-one": weight(2),
    "delete-above": weight(0.5),
    owe: weight(4),
    settle: weight(1),
    note: weight(2),
    "long-note": random.chance(0.1) ? 0.5 : 0,
    raise: weight(1),
    "sign-up": weight(1),
    load: weight(3),
    schema: weight(0.5),
  };
  const branchNames = hasBranches ? ["left", "right", "up/down"].slice(0, 1 + random.below(3)) : [];
  const pauseMs = random.pick([5, 50, 500, 30 * 60_000]);
  const keepers: KeeperHabits = {
    count: random.chance(0.5) ? 0 : 1 + random.below(2),
    cleanup: random.between(0, 1),
    repair: random.chance(0.5) ? 0 : random.between(0, 0.5),
    pauseMs: pauseMs * 4,
  };
  return { actions, writes, toMain: random.between(0, 1), branchNames, pauseMs, keepers };
}
