// rrf: reciprocal rank fusion of two rankings. A place in one is worth 1 / (k + place), places from 1 on.

import type { Scorer } from "../../index/index.ts";
import { badRequest } from "../../lib/errors.ts";
import type { RankArm, RankFunction, Value, VariableSlot } from "../../query/plan.ts";
import type { ReadContext } from "./context.ts";
import { FUSED_ENTITIES_MAX } from "./limits.ts";
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
  const fusion = new Fuser(context, relation, rank, limit);
  const scores = await (limit === null ? fusion.scores(null) : fusion.contenders(limit));
  // A map keeps the order of insertion and the sort is stable: the first arm's entities, then the second's.
  const order = [...scores].sort((a, b) => b[1] - a[1]).slice(0, limit ?? undefined);
  return {
    numbers: Int32Array.from(order, ([number]) => number),
    costs: Float64Array.from(order.keys()),
  };
}

/** The scores of those of the entities that are in an arm, and perhaps of others. */
export function fusedScores(
  context: ReadContext,
  relation: Relation,
  rank: Fusion,
  limit: number | null,
  entities: Int32Array,
): Promise<ReadonlyMap<number, number>> {
  return new Fuser(context, relation, rank, limit).scores(entities);
}

/** Entities in the order of an arm, and the place of each in it, from 0. */
interface Placed {
  readonly entities: Int32Array | readonly number[];
  readonly places: Int32Array | readonly number[];
}

class Fuser {
  private readonly target: VariableSlot;
  private readonly arms: readonly RankArm[];
  private readonly nearest = new Map<RankArm, Promise<Ranking>>();
  private readonly scorers = new Map<RankArm, Promise<Scorer>>();

  constructor(
    private readonly context: ReadContext,
    private readonly relation: Relation,
    private readonly rank: Fusion,
    private readonly limit: number | null,
  ) {
    this.target = rank.first.variable;
    this.arms = [rank.first, rank.second];
  }

  /** The scores of these entities, or of all: the first arm's in its order, then those that only the second has. */
  async scores(entities: Int32Array | null): Promise<Map<number, number>> {
    return this.sum([await this.placed(this.arms[0], entities), await this.placed(this.arms[1], entities)]);
  }

  /**
   * The scores of entities among which the `limit` best are. Who stands only in an arm of texts, and there behind `limit`
   * others, is behind these in the end as well, where the other arm is one of vectors and so brings few.
   */
  async contenders(limit: number): Promise<Map<number, number>> {
    const near = this.arms.find((arm) => arm.kind === "nearest");
    const texts = this.arms.find((arm) => arm.kind === "bm25");
    if (near === undefined || texts === undefined || near.variable !== texts.variable)
      return this.scores(null);
    const { numbers } = await this.nearestOf(near);
    const found = (await this.scorerOf(texts)).placesOf(numbers, this.targets(), limit, this.compare);
    return this.sum(this.arms.map((arm) => (arm === near ? inOrder(numbers) : found)));
  }

  private sum(arms: readonly Placed[]): Map<number, number> {
    const { rank, context } = this;
    const k = fusionK(rank.k === null ? null : context.value(rank.k));
    const scores = new Map<number, number>();
    for (const { entities, places } of arms) {
      for (let i = 0; i < entities.length; i++) {
        scores.set(entities[i], (scores.get(entities[i]) ?? 0) + 1 / (k + places[i] + 1));
      }
    }
    return scores;
  }

  private targets(): Int32Array {
    return distinctNumbers(this.relation, this.target);
  }

  private readonly compare = (a: number, b: number) => this.context.nodes(this.target).compareIds(a, b);

  private async placed(arm: RankArm, entities: Int32Array | null): Promise<Placed> {
    if (arm.variable !== this.target) return inOrder(await this.byFirstRow(arm));
    if (arm.kind === "nearest") return inOrder((await this.nearestOf(arm)).numbers);
    if (entities === null || entities.length > FUSED_ENTITIES_MAX) return inOrder(await this.byFirstRow(arm));
    return (await this.scorerOf(arm)).placesOf(entities, this.targets(), 0, this.compare);
  }

  /** Entities of the target as an arm ranks them: by the first of their rows, where the arm ranks another variable. */
  private async byFirstRow(arm: RankArm): Promise<number[]> {
    const { context, relation } = this;
    const ranking =
      arm.kind === "nearest"
        ? await this.nearestOf(arm)
        : (await this.scorerOf(arm)).matching(distinctNumbers(relation, arm.variable));
    const rows = rankedRows(relation, arm.variable, context.nodes(arm.variable), ranking);
    const keys = [rankKey(rows, arm.variable, ranking), ...tieKeys(context, rows, arm.variable)];
    const numbers = columnOf(rows, this.target);
    const order = sortedRows(rows.length, keys, null, context.checkWanted);
    return [...new Set(Array.from(order, (row) => numbers[row]))];
  }

  private nearestOf(arm: Extract<RankArm, { kind: "nearest" }>): Promise<Ranking> {
    const known = this.nearest.get(arm) ?? nearestRanking(this.context, this.relation, arm, this.limit);
    this.nearest.set(arm, known);
    return known;
  }

  private scorerOf(arm: Extract<RankArm, { kind: "bm25" }>): Promise<Scorer> {
    const known = this.scorers.get(arm) ?? bm25Scorer(this.context, arm);
    this.scorers.set(arm, known);
    return known;
  }
}

const inOrder = (entities: Int32Array | readonly number[]): Placed => ({
  entities,
  places: Int32Array.from(entities.keys()),
});

function fusionK(value: Value): number {
  if (value === null) return FUSION_K_DEFAULT;
  const k = Number(value);
  if (!Number.isInteger(k) || k <= 0) throw badRequest("rrf k must be an integer greater than 0");
  return k;
}
