// A graph's objects with the process's cache in front of them.

import type { StorageAdapter } from "../storage/adapter.ts";
import type { ObjectCache } from "./cache.ts";
import { DECODED_SIZE_FACTOR } from "./limits.ts";

type Decode<T> = (bytes: Uint8Array, address: string) => T | Promise<T>;

export class Objects {
  private readonly loading = new Map<string, Promise<unknown>>();

  constructor(
    readonly storage: StorageAdapter,
    readonly cache: ObjectCache,
  ) {}

  /** How people and the cache know an object. */
  address(key: string): string {
    return `${this.storage.uri}/${key}`;
  }

  /** The decoded object under a key, kept from now on; null where there is none. Callers that ask together share a load. */
  async read<T>(key: string, decode: Decode<T>): Promise<T | null> {
    return this.kept<T>(key) ?? this.sharedLoad(this.address(key), () => this.load(key, decode));
  }

  /**
   * The same for an object that may come into being any moment: that another caller, who asked earlier, found nothing
   * does not answer this one.
   */
  async readNow<T>(key: string, decode: Decode<T>): Promise<T | null> {
    const earlier =
      this.kept<T>(key) ?? (await (this.loading.get(this.address(key)) as Promise<T | null> | undefined));
    return earlier ?? this.sharedLoad(this.address(key), () => this.load(key, decode));
  }

  /** Keeps a decoded object that is stored in so many bytes. */
  keep(key: string, value: unknown, bytes: number): void {
    this.cache.put(this.address(key), value, bytes * DECODED_SIZE_FACTOR);
  }

  private kept<T>(key: string): T | undefined {
    return this.cache.get<T>(this.address(key));
  }

  private async load<T>(key: string, decode: Decode<T>): Promise<T | null> {
    const stored = await this.storage.get(key);
    if (stored === null) return null;
    const value = await decode(stored.bytes, this.address(key));
    this.keep(key, value, stored.bytes.length);
    return value;
  }

  /** Callers that ask for the same thing together share one load. */
  async sharedLoad<T>(what: string, load: () => Promise<T>): Promise<T> {
    const pending = this.loading.get(what) as Promise<T> | undefined;
    if (pending !== undefined) return pending;
    const started = load();
    this.loading.set(what, started);
    try {
      return await started;
    } finally {
      this.loading.delete(what);
    }
  }
}
