// The simulated world: one bucket that everybody uses and the oracle watches, and processes on it that answers reach late
// or never, and that die.

import type { Ports } from "../../src/lib/ports.ts";
import { decodeUtf8 } from "../../src/lib/utf8.ts";
import {
  CrashError,
  type Fault,
  type Faults,
  MemoryBucket,
  memoryStorage,
  type StorageAdapter,
} from "../../src/storage/index.ts";
import type { Random } from "./random.ts";
import { simulatedPorts, type Timeline } from "./timeline.ts";

/** How bad storage is to one run: chances for each request, unless said otherwise. */
export interface Weather {
  readonly crash: number;
  readonly loseResponse: number;
  /** 500, with and without effect. */
  readonly serverError: number;
  /** 429. */
  readonly throttle: number;
  /** To conditional puts: 409 (nobody won yet), and 412 although nobody else won. */
  readonly conflict: number;
  /** Of a put that others cannot see yet: the process dies and leaves a part of the object. */
  readonly tear: number;
  /** A request or its answer takes up to `slowMs`. */
  readonly slow: number;
  readonly slowMs: number;
  /** Chance, when a process starts, that storage stops answering it for a while. */
  readonly outage: number;
}

export const CALM: Weather = {
  crash: 0,
  loseResponse: 0,
  serverError: 0,
  throttle: 0,
  conflict: 0,
  tear: 0,
  slow: 0,
  slowMs: 0,
  outage: 0,
};

export interface SimulatedProcess {
  readonly name: string;
  readonly storage: StorageAdapter;
  readonly ports: Ports;
  /** Resolves when the process dies; nothing of it goes on then. */
  readonly died: Promise<"died">;
}

/** Told of what happens to objects, at the moment it takes effect. */
export interface Watcher {
  put(key: string, text: () => string): void;
  deleted(key: string): void;
  fail(what: string): void;
}

/** Objects that are replaced: derived, or guarded by a condition. Everything else is written once. */
const REPLACED = /^refs\/|\/hint\.json$|\/floor\.json$|^probe\//;
/** Objects whose names nobody knows before they are whole: these a dying process may leave torn. */
const MAY_BE_TORN = /^(?:segments|deletes|dead|index)\//;

type Objects = MemoryBucket["objects"];

export function watchedBucket(watcher: Watcher, isTorn: (key: string) => boolean): MemoryBucket {
  const bucket = new MemoryBucket();
  const { objects } = bucket;
  const { set, delete: remove } = objects;
  objects.set = (key, object): Objects => {
    const before = objects.get(key);
    const isSame = before === undefined || Buffer.from(before.bytes).equals(object.bytes);
    if (!isSame && !REPLACED.test(key) && !isTorn(key)) watcher.fail(`${key} was overwritten`);
    set.call(objects, key, object);
    if (before === undefined || !isSame) watcher.put(key, () => decodeUtf8(object.bytes));
    return objects;
  };
  objects.delete = (key) => {
    if (objects.has(key)) watcher.deleted(key);
    return remove.call(objects, key);
  };
  return bucket;
}

/** Milliseconds that a request, and its answer, take at least and most of the time at most. */
const WAY_MS_MIN = 1;
const WAY_MS_MAX = 25;
/** Milliseconds of an outage, at most; and the time after the start of a process in which one may begin. */
const OUTAGE_MS_MAX = 150_000;
const OUTAGE_BEGINS_MS_MAX = 20_000;

let addresses = 0;

export interface World {
  readonly timeline: Timeline;
  readonly bucket: MemoryBucket;
  readonly weather: Weather;
  /** Names of objects that a dying process left in part. */
  readonly torn: Set<string>;
  readonly trace: (line: string) => void;
}

export function startProcess(world: World, name: string, random: Random, weather: Weather): SimulatedProcess {
  const { timeline, bucket } = world;
  let isDead = false;
  let die: (how: "died") => void = () => {};
  const died = new Promise<"died">((resolve) => {
    die = resolve;
  });
  const never = new Promise<never>(() => {});
  const live = simulatedPorts(timeline, random.fork());
  const sleep = async (ms: number): Promise<void> => {
    await timeline.sleep(ms);
    if (isDead) await never;
  };
  const ports: Ports = { ...live, sleep };
  const faults = weatherFaults(world, name, random.fork(), weather);
  // Caches know objects by their address: each process has addresses of its own, and so reads everything itself.
  const storage = memoryStorage(ports, { bucket, faults, uri: `memory://process-${++addresses}` });
  const distance = random.fork();
  const travel = () =>
    sleep(
      distance.chance(weather.slow)
        ? distance.below(weather.slowMs)
        : distance.between(WAY_MS_MIN, WAY_MS_MAX),
    );

  const request = async <T>(send: () => Promise<T>): Promise<T> => {
    await travel();
    try {
      return await send();
    } catch (thrown) {
      if (!(thrown instanceof CrashError)) throw thrown;
      isDead = true;
      world.trace(`${name} died: ${thrown.message}`);
      die("died");
      return never;
    } finally {
      await travel();
    }
  };
  return { name, storage: distant(storage, request), ports, died };
}

const REQUESTS = new Set<string | symbol>([
  "get",
  "getRange",
  "getStream",
  "head",
  "put",
  "putStream",
  "putIfAbsent",
  "putIfMatch",
  "list",
  "delete",
  "deletePrefix",
]);

/** The adapter with every request and every answer on its way for a while. */
function distant(
  storage: StorageAdapter,
  request: <T>(send: () => Promise<T>) => Promise<T>,
): StorageAdapter {
  return new Proxy(storage, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name === "under") return (prefix: string) => distant(target.under(prefix), request);
      if (!REQUESTS.has(name)) return member.bind(target);
      return (...values: readonly unknown[]) => request(() => member.apply(target, values));
    },
  });
}

function weatherFaults(world: World, name: string, random: Random, weather: Weather): Faults {
  const { timeline } = world;
  const outageFrom = random.chance(weather.outage)
    ? timeline.now() + random.below(OUTAGE_BEGINS_MS_MAX)
    : Number.POSITIVE_INFINITY;
  const outageUntil = outageFrom + random.below(OUTAGE_MS_MAX);
  return (call) => {
    const isConditional = call.method === "putIfAbsent" || call.method === "putIfMatch";
    const isPut = isConditional || call.method === "put";
    const fault = draw(isConditional, isPut && MAY_BE_TORN.test(call.key));
    if (fault?.kind === "tear") world.torn.add(call.key);
    const met = fault === null ? "" : `: ${JSON.stringify(fault)}`;
    world.trace(`${name} ${call.method} ${call.key}${met}`);
    return fault;
  };

  function draw(isConditional: boolean, mayTear: boolean): Fault | null {
    const now = timeline.now();
    if (now >= outageFrom && now < outageUntil) return { kind: "answer", status: 503 };
    if (random.chance(weather.crash)) return { kind: random.chance(0.5) ? "crash-before" : "crash-after" };
    if (random.chance(weather.loseResponse)) return { kind: "lose-response" };
    if (random.chance(weather.serverError))
      return { kind: "answer", status: 500, applied: random.chance(0.5) };
    if (random.chance(weather.throttle)) return { kind: "answer", status: 429 };
    if (mayTear && random.chance(weather.tear)) return { kind: "tear", bytes: random.below(200) };
    if (!isConditional || !random.chance(weather.conflict)) return null;
    return random.chance(0.5)
      ? { kind: "answer", status: 409 }
      : { kind: "answer", status: 412, applied: random.chance(0.5) };
  }
}
