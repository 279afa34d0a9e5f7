// Data in and out: `load`, the deprecated `ingest`, `export` and `snapshot`.

import type { LoadRequest } from "../../engine/graph.ts";
import type { LoadMode, LoadOutput } from "../../engine/outputs.ts";
import { openForRead, openGraphAccess, withGraph, writeScope } from "../access.ts";
import { echoWrite, requireConsent } from "../consent.ts";
import type { Context } from "../context.ts";
import { openFlagFile } from "../files.ts";
import { flagOn, flagValue, flagValues, type Invocation } from "../parse.ts";
import { startProgress } from "../progress.ts";

/** How consent names a load that replaces what is there. */
const OVERWRITE = "load --mode overwrite";

export async function load(context: Context, invocation: Invocation): Promise<number> {
  const from = flagValue(invocation, "from");
  // The parser has seen to it that there is one.
  const mode = flagValue(invocation, "mode") as LoadMode;
  const { uri, result } = await runLoad(context, invocation, { mode, from, reader: "strict" });
  await printLoad(context, invocation, uri, from !== undefined, result);
  return 0;
}

/** The deprecated loader: forgiving, and with a default for everything but the data. */
export async function ingest(context: Context, invocation: Invocation): Promise<number> {
  const mode = (flagValue(invocation, "mode") ?? "merge") as LoadMode;
  const from = flagValue(invocation, "from") ?? "main";
  const { uri, result } = await runLoad(context, invocation, { mode, from, reader: "permissive" });
  await printIngest(context, invocation, uri, result);
  return 0;
}

async function runLoad(
  context: Context,
  invocation: Invocation,
  how: Required<Pick<LoadRequest, "mode" | "reader">> & Pick<LoadRequest, "from">,
): Promise<{ uri: string; result: LoadOutput }> {
  // Required by the table.
  const file = flagValue(invocation, "data") as string;
  const branch = flagValue(invocation, "branch") ?? "main";
  const { scope, actor } = await writeScope(context, invocation);
  if (how.mode === "overwrite") await requireConsent(context, invocation, scope, OVERWRITE);
  const access = await openGraphAccess(context, scope, { branch, forWriting: true });
  const result = await withGraph(access, async (graph) => {
    const data = await openFlagFile(context.io, "--data", file);
    await echoWrite(context, invocation, scope, graph.uri);
    const progress = startProgress(context, invocation, "loading");
    try {
      return await graph.load({
        ...how,
        data: () => progress.counting(data()),
        branch,
        actor,
        onProgress: (rows) => progress.rows(rows),
      });
    } finally {
      await progress.end();
    }
  });
  return { uri: access.uri, result };
}

async function printLoad(
  context: Context,
  invocation: Invocation,
  uri: string,
  hasBase: boolean,
  result: LoadOutput,
): Promise<void> {
  const { branch, mode, base_branch, branch_created, nodes, edges, total_entities, commit } = result;
  if (flagOn(invocation, "json")) {
    await context.printJson({
      uri,
      branch,
      mode,
      ...(hasBase ? { base_branch } : {}),
      branch_created,
      nodes,
      edges,
      total_entities,
      commit,
    });
    return;
  }
  await context.print(
    `loaded ${uri} on branch ${branch} with ${mode}: ${total_entities} entities across ${nodes.length} node types and ${edges.length} edge types`,
  );
  if (branch_created) await context.print(`branch ${branch} created from ${base_branch ?? "main"}`);
}

async function printIngest(
  context: Context,
  invocation: Invocation,
  uri: string,
  result: LoadOutput,
): Promise<void> {
  const { branch, mode, base_branch, branch_created, nodes, edges, total_entities, actor_id, commit } =
    result;
  if (flagOn(invocation, "json")) {
    await context.printJson({
      uri,
      branch,
      base_branch,
      branch_created,
      mode,
      nodes,
      edges,
      total_entities,
      actor_id,
      commit,
    });
    return;
  }
  const fate = branch_created ? "branch created" : "branch exists";
  await context.print(
    `ingested ${total_entities} entities from ${uri} into branch ${branch} from ${base_branch ?? "main"} with ${mode} (${fate})`,
  );
  for (const { name, entities_loaded } of nodes) {
    await context.print(`node type '${name}': ${entities_loaded} entities loaded`);
  }
  for (const { name, entities_loaded } of edges) {
    await context.print(`edge type '${name}': ${entities_loaded} entities loaded`);
  }
  if (actor_id !== null) await context.print(`actor_id: ${actor_id}`);
}

export async function exportGraph(context: Context, invocation: Invocation): Promise<number> {
  const access = await openForRead(context, invocation);
  await withGraph(access, async (graph) => {
    const chunks = await graph.export({
      branch: flagValue(invocation, "branch"),
      snapshot: flagValue(invocation, "snapshot"),
      typeNames: flagValues(invocation, "type"),
    });
    for await (const chunk of chunks) await context.io.stdout.write(chunk);
  });
  return 0;
}

export async function showSnapshot(context: Context, invocation: Invocation): Promise<number> {
  const access = await openForRead(context, invocation);
  const branch = flagValue(invocation, "branch");
  const snapshot = flagValue(invocation, "snapshot");
  const state = await withGraph(access, (graph) => graph.snapshot({ branch, snapshot }));
  if (flagOn(invocation, "json")) {
    await context.printJson(state);
    return 0;
  }
  await context.print(`graph_branch: ${state.graph_branch}`);
  await context.print(`graph_manifest_version: ${state.graph_manifest_version}`);
  await context.print(`internal_schema_version: ${state.internal_schema_version}`);
  for (const type of state.datasets) {
    await context.print(
      `${type.entity_kind} type '${type.type_name}' published_dataset_version=${type.published_dataset_version} native_dataset_branch=${type.native_dataset_branch ?? "main"} entities=${type.entity_count}`,
    );
  }
  return 0;
}
