// `queries list` and `queries validate`: the stored queries of a cluster's applied revision.

import type { ServingGraph } from "../../cluster/index.ts";
import { notFound, toOmnigraphError } from "../../lib/errors.ts";
import { toldProblems } from "../../lib/problems.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { QueryDeclaration } from "../../query/index.ts";
import { openStoredGraph } from "../access.ts";
import type { Context } from "../context.ts";
import { flagOn, type Invocation } from "../parse.ts";
import { readServedCluster } from "../serving.ts";

export async function queriesList(context: Context, invocation: Invocation): Promise<number> {
  const graphs = await selectedGraphs(context, invocation);
  const entries = (await Promise.all(graphs.map(listEntries)))
    .flat()
    .sort((a, b) => compareUtf8(a.name, b.name) || compareUtf8(a.graph_id, b.graph_id));
  if (flagOn(invocation, "json")) {
    await context.printJson({ queries: entries });
    return 0;
  }
  if (entries.length === 0) await context.print("(no stored queries registered)");
  for (const entry of entries) for (const line of entryLines(entry)) await context.print(line);
  return 0;
}

interface ListEntry {
  readonly name: string;
  readonly graph_id: string;
  /** Every applied query is offered to agents as a tool. */
  readonly mcp_expose: boolean;
  readonly tool_name: string;
  readonly mutation: boolean;
  readonly description?: string;
  readonly instruction?: string;
  readonly params: readonly { readonly name: string; readonly type: string; readonly nullable: boolean }[];
}

async function listEntries(graph: ServingGraph): Promise<readonly ListEntry[]> {
  const { catalogEntry, typeText } = await import("../../query/index.ts");
  const declarations = await Promise.all(
    graph.queries.map(({ name, source }) => declarationOf(name, source)),
  );
  return declarations.map((declaration): ListEntry => {
    const { name, tool_name, description, instruction, mutation } = catalogEntry(declaration);
    return {
      name,
      graph_id: graph.id,
      mcp_expose: true,
      tool_name,
      mutation,
      ...(description === undefined ? {} : { description }),
      ...(instruction === undefined ? {} : { instruction }),
      params: declaration.params.map((param) => ({
        name: param.name,
        type: typeText({ ...param.type, nullable: false }),
        nullable: param.type.nullable,
      })),
    };
  });
}

async function declarationOf(name: string, source: string): Promise<QueryDeclaration> {
  const { parseQueries, selectQuery } = await import("../../query/index.ts");
  return selectQuery(parseQueries(source), name);
}

function entryLines(entry: ListEntry): readonly string[] {
  const params = entry.params.map(({ name, type, nullable }) => `$${name}: ${type}${nullable ? "?" : ""}`);
  const kind = entry.mutation ? "mutation" : "read";
  return [
    `${kind}  ${entry.name}(${params.join(", ")}) [mcp: ${entry.tool_name}]`,
    ...noteLines("description", entry.description),
    ...noteLines("instruction", entry.instruction),
  ];
}

const NOTE_INDENT = "    ";

/** Further lines stand under the text of the first. */
function noteLines(label: string, text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const lead = `${NOTE_INDENT}${label}: `;
  return text.split("\n").map((line, index) => (index === 0 ? lead : " ".repeat(lead.length)) + line);
}

export async function queriesValidate(context: Context, invocation: Invocation): Promise<number> {
  const graphs = await selectedGraphs(context, invocation);
  const checks = (await Promise.all(graphs.map((graph) => checkQueries(context, graph)))).flat();
  const breakages = checks.flatMap(({ query, breakages }) =>
    breakages.map((message) => ({ query, message })),
  );
  const warnings = checks.flatMap(({ query, warnings }) => warnings.map((message) => ({ query, message })));
  const ok = breakages.length === 0;
  if (flagOn(invocation, "json")) {
    await context.printJson({ ok, breakages, warnings });
    return ok ? 0 : 1;
  }
  for (const { query, message } of breakages) await context.print(`ERROR  query '${query}': ${message}`);
  for (const { query, message } of warnings) await context.print(`WARN   query '${query}': ${message}`);
  if (ok) {
    const noun = checks.length === 1 ? "query" : "queries";
    await context.print(`OK  ${checks.length} stored ${noun} type-check against the schema`);
  }
  return ok ? 0 : 1;
}

interface Check {
  readonly query: string;
  /** What is wrong with it. */
  readonly breakages: readonly string[];
  readonly warnings: readonly string[];
}

/** Checks every stored query of a graph against the schema that the graph has now. */
async function checkQueries(context: Context, served: ServingGraph): Promise<readonly Check[]> {
  if (served.queries.length === 0) return [];
  const { catalogWarnings } = await import("../../query/index.ts");
  const graph = await openStoredGraph(context, served.rootUri);
  try {
    const checks: Check[] = [];
    for (const { name, source } of served.queries) {
      try {
        const warnings = catalogWarnings(await declarationOf(name, source));
        await graph.prepare(source, name);
        checks.push({ query: name, breakages: [], warnings });
      } catch (thrown) {
        const breakages = toldProblems(toOmnigraphError(thrown)).map(({ text }) => text);
        checks.push({ query: name, breakages, warnings: [] });
      }
    }
    return checks;
  } finally {
    await graph.close();
  }
}

async function selectedGraphs(context: Context, invocation: Invocation): Promise<readonly ServingGraph[]> {
  const { name, graph, snapshot } = await readServedCluster(context, invocation);
  if (graph === null) return snapshot.graphs;
  const found = snapshot.graphs.filter(({ id }) => id === graph);
  if (found.length > 0) return found;
  const ids = snapshot.graphs.map(({ id }) => id);
  throw notFound(
    `graph '${graph}' is not applied in cluster '${name}' (applied: ${ids.length === 0 ? "none" : ids.join(", ")})`,
  );
}
