// `cluster …`: one JSON object from the control plane, printed as it is or for people. The result goes to stdout also
// where it is a failure; only a refusal before the command runs goes to stderr.

import type { ClusterOptions } from "../../cluster/index.ts";
import { refuseReservedActor } from "../../lib/actor.ts";
import type { JsonObject } from "../../lib/json.ts";
import { clusterActor } from "../config.ts";
import type { Context } from "../context.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";
import { showingProgress } from "../progress.ts";
import type { Handler } from "../spec.ts";

const cluster = () => import("../../cluster/index.ts");

export const validate = clusterCommand(
  async (options) => (await cluster()).validateCluster(options),
  "renderValidate",
);
export const plan = clusterCommand(async (options) => (await cluster()).planCluster(options), "renderPlan");
export const status = clusterCommand(
  async (options) => (await cluster()).clusterStatus(options),
  "renderStatus",
);
export const importLedger = clusterCommand(
  async (options) => (await cluster()).importCluster(options),
  "renderImport",
);
export const apply = clusterCommand(async (options, context, invocation) => {
  const { io } = context;
  const actor = flagValue(invocation, "as") ?? (await clusterActor(io.ports, io.directory));
  if (actor !== null) refuseReservedActor(actor, "actor");
  const { applyCluster } = await cluster();
  return showingProgress(
    context,
    invocation,
    "applying",
    () => options.configDir,
    () => applyCluster({ ...options, actor }),
  );
}, "renderApply");
export const forceUnlock = clusterCommand(async (options, _, { positionals: [lockId] }) => {
  return (await cluster()).forceUnlock({ ...options, lockId });
}, "renderForceUnlock");

type Work = (options: ClusterOptions, context: Context, invocation: Invocation) => Promise<JsonObject>;
type Renderer =
  | "renderValidate"
  | "renderPlan"
  | "renderApply"
  | "renderStatus"
  | "renderImport"
  | "renderForceUnlock";

function clusterCommand(work: Work, renderer: Renderer): Handler {
  return async (context, invocation) => {
    const configDir = flagValue(invocation, "config") ?? ".";
    const output = await work({ configDir, ports: context.io.ports }, context, invocation);
    if (flagOn(invocation, "json")) await context.printJson(output);
    else await context.io.stdout.write((await cluster())[renderer](output));
    return output.ok === true ? 0 : 1;
  };
}
