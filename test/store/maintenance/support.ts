// Graphs for the tests of maintenance, and what they must still be able to tell afterwards.

import { expect } from "bun:test";
import type { Ports } from "../../../src/lib/ports.ts";
import { type Faults, MemoryBucket, memoryStorage } from "../../../src/storage/index.ts";
import type { CleanupReport, CommitRecord, GraphStore } from "../../../src/store/index.ts";
import { commit, contents, failureOf, initHarbour, openHarbour, quickPorts, SHIP, ship } from "../support.ts";

export const HOUR_MS = 60 * 60_000;

export interface Harbour {
  readonly ports: Ports & { advance(ms: number): void };
  readonly bucket: MemoryBucket;
  readonly store: GraphStore;
  /** Another process on the same bucket. */
  another(faults?: Faults): Promise<GraphStore>;
}

export async function harbour(): Promise<Harbour> {
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  await initHarbour(memoryStorage(ports, { bucket }), ports);
  const another = (faults?: Faults) =>
    openHarbour(memoryStorage(ports, { bucket, ...(faults === undefined ? {} : { faults }) }), ports);
  return { ports, bucket, store: await another(), another };
}

/** A copy that can be damaged. */
export function copyOf(bucket: MemoryBucket, except: (key: string) => boolean = () => false): MemoryBucket {
  const copy = new MemoryBucket();
  for (const [key, object] of bucket.objects) if (!except(key)) copy.objects.set(key, object);
  return copy;
}

export const keep = (store: GraphStore, versions: number): Promise<CleanupReport> =>
  store.cleanUp({ keep: versions, olderThanMs: null });

/** Cleans up as a process that comes much later. */
export async function keepLater({ ports, another }: Harbour, versions: number): Promise<CleanupReport> {
  ports.advance(2 * HOUR_MS);
  return keep(await another(), versions);
}

/** One commit for each number, every fifth with its row in a segment. */
export async function addMany(store: GraphStore, from: number, to: number, branch = "main"): Promise<void> {
  for (let i = from; i < to; i++) {
    const rows = [ship(`S${String(i).padStart(3, "0")}`)];
    await commit(store, { branch, changes: [{ type: SHIP, rows, asSegment: i % 5 === 0 }] });
    await store.settle();
  }
}

export interface Known {
  readonly record: CommitRecord;
  readonly contents: Awaited<ReturnType<typeof contents>>;
}

/** Every commit of a branch with its contents, newest first. */
export async function everything(store: GraphStore, branch = "main"): Promise<Known[]> {
  const head = await store.branch(branch).head();
  const known: Known[] = [];
  for (const record of await store.history(head)) {
    known.push({ record, contents: await contents(store, await store.stateAt(record.id, [head])) });
  }
  return known;
}

/** Checks which commits of a branch can be read, and that all are listed. */
export async function expectReadable(
  store: GraphStore,
  known: readonly Known[],
  readable: readonly number[],
  branch = "main",
): Promise<void> {
  const head = await store.branch(branch).head();
  expect(await store.history(head)).toEqual(known.map(({ record }) => record));
  for (const { record, contents: expected } of known) {
    if (readable.includes(record.version)) {
      expect(await contents(store, await store.stateAt(record.id, [head]))).toEqual(expected);
    } else {
      expect(await failureOf(store.stateAt(record.id, [head]))).toMatchObject({
        kind: "gone",
        message: expect.stringContaining(`commit '${record.id}' was reclaimed`),
      });
    }
  }
}

export const keysUnder = (bucket: MemoryBucket, prefix: string): string[] =>
  [...bucket.objects.keys()].filter((key) => key.startsWith(prefix));
