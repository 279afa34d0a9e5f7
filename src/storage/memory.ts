// Objects in this process's memory, and a store that fails on request: the ground of the simulation. A bucket is what
// survives; an adapter is one process that uses it, and can be crashed without harm to the bucket.

import { OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type {
  ListOptions,
  ListPage,
  ObjectInfo,
  PutOutcome,
  RequestCounts,
  RequestKind,
  StorageAdapter,
  StoredObject,
  Version,
} from "./adapter.ts";
import type { RequestIntent } from "./classify.ts";
import { RequestCounter } from "./counter.ts";
import { CrashError, type Fault, type Faults, type StorageCall } from "./faults.ts";
import { checkKey, checkPrefix, checkRoot, joinKey } from "./keys.ts";
import { fillPage, type ListEntry } from "./listing.ts";
import { type Failed, putOutcome, type Reply, type Settled, settle } from "./retry.ts";

interface MemoryObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly version: Version;
  readonly modifiedAt: number;
}

/** What any number of memory adapters share. */
export class MemoryBucket {
  readonly objects = new Map<string, MemoryObject>();
  private revision = 0;

  /** A version that this bucket never gave before. */
  nextVersion(): Version {
    this.revision++;
    return `v${this.revision}`;
  }
}

export interface MemoryOptions {
  /** Without one, a bucket of its own. */
  readonly bucket?: MemoryBucket;
  readonly faults?: Faults;
  /** Without one, `memory://bucket`. */
  readonly uri?: string;
}

/** An adapter in memory: one process, which `faults` may slow, mislead or crash. */
export function memoryStorage(ports: Ports, options: MemoryOptions = {}): StorageAdapter {
  const process: Process = {
    ports,
    bucket: options.bucket ?? new MemoryBucket(),
    faults: options.faults ?? (() => null),
    counter: new RequestCounter(),
    calls: 0,
    crashed: null,
  };
  return new MemoryStorage(process, options.uri ?? "memory://bucket", "");
}

interface Process {
  readonly ports: Ports;
  readonly bucket: MemoryBucket;
  readonly faults: Faults;
  readonly counter: RequestCounter;
  calls: number;
  crashed: CrashError | null;
}

/** What the store itself does with a request: a value, or the status by which it turns it down. */
type Effect<T> = () => { readonly value: T } | { readonly status: number };

class MemoryStorage implements StorageAdapter {
  readonly kind = "memory";
  readonly endpoint = "memory";

  constructor(
    private readonly process: Process,
    readonly uri: string,
    private readonly root: string,
  ) {}

  async get(key: string): Promise<StoredObject | null> {
    const found = await this.read("get", key);
    return found === null ? null : { bytes: found.bytes.slice(), version: found.version };
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const found = await this.read("get", key);
    return found === null ? null : found.bytes.slice(offset, offset + length);
  }

  async getStream(key: string, offset = 0): Promise<AsyncIterable<Uint8Array> | null> {
    const found = await this.read("get", key);
    if (found === null) return null;
    const rest = found.bytes.slice(offset);
    return (async function* () {
      if (rest.length > 0) yield rest;
    })();
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const found = await this.read("head", key);
    return found === null ? null : { key, size: found.bytes.length, modifiedAt: found.modifiedAt };
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    this.expectDone("put", key, await this.write("put", key, bytes, () => null));
  }

