// Graphs that commands open on their storage themselves: a URI, or a graph that a cluster has applied.

import type { Graph } from "../engine/graph.ts";
import { badRequest } from "../lib/errors.ts";
import { absoluteUri, openStorageAt, openStoredGraph } from "./access.ts";
import type { Context } from "./context.ts";
import type { Invocation } from "./parse.ts";
import { directScope } from "./scope.ts";

/** Runs `work` on the graph of a direct command; `uri` is the address as messages show it. */
export async function withStoredGraph<T>(
  context: Context,
  invocation: Invocation,
  work: (graph: Graph, uri: string) => Promise<T>,
): Promise<T> {
  const scope = await directScope(context, invocation);
  const uri = scope.kind === "store" ? scope.uri : await appliedGraphUri(context, scope.root, scope.graph);
  const graph = await openStoredGraph(context, uri);
  try {
    return await work(graph, uri);
  } finally {
    await graph.close();
  }
}

/** The storage of the one graph of a cluster, or of the one that is named. */
async function appliedGraphUri(context: Context, root: string, graph: string | null): Promise<string> {
  const { appliedGraphRoot } = await import("../cluster/index.ts");
  return appliedGraphRoot(root, graph, context.io.ports);
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
