// A file that is replaced as a whole, durably, or stays as it was.

import { type BigIntStats, unlinkSync } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { badRequest, conflict } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";

/** Takes bytes for the new content. */
export type Sink = (bytes: Uint8Array) => Promise<void>;

/**
 * Lets `write` make the content, then puts it in the file's place. Nothing is left behind where anything fails, and who
 * replaced the file meanwhile is never overwritten. One process at a time: others wait at `<path>.lock`.
 */
export async function replaceFile<T>(
  path: string,
  ports: Ports,
  write: (sink: Sink) => Promise<T>,
): Promise<T> {
  const { withFileLock } = await import("../storage/index.ts");
  const directory = dirname(path);
  await requireReplaceable(directory, path);
  return withFileLock(`${path}.lock`, ports, async () => {
    const found = await identityOf(path);
    // Whoever holds the lock is the only one with this name: what is there was left by a process that was killed.
    const temporary = join(directory, `.${basename(path)}.tmp`);
    await rm(temporary, { force: true });
    return withTemporary(temporary, async (file) => {
      const result = await write(async (bytes) => {
        await file.writeFile(bytes);
      });
      await file.sync();
      if ((await identityOf(path)) !== found) throw replacedByAnother(path);
      const ours = identity(await file.stat({ bigint: true }));
      await rename(temporary, path);
      await syncDirectory(directory);
      if ((await identityOf(path)) !== ours) throw replacedByAnother(path);
      return result;
    });
  });
}

/** Also when a signal ends the process, the temporary file goes. */
async function withTemporary<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, "wx");
  const remove = () => {
    try {
      unlinkSync(path);
    } catch {
      // It has its final name by now.
    }
  };
  process.once("exit", remove);
  try {
    return await work(file);
  } finally {
    await file.close();
    remove();
    process.off("exit", remove);
  }
}

/** Said before the work, not after it. */
async function requireReplaceable(directory: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) throw badRequest(`cannot write ${path}: it is a directory`);
  try {
    await syncDirectory(directory);
  } catch (thrown) {
    throw badRequest(
      `cannot write ${path} durably: its directory cannot be synced (${(thrown as Error).message})`,
    );
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What tells one file under a name from the next; null where there is none. */
async function identityOf(path: string): Promise<string | null> {
  try {
    return identity(await stat(path, { bigint: true }));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
}

const identity = ({ dev, ino, size, mtimeNs }: BigIntStats): string => `${dev}:${ino}:${size}:${mtimeNs}`;

const replacedByAnother = (path: string) =>
  conflict(`${path} was replaced by another writer; no cursor is given for what it holds now`);
