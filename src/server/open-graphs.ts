// Opening the graphs of a boot. A graph that cannot be served is set aside with the reason; what to make of that is
// the boot's decision.

import { type EmbeddingProfile, resolveProfile } from "../embedding/index.ts";
import { openGraph } from "../engine/index.ts";
import { badRequest } from "../lib/errors.ts";
import type { ExternalBlobBase } from "../lib/external-uri.ts";
import type { Ports } from "../lib/ports.ts";
import { compileBundle, enforce } from "../policy/index.ts";
import { openStorage } from "../storage/index.ts";
import { envNumber } from "./env-number.ts";
import { OPENING_GRAPHS_MAX, QUERY_TIMEOUT_MS_MAX } from "./limits.ts";
import type { Logger } from "./log.ts";
import { isGraphId } from "./names.ts";
import type { ServedGraph } from "./service.ts";
import { checkStoredQueries, parseStoredQueries, type StoredQuery } from "./stored-queries.ts";

/** A graph as the applied revision describes it. */
export interface GraphToServe {
  readonly id: string;
  /** Where it is kept, as `openStorage` takes it. */
  readonly uri: string;
  /** Source of every stored query, by name. */
  readonly queries: ReadonlyMap<string, string>;
  /** Null: the graph embeds with what the environment says. */
  readonly embedding: EmbeddingProfile | null;
  /** Where the objects lie that new Blob references may name. */
  readonly externalBlobs: readonly ExternalBlobBase[];
  /** Text of the bundle bound to it. */
  readonly policy: string | null;
}

export interface Quarantined {
  readonly id: string;
  /** `settings`: wrong before anything was opened. */
  readonly stage: "settings" | "open";
  readonly reason: string;
}

export interface OpenedGraphs {
  readonly ready: readonly ServedGraph[];
  readonly quarantined: readonly Quarantined[];
}

/** Opens every graph, a few at a time, and sorts the ready from the others; both in the order given. */
export async function openGraphs(
  graphs: readonly GraphToServe[],
  ports: Ports,
  log: Logger,
): Promise<OpenedGraphs> {
  const outcomes = new Array<ServedGraph | Quarantined>(graphs.length);
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < graphs.length; index = next++) {
      const graph = graphs[index];
      if (graph !== undefined) outcomes[index] = await openOne(graph, ports, log);
    }
  };
  await Promise.all(Array.from({ length: Math.min(OPENING_GRAPHS_MAX, graphs.length) }, worker));
  return {
    ready: outcomes.filter((outcome) => "graph" in outcome),
    quarantined: outcomes.filter((outcome) => "reason" in outcome),
  };
}

async function openOne(graph: GraphToServe, ports: Ports, log: Logger): Promise<ServedGraph | Quarantined> {
  const { id } = graph;
  const setAside = (
    stage: Quarantined["stage"],
    message: string,
    field: string,
    error: unknown,
  ): Quarantined => {
    const reason = error instanceof Error ? error.message : String(error);
    log.log("warn", message, { graph_id: id, [field]: reason });
    return { id, stage, reason };
  };
  let queries: ReadonlyMap<string, StoredQuery>;
  try {
    queries = parseStoredQueries(graph.queries);
  } catch (error) {
    return setAside("settings", "graph quarantined because stored queries failed to parse", "errors", error);
  }
  try {
    if (graph.embedding !== null) resolveProfile(graph.embedding, ports.env);
  } catch (error) {
    const message = "graph quarantined because embedding provider configuration failed";
    const cause = error instanceof Error ? error.message : String(error);
    return setAside("settings", message, "error", `embedding provider for graph '${id}': ${cause}`);
  }
  try {
    const served = await serve(graph, queries, ports, log);
    logAdvisories(served, log);
    return served;
  } catch (error) {
    return setAside("open", "graph quarantined during startup", "error", error);
  }
}

async function serve(
  { id, uri, externalBlobs, policy, embedding }: GraphToServe,
  queries: ReadonlyMap<string, StoredQuery>,
  ports: Ports,
  log: Logger,
): Promise<ServedGraph> {
  if (!isGraphId(id)) throw badRequest(`graph id '${id}' cannot stand in a route`);
  const gate = policy === null ? null : await compileBundle(policy, { kind: "graph", graphId: id });
  const graph = await openGraph({
    storage: await openStorage(uri, ports),
    ports,
    forWriting: true,
    resident: true,
    embedding,
    onEmbedding: ({ level, fields }) => log.log(level, "omnigraph::embedding", { graph_id: id, ...fields }),
    onWarmUpFailure: (error) =>
      log.log("warn", "background warm-up failed", {
        graph_id: id,
        error: error instanceof Error ? error.message : String(error),
      }),
    // A server never takes a caller's word for what it may read on its own machine.
    externalBlobs: externalBlobs.filter(({ scope }) => scope === "server_safe"),
    // Code that holds the open graph without HTTP is asked too.
    ...(gate === null ? {} : { gate: (actor, request) => enforce(gate, actor, request) }),
    ...readStaleness(ports),
    queryTimeoutMs: envNumber(ports, log, "OMNIGRAPH_QUERY_TIMEOUT_MS", undefined, QUERY_TIMEOUT_MS_MAX),
  });
  try {
    await checkStoredQueries(id, graph, queries);
  } catch (error) {
    await graph.close();
    throw error;
  }
  return { id, uri, graph, gate, queries };
}

function readStaleness({ env }: Ports): { readonly readStalenessMs?: number } {
  const text = env.OMNIGRAPH_READ_STALENESS_MS?.trim() ?? "";
  return /^\d{1,9}$/.test(text) ? { readStalenessMs: Number(text) } : {};
}

function logAdvisories({ id, queries }: ServedGraph, log: Logger): void {
  for (const { name, advisories } of queries.values()) {
    for (const advisory of advisories)
      log.log("warn", `stored query: ${advisory}`, { graph: id, query: name });
  }
}
