// Files that are named on the command line: relative to the working directory, `-` for stdin.

import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { badRequest } from "../lib/errors.ts";
import { tryDecodeUtf8 } from "../lib/utf8.ts";
import type { Io } from "./io.ts";
import type { NamedText } from "./render/source-error.ts";

/** The text of a file; throws as node does. */
export function readTextFile(path: string): Promise<string> {
  return readFile(path, "utf8");
}

/** The text of the file that a flag names; an error says which flag, which file and why. */
export async function readFlagFile(io: Io, flag: string, path: string): Promise<string> {
  const bytes = await readBytes(io, flag, path);
  const text = tryDecodeUtf8(bytes);
  if (text === null) throw badRequest(`${flag} ${path}: the file is not UTF-8 text`);
  return text;
}

/** The same, with what messages call it. */
export async function readNamedText(io: Io, flag: string, path: string): Promise<NamedText> {
  return { name: path === "-" ? "<stdin>" : path, text: await readFlagFile(io, flag, path) };
}

async function readBytes(io: Io, flag: string, path: string): Promise<Uint8Array> {
  if (path === "-") return collect(io.stdin.chunks());
  try {
    return await readFile(resolve(io.directory, path));
  } catch (thrown) {
    throw unreadable(flag, path, thrown);
  }
}

/** Bytes: large reads keep a load from waiting for the disk. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * The file that a flag names, as chunks that can be had again from the start. A missing file is refused here. What cannot be
 * read twice, stdin and pipes, is held.
 */
export async function openFlagFile(
  io: Io,
  flag: string,
  path: string,
): Promise<() => AsyncIterable<Uint8Array>> {
  if (path === "-") return holding(await collect(io.stdin.chunks()));
  const absolute = resolve(io.directory, path);
  try {
    const file = await open(absolute, "r");
    try {
      const kind = await file.stat();
      if (kind.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
      if (!kind.isFile()) return holding(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw unreadable(flag, path, thrown);
  }
  return () => createReadStream(absolute, { highWaterMark: CHUNK_BYTES });
}

const holding = (bytes: Uint8Array) =>
  async function* () {
    yield bytes;
  };

function unreadable(flag: string, path: string, thrown: unknown): Error {
  const code = (thrown as NodeJS.ErrnoException).code;
  const reason =
    code === "ENOENT"
      ? "no such file"
      : code === "EISDIR"
        ? "it is a directory"
        : code === "EACCES"
          ? "permission denied"
          : (thrown as Error).message;
  return badRequest(`could not read ${flag} ${path}: ${reason}`);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