  async putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    checkKey(key);
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk.slice());
    const bytes = Buffer.concat(parts);
    await this.put(key, bytes);
    return bytes.length;
  }

  putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome> {
    return this.conditional("putIfAbsent", key, bytes, (there) => (there === undefined ? null : 412));
  }

  putIfMatch(key: string, bytes: Uint8Array, version: Version): Promise<PutOutcome> {
    return this.conditional("putIfMatch", key, bytes, (there) => (there?.version === version ? null : 412));
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListPage> {
    checkPrefix(prefix);
    const settled = await this.request("list", "list", this.root + prefix, "read", () => ({
      value: this.entries(prefix, options),
    }));
    return fillPage(this.expectDone("list", prefix, settled), options);
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    const full = this.root + key;
    const settled = await this.request("delete", "delete", full, "write", () => ({
      value: this.process.bucket.objects.delete(full),
    }));
    this.expectDone("delete", key, settled);
  }

  async deletePrefix(prefix: string): Promise<void> {
    for (;;) {
      const { objects, next } = await this.list(prefix);
      for (const { key } of objects) await this.delete(key);
      if (next === null) return;
    }
  }

  under(prefix: string): StorageAdapter {
    const root = checkRoot(prefix);
    return new MemoryStorage(this.process, joinKey(this.uri, root), `${this.root}${root}/`);
  }

  counts(): RequestCounts {
    return this.process.counter.counts();
  }

  resetCounts(): void {
    this.process.counter.reset();
  }

  private async read(method: "get" | "head", key: string): Promise<MemoryObject | null> {
    checkKey(key);
    const full = this.root + key;
    const settled = await this.request<MemoryObject>(method, method, full, "read", () => {
      const found = this.process.bucket.objects.get(full);
      return found === undefined ? { status: 404 } : { value: found };
    });
    return settled.verdict === "missing" ? null : this.expectDone(method, key, settled);
  }

  /** `refusal` looks at what is there and answers the status of a failed condition, or null. */
  private write(
    method: "put" | "putIfAbsent" | "putIfMatch",
    key: string,
    bytes: Uint8Array,
    refusal: (there: MemoryObject | undefined) => number | null,
  ): Promise<Settled<Version>> {
    checkKey(key);
    const full = this.root + key;
    const { bucket, ports } = this.process;
    const store = (kept: Uint8Array): ReturnType<Effect<Version>> => {
      const status = refusal(bucket.objects.get(full));
      if (status !== null) return { status };
      const version = bucket.nextVersion();
      bucket.objects.set(full, { bytes: new Uint8Array(kept), version, modifiedAt: ports.now() });
      return { value: version };
    };
    const intents = { put: "write", putIfAbsent: "put-if-absent", putIfMatch: "put-if-match" } as const;
    return this.request(
      method,
      "put",
      full,
      intents[method],
      () => store(bytes),
      (kept) => store(bytes.subarray(0, kept)),
    );
  }

  private async conditional(
    method: "putIfAbsent" | "putIfMatch",
    key: string,
    bytes: Uint8Array,
    refusal: (there: MemoryObject | undefined) => number | null,
  ): Promise<PutOutcome> {
    const settled = await this.write(method, key, bytes, refusal);
    return putOutcome(settled, (failed) => this.fail(method, key, failed));
  }

  private async *entries(prefix: string, options: ListOptions): AsyncGenerator<ListEntry> {
    const keys = [...this.process.bucket.objects.keys()]
      .filter((full) => full.startsWith(this.root + prefix))
      .map((full) => full.slice(this.root.length))
      .filter((key) => options.startAfter === undefined || compareUtf8(key, options.startAfter) > 0)
      .sort(compareUtf8);
    let group: string | null = null;
    for (const key of keys) {
      const end = options.delimiter === undefined ? -1 : key.indexOf(options.delimiter, prefix.length);
      if (end < 0) {
        const found = this.process.bucket.objects.get(this.root + key);
        if (found === undefined) continue;
        yield { kind: "object", object: { key, size: found.bytes.length, modifiedAt: found.modifiedAt } };
      } else if (key.slice(0, end + 1) !== group) {
        group = key.slice(0, end + 1);
        yield { kind: "prefix", prefix: group };
      }
    }
  }

  private request<T>(
    method: StorageCall["method"],
    kind: RequestKind,
    key: string,
    intent: RequestIntent,
    effect: Effect<T>,
    tear?: (bytes: number) => void,
  ): Promise<Settled<T>> {
    const { process } = this;
    return settle(process.ports, intent, () =>
      process.counter.track(kind, async () => {
        if (process.crashed !== null) throw process.crashed;
        const call = { index: process.calls++, method, key };
        const fault = process.faults(call);
        // A request takes at least one turn, so that calls made side by side are under way together.
        await (fault?.kind === "latency" ? process.ports.sleep(fault.ms) : Promise.resolve());
        if (process.crashed !== null) throw process.crashed;
        return answer(process, call, fault, effect, tear);
      }),
    );
  }

  private expectDone<T>(method: string, key: string, settled: Settled<T>): T {
    return settled.verdict === "done" ? settled.value : this.fail(method, key, settled);
  }

  private fail(method: string, key: string, { cause }: Failed): never {
    throw new OmnigraphError(
      "internal",
      `cannot ${method} '${this.uri}/${key}': ${cause.message}`,
      {},
      { cause },
    );
  }
}

function answer<T>(
  process: Process,
  call: StorageCall,
  fault: Fault | null,
  effect: Effect<T>,
  tear?: (bytes: number) => void,
): Reply<T> {
  const crash = () => {
    process.crashed = new CrashError(call);
    return process.crashed;
  };
  switch (fault?.kind) {
    case "crash-before":
      throw crash();
    case "crash-after":
      effect();
      throw crash();
    case "tear":
      tear?.(fault.bytes);
      throw crash();
    case "lose-response":
      effect();
      return failed(null, "the response was lost");
    case "answer":
      if (fault.applied) effect();
      return failed(fault.status, `HTTP ${fault.status}`);
  }
  const result = effect();
  return "value" in result
    ? { ok: true, value: result.value }
    : failed(result.status, `HTTP ${result.status}`);
}

function failed(status: number | null, message: string): Reply<never> {
  return { ok: false, answer: { status, code: "" }, cause: new Error(message) };
}
