// `commit list` and `commit show`.

import type { CommitOutput } from "../../engine/outputs.ts";
import { openForRead, withGraph } from "../access.ts";
import type { Context } from "../context.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";

export async function commitList(context: Context, invocation: Invocation): Promise<number> {
  const access = await openForRead(context, invocation);
  const branch = flagValue(invocation, "branch");
  const limit = flagValue(invocation, "limit");
  const cursor = flagValue(invocation, "page-token");
  const { commits, next_cursor: next } = await withGraph(access, (graph) =>
    graph.commitPage({ branch, limit: limit === undefined ? undefined : Number(limit), cursor }),
  );
  if (flagOn(invocation, "json")) {
    await context.printJson({ commits, ...(next === undefined ? {} : { next_page_token: next }) });
    return 0;
  }
  await context.io.stdout.write(commits.map((commit) => `${commitLine(commit)}\n`).join(""));
  if (next !== undefined) await context.print(`next_page_token: ${next}`);
  return 0;
}

export async function commitShow(context: Context, invocation: Invocation): Promise<number> {
  const access = await openForRead(context, invocation);
  const [id] = invocation.positionals;
  const commit = await withGraph(access, (graph) => graph.commit(id));
  if (flagOn(invocation, "json")) {
    await context.printJson(commit);
    return 0;
  }
  const shown = { ...commit, graph_branch: commit.graph_branch ?? "main" };
  for (const [key, value] of Object.entries(shown)) {
    if (value !== null) await context.print(`${key}: ${value}`);
  }
  return 0;
}

function commitLine(commit: CommitOutput): string {
  const actor = commit.actor_id === null ? "" : ` actor=${commit.actor_id}`;
  return `${commit.graph_commit_id} graph_branch=${commit.graph_branch ?? "main"} graph_manifest_version=${commit.graph_manifest_version}${actor}`;
}
