// Objects of a write that nothing names yet. Once they are an hour old, cleanup takes them for what a crashed writer left:
// a write that lasts so long writes them again in time.

import { OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import type { StorageAdapter } from "../storage/adapter.ts";
import { UNPUBLISHED_AGE_MS_MAX } from "./limits.ts";

interface Context {
  readonly objects: { readonly storage: StorageAdapter };
  readonly ports: Ports;
}

export class Unpublished {
  /** When each object was last written, in ms; the oldest first. */
  private readonly writtenAt = new Map<string, number>();

  constructor(private readonly context: Context) {}

  note(key: string): void {
    this.writtenAt.delete(key);
    this.writtenAt.set(key, this.context.ports.now());
  }

  /** Writes again what has become old; asked between the steps of a long write. */
  async renew(): Promise<void> {
    for (const [key, writtenAt] of this.writtenAt) {
      if (!(await renewOld(this.context, key, writtenAt))) return;
      this.note(key);
    }
  }
}

/** Writes an object again if it is old; throws where it is gone. */
export async function renewOld(
  { objects: { storage }, ports }: Context,
  key: string,
  writtenAt: number,
): Promise<boolean> {
  if (ports.now() - writtenAt < UNPUBLISHED_AGE_MS_MAX) return false;
  const bytes = await storage.getStream(key);
  if (bytes === null) {
    throw new OmnigraphError(
      "internal",
      `'${storage.uri}/${key}' was cleaned up while this write waited to be published; nothing was written: run it again`,
    );
  }
  await storage.putStream(key, bytes);
  return true;
}
