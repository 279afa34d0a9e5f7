// From a URI to an adapter.

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { badRequest } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import type { StorageAdapter } from "./adapter.ts";
import { fileStorage } from "./file.ts";
import { checkKey } from "./keys.ts";

/** Where a storage URI points. */
export type StorageLocation =
  | { readonly kind: "file"; readonly directory: string }
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string };

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;
const ACCEPTED = "a path, file:///directory or s3://bucket/prefix";

/** Reads a bare path, a `file://` URI or `s3://bucket[/prefix]`; anything else is refused with 400. */
export function parseStorageUri(uri: string): StorageLocation {
  const text = uri.trim();
  if (text === "" || text.includes("\0")) throw badRequest(`empty storage URI; expected ${ACCEPTED}`);
  const scheme = SCHEME.exec(text)?.[1].toLowerCase();
  if (scheme === undefined) return { kind: "file", directory: resolve(text) };
  if (scheme === "file") return { kind: "file", directory: directoryOf(text) };
  if (scheme === "s3") return bucketOf(text);
  throw badRequest(`storage URI '${text}' has the unsupported scheme '${scheme}'; expected ${ACCEPTED}`);
}

function directoryOf(uri: string): string {
  try {
    return resolve(fileURLToPath(uri));
  } catch {
    throw badRequest(`storage URI '${uri}' names no local directory; expected file:///absolute/directory`);
  }
}

function bucketOf(uri: string): StorageLocation {
  const [bucket, ...rest] = uri.slice("s3://".length).split("/");
  if (bucket === "") throw badRequest(`storage URI '${uri}' names no bucket; expected s3://bucket/prefix`);
  const prefix = rest.join("/").replace(/\/+$/, "");
  if (prefix !== "") checkKey(prefix);
  return { kind: "s3", bucket, prefix };
}

/** Opens the storage that a URI names. Nothing is written, and an object store is not asked yet. */
export async function openStorage(uri: string, ports: Ports): Promise<StorageAdapter> {
  const location = parseStorageUri(uri);
  if (location.kind === "file") {
    requireDirectory(location.directory);
    return fileStorage(location.directory, ports);
  }
  // The S3 client takes 27 ms to load: only who names a bucket waits for it.
  const { s3Storage } = await import("./s3.ts");
  return s3Storage(location.bucket, location.prefix, ports);
}

/** A directory that is missing is made by the first write; a file in its place never becomes one. */
function requireDirectory(path: string): void {
  let isFile: boolean;
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    isFile = found !== undefined && !found.isDirectory();
  } catch {
    // A component of the path is a file, or may not be entered: the first read or write says so with its own path.
    return;
  }
  if (isFile) throw badRequest(`'${path}' is a file; storage needs a directory`);
}
