// The order of a boot (spec 04 §1.3): what was applied, who may call, then the graphs. Nothing is opened before the
// combination of tokens and policy is one that may serve, and the cluster itself is only read.

import { bindPolicies, notReadyText, readServingSnapshot, type ServingSnapshot } from "../cluster/index.ts";
import { OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { compileBundle } from "../policy/index.ts";
import { createAdmission } from "./admission.ts";
import { createAuthenticator } from "./auth.ts";
import type { Logger } from "./log.ts";
import { type GraphToServe, openGraphs, type Quarantined } from "./open-graphs.ts";
import type { ServedGraph, Service } from "./service.ts";
import { classifyRuntime, type RuntimeState } from "./state.ts";
import { createStreamSlots } from "./streams.ts";
import { loadTokens } from "./tokens.ts";

export interface BootOptions {
  readonly cluster: string;
  readonly unauthenticated: boolean;
  readonly requireAllGraphs: boolean;
}

/** Everything that a server needs before it binds its port; throws where it must not serve. */
export async function boot(options: BootOptions, ports: Ports, log: Logger): Promise<Service> {
  const snapshot = await appliedRevision(options, ports, log);
  const tokens = await loadTokens(ports);
  if (tokens.length > 0) log.log("info", "loaded bearer token source", { source: "env-or-file" });
  const state = classifyRuntime({
    tokens: tokens.length > 0,
    policy: snapshot.hasPolicy,
    unauthenticated: options.unauthenticated,
  });
  warnOfState(state, log);

  const { server, graphs: bundles } = bindPolicies(snapshot.policies);
  const serverGate = server === null ? null : await compileBundle(server.content, { kind: "server" });
  const toServe = snapshot.graphs.map(({ id, rootUri, queries, embedding, externalBlobs }) => ({
    id,
    uri: rootUri,
    queries: new Map(queries.map(({ name, source }) => [name, source])),
    embedding,
    externalBlobs: externalBlobs?.bases ?? [],
    policy: bundles.get(id)?.content ?? null,
  }));
  const graphs = await openAll(toServe, options, ports, log);
  return {
    ports,
    log,
    authenticator: tokens.length === 0 ? null : createAuthenticator(tokens),
    serverGate,
    graphs: new Map(graphs.map((served) => [served.id, served])),
    admission: createAdmission(ports, log),
    exports: createStreamSlots(ports),
  };
}

async function appliedRevision(options: BootOptions, ports: Ports, log: Logger): Promise<ServingSnapshot> {
  const read = await readServingSnapshot(options.cluster, ports);
  if (!read.ok) throw refused(notReadyText(options.cluster, read.diagnostics));
  const { snapshot } = read;
  for (const { graphId, diagnostic } of snapshot.quarantined) {
    const { code, path, message } = diagnostic;
    log.log("warn", "cluster startup diagnostic", { code, path, message });
    log.log("warn", "graph quarantined during startup", { graph_id: graphId, error: message });
  }
  if (options.requireAllGraphs) requireNothingLeftOut(snapshot);
  return snapshot;
}

function requireNothingLeftOut({ quarantined }: ServingSnapshot): void {
  if (quarantined.length === 0) return;
  const lines = quarantined.map(
    ({ diagnostic: { code, path, message } }) => `  [${code}] ${path}: ${message}`,
  );
  throw refused(["strict cluster boot requires every applied graph to be ready:", ...lines].join("\n"));
}

async function openAll(
  toServe: readonly GraphToServe[],
  { requireAllGraphs }: BootOptions,
  ports: Ports,
  log: Logger,
): Promise<readonly ServedGraph[]> {
  const { ready, quarantined } = await openGraphs(toServe, ports, log);
  const fault =
    requireAllGraphs && quarantined.length > 0
      ? strictFault(quarantined)
      : ready.length === 0
        ? ["no healthy graphs: none of the applied graphs can be served", ...quarantined.map(graphLine)].join(
            "\n",
          )
        : null;
  if (fault === null) return ready;
  await Promise.all(ready.map(({ graph }) => graph.close()));
  throw refused(fault);
}

function strictFault(quarantined: readonly Quarantined[]): string {
  const settings = quarantined.some(({ stage }) => stage === "settings");
  const rule = settings
    ? "strict cluster boot requires every graph to build startup settings:"
    : "strict multi-graph startup requires every graph to open:";
  return [rule, ...quarantined.map(graphLine)].join("\n");
}

const graphLine = ({ id, reason }: Quarantined) => `  graph '${id}': ${reason}`;

function warnOfState(state: RuntimeState, log: Logger): void {
  if (state === "open") {
    log.log(
      "warn",
      "running with --unauthenticated: everyone who reaches the port may read and write every graph",
    );
  } else if (state === "default_deny") {
    log.log("warn", "running in default-deny mode: tokens but no policy, so only `read` is allowed");
  }
}

const refused = (message: string) => new OmnigraphError("bad_request", message);
