// `blob get` and `blob stat`.

import { type FileHandle, open } from "node:fs/promises";
import { resolve } from "node:path";
import type { BlobAddress, BlobRange, BlobStat, ReadSelector } from "../../engine/graph.ts";
import { badRequest } from "../../lib/errors.ts";
import { openForRead, withGraph } from "../access.ts";
import type { Context } from "../context.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";

const U64_MAX = 2n ** 64n - 1n;

export async function blobGet(context: Context, invocation: Invocation): Promise<number> {
  const range = rangeOf(invocation);
  const target = targetOf(invocation);
  const path = flagValue(invocation, "out");
  const access = await openForRead(context, invocation, target);
  await withGraph(access, async (graph) => {
    const chunks = await graph.readBlob({ ...addressOf(invocation), ...target }, range);
    if (path === undefined) for await (const chunk of chunks) await context.io.stdout.write(chunk);
    else await writeFile(context, path, chunks);
  });
  return 0;
}

export async function blobStat(context: Context, invocation: Invocation): Promise<number> {
  const selector = addressOf(invocation);
  const target = targetOf(invocation);
  const access = await openForRead(context, invocation, target);
  const stat = await withGraph(access, (graph) => graph.statBlob({ ...selector, ...target }));
  const facts = { kind: stat.kind, ...contentOf(stat) };
  const resolved = { ...target, resolved_snapshot: stat.snapshot };
  if (flagOn(invocation, "json")) {
    await context.printJson({ selector, ...facts, target: resolved });
    return 0;
  }
  for (const [key, value] of Object.entries({ ...selector, ...facts, ...resolved })) {
    await context.print(`${key}: ${value}`);
  }
  return 0;
}

const contentOf = (stat: BlobStat) =>
  stat.kind === "managed" ? { size: stat.size, etag: stat.etag } : { uri: stat.uri };

/** The parser has seen to it that all four are there. */
function addressOf({ positionals }: Invocation): BlobAddress {
  const [entity, type, id, property] = positionals;
  return { entity: entity as BlobAddress["entity"], type, id, property };
}

/** What was asked for, and nothing that was not. */
function targetOf(invocation: Invocation): ReadSelector {
  const branch = flagValue(invocation, "branch");
  const snapshot = flagValue(invocation, "snapshot");
  return { ...(branch === undefined ? {} : { branch }), ...(snapshot === undefined ? {} : { snapshot }) };
}

function rangeOf(invocation: Invocation): BlobRange | undefined {
  const offset = flagValue(invocation, "offset");
  const length = flagValue(invocation, "length");
  if (offset === undefined && length === undefined) return undefined;
  const start = BigInt(offset ?? 0);
  if (length === undefined) {
    if (start > U64_MAX) throw badRequest(`--offset ${offset} overflows 64 bits`);
    return { start };
  }
  const end = start + BigInt(length);
  if (end === start) throw badRequest("--length must be greater than zero");
  if (end > U64_MAX) throw badRequest(`--offset plus --length overflows 64 bits`);
  return { start, end };
}

/** Touches the file when there is something to write, or at the good end of an empty value. */
async function writeFile(context: Context, path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let file: FileHandle | null = null;
  const opened = async (): Promise<FileHandle> => {
    try {
      return await open(resolve(context.io.directory, path), "w");
    } catch (thrown) {
      throw badRequest(`could not write --out ${path}: ${(thrown as Error).message}`);
    }
  };
  try {
    for await (const chunk of chunks) {
      file ??= await opened();
      await file.writeFile(chunk);
    }
    file ??= await opened();
  } finally {
    await file?.close();
  }
}
