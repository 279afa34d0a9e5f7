// `graphs list`: what a server serves.

import { listGraphs } from "../../client/index.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import { connectionTo } from "../access.ts";
import type { Context } from "../context.ts";
import { flagOn, type Invocation } from "../parse.ts";
import { servedBase } from "../scope.ts";

export async function graphsList(context: Context, invocation: Invocation): Promise<number> {
  const connection = await connectionTo(context, await servedBase(context, invocation));
  const graphs = [...(await listGraphs(connection))].sort((a, b) => compareUtf8(a.graph_id, b.graph_id));
  if (flagOn(invocation, "json")) await context.printJson({ graphs });
  else for (const { graph_id, uri } of graphs) await context.print(`${graph_id}\t${uri}`);
  return 0;
}
