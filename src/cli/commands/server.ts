// `server`: flags and environment into a server's settings; what runs it is the server's own.

import { badRequest, EXIT_CONTAINER_USAGE } from "../../lib/errors.ts";
import type { Context } from "../context.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";

const DEFAULT_BIND = "127.0.0.1:8080";
const CONTAINER_BIND = "0.0.0.0:8080";

/** Boot sources that are gone; beside a cluster they would say two things at once. */
const REMOVED_SOURCES = ["OMNIGRAPH_TARGET_URI", "OMNIGRAPH_CONFIG", "OMNIGRAPH_TARGET"] as const;

export async function server(context: Context, invocation: Invocation): Promise<number> {
  const { env } = context.io.ports;
  const cluster = flagValue(invocation, "cluster") ?? nonEmpty(env.OMNIGRAPH_CLUSTER);
  if (cluster === undefined) {
    throw badRequest(
      "omnigraph-server boots from a cluster: pass --cluster <dir|s3://…> or set OMNIGRAPH_CLUSTER",
    );
  }
  return serve(context, {
    cluster,
    bind: flagValue(invocation, "bind") ?? nonEmpty(env.OMNIGRAPH_BIND) ?? DEFAULT_BIND,
    unauthenticated: flagOn(invocation, "unauthenticated") || isOn(env.OMNIGRAPH_UNAUTHENTICATED),
    requireAllGraphs: flagOn(invocation, "require-all-graphs") || isOn(env.OMNIGRAPH_REQUIRE_ALL_GRAPHS),
  });
}

/** The server without any argument, as a container's entry starts it: the environment says everything. */
export async function serverFromEnvironment(context: Context): Promise<number> {
  const { env } = context.io.ports;
  const cluster = nonEmpty(env.OMNIGRAPH_CLUSTER);
  const removed = REMOVED_SOURCES.filter((name) => nonEmpty(env[name]) !== undefined);
  const refusal = refuseEnvironment(cluster, removed);
  if (cluster === undefined || refusal !== null) {
    await context.io.stderr.write(`${refusal}\n`);
    return EXIT_CONTAINER_USAGE;
  }
  return serve(context, {
    cluster,
    bind: nonEmpty(env.OMNIGRAPH_BIND) ?? CONTAINER_BIND,
    unauthenticated: isOn(env.OMNIGRAPH_UNAUTHENTICATED),
    requireAllGraphs: isOn(env.OMNIGRAPH_REQUIRE_ALL_GRAPHS),
  });
}

function refuseEnvironment(cluster: string | undefined, removed: readonly string[]): string | null {
  if (cluster !== undefined) {
    if (removed.length === 0) return null;
    return [
      "error: OMNIGRAPH_CLUSTER is an exclusive boot source: omnigraph-server boots from a cluster and nothing beside it.",
      `Unset ${REMOVED_SOURCES.join(", ")} (set now: ${removed.join(", ")}).`,
    ].join("\n");
  }
  const lines = [
    "error: container startup requires OMNIGRAPH_CLUSTER=<directory or s3://bucket/prefix>: omnigraph-server boots from a cluster.",
    "Optional: OMNIGRAPH_BIND=<host:port> (default 0.0.0.0:8080), OMNIGRAPH_REQUIRE_ALL_GRAPHS=1.",
  ];
  if (removed.length > 0) lines.push(`No longer supported: ${removed.join(", ")}.`);
  return lines.join("\n");
}

interface ServerSettings {
  /** A storage root with a scheme, or a directory as given. */
  readonly cluster: string;
  readonly bind: string;
  readonly unauthenticated: boolean;
  readonly requireAllGraphs: boolean;
}

async function serve(context: Context, settings: ServerSettings): Promise<number> {
  const { runServer } = await import("../../server/index.ts");
  context.io.takeSignals();
  return runServer(settings, context.io);
}

const nonEmpty = (value: string | undefined): string | undefined => (value === "" ? undefined : value);

/** Trimmed: empty, `0` and `false` in any case are off, everything else is on. */
function isOn(value: string | undefined): boolean {
  const text = value?.trim().toLowerCase() ?? "";
  return text !== "" && text !== "0" && text !== "false";
}
