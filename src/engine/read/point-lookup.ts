// The commonest read of all, on its own: one node by its key, and properties of it. What the steps of solve.ts would do
// for it, without any of them.

import type { ReadPlan, VariableSlot } from "../../query/plan.ts";
import type { NodeType } from "../../schema/catalog.ts";
import { demandedId, demandingConditions } from "./access.ts";
import { type Condition, conditionsOf } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { conditionTest } from "./filter.ts";

export interface PointLookup {
  readonly type: NodeType;
  readonly variable: VariableSlot;
  /** That name the key. */
  readonly key: readonly Condition[];
  /** That the node has to meet besides. */
  readonly others: readonly Condition[];
}

/** The lookup that a plan comes down to, or null. */
export function lookupOf(plan: ReadPlan): PointLookup | null {
  const [variable] = plan.variables;
  if (plan.variables.length !== 1 || variable.kind !== "node" || plan.aggregated) return null;
  const isPlain =
    plan.clauses.every((clause) => clause.kind === "binding" || clause.kind === "filter") &&
    plan.items.every(({ expression }) => expression.kind !== "rank" && expression.kind !== "textMatch") &&
    plan.order.every((key) => key.kind !== "rank");
  if (!isPlain) return null;
  const conditions = conditionsOf(plan.clauses, new Set([0]));
  const key = demandingConditions(variable.type, 0, conditions);
  if (key === null) return null;
  const others = conditions.filter((condition) => !key.includes(condition));
  return { type: variable.type, variable: 0, key, others };
}

/** The number of the node, or none. */
export function lookUp(context: ReadContext, { type, variable, key, others }: PointLookup): Int32Array {
  const id = demandedId(type, variable, key, (constant) => context.value(constant));
  const number = id === null || id === undefined ? -1 : context.nodes(variable).find(id);
  const isFound = number >= 0 && others.every((condition) => conditionTest(context, condition)(number));
  return isFound ? Int32Array.of(number) : new Int32Array(0);
}
