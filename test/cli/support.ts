// Runs commands in this process, with streams that remember and a home directory of their own.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Io, OutputClosed, run } from "../../src/cli/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { encodeUtf8 } from "../../src/lib/utf8.ts";
import { temporaryDirectory } from "../support/temporary.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  readonly directory: string;
  readonly home: string;
  /** Runs the words of a command line; `settings` add to the world for this one run. */
  run(words: readonly string[], settings?: Settings): Promise<Outcome>;
  /** Runs and answers the document on stdout; fails the test where the command failed. */
  json(words: readonly string[], settings?: Settings): Promise<unknown>;
  /** Writes a file and answers its path. */
  file(name: string, text: string): string;
  /** Replaces the operator config. */
  config(text: string): void;
}

export interface Settings {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** When the process began, in ms; now without. */
  readonly startedAt?: number;
  /** Whether stdin is a terminal. */
  readonly terminal?: boolean;
  /** Lines of stdout after which its reader goes away. */
  readonly readsLines?: number;
}

/** A working directory and an operator home, both empty. */
export function createWorld(): World {
  const directory = temporaryDirectory();
  const home = temporaryDirectory();
  const runWords = async (words: readonly string[], settings: Settings = {}): Promise<Outcome> => {
    const written = { stdout: "", stderr: "" };
    const output = (name: "stdout" | "stderr") => ({
      isTerminal: false,
      write: async (data: string | Uint8Array) => {
        written[name] += typeof data === "string" ? data : new TextDecoder().decode(data);
        const lines = written.stdout.split("\n").length - 1;
        if (name === "stdout" && lines > (settings.readsLines ?? Number.POSITIVE_INFINITY)) {
          throw new OutputClosed();
        }
      },
    });
    const ports = { ...systemPorts(), env: { OMNIGRAPH_HOME: home, ...settings.env } };
    const io: Io = {
      ports,
      startedAt: settings.startedAt ?? ports.nowMicros() / 1000,
      directory,
      stdin: {
        isTerminal: settings.terminal ?? false,
        chunks: async function* () {
          yield encodeUtf8(settings.stdin ?? "");
        },
        line: async () => (settings.stdin === undefined ? null : settings.stdin.split("\n")[0]),
      },
      stdout: output("stdout"),
      stderr: output("stderr"),
      takeSignals: () => {},
    };
    const code = await run(words, io);
    return { code, ...written };
  };
  return {
    directory,
    home,
    run: runWords,
    json: async (words, settings) => {
      const outcome = await runWords(words, settings);
      if (outcome.code !== 0) throw new Error(`exit ${outcome.code}: ${outcome.stderr}`);
      return JSON.parse(outcome.stdout);
    },
    file: (name, text) => {
      const path = join(directory, name);
      writeFileSync(path, text);
      return path;
    },
    config: (text) => writeFileSync(join(home, "config.yaml"), text),
  };
}

/** What a server was asked. */
export interface Asked {
  readonly method: string;
  /** Path and query string, as they were sent. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface FakeServer {
  readonly url: string;
  readonly asked: readonly Asked[];
  stop(): void;
}

/** A real HTTP server that answers as the test says and remembers what it was asked. */
export function fakeServer(answer: (asked: Asked) => Response | Promise<Response>): FakeServer {
  const asked: Asked[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      const entry = {
        method: request.method,
        target: pathname + search,
        headers: request.headers,
        body: await request.text(),
      };
      asked.push(entry);
      return answer(entry);
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, asked, stop: () => server.stop(true) };
}
