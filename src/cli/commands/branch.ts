// `branch create|list|delete|merge`.

import { badRequest } from "../../lib/errors.ts";
import { openForRead, openGraphAccess, withGraph, writeScope } from "../access.ts";
import { echoWrite, requireConsent } from "../consent.ts";
import type { Context } from "../context.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";

export async function branchCreate(context: Context, invocation: Invocation): Promise<number> {
  const [name] = invocation.positionals;
  const from = flagValue(invocation, "from") ?? "main";
  const { scope, actor } = await writeScope(context, invocation);
  const result = await withGraph(
    await openGraphAccess(context, scope, { forWriting: true }),
    async (graph) => {
      await echoWrite(context, invocation, scope, graph.uri);
      return graph.createBranch({ name, from, actor });
    },
  );
  if (flagOn(invocation, "json")) {
    await context.printJson({
      uri: result.uri,
      from: result.from,
      name: result.name,
      actor_id: result.actor_id,
    });
  } else {
    await context.print(`created branch ${result.name} from ${result.from}`);
  }
  return 0;
}

export async function branchList(context: Context, invocation: Invocation): Promise<number> {
  const access = await openForRead(context, invocation);
  const branches = await withGraph(access, (graph) => graph.branches());
  if (flagOn(invocation, "json")) await context.printJson({ branches });
  else for (const name of branches) await context.print(name);
  return 0;
}

export async function branchDelete(context: Context, invocation: Invocation): Promise<number> {
  const [name] = invocation.positionals;
  const { scope, actor } = await writeScope(context, invocation);
  await requireConsent(context, invocation, scope, "branch delete");
  const result = await withGraph(
    await openGraphAccess(context, scope, { forWriting: true }),
    async (graph) => {
      await echoWrite(context, invocation, scope, graph.uri);
      return graph.deleteBranch({ name, actor });
    },
  );
  if (flagOn(invocation, "json")) {
    await context.printJson({ uri: result.uri, name: result.name, actor_id: result.actor_id });
  } else {
    await context.print(`deleted branch ${result.name}`);
  }
  return 0;
}

export async function branchMerge(context: Context, invocation: Invocation): Promise<number> {
  const [source] = invocation.positionals;
  const target = flagValue(invocation, "into") ?? "main";
  const deleteBranch = flagOn(invocation, "delete-branch");
  const { scope, actor } = await writeScope(context, invocation);
  if (source.trim() === target.trim()) {
    throw badRequest(`branch merge requires distinct source and target branches, both are '${target}'`);
  }
  const result = await withGraph(
    await openGraphAccess(context, scope, { branch: source.trim(), forWriting: true }),
    async (graph) => {
      await echoWrite(context, invocation, scope, graph.uri);
      return graph.merge({ source, target, deleteBranch: deleteBranch ? true : undefined, actor });
    },
  );
  const { branch_deleted, branch_delete_error } = result;
  if (deleteBranch && branch_deleted === undefined) {
    await context.warn(
      `the server does not support --delete-branch; branch '${result.source}' is still there`,
    );
  }
  if (branch_deleted === false) {
    await context.warn(
      `merged, but could not delete branch '${result.source}': ${branch_delete_error ?? "no reason given"}`,
    );
  }
  if (flagOn(invocation, "json")) {
    await context.printJson({
      source: result.source,
      target: result.target,
      outcome: result.outcome,
      actor_id: result.actor_id,
      ...(branch_deleted === undefined ? {} : { branch_deleted }),
      ...(branch_delete_error === undefined ? {} : { branch_delete_error }),
    });
    return 0;
  }
  await context.print(`merged ${result.source} into ${result.target}: ${result.outcome}`);
  if (branch_deleted === true) await context.print(`deleted branch ${result.source}`);
  return 0;
}
