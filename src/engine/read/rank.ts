// Ranking: bm25 over texts, nearest over vectors, and rrf, which fuses two of them. Every clause has been applied before,
// so that the best of the matching rows come out, never what is left of a global best.

import type { RankFunction, VariableSlot } from "../../query/plan.ts";
import type { ReadContext } from "./context.ts";
import { fusedRanking } from "./fusion.ts";
import { hasVector, nearestRanking, nearestWithEquals } from "./nearest.ts";
import { distinctNumbers, type Ranking, rankedRows, rankKey } from "./ranking.ts";
import { columnOf, keepRows, type Relation } from "./relation.ts";
import type { SortKey } from "./sort.ts";
import { bm25Scorer } from "./text-call.ts";

export interface Ranked {
  /** The rows that take part. */
  readonly relation: Relation;
  /** Best first; none where the query ranks nothing. */
  readonly keys: readonly SortKey[];
}

/** The variable whose entities a rank function puts in order. */
export function rankedVariable(rank: RankFunction): VariableSlot {
  return rank.kind === "rrf" ? rank.first.variable : rank.variable;
}

/** Applies the query's rank function, if it orders by one. */
export async function rankRows(context: ReadContext, relation: Relation): Promise<Ranked> {
  const first = context.plan.order[0];
  if (first === undefined || first.kind !== "rank") {
    return { relation: withDistances(context, relation), keys: [] };
  }
  const variable = rankedVariable(first.rank);
  const ranking = await rankingOf(context, relation, first.rank);
  const kept = rankedRows(relation, variable, context.nodes(variable), ranking);
  return { relation: kept, keys: [rankKey(kept, variable, ranking)] };
}

/** Ordering by an alias of a nearest item is ordering by nearest: what has no distance takes no part. */
function withDistances(context: ReadContext, relation: Relation): Relation {
  const { items, order } = context.plan;
  let kept = relation;
  for (const key of order) {
    const expression = key.kind === "item" ? items[key.item].expression : null;
    if (expression?.kind !== "rank" || expression.rank.kind !== "nearest") continue;
    const { variable, property } = expression.rank;
    const isThere = hasVector(context.nodes(variable), property);
    const numbers = columnOf(kept, variable);
    kept = keepRows(kept, (row) => isThere(numbers[row]));
  }
  return kept;
}

function rankingOf(context: ReadContext, relation: Relation, rank: RankFunction): Promise<Ranking> {
  const { limit, order, aggregated } = context.plan;
  switch (rank.kind) {
    case "nearest":
      // Further keys decide between rows; what is grouped has been chosen before.
      return limit === null || aggregated || order.length === 1
        ? nearestRanking(context, relation, rank, limit)
        : nearestWithEquals(context, relation, rank, limit);
    case "rrf":
      return fusedRanking(context, relation, rank, limit);
    case "bm25":
      return bm25Ranking(context, relation, rank);
  }
}

/** What matches; where only so many rows come out, what those may be. */
async function bm25Ranking(
  context: ReadContext,
  relation: Relation,
  rank: Extract<RankFunction, { kind: "bm25" }>,
): Promise<Ranking> {
  const { limit, aggregated } = context.plan;
  const scorer = await bm25Scorer(context, rank);
  const numbers = distinctNumbers(relation, rank.variable);
  return limit === null || aggregated ? scorer.matching(numbers) : scorer.bestOf(numbers, limit);
}
