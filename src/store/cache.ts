// Decoded immutable objects, the least recently used dropped first. Nothing in it can be stale: keys name objects that
// are written once.

import { CACHE_BYTES } from "./limits.ts";

interface Held {
  readonly value: unknown;
  readonly bytes: number;
}

export class ObjectCache {
  private readonly held = new Map<string, Held>();
  private bytes = 0;

  constructor(private readonly bytesMax: number) {}

  /** Under one key always the same type is kept: keys are addresses of objects, and an object has one decoder. */
  get<T>(key: string): T | undefined {
    const found = this.held.get(key);
    if (found === undefined) return undefined;
    this.held.delete(key);
    this.held.set(key, found);
    return found.value as T;
  }

  put(key: string, value: unknown, bytes: number): void {
    const old = this.held.get(key);
    if (old !== undefined) {
      this.held.delete(key);
      this.bytes -= old.bytes;
    }
    if (bytes > this.bytesMax) return;
    this.held.set(key, { value, bytes });
    this.bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.held) {
      if (this.bytes <= this.bytesMax) break;
      this.held.delete(oldest);
      this.bytes -= freed;
    }
  }
}

/** The cache that all graphs of a process share. */
export const processCache = new ObjectCache(CACHE_BYTES);
