// `optimize`, `cleanup` and `repair`: what keeps a graph in shape, on its storage and never through a server.

import type { GraphMaintenance, OptimizedDataset } from "../../engine/index.ts";
import { openStorageAt } from "../access.ts";
import { echoWrite } from "../consent.ts";
import type { Context } from "../context.ts";
import { flagOn, type Invocation } from "../parse.ts";
import { directScope, type StoreScope } from "../scope.ts";
import { storedGraphUri } from "../stored.ts";

export async function optimize(context: Context, invocation: Invocation): Promise<number> {
  const target = await targetOf(context, invocation);
  const { datasets } = await withMaintenance(context, invocation, target, (graph) => graph.optimize());
  if (flagOn(invocation, "json")) {
    await context.printJson({ uri: target.uri, datasets });
    return 0;
  }
  await context.print(`optimize ${target.uri} — ${datasets.length} datasets`);
  for (const dataset of datasets) await printOptimized(context, dataset);
  return 0;
}

async function printOptimized(context: Context, dataset: OptimizedDataset): Promise<void> {
  const { fragments_removed, fragments_added, committed, pending_indexes } = dataset;
  const outcome = committed ? `frags ${fragments_removed} → ${fragments_added} ✓` : "no-op";
  await context.print(`  ${inWords(dataset.type_key)}: ${outcome}`);
  for (const { property, reason } of pending_indexes) {
    await context.print(`    ↳ index pending on property '${property}': ${reason}`);
  }
}

/** The graph of the command as a store of its own. */
async function targetOf(context: Context, invocation: Invocation): Promise<StoreScope> {
  return { kind: "store", uri: await storedGraphUri(context, await directScope(context, invocation)) };
}

/** Opens the graph, says what is about to happen where, and lets go of it, whatever happens. */
async function withMaintenance<T>(
  context: Context,
  invocation: Invocation,
  target: StoreScope,
  work: (graph: GraphMaintenance) => Promise<T>,
): Promise<T> {
  const storage = await openStorageAt(context, target.uri);
  const { openMaintenance } = await import("../../engine/index.ts");
  const graph = await openMaintenance({ storage, ports: context.io.ports });
  try {
    await echoWrite(context, invocation, target, target.uri);
    return await work(graph);
  } finally {
    await graph.close();
  }
}

/** `node:Ship` as people read it. */
function inWords(typeKey: string): string {
  const [kind, name] = typeKey.split(":");
  return `${kind} type '${name}'`;
}
