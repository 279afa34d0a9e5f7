// Search and rank functions as return items: the score or the truth of each row.

import type { RankFunction, ReturnExpression, Value } from "../../query/plan.ts";
import type { Cells } from "./cells.ts";
import type { ReadContext } from "./context.ts";
import { fusedScores } from "./fusion.ts";
import { distances, queryVector } from "./nearest.ts";
import { rankedVariable } from "./rank.ts";
import { distinctNumbers } from "./ranking.ts";
import { columnOf, type Relation } from "./relation.ts";
import { bm25Scorer, truthOf } from "./text-call.ts";

/** The columns of such items for the rows of `relation`; `solved` are all rows that the clauses left. */
export async function searchCells(
  context: ReadContext,
  solved: Relation,
  relation: Relation,
): Promise<ReadonlyMap<ReturnExpression, Cells>> {
  const cells = new Map<ReturnExpression, Cells>();
  for (const { expression } of context.plan.items) {
    if (expression.kind !== "rank" && expression.kind !== "textMatch") continue;
    const values =
      expression.kind === "rank"
        ? await scoresOf(context, solved, relation, expression.rank)
        : Array.from(
            columnOf(relation, expression.call.variable),
            await truthOf(context, relation.length, expression.call),
          );
    cells.set(expression, { kind: "values", values, type: expression.type });
    await context.worked(relation.length);
  }
  return cells;
}

/** The score of each row: null where it has no vector, 0 where it has no token or stands in no arm. */
async function scoresOf(
  context: ReadContext,
  solved: Relation,
  relation: Relation,
  rank: RankFunction,
): Promise<Value[]> {
  const numbers = columnOf(relation, rankedVariable(rank));
  switch (rank.kind) {
    case "nearest": {
      const distanceOf = distances(
        context.nodes(rank.variable),
        rank.property,
        await queryVector(context, rank),
      );
      return Array.from(numbers, (number) => {
        const distance = distanceOf(number);
        return Number.isNaN(distance) ? null : distance;
      });
    }
    case "bm25":
      return Array.from((await bm25Scorer(context, rank)).scoresFor(numbers));
    case "rrf": {
      const entities = distinctNumbers(relation, rankedVariable(rank));
      const scores = await fusedScores(context, solved, rank, context.plan.limit, entities);
      return Array.from(numbers, (number) => scores.get(number) ?? 0);
    }
  }
}
