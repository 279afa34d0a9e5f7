// Ranking: bm25 over texts, nearest over vectors, and rrf, which fuses two of them. Every clause has been applied before,
// so that the best of the matching rows come out, never what is left of a global best.

import { propertyAt, type Table } from "../../index/index.ts";
import { badRequest, unsupported } from "../../lib/errors.ts";
import type { RankArm, RankFunction, Value, VariableSlot } from "../../query/plan.ts";
import { isValid } from "../../store/index.ts";
import { vectorOf } from "./compare.ts";
import type { ReadContext } from "./context.ts";
import { tieKeys } from "./order.ts";
import { columnOf, keepRows, type Relation } from "./relation.ts";
import { type SortKey, sortedRows } from "./sort.ts";
import { bm25Scores } from "./text-call.ts";

const FUSION_K_DEFAULT = 60;

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
  if (first === undefined || first.kind !== "rank") return { relation, keys: [] };
  const { rank } = first;
  const variable = rankedVariable(rank);
  const worth =
    rank.kind === "rrf" ? await fusedWorth(context, relation, rank) : await armWorth(context, rank);
  const matching = keepWorthy(relation, variable, worth);
  // bm25 ranks all that matches; the others rank as many entities as there may be rows.
  const kept = rank.kind === "bm25" ? matching : bestEntities(context, matching, variable, worth);
  return { relation: kept, keys: [worthKey(kept, variable, worth)] };
}

/** How good each entity is by its number, NaN for what takes no part. Greater is better. */
type Worth = Float64Array;

function keepWorthy(relation: Relation, variable: VariableSlot, worth: Worth): Relation {
  const numbers = columnOf(relation, variable);
  return keepRows(relation, (row) => !Number.isNaN(worth[numbers[row]]));
}

function worthKey(relation: Relation, variable: VariableSlot, worth: Worth): SortKey {
  return { values: Float64Array.from(columnOf(relation, variable), (number) => -worth[number]), exact: null };
}

/** The rows of the best entities, as many as the query's limit. */
function bestEntities(
  context: ReadContext,
  relation: Relation,
  variable: VariableSlot,
  worth: Worth,
): Relation {
  const { limit } = context.plan;
  if (limit === null) return relation;
  const best = new Set(entitiesInOrder(context, relation, variable, worth, variable).slice(0, limit));
  const numbers = columnOf(relation, variable);
  return keepRows(relation, (row) => best.has(numbers[row]));
}

/** Entities of `target` by the first of their rows, the rows ordered by the worth of `variable`. */
function entitiesInOrder(
  context: ReadContext,
  relation: Relation,
  variable: VariableSlot,
  worth: Worth,
  target: VariableSlot,
): number[] {
  const keys = [worthKey(relation, variable, worth), ...tieKeys(context, relation, variable)];
  const numbers = columnOf(relation, target);
  const rows = sortedRows(relation.length, keys, null, context.checkWanted);
  return [...new Set(Array.from(rows, (row) => numbers[row]))];
}

async function armWorth(context: ReadContext, arm: RankArm): Promise<Worth> {
  if (arm.kind === "nearest") return nearestWorth(context, arm);
  const worth = await bm25Scores(context, arm);
  for (let number = 0; number < worth.length; number++) if (worth[number] === 0) worth[number] = Number.NaN;
  return worth;
}

/** Squared Euclidean distance, negated; every stored vector is compared. */
async function nearestWorth(
  context: ReadContext,
  arm: Extract<RankArm, { kind: "nearest" }>,
): Promise<Worth> {
  const query = await queryVector(context, arm);
  const table = context.nodes(arm.variable);
  const worth = new Float64Array(table.bound).fill(Number.NaN);
  const column = table.column(arm.property);
  for (const number of table.all()) {
    if (table.isTouched(number)) {
      const vector = touchedVector(table, number, arm);
      if (vector !== null) worth[number] = -squaredDistance(vector, 0, query);
    } else if (column?.kind === "vector" && isValid(column.valid, number)) {
      worth[number] = -squaredDistance(column.values, number * column.width, query);
    }
  }
  return worth;
}

function touchedVector(table: Table, number: number, arm: RankArm): Float32Array | null {
  const place = table.place(number);
  return place === null ? null : vectorOf(propertyAt(place.batch, place.row, arm.property));
}

function squaredDistance(values: Float32Array, start: number, query: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < query.length; i++) {
    const difference = values[start + i] - query[i];
    sum += difference * difference;
  }
  return sum;
}

async function queryVector(context: ReadContext, arm: RankArm): Promise<Float32Array> {
  const value = context.value(arm.query);
  if (typeof value === "string") {
    if (context.embed === null) throw unsupported("nearest with a text as its query");
    return context.embed(value, arm.property);
  }
  const vector = vectorOf(value);
  if (vector === null) throw badRequest("nearest query must be a string or list of floats");
  return vector;
}

/** Reciprocal rank fusion; ties go to the first arm's order, then to the second's. */
async function fusedWorth(
  context: ReadContext,
  relation: Relation,
  rank: Extract<RankFunction, { kind: "rrf" }>,
): Promise<Worth> {
  const k = fusionK(rank.k === null ? null : context.value(rank.k));
  const target = rank.first.variable;
  const arms: number[][] = [];
  for (const arm of [rank.first, rank.second]) {
    const worth = await armWorth(context, arm);
    const matching = keepWorthy(relation, arm.variable, worth);
    const taken = arm.kind === "nearest" ? bestEntities(context, matching, arm.variable, worth) : matching;
    arms.push(entitiesInOrder(context, taken, arm.variable, worth, target));
  }
  const scores = new Map<number, number>();
  for (const entities of arms) {
    entities.forEach((entity, place) => {
      scores.set(entity, (scores.get(entity) ?? 0) + 1 / (k + place + 1));
    });
  }
  // A map keeps the order of insertion and the sort is stable: the first arm's entities, then the second's.
  const order = [...scores].sort((a, b) => b[1] - a[1]).map(([entity]) => entity);
  const worth = new Float64Array(context.nodes(target).bound).fill(Number.NaN);
  order.forEach((entity, place) => {
    worth[entity] = -place;
  });
  return worth;
}

function fusionK(value: Value): number {
  if (value === null) return FUSION_K_DEFAULT;
  const k = Number(value);
  if (!Number.isInteger(k) || k <= 0) throw badRequest("rrf k must be an integer greater than 0");
  return k;
}
