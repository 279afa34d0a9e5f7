// Objects of a directory tree in the byte order of their keys, which is what object stores list in.

import { type Dirent, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { compareUtf8 } from "../lib/utf8.ts";
import type { ListOptions, ObjectInfo } from "./adapter.ts";
import { fileCalls } from "./file-calls.ts";
import { fileError, saysMissing } from "./file-errors.ts";
import { joinKey, TEMPORARY_PREFIX } from "./keys.ts";
import { TEMPORARY_AGE_MS_MAX } from "./limits.ts";
import type { ListEntry } from "./listing.ts";

interface Walk {
  readonly root: string;
  readonly prefix: string;
  readonly startAfter: string;
  readonly delimiter: "/" | undefined;
  readonly now: number;
}

/** Lists the objects below the directory `root`; sweeps temporary files that were abandoned. */
export function walkObjects(
  root: string,
  prefix: string,
  options: ListOptions,
  now: number,
): AsyncGenerator<ListEntry> {
  const { startAfter = "", delimiter } = options;
  const slash = prefix.lastIndexOf("/");
  const top = slash < 0 ? "" : prefix.slice(0, slash);
  return walk({ root, prefix, startAfter, delimiter, now }, top);
}

async function* walk(scope: Walk, directory: string): AsyncGenerator<ListEntry> {
  for (const { key, isDirectory } of await entriesOf(scope, directory)) {
    if (!isDirectory) {
      const object = objectAt(scope, key);
      if (object !== null) yield { kind: "object", object };
    } else if (scope.delimiter !== undefined && key.length > scope.prefix.length) {
      // A directory that a crash left empty holds no object, so it is no prefix either.
      const first = await walk({ ...scope, delimiter: undefined }, key.slice(0, -1)).next();
      if (!first.done) yield { kind: "prefix", prefix: key };
    } else {
      yield* walk(scope, key.slice(0, -1));
    }
  }
}

interface Child {
  /** Ends in '/' for a directory, so that it sorts where its objects do. */
  readonly key: string;
  readonly isDirectory: boolean;
}

async function entriesOf(scope: Walk, directory: string): Promise<Child[]> {
  const children: Child[] = [];
  for (const entry of await readDirectory(joinPath(scope.root, directory))) {
    if (entry.name.startsWith(TEMPORARY_PREFIX)) {
      sweep(joinPath(scope.root, joinKey(directory, entry.name)), scope.now);
      continue;
    }
    const isDirectory = entry.isDirectory();
    const key = joinKey(directory, entry.name) + (isDirectory ? "/" : "");
    if (isDirectory ? mayHold(scope, key) : isListed(scope, key)) children.push({ key, isDirectory });
  }
  return children.sort((a, b) => compareUtf8(a.key, b.key));
}

function isListed(scope: Walk, key: string): boolean {
  return key.startsWith(scope.prefix) && (scope.startAfter === "" || compareUtf8(key, scope.startAfter) > 0);
}

function mayHold(scope: Walk, directory: string): boolean {
  const holdsPrefix = directory.startsWith(scope.prefix) || scope.prefix.startsWith(directory);
  const isAhead = scope.startAfter.startsWith(directory) || compareUtf8(directory, scope.startAfter) > 0;
  return holdsPrefix && isAhead;
}

function objectAt(scope: Walk, key: string): ObjectInfo | null {
  const path = joinPath(scope.root, key);
  try {
    const found = statSync(path);
    return found.isFile() ? { key, size: found.size, modifiedAt: found.mtimeMs } : null;
  } catch (thrown) {
    if (saysMissing(thrown)) return null;
    throw fileError(thrown, "read", path);
  }
}

/** The entries of a directory; none where there is no such directory. */
export async function readDirectory(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (thrown) {
    if (saysMissing(thrown)) return [];
    throw fileError(thrown, "read", path);
  }
}

function sweep(path: string, now: number): void {
  try {
    if (now - statSync(path).mtimeMs > TEMPORARY_AGE_MS_MAX) fileCalls.unlink(path);
  } catch {
    // Gone already, or not ours to remove: a listing does not fail for it.
  }
}

const joinPath = (root: string, key: string): string => (key === "" ? root : `${root}/${key}`);
