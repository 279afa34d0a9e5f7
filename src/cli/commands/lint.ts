// `lint`: queries against a schema file, or against the schema of a graph.

import type { Catalog } from "../../schema/catalog.ts";
import type { Context } from "../context.ts";
import { readFlagFile } from "../files.ts";
import { flagOn, flagValue, type Invocation, positional } from "../parse.ts";
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
  const source = await readFlagFile(context.io, "--query", queryPath);
  const { lintLines, lintQueries } = await import("../../query/index.ts");
  const output = lintQueries(source, catalog, { schema_source: schemaSource, query_path: queryPath });
  if (flagOn(invocation, "json")) await context.printJson(output);
  else for (const line of lintLines(output)) await context.print(line);
  return output.status === "error" ? 1 : 0;
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
  const source = await readFlagFile(context.io, "--schema", path);
  const { admitSchema } = await import("../../schema/index.ts");
  return { catalog: admitSchema(source, null), schemaSource: { kind: "file", path } };
}

function isAddressed(invocation: Invocation): boolean {
  const flags = ["store", "cluster", "graph", "profile"];
  return positional(invocation, "URI") !== undefined || flags.some((flag) => flagOn(invocation, flag));
}
