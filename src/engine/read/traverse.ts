// Follows a traversal clause from the rows of a relation.

import type { VariableSlot } from "../../query/plan.ts";
import type { TraversalClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { type Direction, type Expansion, expandHop, expandWalk } from "./expand.ts";
import { columnOf, emptyRelation, type Relation, takeRows } from "./relation.ts";

/** The rows continued along the clause; `firstOnly` where it only matters whether a row goes on. */
export function traverse(
  context: ReadContext,
  relation: Relation,
  clause: TraversalClause,
  firstOnly: boolean,
): Relation {
  const { from, to, edgeVariable } = clause;
  const isFromBound = relation.columns.has(from);
  const isToBound = relation.columns.has(to);
  const start = startOf(clause, isFromBound, isToBound);
  const end = start === from ? to : from;
  const starts = columnOf(relation, start);
  const expected = isFromBound && isToBound ? columnOf(relation, end) : null;

  const chains = clause.edge.source.id === clause.edge.target.id;
  if (!chains && clause.minHops > 1) {
    const slots = new Set([...relation.columns.keys(), from, to]);
    return emptyRelation(edgeVariable === null ? slots : slots.add(edgeVariable));
  }
  const table = context.source.edges(clause.edge);
  const direction: Direction = clause.undirected ? "both" : start === from ? "out" : "in";
  const isWalk = chains && clause.maxHops > 1;
  const expansion = isWalk
    ? expandWalk(starts, {
        table,
        direction,
        minHops: clause.minHops,
        maxHops: clause.maxHops,
        isForward: start === (clause.left === "from" ? from : to),
        expected,
        firstOnly,
      })
    : expandHop(starts, { table, direction, bindEdges: edgeVariable !== null, expected, firstOnly });
  return continued(relation, expansion, end, edgeVariable);
}

/** The end to walk from; where both are bound, the one that the query wrote first. */
function startOf(clause: TraversalClause, isFromBound: boolean, isToBound: boolean): VariableSlot {
  if (isFromBound && isToBound) return clause.left === "from" ? clause.from : clause.to;
  return isFromBound ? clause.from : clause.to;
}

function continued(
  relation: Relation,
  expansion: Expansion,
  end: VariableSlot,
  edgeVariable: VariableSlot | null,
): Relation {
  const columns = new Map(takeRows(relation, expansion.rows).columns);
  if (!columns.has(end)) columns.set(end, expansion.ends);
  if (edgeVariable !== null && expansion.edges !== null) columns.set(edgeVariable, expansion.edges);
  return { length: expansion.rows.length, columns };
}
