// What can be said of a plan before it runs, worked out once for each plan.

import type { ReadPlan } from "../../query/plan.ts";
import type { EdgeType, EntityType } from "../../schema/catalog.ts";
import { plannedTypes } from "./plan-walk.ts";
import { lookupOf, type PointLookup } from "./point-lookup.ts";
import { purposeOf } from "./purpose.ts";
import { type RowHeads, rowHeads } from "./result.ts";
import type { Purpose } from "./steps.ts";

export interface PreparedRead {
  /** The types that must be in memory, unless rows are looked up one by one. */
  readonly types: ReadonlySet<EntityType>;
  readonly edgeTypes: readonly EdgeType[];
  readonly purpose: Purpose;
  readonly heads: RowHeads;
  /** Where the read is about one entity whose key is given. */
  readonly lookup: PointLookup | null;
}

const prepared = new WeakMap<ReadPlan, PreparedRead>();

export function prepare(plan: ReadPlan): PreparedRead {
  let known = prepared.get(plan);
  if (known === undefined) {
    const types = plannedTypes(plan);
    known = {
      types,
      edgeTypes: [...types].filter((type) => type.kind === "edge"),
      purpose: purposeOf(plan),
      heads: rowHeads(plan.items.map((item) => item.column)),
      lookup: lookupOf(plan),
    };
    prepared.set(plan, known);
  }
  return known;
}
