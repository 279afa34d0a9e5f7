// What the tests of the built binary share: the binary itself, runs of it, and a small cluster.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { upToDateBinary } from "../../scripts/build.ts";

export { temporaryDirectory } from "../support/temporary.ts";

let building: Promise<string> | null = null;

/** The executable of this run, built when first asked for and a source is newer. */
export function binary(): Promise<string> {
  building ??= upToDateBinary();
  return building;
}

/** Long enough for a build on a busy machine. */
export const BUILD_MS_MAX = 120_000;

export type Environment = Readonly<Record<string, string>>;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment. */
  readonly env?: Environment;
  readonly stdin?: string;
}

/** Runs a program to its end. */
export async function finish(words: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = Bun.spawn([...words], {
    cwd: options.cwd,
    env: options.env ?? {},
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code: child.exitCode, stdout, stderr };
}

export interface Server {
  readonly url: string;
  /** Everything on stdout so far. */
  stdout(): string;
  stderr(): string;
  /** Sends a signal and answers the exit code. */
  stop(signal?: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<number | null>;
}

const BOOT_MS_MAX = 20_000;

/** Starts a server and waits for its listen record; throws with its words where it ends before. */
export async function startServer(words: readonly string[], options: RunOptions = {}): Promise<Server> {
  const child = Bun.spawn([...words], {
    cwd: options.cwd,
    env: options.env ?? {},
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const written = { stdout: "", stderr: "" };
  const follow = async (name: "stdout" | "stderr") => {
    const decoder = new TextDecoder();
    for await (const chunk of child[name]) written[name] += decoder.decode(chunk, { stream: true });
  };
  const followed = Promise.all([follow("stdout"), follow("stderr")]);
  const deadline = Date.now() + BOOT_MS_MAX;
  for (;;) {
    const address = /^OMNIGRAPH_LISTEN_ADDR=\S*:(\d+)$/m.exec(written.stdout);
    if (address !== null) {
      return {
        url: `http://127.0.0.1:${address[1]}`,
        stdout: () => written.stdout,
        stderr: () => written.stderr,
        stop: async (signal = "SIGTERM") => {
          child.kill(signal);
          await Promise.all([child.exited, followed]);
          return child.exitCode;
        },
      };
    }
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill("SIGKILL");
      await followed;
      throw new Error(`the server did not start (exit ${child.exitCode}):\n${written.stderr}`);
    }
    await Bun.sleep(10);
  }
}

/** Writes the files of a small cluster: one graph `atlas` of ships, and a stored query. */
export function writeCluster(directory: string, more = ""): void {
  const files: Readonly<Record<string, string>> = {
    "cluster.yaml": `version: 1\ngraphs:\n  atlas: { schema: fleet.pg, queries: queries/ }\n${more}`,
    "fleet.pg": "node Ship { name: String @key  age: I32? }\n",
    "queries/ships.gq": "query ships() { match { $s: Ship } return { $s.name } order { $s.name } }\n",
    "ships.ndjson":
      '{"type":"Ship","data":{"name":"Aurora","age":3}}\n{"type":"Ship","data":{"name":"Boreas"}}\n',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}

/** The rows of the stored query, as the server answers them. */
export async function storedRows(url: string, token?: string): Promise<unknown> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/graphs/atlas/queries/ships`, { method: "POST", headers });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { rows: unknown }).rows;
}

export const SHIPS = [{ "s.name": "Aurora" }, { "s.name": "Boreas" }];
