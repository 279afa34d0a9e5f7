// What a cluster serves, for the commands that look at its policies and stored queries.

import type { ServingSnapshot } from "../cluster/index.ts";
import { badRequest } from "../lib/errors.ts";
import type { Context } from "./context.ts";
import type { Invocation } from "./parse.ts";
import { controlScope } from "./scope.ts";

export interface ServedCluster {
  /** As it was addressed. */
  readonly name: string;
  /** The graph that the command is limited to. */
  readonly graph: string | null;
  readonly snapshot: ServingSnapshot;
}

/** Reads the applied revision of the addressed cluster; refused with every reason where it cannot be served. */
export async function readServedCluster(context: Context, invocation: Invocation): Promise<ServedCluster> {
  const { root, graph } = await controlScope(context, invocation);
  const { notReadyText, readServingSnapshot } = await import("../cluster/index.ts");
  const read = await readServingSnapshot(root, context.io.ports);
  if (read.ok) return { name: root, graph, snapshot: read.snapshot };
  throw badRequest(`cluster '${root}' is not servable: ${notReadyText(root, read.diagnostics)}`);
}
