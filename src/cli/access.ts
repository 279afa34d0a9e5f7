// The graph that a command works on, behind one interface whether a server keeps it or this process opens its storage.

import { resolve } from "node:path";
import { type Connection, listGraphs, type RemoteGraph, remoteGraph } from "../client/index.ts";
import type { Graph } from "../engine/graph.ts";
import { refuseReservedActor } from "../lib/actor.ts";
import { badRequest } from "../lib/errors.ts";
import type { StorageAdapter } from "../storage/adapter.ts";
import { directBlobs } from "./blobs.ts";
import type { OperatorConfig } from "./config.ts";
import type { Context } from "./context.ts";
import { serverOfUrl, tokenForUrl } from "./credentials.ts";
import { flagValue, type Invocation } from "./parse.ts";
import { dataScope, type ServerScope, type StoreScope } from "./scope.ts";

/** What the commands on data ask of a graph. */
export interface GraphAccess
  extends Pick<
    RemoteGraph,
    | "query"
    | "mutate"
    | "load"
    | "export"
    | "snapshot"
    | "branches"
    | "createBranch"
    | "deleteBranch"
    | "merge"
    | "commitPage"
    | "commit"
    | "commitChanges"
    | "pollChanges"
    | "captureBaseline"
    | "applySchema"
    | "schemaSource"
    | "statBlob"
    | "readBlob"
  > {
  /** As typed for storage, the graph's URL when served. */
  readonly uri: string;
  /** Null where this process opened the storage itself. */
  readonly remote: RemoteGraph | null;
  close(): Promise<void>;
}

/** What is about to be done, so that opening the storage can fetch it in the same wave of requests. */
export interface Intent {
  /** The branch that is read or written; `main` without. */
  readonly branch?: string;
  readonly forWriting?: boolean;
}

/** Opens the graph of a command that only reads. */
export async function openForRead(
  context: Context,
  invocation: Invocation,
  intent: Intent = {},
): Promise<GraphAccess> {
  return openGraphAccess(context, await dataScope(context, invocation), intent);
}

/** The scope of a write and who writes; a server takes the actor from the token, so `--as` is refused there. */
export async function writeScope(
  context: Context,
  invocation: Invocation,
): Promise<{ scope: ServerScope | StoreScope; actor: string | null }> {
  const scope = await dataScope(context, invocation);
  const actor = flagValue(invocation, "as");
  if (scope.kind === "store") {
    const writer = actor ?? (await context.config()).actor;
    if (writer !== null) refuseReservedActor(writer, "actor");
    return { scope, actor: writer };
  }
  if (actor !== undefined) {
    throw badRequest("`--as` is not allowed on a served write: the server takes the actor from the token");
  }
  return { scope, actor: null };
}

/** Opens the graph of a scope: connects to nothing but, where the graph is not named, asks the server for its list. */
export async function openGraphAccess(
  context: Context,
  scope: ServerScope | StoreScope,
  intent: Intent,
): Promise<GraphAccess> {
  if (scope.kind === "store") {
    return directAccess(scope.uri, await openStoredGraph(context, scope.uri, intent));
  }
  const connection = await connectionTo(context, scope.base);
  if (scope.graph === null) await refuseUnnamedGraph(connection);
  const remote = remoteGraph(connection, scope.graph);
  return { ...remote, remote, close: async () => {} };
}

/** Runs `work` on the graph and lets go of it, whatever happens. */
export async function withGraph<T>(graph: GraphAccess, work: (graph: GraphAccess) => Promise<T>): Promise<T> {
  try {
    return await work(graph);
  } finally {
    await graph.close();
  }
}

/** A connection to a base URL, with the token that belongs to it. */
export async function connectionTo(context: Context, base: string): Promise<Connection> {
  const config: OperatorConfig = await context.config();
  const { ports } = context.io;
  return {
    ports,
    base,
    token: await tokenForUrl(ports, config, base),
    serverName: serverOfUrl(config.servers, base),
  };
}

/** A server that lists graphs needs one of them named; one that lists none, or does not answer, may be a single graph. */
async function refuseUnnamedGraph(connection: Connection): Promise<void> {
  const graphs = await listGraphs(connection).catch(() => []);
  if (graphs.length === 0) return;
  const ids = graphs.map((graph) => graph.graph_id).sort();
  throw badRequest(`${connection.base} serves ${ids.join(", ")}; pass --graph <id>`);
}

/** The storage of a URI as typed: a relative path starts at the command's directory. */
export async function openStorageAt(context: Context, uri: string): Promise<StorageAdapter> {
  const { openStorage } = await import("../storage/index.ts");
  return openStorage(absoluteUri(context, uri), context.io.ports);
}

export function absoluteUri(context: Context, uri: string): string {
  return uri.includes("://") || uri.trim() === "" ? uri : resolve(context.io.directory, uri);
}

/** The engine's graph at a URI as typed. */
export async function openStoredGraph(
  context: Context,
  uri: string,
  { branch, forWriting }: Intent = {},
): Promise<Graph> {
  const storage = await openStorageAt(context, uri);
  const { openGraph } = await import("../engine/index.ts");
  const { ports } = context.io;
  return openGraph({
    storage,
    ports,
    branch,
    forWriting,
    readStalenessMs: stalenessMs(context),
    queryTimeoutMs: queryTimeoutMs(context),
  });
}

function stalenessMs(context: Context): number {
  const given = Number(context.io.ports.env.OMNIGRAPH_READ_STALENESS_MS ?? "");
  return Number.isFinite(given) && given > 0 ? given : 0;
}

function queryTimeoutMs(context: Context): number | undefined {
  const given = context.io.ports.env.OMNIGRAPH_QUERY_TIMEOUT_MS?.trim() ?? "";
  if (given === "") return undefined;
  if (/^\d{1,8}$/.test(given)) return Number(given);
  throw badRequest(`OMNIGRAPH_QUERY_TIMEOUT_MS takes milliseconds, found '${given}'`);
}

function directAccess(uri: string, graph: Graph): GraphAccess {
  return {
    uri,
    remote: null,
    query: (request) => graph.query(request),
    mutate: (request) => graph.mutate(request),
    load: (request) => graph.load(request),
    export: (request) => graph.export(request),
    snapshot: (selector) => graph.snapshot(selector),
    branches: () => graph.branches(),
    createBranch: async (request) => ({ ...(await graph.createBranch(request)), uri }),
    deleteBranch: async (request) => ({ ...(await graph.deleteBranch(request)), uri }),
    merge: (request) => graph.merge(request),
    commitPage: (request) => graph.commitPage(request),
    commit: (id) => graph.commit(id),
    commitChanges: (request) => graph.commitChanges(request),
    pollChanges: (request) => graph.pollChanges(request),
    captureBaseline: (request) => graph.captureBaseline(request),
    applySchema: async (request) => ({ ...(await graph.applySchema(request)), uri }),
    schemaSource: async (snapshot) =>
      (await graph.catalog(snapshot === undefined ? {} : { snapshot })).source,
    ...directBlobs(graph),
    close: () => graph.close(),
  };
}
