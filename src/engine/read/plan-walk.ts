// What a plan needs.

import type { Clause, ReadPlan } from "../../query/plan.ts";
import type { EntityType } from "../../schema/catalog.ts";

/** The types that a read looks at: of its variables, and of its traversals and their ends. */
export function plannedTypes(plan: ReadPlan): Set<EntityType> {
  const types = new Set<EntityType>();
  const addEdge = (type: EntityType) => {
    types.add(type);
    if (type.kind === "edge") types.add(type.source).add(type.target);
  };
  const visit = (clauses: readonly Clause[]) => {
    for (const clause of clauses) {
      if (clause.kind === "traversal") addEdge(clause.edge);
      else if (clause.kind === "not") visit(clause.clauses);
    }
  };
  for (const variable of plan.variables) addEdge(variable.type);
  visit(plan.clauses);
  return types;
}
