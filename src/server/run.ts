// A server from boot to exit: what is printed where, and how signals end it.

import { OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { createApp } from "./app.ts";
import { boot } from "./boot.ts";
import { envNumber } from "./env-number.ts";
import { DRAIN_MS_MAX, DRAIN_TIMEOUT_MS_MAX } from "./limits.ts";
import { type Listener, listen, parseBind } from "./listen.ts";
import { createLogger, type Logger } from "./log.ts";

export interface ServerOptions {
  /** A config directory, or the URI of a storage root. */
  readonly cluster: string;
  /** `host:port`; port 0 takes a free one. */
  readonly bind: string;
  readonly unauthenticated: boolean;
  /** Refuse to boot where a graph would be left out. */
  readonly requireAllGraphs: boolean;
}

interface Sink {
  readonly write: (text: string) => Promise<void>;
}

/** The world of a server: its ports, and where the listen record and the log go. */
export interface ServerIo {
  readonly ports: Ports;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

export interface RunningServer {
  /** `host:port` as it was bound. */
  readonly address: string;
  readonly port: number;
  /** Resolves when every request in flight has its answer and the graphs are closed. */
  readonly stop: () => Promise<void>;
}

/** The line by which a supervisor learns the address. */
const LISTEN_RECORD = "OMNIGRAPH_LISTEN_ADDR";

/** Boots and serves; throws with every reason why it will not. */
export async function startServer(options: ServerOptions, io: ServerIo): Promise<RunningServer> {
  return await start(options, io, logTo(io).log);
}

async function start(options: ServerOptions, io: ServerIo, log: Logger): Promise<RunningServer> {
  const bind = parseBind(options.bind);
  const service = await boot(options, io.ports, log);
  const closeGraphs = async () => {
    await Promise.all([...service.graphs.values()].map(({ graph }) => graph.close()));
    log.flush();
  };
  try {
    const listener = listen(bind, createApp(service).fetch);
    await io.stdout.write(`${LISTEN_RECORD}=${listener.address}\n`);
    log.log("info", "serving omnigraph", {
      bind: listener.address,
      mode: "cluster",
      graph_count: service.graphs.size,
      config: options.cluster,
    });
    const drainMs = envNumber(
      io.ports,
      log,
      "OMNIGRAPH_DRAIN_TIMEOUT_MS",
      DRAIN_MS_MAX,
      DRAIN_TIMEOUT_MS_MAX,
    );
    const stop = async () => {
      await drained(listener, drainMs, io.ports, log);
      await closeGraphs();
    };
    return { address: listener.address, port: listener.port, stop };
  } catch (error) {
    await closeGraphs();
    throw error;
  }
}

/** Waits for the requests in flight, and cuts off those that a client leaves hanging. */
async function drained(listener: Listener, drainMs: number, ports: Ports, log: Logger): Promise<void> {
  const inTime = await Promise.race([
    listener.stop().then(() => true),
    ports.sleep(drainMs).then(() => false),
  ]);
  if (inTime) return;
  log.log("warn", "drain deadline passed, requests in flight are cut off", {
    deadline_ms: drainMs,
    requests: listener.inFlight(),
  });
  await listener.cut();
}

/** A log on stderr, written in order; a stderr that nobody reads any more does not stop a server. */
function logTo({ ports, stderr }: ServerIo) {
  let written = Promise.resolve();
  const log = createLogger(ports, (text) => {
    written = written.then(() => stderr.write(text)).catch(() => undefined);
  });
  const drain = async () => {
    log.flush();
    await written;
  };
  return { log, drain };
}

/** Serves until SIGTERM or SIGINT; a second signal ends the process at once. Answers the exit code. */
export async function runServer(options: ServerOptions, io: ServerIo): Promise<number> {
  const { log, drain } = logTo(io);
  // From the first moment: as process 1 of a container nothing else would heed a signal.
  const signalled = stopSignal();
  let server: RunningServer;
  try {
    server = await start(options, io, log);
  } catch (error) {
    await drain();
    await io.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof OmnigraphError ? error.exitCode : 1;
  }
  await signalled;
  log.log("info", "shutdown signal received");
  await drain();
  await server.stop();
  await drain();
  return 0;
}

/** Resolves at the first signal, and makes the next one final. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = (_name: string, number: number) => {
      if (stopping) process.exit(128 + number);
      stopping = true;
      resolve();
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}
