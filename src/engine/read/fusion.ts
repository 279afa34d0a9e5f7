// rrf: reciprocal rank fusion of two rankings. A place in one is worth 1 / (k + place), places from 1 on.

import { badRequest } from "../../lib/errors.ts";
import type { RankArm, RankFunction, Value, VariableSlot } from "../../query/plan.ts";
import type { ReadContext } from "./context.ts";
import { nearestRanking } from "./nearest.ts";
import { tieKeys } from "./order.ts";
import { distinctNumbers, type Ranking, rankedRows, rankKey } from "./ranking.ts";
import { columnOf, type Relation } from "./relation.ts";
import { sortedRows } from "./sort.ts";
import { bm25Scorer } from "./text-call.ts";

type Fusion = Extract<RankFunction, { kind: "rrf" }>;

const FUSION_K_DEFAULT = 60;

/** The `limit` best entities of the first arm's variable (all without a limit); the cost is the place. */
export async function fusedRanking(
  context: ReadContext,
  relation: Relation,
  rank: Fusion,
  limit: number | null,
): Promise<Ranking> {
  const scores = await fusedScores(context, relation, rank, limit);
  // A map keeps the order of insertion and the sort is stable: the first arm's entities, then the second's.
  const order = [...scores].sort((a, b) => b[1] - a[1]).slice(0, limit ?? undefined);
  return {
    numbers: Int32Array.from(order, ([number]) => number),
    costs: Float64Array.from(order.keys()),
  };
}

/** The score of each entity that is in an arm: the first arm's in its order, then the second's that are left. */
export async function fusedScores(
  context: ReadContext,
  relation: Relation,
  rank: Fusion,
  limit: number | null,
): Promise<Map<number, number>> {
  const k = fusionK(rank.k === null ? null : context.value(rank.k));
  const scores = new Map<number, number>();
  for (const arm of [rank.first, rank.second]) {
    const entities = await entitiesInOrder(context, relation, arm, rank.first.variable, limit);
    entities.forEach((entity, place) => {
      scores.set(entity, (scores.get(entity) ?? 0) + 1 / (k + place + 1));
    });
  }
  return scores;
}

/** Entities of `target` as an arm ranks them: by the first of their rows, where the arm ranks another variable. */
async function entitiesInOrder(
  context: ReadContext,
  relation: Relation,
  arm: RankArm,
  target: VariableSlot,
  limit: number | null,
): Promise<readonly number[]> {
  const ranking =
    arm.kind === "nearest"
      ? await nearestRanking(context, relation, arm, limit)
      : (await bm25Scorer(context, arm)).scoresOf(distinctNumbers(relation, arm.variable));
  const rows = rankedRows(relation, arm.variable, context.nodes(arm.variable), ranking);
  const keys = [rankKey(rows, arm.variable, ranking), ...tieKeys(context, rows, arm.variable)];
  const numbers = columnOf(rows, target);
  return [
    ...new Set(Array.from(sortedRows(rows.length, keys, null, context.checkWanted), (row) => numbers[row])),
  ];
}

function fusionK(value: Value): number {
  if (value === null) return FUSION_K_DEFAULT;
  const k = Number(value);
  if (!Number.isInteger(k) || k <= 0) throw badRequest("rrf k must be an integer greater than 0");
  return k;
}
