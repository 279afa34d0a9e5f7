// The built binary as a child process: run to its end, or kept as a server, with its time and its memory.

import { readFileSync } from "node:fs";
import { BINARY } from "../build.ts";

export type Environment = Readonly<Record<string, string>>;

export interface Finished {
  /** From just before the start until the process was gone. */
  readonly ms: number;
  readonly stdout: string;
  /** The most memory it ever held resident, in bytes; null where the system does not tell. */
  readonly peakBytes: number | null;
}

export interface Memory {
  readonly residentBytes: number;
  readonly peakBytes: number;
}

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  memory(): Memory | null;
  /** Asks it to end and waits; a server that does not end cleanly is an error. */
  stop(): Promise<void>;
}

/** A peak lasts until the process ends, so the last look before that may miss no more than this. */
const MEMORY_POLL_MS = 5;
const KIB = 1024;

const running = new Set<Bun.Subprocess>();

/** Ends every process that was started here and still runs. */
export function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Runs the binary to its end; fails with what it complained of. */
export async function omnigraph(args: readonly string[], env: Environment): Promise<Finished> {
  const started = performance.now();
  const child = start(args, env);
  let peakBytes: number | null = null;
  const watch = setInterval(() => {
    peakBytes = memoryOf(child.pid)?.peakBytes ?? peakBytes;
  }, MEMORY_POLL_MS);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const ms = performance.now() - started;
  clearInterval(watch);
  if (code !== 0) throw new Error(`omnigraph ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
  return { ms, stdout, peakBytes };
}

/** Starts a server on a free port and waits until it listens. */
export async function startServer(cluster: string, env: Environment): Promise<RunningServer> {
  const child = start(["server", "--cluster", cluster, "--bind", "127.0.0.1:0", "--unauthenticated"], env);
  const errors = new Response(child.stderr).text();
  const [host, port] = (await listenAddress(child.stdout, errors)).split(":");
  return {
    host,
    port: Number(port),
    memory: () => memoryOf(child.pid),
    stop: async () => {
      child.kill("SIGTERM");
      const code = await child.exited;
      if (code !== 0) throw new Error(`the server ended with exit code ${code}\n${await errors}`);
    },
  };
}

async function listenAddress(stdout: ReadableStream<Uint8Array>, errors: Promise<string>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  const reader = stdout.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the server did not start:\n${await errors}${text}`);
    text += decoder.decode(value, { stream: true });
    const address = /^OMNIGRAPH_LISTEN_ADDR=(.+)$/m.exec(text)?.[1];
    if (address === undefined) continue;
    // What it prints from now on must not fill the pipe.
    void drain(reader);
    return address;
  }
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

function start(args: readonly string[], env: Environment) {
  const child = Bun.spawn([BINARY, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env.PATH, ...env },
  });
  running.add(child);
  void child.exited.then(() => running.delete(child));
  return child;
}

function memoryOf(pid: number): Memory | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const bytes = (field: string) => {
      const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
      return kilobytes === undefined ? null : Number(kilobytes) * KIB;
    };
    const residentBytes = bytes("VmRSS");
    const peakBytes = bytes("VmHWM");
    return residentBytes === null || peakBytes === null ? null : { residentBytes, peakBytes };
  } catch {
    // The process has just ended, or the system has no /proc.
    return null;
  }
}
