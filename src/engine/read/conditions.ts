// The clauses of a block, sorted into what binds variables and what only narrows them.

import type { Clause, Operand, TextCall, VariableSlot } from "../../query/plan.ts";

export type TraversalClause = Extract<Clause, { kind: "traversal" }>;
export type FilterClause = Extract<Clause, { kind: "filter" }>;
export type InlineMatch = Extract<Clause, { kind: "binding" }>["matches"][number];

/** What narrows solutions and binds nothing; testable once its variables are bound. */
export type Condition = { readonly slots: readonly VariableSlot[] } & (
  | { readonly kind: "match"; readonly match: InlineMatch }
  | { readonly kind: "filter"; readonly clause: FilterClause }
  | { readonly kind: "text"; readonly call: TextCall }
  | { readonly kind: "not"; readonly clauses: readonly Clause[] }
);

/** Cheap kinds first. */
const ORDER: Readonly<Record<Condition["kind"], number>> = { match: 0, filter: 1, text: 2, not: 3 };

/** Variables that a clause binds by itself. */
export function boundBy(clause: Clause): VariableSlot[] {
  switch (clause.kind) {
    case "binding":
      return [clause.variable];
    case "traversal":
      return [clause.from, clause.to, ...(clause.edgeVariable === null ? [] : [clause.edgeVariable])];
    default:
      return [];
  }
}

/** All variables that a clause names, inside of `not` as well. */
function mentionedBy(clause: Clause): VariableSlot[] {
  switch (clause.kind) {
    case "filter":
      return [...slotsOf(clause.left), ...slotsOf(clause.right)];
    case "text":
      return [clause.variable];
    case "not":
      return clause.clauses.flatMap(mentionedBy);
    default:
      return boundBy(clause);
  }
}

const slotsOf = (operand: Operand) => (operand.kind === "property" ? [operand.variable] : []);

/** The conditions of a block whose own and inherited variables are `visible`, cheap ones first. */
export function conditionsOf(clauses: readonly Clause[], visible: ReadonlySet<VariableSlot>): Condition[] {
  const conditions: Condition[] = [];
  for (const clause of clauses) {
    switch (clause.kind) {
      case "binding":
        for (const match of clause.matches)
          conditions.push({ kind: "match", slots: [clause.variable], match });
        break;
      case "filter":
        conditions.push({ kind: "filter", slots: [...new Set(mentionedBy(clause))], clause });
        break;
      case "text":
        conditions.push({ kind: "text", slots: [clause.variable], call: clause });
        break;
      case "not": {
        const mentioned = new Set(mentionedBy(clause));
        const slots = [...mentioned].filter((slot) => visible.has(slot));
        conditions.push({ kind: "not", slots, clauses: clause.clauses });
        break;
      }
      case "traversal":
        break;
    }
  }
  return conditions.sort((a, b) => ORDER[a.kind] - ORDER[b.kind]);
}
