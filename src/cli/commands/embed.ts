// `embed`: fills the vectors of an NDJSON file, without any graph. The output appears whole, or not at all.

import { createReadStream } from "node:fs";
import { access, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  type EmbeddingClient,
  type EmbedMode,
  embeddingClient,
  RecordEmbedder,
  readJob,
  readSelector,
  resolveEnvironment,
} from "../../embedding/index.ts";
import { badRequest } from "../../lib/errors.ts";
import { JsonSyntaxError, type JsonValue, parseJson } from "../../lib/json.ts";
import { parseYaml, type YamlNode } from "../../lib/yaml.ts";
import type { Context } from "../context.ts";
import { readFlagFile } from "../files.ts";
import { flagOn, flagValue, flagValues, type Invocation } from "../parse.ts";
import { showingProgress } from "../progress.ts";

/** What is read, what is written, and what the run is about. */
interface Plan {
  readonly input: string;
  readonly output: string;
  readonly spec: JsonValue;
}

const OUTPUT_DEFAULT = "./build/seed.embedded.jsonl";
/** Characters gathered before they are written. */
const WRITE_CHARACTERS = 1 << 18;

export async function embed(context: Context, invocation: Invocation): Promise<number> {
  const { input, output, spec } = await readPlan(context, invocation);
  const job = readJob(spec);
  const selection = {
    types: flagValues(invocation, "type"),
    selectors: flagValues(invocation, "select").map(readSelector),
  };
  const mode = modeOf(invocation, selection.selectors.length > 0);
  const { directory } = context.io;
  const client = mode === "clean" ? null : await connect(context);
  const embedder = new RecordEmbedder(job, selection, mode, client);
  const seen = () => `${embedder.summary.records.toLocaleString("en-US")} records`;
  await showingProgress(context, invocation, "embedding", seen, () =>
    rewrite(resolve(directory, input), input, resolve(directory, output), embedder),
  );

  const { summary } = embedder;
  const model = client?.model ?? "";
  if (flagOn(invocation, "json")) {
    await context.printJson({ input, output, ...summary, mode, dimension: job.dimension, model });
  } else {
    const { embedded_records, selected_records, cleaned_records } = summary;
    const counts = `embedded ${embedded_records} records (selected ${selected_records}, cleaned ${cleaned_records})`;
    await context.print(`${counts} from ${input} -> ${output} [${mode} ${job.dimension}d]`);
  }
  return 0;
}

/** Made before anything is read, so that a missing key is told even where nothing is to be embedded. */
async function connect(context: Context): Promise<EmbeddingClient> {
  const { ports } = context.io;
  const { config, overridden } = resolveEnvironment(ports.env);
  if (overridden !== null) {
    await context.warn(
      `OMNIGRAPH_EMBEDDINGS_MOCK overrides provider '${overridden}': vectors are mock vectors`,
    );
  }
  return embeddingClient(config, ports);
}

function modeOf(invocation: Invocation, hasSelectors: boolean): EmbedMode {
  if (flagOn(invocation, "clean")) return "clean";
  if (flagOn(invocation, "reembed-all")) return "reembed_all";
  return hasSelectors ? "reembed_selected" : "fill_missing";
}

async function readPlan(context: Context, invocation: Invocation): Promise<Plan> {
  const { io } = context;
  const seed = flagValue(invocation, "seed");
  if (seed !== undefined) return readManifest(seed, await readFlagFile(io, "--seed", seed));
  const input = flagValue(invocation, "input");
  const output = flagValue(invocation, "output");
  const spec = flagValue(invocation, "spec");
  if (input === undefined || output === undefined || spec === undefined) {
    throw badRequest("--input is required when --seed is not provided");
  }
  try {
    return { input, output, spec: parseJson(await readFlagFile(io, "--spec", spec)) };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(`--spec ${spec}: invalid JSON: ${error.message}`);
  }
}

/** Paths in a manifest start where it stands. */
async function readManifest(path: string, text: string): Promise<Plan> {
  const { root, fault } = await parseYaml(text);
  if (fault !== null) throw badRequest(`--seed ${path}: ${fault.message}`);
  const sources = member(root, "sources");
  const raw =
    sources === null
      ? textAt(member(member(root, "seed"), "data"), "seed.data")
      : textAt(member(sources, "raw_seed"), "sources.raw_seed");
  if (raw === null) throw badRequest("seed manifest is missing sources.raw_seed");
  const embeddings = member(root, "embeddings");
  if (embeddings === null) throw badRequest("seed manifest is missing embeddings");
  const embedded = textAt(member(member(root, "artifacts"), "embedded_seed"), "artifacts.embedded_seed");
  const at = (relative: string) => (relative.startsWith("/") ? relative : join(dirname(path), relative));
  return { input: at(raw), output: at(embedded ?? OUTPUT_DEFAULT), spec: jsonOf(embeddings) };
}

/** The value of a key, or null where there is none. */
function member(node: YamlNode | null, key: string): YamlNode | null {
  if (node?.kind !== "map") return null;
  const value = node.entries.find((entry) => entry.key === key)?.value ?? null;
  return value?.kind === "null" ? null : value;
}

function textAt(node: YamlNode | null, where: string): string | null {
  if (node === null) return null;
  if (node.kind !== "scalar") throw badRequest(`seed manifest: ${where} must be a path`);
  return node.text;
}

/** Plain scalars that are digits are numbers; nothing else that a spec holds is any. */
function jsonOf(node: YamlNode): JsonValue {
  switch (node.kind) {
    case "null":
      return null;
    case "scalar":
      return node.plain && /^\d+$/.test(node.text) ? Number(node.text) : node.text;
    case "list":
      return node.items.map(jsonOf);
    case "map":
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, jsonOf(value)]));
  }
}

/** Writes every line of a file, as the embedder leaves it, to another that appears when all is done. */
async function rewrite(
  source: string,
  shown: string,
  target: string,
  embedder: RecordEmbedder,
): Promise<void> {
  await access(source).catch(() => {
    throw badRequest(`seed input does not exist: ${shown}`);
  });
  await mkdir(dirname(target), { recursive: true });
  const unfinished = `${target}.tmp`;
  const file = await open(unfinished, "w");
  try {
    let text = "";
    let number = 0;
    for await (const line of linesOf(source)) {
      const written = await embedder.line(line, ++number);
      if (written === null) continue;
      text += `${written}\n`;
      if (text.length < WRITE_CHARACTERS) continue;
      await file.writeFile(text);
      text = "";
    }
    await file.writeFile(text);
    await file.close();
    await rename(unfinished, target);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function* linesOf(path: string): AsyncIterable<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw badRequest("the seed input is not UTF-8 text");
    }
  };
  /** Of the line that has not ended yet. */
  let parts: string[] = [];
  for await (const chunk of createReadStream(path)) {
    const lines = decode(chunk as Uint8Array).split("\n");
    for (let i = 0; i + 1 < lines.length; i++) {
      yield parts.join("") + lines[i];
      parts = [];
    }
    parts.push(lines[lines.length - 1]);
  }
  yield parts.join("") + decode();
}
