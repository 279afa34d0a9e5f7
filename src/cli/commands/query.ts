// `query` and `mutate`: a source of one's own on either kind of scope, or a stored query on a server.

import type { MutationOutput, ReadResult } from "../../engine/outputs.ts";
import { badRequest, OmnigraphError } from "../../lib/errors.ts";
import { type GraphAccess, openForRead, openGraphAccess, withGraph, writeScope } from "../access.ts";
import type { OutputFormat } from "../config.ts";
import { echoWrite } from "../consent.ts";
import type { Context } from "../context.ts";
import { flagOn, flagValue, type Invocation, positional } from "../parse.ts";
import { planLines } from "../render/plan.ts";
import { printRows, rowStyle } from "../render/rows.ts";
import { aboutText } from "../render/source-error.ts";
import { queryParams, querySource } from "./source.ts";

export async function query(context: Context, invocation: Invocation): Promise<number> {
  const access = await openForRead(context, invocation, {
    branch: flagValue(invocation, "branch"),
  });
  const result = await withGraph(access, (graph) => runQuery(context, invocation, graph));
  const style = rowStyle(await context.config(), chosenFormat(invocation));
  if (result.plan !== undefined && style.format !== "json") {
    for (const line of planLines(result.plan)) await context.print(line);
    return 0;
  }
  await printRows(context.io.stdout, result, style);
  return 0;
}

/** What `--json` and `--format` ask for. */
export function chosenFormat(invocation: Invocation): OutputFormat | null {
  if (flagOn(invocation, "json")) return "json";
  // The parser has checked the value against the same list.
  return (flagValue(invocation, "format") as OutputFormat | undefined) ?? null;
}

async function runQuery(context: Context, invocation: Invocation, graph: GraphAccess): Promise<ReadResult> {
  const name = positional(invocation, "NAME");
  const branch = flagValue(invocation, "branch");
  const snapshot = flagValue(invocation, "snapshot");
  const source = await querySource(context, invocation);
  const params = await queryParams(context, invocation);
  const explain = flagOn(invocation, "explain") ? true : undefined;
  if (source !== null) {
    const request = { source: source.text, name, params, branch, snapshot, explain };
    return aboutText(source, () => graph.query(request));
  }
  if (name === undefined)
    throw badRequest("provide a query name, or a source with --query <file> or -e <gq>");
  return storedQueries(graph, name).invokeRead({ name, params, branch, snapshot, explain });
}

export async function mutate(context: Context, invocation: Invocation): Promise<number> {
  const { scope, actor } = await writeScope(context, invocation);
  const access = await openGraphAccess(context, scope, {
    branch: flagValue(invocation, "branch"),
    forWriting: true,
  });
  try {
    const result = await withGraph(access, async (graph) => {
      const run = await prepareMutation(context, invocation, graph, actor);
      await echoWrite(context, invocation, scope, graph.uri);
      return run();
    });
    await printMutation(context, invocation, result);
    return 0;
  } catch (thrown) {
    if (
      thrown instanceof OmnigraphError &&
      thrown.kind === "precondition_failed" &&
      flagOn(invocation, "json")
    ) {
      const { error, ...details } = thrown.toEnvelope();
      await context.printJson({ error, ...details });
    }
    throw thrown;
  }
}

async function prepareMutation(
  context: Context,
  invocation: Invocation,
  graph: GraphAccess,
  actor: string | null,
): Promise<() => Promise<MutationOutput>> {
  const name = positional(invocation, "NAME");
  const branch = flagValue(invocation, "branch");
  const ifCommit = expectedHead(invocation);
  const source = await querySource(context, invocation);
  const params = await queryParams(context, invocation);
  if (source !== null) {
    const request = { source: source.text, name, params, branch, actor, ifCommit };
    return () => aboutText(source, () => graph.mutate(request));
  }
  if (name === undefined) {
    throw badRequest("provide a mutation name, or a source with --query <file> or -e <gq>");
  }
  const stored = storedQueries(graph, name);
  return () => stored.invokeMutation({ name, params, branch, ifCommit });
}

/** Not the syntax of entity tags, which a server refuses in the header that carries the id. */
const COMMIT_ID = /^[0-9A-Za-z_-]+$/;

function expectedHead(invocation: Invocation): string | undefined {
  const id = flagValue(invocation, "if-commit");
  if (id === undefined || COMMIT_ID.test(id)) return id;
  throw badRequest(`--if-commit takes one graph commit id, found '${id}'`);
}

function storedQueries(graph: GraphAccess, name: string): NonNullable<GraphAccess["remote"]> {
  if (graph.remote !== null) return graph.remote;
  throw badRequest(
    `the stored query '${name}' needs a server: address one with --server <name|url>, or pass a source with --query <file> or -e <gq>`,
  );
}

async function printMutation(
  context: Context,
  invocation: Invocation,
  result: MutationOutput,
): Promise<void> {
  const { branch, query_name, affected_nodes, affected_edges, actor_id, commit } = result;
  if (flagOn(invocation, "json")) {
    await context.printJson({ branch, query_name, affected_nodes, affected_edges, actor_id, commit });
    return;
  }
  await context.print(
    `changed ${branch} via ${query_name}: ${affected_nodes} nodes, ${affected_edges} edges`,
  );
  if (actor_id !== null) await context.print(`actor_id: ${actor_id}`);
}
