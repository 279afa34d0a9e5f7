// `init`: a graph from a schema.

import { openStorageAt, openStoredGraph } from "../access.ts";
import { echoWrite } from "../consent.ts";
import type { Context } from "../context.ts";
import { readNamedText } from "../files.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";
import { aboutText } from "../render/source-error.ts";
import { refuseServedAddress } from "../scope.ts";
import { refuseInsideCluster } from "../stored.ts";

export async function init(context: Context, invocation: Invocation): Promise<number> {
  const [uri] = invocation.positionals;
  refuseServedAddress(invocation, uri);
  // Required by the table.
  const file = flagValue(invocation, "schema") as string;
  const schema = await readNamedText(context.io, "--schema", file);
  await refuseInsideCluster(context, uri);
  const storage = await openStorageAt(context, uri);
  await echoWrite(context, invocation, { kind: "store", uri }, uri);
  const { initGraph } = await import("../../engine/index.ts");
  const warnings: string[] = [];
  await aboutText(schema, () =>
    initGraph({
      storage,
      ports: context.io.ports,
      schemaSource: schema.text,
      force: flagOn(invocation, "force"),
      onWarning: (message) => warnings.push(message),
    }),
  );
  for (const warning of warnings) await context.warn(warning);
  if (!flagOn(invocation, "json")) {
    await context.print(`initialized ${uri}`);
    return 0;
  }
  const graph = await openStoredGraph(context, uri);
  try {
    const [genesis] = await graph.commits();
    await context.printJson({ uri, graph_commit_id: genesis.graph_commit_id });
  } finally {
    await graph.close();
  }
  return 0;
}
