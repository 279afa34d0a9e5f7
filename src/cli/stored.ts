// Graphs that commands open on their storage themselves: a URI, or a graph that a cluster has applied.

import type { Graph } from "../engine/graph.ts";
import { badRequest } from "../lib/errors.ts";
import { absoluteUri, openStorageAt, openStoredGraph } from "./access.ts";
import type { Context } from "./context.ts";
import type { Invocation } from "./parse.ts";
import { type ClusterScope, directScope, type StoreScope } from "./scope.ts";

/** Runs `work` on the graph of a direct command; `uri` is the address as messages show it. */
export async function withStoredGraph<T>(
  context: Context,
  invocation: Invocation,
  work: (graph: Graph, uri: string) => Promise<T>,
): Promise<T> {
  const uri = await storedGraphUri(context, await directScope(context, invocation));
  const graph = await openStoredGraph(context, uri);
  try {
    return await work(graph, uri);
  } finally {
    await graph.close();
  }
}

/** The storage of the graph of a scope: of a cluster its one graph, or the one that is named. */
export async function storedGraphUri(context: Context, scope: StoreScope | ClusterScope): Promise<string> {
  if (scope.kind === "store") return scope.uri;
  const { appliedGraphRoot } = await import("../cluster/index.ts");
  return appliedGraphRoot(scope.root, scope.graph, context.io.ports);
}

const GRAPH_IN_CLUSTER = /^(.+)\/graphs\/[^/]+\.omni\/?$/;

/** Refuses a graph that a cluster keeps: its schema and its existence are the cluster's to change. */
export async function refuseInsideCluster(context: Context, uri: string): Promise<void> {
  const absolute = absoluteUri(context, uri);
  const root = GRAPH_IN_CLUSTER.exec(absolute)?.[1];
  if (root === undefined) return;
  const storage = await openStorageAt(context, root);
  if ((await storage.head("__cluster/state.json")) === null) return;
  throw badRequest(
    `'${uri}' is inside cluster ${root}, which keeps its graphs itself: change the configuration and run \`omnigraph cluster apply\``,
  );
}
