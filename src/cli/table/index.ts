// Every command, in the order of the root help.

import type { CommandSpec } from "../spec.ts";
import * as data from "./data.ts";
import * as local from "./local.ts";
import * as operate from "./operate.ts";

export { OUTPUT_FORMATS } from "./flags.ts";
export { SHELLS } from "./local.ts";

export const ROOT: CommandSpec = {
  name: "omnigraph",
  capability: "local",
  summary: "Typed property graphs on a directory or a bucket, versioned like git, served over HTTP.",
  subcommands: [
    data.query,
    data.mutate,
    data.alias,
    data.load,
    data.ingest,
    data.branch,
    data.snapshot,
    data.exportGraph,
    data.blob,
    data.commit,
    data.changes,
    data.schema,
    data.graphs,
    operate.init,
    operate.optimize,
    operate.repair,
    operate.cleanup,
    operate.lint,
    operate.queries,
    operate.cluster,
    operate.policy,
    operate.server,
    operate.embed,
    local.login,
    local.logout,
    local.profile,
    local.completion,
    local.healthcheck,
    local.version,
  ],
};
