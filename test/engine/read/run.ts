import { executeRead } from "../../../src/engine/read/index.ts";
import type { GraphView } from "../../../src/index/index.ts";
import type { JsonValue } from "../../../src/lib/json.ts";
import { decodeParams, planQuery } from "../../../src/query/index.ts";
import type { ReadPlan } from "../../../src/query/plan.ts";
import type { Catalog } from "../../../src/schema/index.ts";

/** When the requests of tests begin: 2025-06-01T00:00:00Z. */
export const NOW_MS = 1_748_736_000_000;

export function planRead(source: string, catalog: Catalog): ReadPlan {
  const plan = planQuery(source, undefined, catalog);
  if (plan.kind !== "read") throw new Error("the query is no read");
  return plan;
}

/** Runs the body of a query (`match …`) with parameters, e.g. `["$q: String", "match { … } return { … }"]`. */
export async function runRead(
  view: GraphView,
  body: string,
  params: Record<string, JsonValue> = {},
  declared = "",
) {
  const plan = planRead(`query q(${declared}) { ${body} }`, view.catalog);
  return executeRead(plan, decodeParams(plan.parameters, params), view, { nowMs: NOW_MS });
}
