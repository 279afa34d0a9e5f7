// What is visible in a directory is not durable yet: a name can be read before the directory that holds it was synced, and
// a directory can be used before its own name was. Whoever then puts something that builds on it (the next log entry, a
// ref to it) would survive a power cut that takes it away. So before a file gets its name, what its process read lately is
// made durable, and so is the way to its directory.

import { dirname } from "node:path";
import { fileCalls } from "./file-calls.ts";
import { saysMissing } from "./file-errors.ts";
import { FRESH_MS_MAX } from "./limits.ts";

export class Durability {
  /** Directories of files that were seen before it was known that they are durable. */
  private readonly fresh = new Set<string>();
  /** Syncs of such directories that are under way. */
  private readonly syncs = new Set<Promise<void>>();
  /** Directories that are known to be there after a power cut. */
  private readonly reachable = new Set<string>();

  constructor(private readonly root: string) {}

  /** Notes that a file was read which came into being at `createdAt`; both times in milliseconds. */
  saw(path: string, createdAt: number, now: number): void {
    if (now - createdAt < FRESH_MS_MAX) this.fresh.add(dirname(path));
  }

  /** The directory was missing: what was known about the way to it does not hold any more. */
  forget(directory: string): void {
    for (let lost = directory; lost.length > this.root.length; lost = dirname(lost))
      this.reachable.delete(lost);
  }

  /** Makes durable all that was seen until now, and the way to a directory. */
  async settle(directory: string): Promise<void> {
    for (const seen of this.fresh) this.startSync(seen);
    this.fresh.clear();
    await Promise.all([...this.syncs, this.reach(directory)]);
  }

  private startSync(directory: string): void {
    const sync = syncIfThere(directory)
      .catch((thrown) => {
        this.fresh.add(directory);
        throw thrown;
      })
      .finally(() => this.syncs.delete(sync));
    this.syncs.add(sync);
  }

  /** Another process may have made the directory a moment ago, and not have made it durable yet. */
  private async reach(directory: string): Promise<void> {
    if (directory.length <= this.root.length || this.reachable.has(directory)) return;
    const parent = dirname(directory);
    await Promise.all([this.reach(parent), fileCalls.syncDirectory(parent)]);
    this.reachable.add(directory);
  }
}

const roots = new Map<string, Durability>();

/** The one of a root: what a process has read through one adapter it may build on through another. */
export function durabilityOf(root: string): Durability {
  const known = roots.get(root);
  if (known !== undefined) return known;
  const durability = new Durability(root);
  roots.set(root, durability);
  return durability;
}

async function syncIfThere(directory: string): Promise<void> {
  try {
    await fileCalls.syncDirectory(directory);
  } catch (thrown) {
    if (!saysMissing(thrown)) throw thrown;
  }
}
