// Durable writing below a directory: the temporary file, the name it gets, the directories on the way, and their removal
// when they become empty.

import { statSync } from "node:fs";
import { dirname } from "node:path";
import type { Ports } from "../lib/ports.ts";
import { fileCalls } from "./file-calls.ts";
import type { Durability } from "./file-durability.ts";
import { errnoOf, fileError, linkError, saysMissing } from "./file-errors.ts";
import { readDirectory } from "./file-list.ts";
import { withObjectLock } from "./file-lock.ts";
import { TEMPORARY_PREFIX } from "./keys.ts";
import { DIRECTORY_RACE_ATTEMPTS_MAX, SYNC_BYTES_MAX } from "./limits.ts";

/** What a write consists of: bytes, which can be written again, or a stream, which cannot. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

export interface Published<T> {
  readonly value: T;
  /** Bytes written. */
  readonly size: number;
}

/**
 * Writes a temporary file beside `path` and lets `publish` give it its name, once all that it may build on is durable;
 * the temporary name is gone afterwards and the directory durable. Starts over when a concurrent delete removed the
 * directory in between.
 */
export async function publishFile<T>(
  path: string,
  content: Content,
  durability: Durability,
  ports: Ports,
  publish: (temporary: string) => T | Promise<T>,
): Promise<Published<T>> {
  const directory = dirname(path);
  for (let attempt = 1; ; attempt++) {
    const temporary = `${directory}/${TEMPORARY_PREFIX}${randomName(ports)}`;
    try {
      const size = await writeTemporary(temporary, content);
      await durability.settle(directory);
      const value = await publish(temporary);
      unlinkIfThere(temporary);
      await fileCalls.syncDirectory(directory);
      return { value, size };
    } catch (thrown) {
      unlinkIfThere(temporary);
      const canRepeat = content instanceof Uint8Array && attempt < DIRECTORY_RACE_ATTEMPTS_MAX;
      if (errnoOf(thrown) === "ENOENT") durability.forget(directory);
      if (errnoOf(thrown) === "ENOENT" && canRepeat) continue;
      throw fileError(thrown, "write", path);
    }
  }
}

/** Gives the file its name unless the name is taken; answers whether it did. */
export function linkIfAbsent(temporary: string, path: string): boolean {
  try {
    fileCalls.link(temporary, path);
    return true;
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === "ENOENT") throw thrown;
    if (errno !== "EEXIST") throw linkError(thrown, path);
    if (isDirectory(path)) throw fileError({ code: "EISDIR" }, "write", path);
    return false;
  }
}

/** Makes a file in `directory` and links it once more: throws, by name, where the file system has no hard links. */
export async function requireHardLinks(
  directory: string,
  durability: Durability,
  ports: Ports,
): Promise<void> {
  const target = `${directory}/${TEMPORARY_PREFIX}${randomName(ports)}`;
  await publishFile(target, new Uint8Array(0), durability, ports, (temporary) =>
    linkIfAbsent(temporary, target),
  );
  await removeFile(target, directory, ports);
}

/** Removes the object, and the directories below `root` that this leaves empty, durably. */
export async function removeFile(path: string, root: string, ports: Ports): Promise<void> {
  if (await unlinkLocked(path, ports)) await removeEmptyDirectories(dirname(path), root);
}

/** Removes every object below the directory `root` whose key begins with `prefix`, durably. */
export async function removePrefix(root: string, prefix: string, ports: Ports): Promise<void> {
  const start = `${root}/${prefix}`;
  const directory = start.slice(0, start.lastIndexOf("/"));
  const nameStart = start.slice(directory.length + 1);
  const wasThere = isDirectory(directory);
  await removeChildren(directory, nameStart, ports);
  if (wasThere) await removeEmptyDirectories(directory, root);
}

async function removeChildren(directory: string, nameStart: string, ports: Ports): Promise<void> {
  for (const entry of await readDirectory(directory)) {
    const path = `${directory}/${entry.name}`;
    const isTemporary = entry.name.startsWith(TEMPORARY_PREFIX);
    if (isTemporary ? nameStart !== "" : !entry.name.startsWith(nameStart)) continue;
    if (entry.isDirectory()) {
      await removeChildren(path, "", ports);
      removeDirectory(path);
    } else if (isTemporary) {
      unlinkIfThere(path);
    } else {
      await unlinkLocked(path, ports);
    }
  }
}

async function unlinkLocked(path: string, ports: Ports): Promise<boolean> {
  try {
    if (isDirectory(path)) return false;
    return await withObjectLock(path, ports, (descriptor) => {
      if (descriptor !== null) fileCalls.unlink(path);
      return descriptor !== null;
    });
  } catch (thrown) {
    throw fileError(thrown, "delete", path);
  }
}

async function removeEmptyDirectories(directory: string, root: string): Promise<void> {
  let surviving = directory;
  while (surviving.length > root.length && removeDirectory(surviving)) surviving = dirname(surviving);
  try {
    await fileCalls.syncDirectory(surviving);
  } catch (thrown) {
    if (!saysMissing(thrown)) throw fileError(thrown, "delete", directory);
  }
}

/** Removes the directory if it is empty. */
function removeDirectory(path: string): boolean {
  try {
    fileCalls.removeDirectory(path);
    return true;
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === "ENOTEMPTY" || errno === "EEXIST" || errno === "ENOENT" || errno === "ENOTDIR")
      return false;
    throw fileError(thrown, "delete", path);
  }
}

async function writeTemporary(path: string, content: Content): Promise<number> {
  const descriptor = await openTemporary(path);
  try {
    let size = 0;
    if (content instanceof Uint8Array) size = await writeAll(descriptor, content);
    else for await (const chunk of content) size += await writeAll(descriptor, chunk);
    await fileCalls.sync(descriptor);
    return size;
  } finally {
    fileCalls.close(descriptor);
  }
}

async function writeAll(descriptor: number, bytes: Uint8Array): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const rest = bytes.length - done;
    done +=
      rest <= SYNC_BYTES_MAX
        ? fileCalls.writeSync(descriptor, bytes, done, rest)
        : await fileCalls.write(descriptor, bytes, done, rest);
  }
  return done;
}

async function openTemporary(path: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return fileCalls.create(path);
    } catch (thrown) {
      if (errnoOf(thrown) !== "ENOENT" || attempt > DIRECTORY_RACE_ATTEMPTS_MAX) throw thrown;
    }
    await makeDirectory(dirname(path));
  }
}

/** Makes the directory and those on the way to it, and makes each durable in its parent. */
async function makeDirectory(directory: string): Promise<void> {
  let first: string | undefined;
  try {
    first = fileCalls.makeDirectories(directory);
  } catch (thrown) {
    // A concurrent delete took a parent away: openTemporary tries again.
    if (errnoOf(thrown) !== "ENOENT") throw thrown;
  }
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made))
    await fileCalls.syncDirectory(dirname(made));
}

function unlinkIfThere(path: string): void {
  try {
    fileCalls.unlink(path);
  } catch {
    // Renamed already; or it stays, unlisted, until a listing sweeps it.
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

const RANDOM_NAME_BYTES = 12;

function randomName(ports: Ports): string {
  return ports.randomBytes(new Uint8Array(RANDOM_NAME_BYTES)).toHex();
}
