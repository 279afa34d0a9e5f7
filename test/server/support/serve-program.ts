// A server as a process of its own, for tests of its exit codes, its streams and its signals.

import { systemPorts } from "../../../src/lib/ports.ts";
import { runServer } from "../../../src/server/index.ts";

const [cluster = "", ...flags] = process.argv.slice(2);

process.exitCode = await runServer(
  {
    cluster,
    bind: "127.0.0.1:0",
    unauthenticated: flags.includes("--unauthenticated"),
    requireAllGraphs: flags.includes("--require-all-graphs"),
  },
  {
    ports: systemPorts(),
    stdout: { write: async (text) => void process.stdout.write(text) },
    stderr: { write: async (text) => void process.stderr.write(text) },
  },
);
process.exit();
