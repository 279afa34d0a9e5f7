// Objects as files below a directory. A write goes to a temporary file beside its target, is made durable (fsync),
// gets its name in one step, and the directory is made durable too: what was acknowledged survives a power cut, and a
// reader sees the old object or the new one, never a part.
//
// System calls that take microseconds (stat, link, the read of a small cached file) are made on the calling thread,
// because a trip through the thread pool takes 45 µs; those that move many bytes or wait for the disk are not.

import { closeSync, openSync, readFileSync, readSync, type Stats, statSync } from "node:fs";
import type { Ports } from "../lib/ports.ts";
import type {
  ListOptions,
  ListPage,
  ObjectInfo,
  PutOutcome,
  RequestCounts,
  StorageAdapter,
  StoredObject,
  Version,
} from "./adapter.ts";
import { RequestCounter } from "./counter.ts";
import { fileCalls } from "./file-calls.ts";
import { type Durability, durabilityOf } from "./file-durability.ts";
import { fileError, saysMissing } from "./file-errors.ts";
import { walkObjects } from "./file-list.ts";
import { withObjectLock } from "./file-lock.ts";
import { linkIfAbsent, publishFile, removeFile, removePrefix, requireHardLinks } from "./file-write.ts";
import { checkKey, checkPrefix, checkRoot } from "./keys.ts";
import { SYNC_BYTES_MAX } from "./limits.ts";
import { fillPage } from "./listing.ts";
import { contentVersion, DigestedObject } from "./version.ts";

/** An adapter on a directory (an absolute path), which the first write makes if need be. */
export function fileStorage(directory: string, ports: Ports): FileStorage {
  return new FileStorage(directory, ports, new RequestCounter(), durabilityOf(directory));
}

export class FileStorage implements StorageAdapter {
  readonly kind = "file";
  readonly endpoint = "file";

  constructor(
    readonly uri: string,
    private readonly ports: Ports,
    private readonly counter: RequestCounter,
    private readonly durability: Durability,
  ) {}

  get(key: string): Promise<StoredObject | null> {
    return this.counter.track("get", async () => {
      const bytes = await readWhole(this.pathOf(key), this.noteRead);
      return bytes === null ? null : new DigestedObject(bytes);
    });
  }

  getRange(key: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.counter.track("get", () => readRange(this.pathOf(key), offset, length, this.noteRead));
  }

  getStream(key: string, offset = 0): Promise<AsyncIterable<Uint8Array> | null> {
    return this.counter.track("get", () => {
      const path = this.pathOf(key);
      const found = statFile(path);
      if (found === null) return null;
      this.noteRead(path, found);
      return readChunks(path, offset);
    });
  }

  head(key: string): Promise<ObjectInfo | null> {
    return this.counter.track("head", () => {
      const found = statFile(this.pathOf(key));
      return found === null ? null : { key, size: found.size, modifiedAt: found.mtimeMs };
    });
  }

  fileOf(key: string): string {
    return this.pathOf(key);
  }

  put(key: string, bytes: Uint8Array): Promise<void> {
    return this.counter.track("put", async () => {
      const path = this.pathOf(key);
      await publishFile(path, bytes, this.durability, this.ports, (temporary) =>
        this.replace(temporary, path),
      );
    });
  }

  putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    return this.counter.track("put", async () => {
      const path = this.pathOf(key);
      const { size } = await publishFile(path, chunks, this.durability, this.ports, (temporary) =>
        this.replace(temporary, path),
      );
      return size;
    });
  }

  putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome> {
    return this.counter.track("put", async () => {
      const path = this.pathOf(key);
      // Most losers are late, and need not write anything to learn it.
      if (statFile(path) !== null) return { outcome: "lost" };
      const { value: won } = await publishFile(path, bytes, this.durability, this.ports, (temporary) =>
        linkIfAbsent(temporary, path),
      );
      return won ? { outcome: "won", version: contentVersion(bytes) } : { outcome: "lost" };
    });
  }

  putIfMatch(key: string, bytes: Uint8Array, version: Version): Promise<PutOutcome> {
    return this.counter.track("put", async () => {
      const path = this.pathOf(key);
      if (statFile(path) === null) return { outcome: "lost" };
      const { value: won } = await publishFile(path, bytes, this.durability, this.ports, (temporary) =>
        withObjectLock(path, this.ports, (descriptor) => {
          if (descriptor === null || contentVersion(readFileSync(descriptor)) !== version) return false;
          fileCalls.rename(temporary, path);
          return true;
        }),
      );
      return won ? { outcome: "won", version: contentVersion(bytes) } : { outcome: "lost" };
    });
  }

  list(prefix: string, options: ListOptions = {}): Promise<ListPage> {
    return this.counter.track("list", () => {
      checkPrefix(prefix);
      return fillPage(walkObjects(this.uri, prefix, options, this.ports.now()), options);
    });
  }

  delete(key: string): Promise<void> {
    return this.counter.track("delete", () => removeFile(this.pathOf(key), this.uri, this.ports));
  }

  deletePrefix(prefix: string): Promise<void> {
    return this.counter.track("delete", () => {
      checkPrefix(prefix);
      return removePrefix(this.uri, prefix, this.ports);
    });
  }

  under(prefix: string): FileStorage {
    return new FileStorage(this.pathOf(checkRoot(prefix)), this.ports, this.counter, this.durability);
  }

  counts(): RequestCounts {
    return this.counter.counts();
  }

  resetCounts(): void {
    this.counter.reset();
  }

  /** Throws, by name, where the file system cannot link files; makes the root directory if need be. */
  requireHardLinks(): Promise<void> {
    return requireHardLinks(this.uri, this.durability, this.ports);
  }

  private readonly noteRead: OnRead = (path, { ctimeMs }) =>
    this.durability.saw(path, ctimeMs, this.ports.now());

  private pathOf(key: string): string {
    checkKey(key);
    return this.uri === "/" ? `/${key}` : `${this.uri}/${key}`;
  }

  /**
   * Names the file whether or not the name is taken. A new name is linked and a taken one replaced under the lock of
   * the version that it stands for, so that no putIfMatch is overtaken between its look and its rename.
   */
  private async replace(temporary: string, path: string): Promise<void> {
    for (;;) {
      if (linkIfAbsent(temporary, path)) return;
      const replaced = await withObjectLock(path, this.ports, (descriptor) => {
        if (descriptor !== null) fileCalls.rename(temporary, path);
        return descriptor !== null;
      });
      if (replaced) return;
    }
  }
}

function statFile(path: string): Stats | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFile() ? found : null;
  } catch (thrown) {
    if (saysMissing(thrown)) return null;
    throw fileError(thrown, "read", path);
  }
}

/** Told of every file that is read. Its change time is that of its name, at the earliest. */
type OnRead = (path: string, found: Stats) => void;

async function readWhole(path: string, onRead: OnRead): Promise<Uint8Array<ArrayBuffer> | null> {
  const found = statFile(path);
  if (found === null) return null;
  onRead(path, found);
  try {
    if (found.size > SYNC_BYTES_MAX) return await Bun.file(path).bytes();
    const { buffer, byteOffset, length } = readFileSync(path);
    return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
  } catch (thrown) {
    if (saysMissing(thrown)) return null;
    throw fileError(thrown, "read", path);
  }
}

async function readRange(
  path: string,
  offset: number,
  length: number,
  onRead: OnRead,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const found = statFile(path);
  if (found === null) return null;
  onRead(path, found);
  const size = Math.max(0, Math.min(length, found.size - offset));
  try {
    if (size > SYNC_BYTES_MAX)
      return await Bun.file(path)
        .slice(offset, offset + size)
        .bytes();
    return readAt(path, offset, size);
  } catch (thrown) {
    if (saysMissing(thrown)) return null;
    throw fileError(thrown, "read", path);
  }
}

function readAt(path: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const descriptor = openSync(path, "r");
  try {
    let done = 0;
    while (done < length) {
      const read = readSync(descriptor, bytes, done, length - done, offset + done);
      if (read === 0) break;
      done += read;
    }
    return done === length ? bytes : bytes.slice(0, done);
  } finally {
    closeSync(descriptor);
  }
}

async function* readChunks(path: string, offset: number): AsyncGenerator<Uint8Array> {
  try {
    yield* Bun.file(path).slice(offset).stream();
  } catch (thrown) {
    throw fileError(thrown, "read", path);
  }
}
