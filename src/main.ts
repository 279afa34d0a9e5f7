// The entry: what this program is called decides whether it is the command line or its server.

import { write } from "node:fs";
import { basename } from "node:path";
import { isatty } from "node:tty";
import { type Input, type Io, type Output, OutputClosed, run } from "./cli/index.ts";
import { systemPorts } from "./lib/ports.ts";
import { encodeUtf8 } from "./lib/utf8.ts";

const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;
/** A pipe that is full and does not block says so; its reader needs a moment. */
const FULL_PIPE_PAUSE_MS = 2;

function writeSome(descriptor: number, bytes: Uint8Array): Promise<number> {
  return new Promise((done, failed) => {
    write(descriptor, bytes, (error, count) => {
      if (error === null) done(count);
      else if (error.code === "EAGAIN") setTimeout(() => done(0), FULL_PIPE_PAUSE_MS);
      else failed(error.code === "EPIPE" ? new OutputClosed() : error);
    });
  });
}

async function writeAll(descriptor: number, data: string | Uint8Array): Promise<void> {
  let bytes = typeof data === "string" ? encodeUtf8(data) : data;
  while (bytes.length > 0) bytes = bytes.subarray(await writeSome(descriptor, bytes));
}

const standardOutput: Output = { isTerminal: isatty(1), write: (data) => writeAll(1, data) };

const standardError: Output = {
  isTerminal: isatty(2),
  write: async (data) => {
    try {
      await writeAll(2, data);
    } catch (thrown) {
      // Nobody hears the notes any more; the work goes on.
      if (!(thrown instanceof OutputClosed)) throw thrown;
    }
  },
};

const standardInput: Input = {
  isTerminal: isatty(0),
  chunks: () => Bun.stdin.stream(),
  line: async () => {
    for await (const line of console) return line;
    return null;
  },
};

function systemIo(): Io {
  const ports = systemPorts();
  const end = (signal: keyof typeof EXIT_BY_SIGNAL) => process.exit(EXIT_BY_SIGNAL[signal]);
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  return {
    ports,
    startedAt: performance.timeOrigin,
    directory: process.cwd(),
    stdin: standardInput,
    stdout: standardOutput,
    stderr: standardError,
    takeSignals: () => {
      process.off("SIGINT", end);
      process.off("SIGTERM", end);
    },
  };
}

const SERVER_NAME = "omnigraph-server";
const calledAs = basename(process.argv0).replace(/\.exe$/i, "");
const words = process.argv.slice(2);
const code = await run(calledAs === SERVER_NAME ? ["server", ...words] : words, systemIo());
process.exit(code);
