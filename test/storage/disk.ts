// A disk that loses power: what a directory adapter asked of its file system, in order, and what of it may be there after a
// cut. A file system without barriers keeps what was synced, and of the rest any part: each name on its own shows its last
// synced value or a later one, and a file its synced bytes and perhaps more, true or torn.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { type FileCalls, fileCalls } from "../../src/storage/file-calls.ts";

type File = number;
type Event =
  | { readonly kind: "name"; readonly path: string; readonly value: File | "directory" | null }
  | { readonly kind: "write"; readonly file: File; readonly bytes: Uint8Array }
  /** Covers what was asked before event `since`. */
  | { readonly kind: "sync"; readonly file: File; readonly since: number }
  | { readonly kind: "sync-directory"; readonly path: string; readonly since: number };

/** Which part of what was not synced survives: a number below the given one, for each name and file. */
export type Survival = (choices: number) => number;
export const NOTHING_MORE: Survival = () => 0;
export const EVERYTHING: Survival = (choices) => choices - 1;

/** What a disk holds after a cut: directories, and files with their bytes. */
export type Remains = ReadonlyMap<string, Uint8Array | "directory">;

export class Disk {
  private readonly events: Event[] = [];
  private readonly open = new Map<number, File>();
  private readonly names = new Map<string, File>();
  private files = 0;
  private real: FileCalls | null = null;

  constructor(
    readonly root: string,
    /** What a sync of a file or a directory waits for. */
    private readonly pause: (kind: "file" | "directory") => Promise<void>,
  ) {}

  /** Events so far: a moment to cut the power at. */
  get moment(): number {
    return this.events.length;
  }

  /** Stands in for the system calls until `stop`. */
  record(): void {
    const real = { ...fileCalls };
    this.real = real;
    Object.assign(fileCalls, this.recording(real));
  }

  stop(): void {
    if (this.real !== null) Object.assign(fileCalls, this.real);
  }

  private recording(real: FileCalls): Partial<FileCalls> {
    const name = (path: string, value: File | "directory" | null) => {
      const path_ = normalize(path);
      this.events.push({ kind: "name", path: path_, value });
      if (typeof value === "number") this.names.set(path_, value);
      else this.names.delete(path_);
    };
    const written = (descriptor: number, bytes: Uint8Array) =>
      this.events.push({ kind: "write", file: this.fileOf(descriptor), bytes: bytes.slice() });
    return {
      create: (path) => {
        const descriptor = real.create(path);
        this.open.set(descriptor, ++this.files);
        name(path, this.files);
        return descriptor;
      },
      writeSync: (descriptor, bytes, offset, length) => {
        const taken = real.writeSync(descriptor, bytes, offset, length);
        written(descriptor, bytes.subarray(offset, offset + taken));
        return taken;
      },
      write: async (descriptor, bytes, offset, length) => {
        const taken = await real.write(descriptor, bytes, offset, length);
        written(descriptor, bytes.subarray(offset, offset + taken));
        return taken;
      },
      sync: async (descriptor) => {
        const [file, since] = [this.fileOf(descriptor), this.moment];
        await this.pause("file");
        this.events.push({ kind: "sync", file, since });
      },
      link: (existing, path) => {
        real.link(existing, path);
        name(path, this.fileAt(existing));
      },
      rename: (from, to) => {
        real.rename(from, to);
        name(to, this.fileAt(from));
        name(from, null);
      },
      unlink: (path) => {
        real.unlink(path);
        name(path, null);
      },
      makeDirectories: (path) => {
        const first = real.makeDirectories(path);
        if (first === undefined) return first;
        const made = [normalize(path)];
        while (made[0].length > normalize(first).length) made.unshift(dirname(made[0]));
        for (const directory of made) name(directory, "directory");
        return first;
      },
      removeDirectory: (path) => {
        real.removeDirectory(path);
        name(path, null);
      },
      syncDirectory: async (path) => {
        const since = this.moment;
        await this.pause("directory");
        this.events.push({ kind: "sync-directory", path: normalize(path), since });
      },
    };
  }

  private fileOf(descriptor: number): File {
    return known(this.open.get(descriptor), `descriptor ${descriptor}`);
  }

  private fileAt(path: string): File {
    return known(this.names.get(normalize(path)), path);
  }

  /** What is left when the power goes at a moment. */
  cut(moment: number, survival: Survival): Remains {
    const events = this.events.slice(0, moment);
    const syncedAt = new Map<string | File, number>();
    // Syncs that run side by side may end in any order.
    const synced = (what: string | File, since: number) =>
      syncedAt.set(what, Math.max(since, syncedAt.get(what) ?? 0));
    for (const event of events) {
      if (event.kind === "sync") synced(event.file, event.since);
      if (event.kind === "sync-directory") synced(event.path, event.since);
    }
    const isSynced = (what: string | File, index: number) => index < (syncedAt.get(what) ?? 0);
    const values = new Map<string, (File | "directory" | null)[]>();
    const bytes = new Map<File, { synced: Uint8Array[]; more: Uint8Array[] }>();
    for (const [index, event] of events.entries()) {
      if (event.kind === "name") {
        const durable = isSynced(dirname(event.path), index);
        const before = durable ? [] : (values.get(event.path) ?? [null]);
        values.set(event.path, [...before, event.value]);
      } else if (event.kind === "write") {
        const content = bytes.get(event.file) ?? { synced: [], more: [] };
        (isSynced(event.file, index) ? content.synced : content.more).push(event.bytes);
        bytes.set(event.file, content);
      }
    }
    const remains = new Map<string, Uint8Array | "directory">([[this.root, "directory"]]);
    // Shorter paths first: what stands in a directory that is lost is lost with it.
    for (const path of [...values.keys()].sort((a, b) => a.length - b.length)) {
      const choices = values.get(path) ?? [];
      const value = choices[survival(choices.length)];
      if (value === null || remains.get(dirname(path)) !== "directory") continue;
      remains.set(path, value === "directory" ? value : contentOf(bytes.get(value), survival));
    }
    return remains;
  }
}

/** Bytes that were not synced are there, torn off, or zero where the file grew and its blocks were not written. */
function contentOf(
  content: { synced: Uint8Array[]; more: Uint8Array[] } | undefined,
  survival: Survival,
): Uint8Array {
  if (content === undefined) return new Uint8Array(0);
  const synced = Buffer.concat(content.synced);
  const more = Buffer.concat(content.more);
  if (more.length === 0) return synced;
  const kept = survival(more.length + 1);
  const isZero = kept > 0 && kept < more.length && survival(2) === 1;
  return Buffer.concat([synced, isZero ? new Uint8Array(kept) : more.subarray(0, kept)]);
}

/** Writes what is left of one disk to a directory of another. */
export function restore(disk: Disk, remains: Remains, directory: string): void {
  for (const [path, content] of remains) {
    const target = join(directory, path.slice(disk.root.length));
    if (content === "directory") mkdirSync(target, { recursive: true });
    else writeFileSync(target, content);
  }
}

/** The same for equal remains; files that no object can be are left out. */
export function fingerprint(remains: Remains): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const path of [...remains.keys()].sort()) {
    const content = remains.get(path);
    if (content === undefined || content === "directory" || path.includes("/.omnigraph-")) continue;
    hasher.update(`${path}\0${content.length}\0`).update(content);
  }
  return hasher.digest("hex");
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the disk does not know ${what}`);
  return value;
}
