// `lint`: queries against a schema file, or against the schema of a graph.

import type { LintLine } from "../../query/index.ts";
import type { Catalog } from "../../schema/catalog.ts";
import type { Context } from "../context.ts";
import { readNamedText } from "../files.ts";
import { flagOn, flagValue, type Invocation, positional } from "../parse.ts";
import { aboutText, excerpt, type NamedText } from "../render/source-error.ts";
import { checkAddress } from "../scope.ts";
import { withStoredGraph } from "../stored.ts";

type SchemaSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "graph"; readonly uri: string };

export async function lint(context: Context, invocation: Invocation): Promise<number> {
  checkAddress(invocation);
  // Required by the table.
  const queryPath = flagValue(invocation, "query") as string;
  const { catalog, schemaSource } = await lintSchema(context, invocation);
  const source = await readNamedText(context.io, "--query", queryPath);
  const { lintQueries } = await import("../../query/index.ts");
  const input = { schema_source: schemaSource, query_path: queryPath };
  const { output, lines } = lintQueries(source.text, catalog, input);
  if (flagOn(invocation, "json")) await context.printJson(output);
  else for (const line of lines) await printLine(context, source, line);
  return output.status === "error" ? 1 : 0;
}

/** Results are lines of stdout; the excerpts that explain them go to stderr, so that a line stays a result. */
async function printLine(context: Context, source: NamedText, { text, problem }: LintLine): Promise<void> {
  await context.print(text);
  if (problem !== null) await context.io.stderr.write(`${excerpt(source, problem).join("\n")}\n`);
}

async function lintSchema(
  context: Context,
  invocation: Invocation,
): Promise<{ catalog: Catalog; schemaSource: SchemaSource }> {
  const path = flagValue(invocation, "schema");
  if (path === undefined) {
    return withStoredGraph(context, invocation, async (graph, uri) => ({
      catalog: await graph.catalog(),
      schemaSource: { kind: "graph", uri },
    }));
  }
  if (isAddressed(invocation)) {
    await context.warn("lint checks against --schema; the graph that is also addressed is ignored");
  }
  const source = await readNamedText(context.io, "--schema", path);
  const { admitSchema } = await import("../../schema/index.ts");
  const catalog = await aboutText(source, () => admitSchema(source.text, null));
  return { catalog, schemaSource: { kind: "file", path } };
}

function isAddressed(invocation: Invocation): boolean {
  const flags = ["store", "cluster", "graph", "profile"];
  return positional(invocation, "URI") !== undefined || flags.some((flag) => flagOn(invocation, flag));
}
