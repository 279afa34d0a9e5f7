// nearest: the entities whose vectors have the least squared Euclidean distance from the query.

import { propertyAt, squaredDistance, type Table } from "../../index/index.ts";
import { BestFew } from "../../lib/best-few.ts";
import { badRequest } from "../../lib/errors.ts";
import { letOthersRun } from "../../lib/event-loop.ts";
import type { RankArm } from "../../query/plan.ts";
import type { Property } from "../../schema/catalog.ts";
import { isValid } from "../../store/index.ts";
import { vectorOf } from "./compare.ts";
import type { ReadContext } from "./context.ts";
import { flagsOf } from "./flags.ts";
import { COMPONENTS_PER_BREATH, INDEXED_SHARE } from "./limits.ts";
import { distinctNumbers, type Ranking } from "./ranking.ts";
import type { Relation } from "./relation.ts";

type NearestArm = Extract<RankArm, { kind: "nearest" }>;

/** The nearest entities of the relation, as many as wanted, best first, at equal distance by id. */
export async function nearestRanking(
  context: ReadContext,
  relation: Relation,
  arm: NearestArm,
  wanted: number | null,
): Promise<Ranking> {
  const query = await queryVector(context, arm);
  return nearestTo(context, distinctNumbers(relation, arm.variable), arm, query, wanted);
}

/** The same and, beside them, all that are as near as the last: which of these are taken, something else decides. */
export async function nearestWithEquals(
  context: ReadContext,
  relation: Relation,
  arm: NearestArm,
  wanted: number,
): Promise<Ranking> {
  const query = await queryVector(context, arm);
  const numbers = distinctNumbers(relation, arm.variable);
  const nearest = await nearestTo(context, numbers, arm, query, wanted);
  if (wanted === 0 || nearest.numbers.length < wanted) return nearest;
  const limit = nearest.costs[wanted - 1];
  const distanceOf = distances(context.nodes(arm.variable), arm.property, query);
  const equals: number[] = [];
  await eachInTurn(context, numbers, query.length, (number) => {
    if (distanceOf(number) <= limit) equals.push(number);
  });
  return { numbers: Int32Array.from(equals), costs: Float64Array.from(equals, distanceOf) };
}

/** Does something with each of some numbers' vectors, and lets other work run now and then. */
async function eachInTurn(
  context: ReadContext,
  numbers: Int32Array | readonly number[],
  width: number,
  work: (number: number) => void,
): Promise<void> {
  const slice = Math.ceil(COMPONENTS_PER_BREATH / width);
  for (let first = 0; first < numbers.length; first += slice) {
    const end = Math.min(numbers.length, first + slice);
    for (let i = first; i < end; i++) work(numbers[i]);
    if (end < numbers.length) await context.breathe();
  }
}

async function nearestTo(
  context: ReadContext,
  numbers: Int32Array,
  arm: NearestArm,
  query: Float32Array,
  wanted: number | null,
): Promise<Ranking> {
  const table = context.nodes(arm.variable);
  const best = new BestFew(Math.min(wanted ?? numbers.length, numbers.length), (a, b) =>
    table.compareIds(a, b),
  );
  const isMany = numbers.length * INDEXED_SHARE >= table.bound;
  const index = isMany ? await table.base.vectors.forSearch(arm.property.id, letOthersRun) : null;
  context.checkWanted();
  const distanceOf = distances(table, arm.property, query);
  const measure = (some: Int32Array | readonly number[]) =>
    eachInTurn(context, some, query.length, (number) => {
      const distance = distanceOf(number);
      if (distance <= best.limit) best.offer(number, distance);
    });
  if (index === null || !index.accepts(query)) {
    await measure(numbers);
    return best.sorted();
  }
  const wantedFlags = numbers === table.all() ? null : flagsOf(numbers, table.bound);
  const isWanted = (number: number) => wantedFlags === null || wantedFlags[number] === 1;
  const isWantedBase = table.isPlain ? isWanted : (row: number) => isWanted(row) && !table.isTouched(row);
  const slice = Math.ceil(COMPONENTS_PER_BREATH / query.length) * INDEXED_SHARE;
  await measure(table.delta.changed.filter((number) => number < table.bound && isWanted(number)));
  for (let first = 0; first < table.base.length; first += slice) {
    if (first > 0) await context.breathe();
    index.offer(query, best, first, first + slice, isWantedBase);
  }
  return best.sorted();
}

/** Reads the distance of a number's vector; no number where it has none. */
export function distances(table: Table, property: Property, query: Float32Array): (number: number) => number {
  const column = table.column(property);
  const { isPlain } = table;
  return (number) => {
    if (!isPlain && table.isTouched(number)) {
      const place = table.place(number);
      const vector = place === null ? null : vectorOf(propertyAt(place.batch, place.row, property));
      return vector === null ? Number.NaN : squaredDistance(vector, 0, query);
    }
    if (column?.kind !== "vector" || !isValid(column.valid, number)) return Number.NaN;
    return squaredDistance(column.values, number * column.width, query);
  };
}

/** Tells whether a number has a vector. */
export function hasVector(table: Table, property: Property): (number: number) => boolean {
  const column = table.column(property);
  return (number) => {
    if (!table.isPlain && table.isTouched(number)) return table.value(number, property) !== null;
    return column !== undefined && isValid(column.valid, number);
  };
}

export async function queryVector(context: ReadContext, arm: NearestArm): Promise<Float32Array> {
  const value = context.value(arm.query);
  if (typeof value === "string") {
    if (context.embed === null) throw new Error("invariant broken: a text to embed and nobody to do it");
    const vector = await context.embed(value, arm.property);
    context.checkWanted();
    return vector;
  }
  const vector = vectorOf(value);
  if (vector === null) throw badRequest("nearest query must be a string or list of floats");
  return vector;
}
