// Which properties of which types a read looks at.

import type {
  Clause,
  Operand,
  RankFunction,
  ReadPlan,
  ReturnExpression,
  VariableSlot,
} from "../../query/plan.ts";
import type { EntityType, Property } from "../../schema/catalog.ts";

export interface PlannedProperty {
  readonly owner: EntityType;
  readonly property: Property;
}

export function plannedProperties(plan: ReadPlan): PlannedProperty[] {
  const found: PlannedProperty[] = [];
  const note = ({ variable, property }: { variable: VariableSlot; property: Property }) =>
    found.push({ owner: plan.variables[variable].type, property });
  const operand = (of: Operand) => {
    if (of.kind === "property") note(of);
  };
  const rank = (of: RankFunction) => {
    if (of.kind !== "rrf") return note(of);
    note(of.first);
    note(of.second);
  };
  const clause = (of: Clause) => {
    if (of.kind === "binding")
      for (const { property } of of.matches) note({ variable: of.variable, property });
    else if (of.kind === "text") note(of);
    else if (of.kind === "not") of.clauses.forEach(clause);
    else if (of.kind === "filter") [of.left, of.right].forEach(operand);
  };
  const expression = (of: ReturnExpression) => {
    if (of.kind === "rank") rank(of.rank);
    else if (of.kind === "textMatch") note(of.call);
    else if (of.kind === "aggregate") of.argument.kind !== "variable" && operand(of.argument);
    else if (of.kind !== "variable") operand(of);
  };
  plan.clauses.forEach(clause);
  for (const item of plan.items) expression(item.expression);
  for (const key of plan.order) {
    if (key.kind === "rank") rank(key.rank);
    else if (key.kind === "property") note(key.operand);
  }
  return found;
}
