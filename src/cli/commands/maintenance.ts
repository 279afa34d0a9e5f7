// `optimize`, `cleanup` and `repair`: what keeps a graph in shape, on its storage and never through a server.

import type {
  CleanupOutput,
  CleanupRequest,
  GraphMaintenance,
  OptimizedDataset,
  RepairOutput,
} from "../../engine/index.ts";
import { badRequest } from "../../lib/errors.ts";
import { openStorageAt } from "../access.ts";
import { echoWrite, requireConsent } from "../consent.ts";
import type { Context } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";
import { showingProgress } from "../progress.ts";
import { directScope, isLocal, type StoreScope } from "../scope.ts";
import { storedGraphUri } from "../stored.ts";

export async function optimize(context: Context, invocation: Invocation): Promise<number> {
  const target = await targetOf(context, invocation);
  const { datasets } = await withMaintenance(context, invocation, target, "optimizing", (graph) =>
    graph.optimize(),
  );
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

export async function cleanup(context: Context, invocation: Invocation): Promise<number> {
  const { request, words } = policyOf(invocation);
  const scope = await directScope(context, invocation);
  if (flagOn(invocation, "dry-run")) {
    const target: StoreScope = { kind: "store", uri: await storedGraphUri(context, scope) };
    return cleanUp(context, invocation, target, { ...request, preview: true }, words);
  }
  if (!flagOn(invocation, "confirm")) {
    const uri = await storedGraphUri(context, scope);
    const { stderr } = context.io;
    await stderr.write(`cleanup is destructive — rerun with --confirm. Policy for ${uri}: ${words}\n`);
    return 0;
  }
  // A target that is not local is not even asked where its graph is before somebody consents.
  if (!isLocal(scope)) await requireConsent(context, invocation, scope, "cleanup");
  const target: StoreScope = { kind: "store", uri: await storedGraphUri(context, scope) };
  if (isLocal(scope)) await requireConsent(context, invocation, target, "cleanup");
  return cleanUp(context, invocation, target, request, words);
}

async function cleanUp(
  context: Context,
  invocation: Invocation,
  target: StoreScope,
  request: CleanupRequest,
  words: string,
): Promise<number> {
  const cleaned = await withMaintenance(context, invocation, target, "cleaning up", (graph) =>
    graph.cleanup(request),
  );
  if (flagOn(invocation, "json")) await context.printJson({ ...cleaned, uri: target.uri });
  else await printCleaned(context, target.uri, words, cleaned);
  return 0;
}

function policyOf(invocation: Invocation): { request: CleanupRequest; words: string } {
  const [given, olderThan] = [flagValue(invocation, "keep"), flagValue(invocation, "older-than")];
  if (given === undefined && olderThan === undefined) {
    throw badRequest("cleanup requires at least one of --keep or --older-than");
  }
  const words: string[] = [];
  let request: CleanupRequest = {};
  if (given !== undefined) {
    // The parser has checked that it is an integer.
    const keep = Number(given);
    if (!Number.isSafeInteger(keep)) throw badRequest(`invalid --keep ${given}: it does not fit`);
    request = { ...request, keep };
    words.push(`keep ${keep} versions`);
  }
  if (olderThan !== undefined) {
    request = { ...request, olderThanSecs: parseDuration(olderThan) };
    words.push(`older than ${olderThan.trim()}`);
  }
  return { request, words: words.join(", ") };
}

async function printCleaned(
  context: Context,
  uri: string,
  policy: string,
  { datasets, bytes_removed, preview = false }: CleanupOutput,
): Promise<void> {
  const versions = datasets.reduce((sum, dataset) => sum + dataset.old_versions_removed, 0);
  const removed = preview ? "would remove" : "removed";
  await context.print(
    `cleanup ${uri} (${policy}) — ${removed} ${versions} versions (${bytes_removed} bytes) across ${datasets.length} datasets`,
  );
  for (const { type_key, error } of datasets) {
    if (error !== null)
      await context.print(`  ${inWords(type_key)}: not all removed, to be retried: ${error}`);
  }
  if (preview) await context.print("nothing was changed; rerun with --confirm");
}

export async function repair(context: Context, invocation: Invocation): Promise<number> {
  const [confirm, force] = [flagOn(invocation, "confirm"), flagOn(invocation, "force")];
  const target = await targetOf(context, invocation);
  const checked = await withMaintenance(context, invocation, target, "checking", (graph) =>
    graph.repair({ confirm, force }),
  );
  if (flagOn(invocation, "json")) await context.printJson({ ...checked, uri: target.uri });
  else await printChecked(context, target.uri, checked);
  const refused = checked.datasets.filter(({ action }) => action === "refused").length;
  if (refused > 0) throw badRequest(`repair refused ${refused} suspicious or unverifiable dataset(s)`);
  return 0;
}

async function printChecked(context: Context, uri: string, checked: RepairOutput): Promise<void> {
  const { confirm, datasets } = checked;
  await context.print(`repair ${uri} — ${confirm ? "confirm" : "preview"} mode, ${datasets.length} datasets`);
  for (const { type_key, classification, action, operations, error } of datasets) {
    await context.print(
      `  ${inWords(type_key)}: ${classification}, ${action}${error === null ? "" : `: ${error}`}`,
    );
    for (const operation of operations) await context.print(`    ${operation}`);
  }
  if (!confirm)
    await context.print("nothing was changed; rerun with --confirm to repair what can be repaired");
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
  verb: string,
  work: (graph: GraphMaintenance) => Promise<T>,
): Promise<T> {
  const storage = await openStorageAt(context, target.uri);
  const { openMaintenance } = await import("../../engine/index.ts");
  const graph = await openMaintenance({ storage, ports: context.io.ports });
  try {
    await echoWrite(context, invocation, target, target.uri);
    const asked = () => `${storage.counts().total.toLocaleString("en-US")} requests`;
    return await showingProgress(context, invocation, verb, asked, () => work(graph));
  } finally {
    await graph.close();
  }
}

/** `node:Ship` as people read it. */
function inWords(typeKey: string): string {
  const [kind, name] = typeKey.split(":");
  return `${kind} type '${name}'`;
}
