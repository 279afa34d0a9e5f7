// What of its solutions a read needs: all variables of each, or, where it only groups and counts, a few of them.

import type { ReadPlan, ReturnExpression, VariableSlot } from "../../query/plan.ts";
import type { Purpose } from "./steps.ts";

type Aggregate = Extract<ReturnExpression, { kind: "aggregate" }>;

/** True for a count of rows: its argument is never null, so that its value does not matter. */
export function countsRows({ function: name, argument }: Aggregate): boolean {
  if (name !== "count") return false;
  return argument.kind === "variable" || (argument.kind === "property" && !argument.property.type.nullable);
}

export function purposeOf(plan: ReadPlan): Purpose {
  // A rank decides between solutions by all that they bind.
  if (!plan.aggregated || plan.order.some((key) => key.kind === "rank")) return { kind: "rows" };
  const wanted = new Set<VariableSlot>();
  const want = (expression: ReturnExpression) => {
    if (expression.kind === "property" || expression.kind === "variable") wanted.add(expression.variable);
  };
  for (const { expression } of plan.items) {
    if (expression.kind !== "aggregate") want(expression);
    else if (!countsRows(expression)) want(expression.argument);
  }
  for (const key of plan.order) if (key.kind === "property") want(key.operand);
  return { kind: "counts", wanted };
}
