// Data in and out: `load`, `export` and `snapshot`.

import type { LoadMode, LoadOutput } from "../../engine/outputs.ts";
import { openForRead, openGraphAccess, withGraph, writeScope } from "../access.ts";
import { echoWrite, requireConsent } from "../consent.ts";
import type { Context } from "../context.ts";
import { openFlagFile } from "../files.ts";
import { flagOn, flagValue, flagValues, type Invocation } from "../parse.ts";
import { startProgress } from "../progress.ts";

export async function load(context: Context, invocation: Invocation): Promise<number> {
  // The parser has checked the mode, and that both flags are there.
  const mode = flagValue(invocation, "mode") as LoadMode;
  const file = flagValue(invocation, "data") as string;
  const branch = flagValue(invocation, "branch") ?? "main";
  const from = flagValue(invocation, "from");

  const { scope, actor } = await writeScope(context, invocation);
  if (mode === "overwrite") await requireConsent(context, invocation, scope, "load --mode overwrite");
  const access = await openGraphAccess(context, scope, { branch, forWriting: true });
  const result = await withGraph(access, async (graph) => {
    const data = await openFlagFile(context.io, "--data", file);
    await echoWrite(context, invocation, scope, graph.uri);
    const progress = startProgress(context, invocation, "loading");
    try {
      return await graph.load({
        data: () => progress.counting(data()),
        mode,
        branch,
        from,
        actor,
        onProgress: (rows) => progress.rows(rows),
      });
    } finally {
      await progress.end();
    }
  });
  await printLoad(context, invocation, access.uri, from !== undefined, result);
  return 0;
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

export async function exportGraph(context: Context, invocation: Invocation): Promise<number> {
  const access = await openForRead(context, invocation);
  await withGraph(access, async (graph) => {
    const chunks = await graph.export({
      branch: flagValue(invocation, "branch"),
      typeNames: flagValues(invocation, "type"),
    });
    for await (const chunk of chunks) await context.io.stdout.write(chunk);
  });
  return 0;
}

export async function snapshot(context: Context, invocation: Invocation): Promise<number> {
  const access = await openForRead(context, invocation);
  const branch = flagValue(invocation, "branch");
  const state = await withGraph(access, (graph) => graph.snapshot({ branch }));
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
