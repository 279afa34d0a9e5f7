// `changes baseline`: a snapshot in a file, and the cursor that follows it once the file is there to stay.

import { resolve } from "node:path";
import type { ChangeBaselineOutput } from "../../engine/outputs.ts";
import { OmnigraphError } from "../../lib/errors.ts";
import { isJsonObject, type JsonValue, parseJson } from "../../lib/json.ts";
import { tryDecodeUtf8 } from "../../lib/utf8.ts";
import { type GraphAccess, openForRead, withGraph } from "../access.ts";
import type { Context } from "../context.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";
import { startProgress } from "../progress.ts";
import { replaceFile, type Sink } from "../replaced-file.ts";
import { changeFilters } from "./changes.ts";

export async function changesBaseline(context: Context, invocation: Invocation): Promise<number> {
  // The parser has seen to it that it is there.
  const out = flagValue(invocation, "out") as string;
  const branch = flagValue(invocation, "branch");
  const access = await openForRead(context, invocation, branch === undefined ? {} : { branch });
  const { ports, directory } = context.io;
  const baseline = await withGraph(access, (graph) =>
    replaceFile(resolve(directory, out), ports, (sink) => capture(context, invocation, graph, sink)),
  );
  if (flagOn(invocation, "json")) {
    await context.printJson(baseline);
    return 0;
  }
  await context.print(`snapshot: ${out}`);
  for (const [key, value] of Object.entries(baseline)) await context.print(`${key}: ${value}`);
  return 0;
}

/** Writes every record and answers the handshake, which is not one of them. */
async function capture(
  context: Context,
  invocation: Invocation,
  graph: GraphAccess,
  sink: Sink,
): Promise<ChangeBaselineOutput> {
  const branch = flagValue(invocation, "branch");
  const chunks = await graph.captureBaseline({
    ...(branch === undefined ? {} : { branch }),
    ...changeFilters(invocation),
  });
  const progress = startProgress(context, invocation, "capturing");
  try {
    return readHandshake(await writeButLastLine(progress.counting(chunks), sink));
  } finally {
    await progress.end();
  }
}

const NEWLINE = 10;

/** Hands every line on but the last one, which it answers; an incomplete last line counts as one. */
async function writeButLastLine(chunks: AsyncIterable<Uint8Array>, sink: Sink): Promise<Uint8Array> {
  let held: Uint8Array[] = [];
  for await (const chunk of chunks) {
    // A line end is followed by a further line, once anything comes after it.
    const last = held.at(-1);
    if (last !== undefined && chunk.length > 0 && last[last.length - 1] === NEWLINE) {
      for (const piece of held) await sink(piece);
      held = [];
    }
    const end = chunk.subarray(0, -1).lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      for (const piece of held) await sink(piece);
      await sink(chunk.subarray(0, end));
      held = [];
    }
    if (end < chunk.length) held.push(chunk.subarray(end));
  }
  return Buffer.concat(held);
}

function readHandshake(line: Uint8Array): ChangeBaselineOutput {
  const baseline = baselineOf(line);
  if (baseline !== null) return baseline;
  throw new OmnigraphError(
    "internal",
    "the stream ended without its handshake: the snapshot is incomplete and there is no usable cursor",
  );
}

function baselineOf(line: Uint8Array): ChangeBaselineOutput | null {
  if (line.at(-1) !== NEWLINE) return null;
  let record: JsonValue;
  try {
    record = parseJson(tryDecodeUtf8(line) ?? "");
  } catch {
    return null;
  }
  if (!isJsonObject(record) || !isJsonObject(record.baseline)) return null;
  const { snapshot_commit_id, resume_cursor } = record.baseline;
  if (typeof snapshot_commit_id !== "string" || typeof resume_cursor !== "string") return null;
  return { snapshot_commit_id, resume_cursor };
}
