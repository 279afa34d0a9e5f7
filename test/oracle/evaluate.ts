// The meaning of a read, written down as simply as possible: try every assignment of every variable, test every clause,
// sort with plain comparisons. Slow, and therefore easy to believe.

import { resolveConstant } from "../../src/query/index.ts";
import type {
  Clause,
  Constant,
  Operand,
  Parameters,
  RankFunction,
  ReadPlan,
  ReturnExpression,
  TextCall,
  Value,
  VariableSlot,
} from "../../src/query/plan.ts";
import type { EntityType, Property, StableId } from "../../src/schema/catalog.ts";
import type { Row } from "../../src/store/index.ts";
import { compare, comparePaths, exactSum, type Step } from "./order.ts";
import {
  bm25Scores,
  distanceBetween,
  fusedScores,
  isFoundIn,
  nearestOf,
  type Ranked,
  tokensNear,
} from "./ranking.ts";

export type Graph = ReadonlyMap<StableId, ReadonlyMap<string, Row>>;
type Assignment = ReadonlyMap<VariableSlot, Row>;
type Solution = Map<VariableSlot, Row>;
type Traversal = Extract<Clause, { kind: "traversal" }>;

/** What a text means as a vector, in tests. */
export type EmbedText = (text: string) => Float32Array;

export class Oracle {
  /** All that the clauses leave. */
  private solutions: readonly Solution[] = [];
  /** What is asked for again and again. */
  private readonly wanted = new Map<TextCall, ReadonlySet<string>>();
  private readonly reached = new Map<Traversal, Map<string, ReadonlySet<string>>>();

  constructor(
    private readonly graph: Graph,
    private readonly plan: ReadPlan,
    private readonly parameters: Parameters,
    private readonly nowMs: number,
    private readonly embed: EmbedText,
  ) {}

  rows(): Value[][] {
    this.solutions = this.withDistances(this.solve(this.plan.clauses, new Map()));
    const ranked = this.ranked(this.solutions);
    const entries = this.plan.aggregated
      ? this.grouped(ranked.map(({ solution }) => solution))
      : ranked.map((entry) => this.plain(entry));
    entries.sort((a, b) => comparePaths(a.order, b.order));
    return entries.slice(0, this.plan.limit ?? undefined).map((entry) => entry.values);
  }

  private entities(type: EntityType): Row[] {
    return [...(this.graph.get(type.id)?.values() ?? [])];
  }

  private solve(clauses: readonly Clause[], outer: Assignment): Solution[] {
    const slots = new Set<VariableSlot>();
    for (const clause of clauses) {
      if (clause.kind === "binding") slots.add(clause.variable);
      if (clause.kind === "traversal") {
        slots.add(clause.from).add(clause.to);
        if (clause.edgeVariable !== null) slots.add(clause.edgeVariable);
      }
    }
    const free = [...slots].filter((slot) => !outer.has(slot));
    const found: Solution[] = [];
    const assign = (index: number, assignment: Solution) => {
      if (!clauses.every((clause) => this.mayHold(clause, assignment, index === free.length))) return;
      if (index === free.length) {
        found.push(new Map(assignment));
        return;
      }
      for (const row of this.entities(this.plan.variables[free[index]].type)) {
        assign(index + 1, new Map(assignment).set(free[index], row));
      }
    };
    assign(0, new Map(outer));
    return found;
  }

  /** False where a clause is sure not to hold; undecided ones pass until all variables are assigned. */
  private mayHold(clause: Clause, at: Assignment, isComplete: boolean): boolean {
    const has = (...slots: (VariableSlot | null)[]) => slots.every((slot) => slot === null || at.has(slot));
    switch (clause.kind) {
      case "binding":
        return (
          !has(clause.variable) || clause.matches.every((match) => this.matches(at, clause.variable, match))
        );
      case "traversal":
        return !has(clause.from, clause.to) || this.isTraversed(clause, at);
      case "filter":
        return !has(...slotsOf(clause.left), ...slotsOf(clause.right)) || this.isFiltered(clause, at);
      case "text":
        return !has(clause.variable) || this.isFound(clause, at);
      case "not":
        return !isComplete || this.solve(clause.clauses, at).length === 0;
    }
  }

  private constant(constant: Constant): Value {
    return resolveConstant(constant, this.parameters, this.nowMs);
  }

  private property(at: Assignment, slot: VariableSlot, property: Property): Value {
    const index = this.plan.variables[slot].type.properties.findIndex(
      (candidate) => candidate.id === property.id,
    );
    return at.get(slot)?.values[index] ?? null;
  }

  private matches(
    at: Assignment,
    slot: VariableSlot,
    match: { readonly property: Property; readonly value: Constant },
  ): boolean {
    const stored = this.property(at, slot, match.property);
    let value = this.constant(match.value);
    if (stored === null || value === null) return false;
    if (match.property.type.scalar === "F32") value = rounded(value);
    if (match.property.type.list)
      return (stored as Value[]).some((item) => item !== null && compare(item, value) === 0);
    if (stored instanceof Float32Array)
      return JSON.stringify([...stored]) === JSON.stringify([...(value as number[])]);
    return compare(stored, value) === 0;
  }

  private operand(operand: Operand, other: Operand, at: Assignment): Value {
    if (operand.kind === "property") return this.property(at, operand.variable, operand.property);
    const value = this.constant(operand);
    return other.kind === "property" && other.property.type.scalar === "F32" ? rounded(value) : value;
  }

  private isFiltered(clause: Extract<Clause, { kind: "filter" }>, at: Assignment): boolean {
    const left = this.operand(clause.left, clause.right, at);
    const right = this.operand(clause.right, clause.left, at);
    if (left === null || right === null) return false;
    switch (clause.operator) {
      case "contains":
        if (Array.isArray(left))
          return left.some((item: Value) => item !== null && compare(item, right) === 0);
        return (left as string).includes(right as string);
      case "starts_with":
        return (left as string).startsWith(right as string);
      case "=":
        return compare(left, right) === 0;
      case "!=":
        return compare(left, right) !== 0;
      case "<":
        return compare(left, right) < 0;
      case "<=":
        return compare(left, right) <= 0;
      case ">":
        return compare(left, right) > 0;
      case ">=":
        return compare(left, right) >= 0;
    }
  }

  private isFound(call: TextCall, at: Assignment): boolean {
    const expected = call.expected === true ? true : this.constant(call.expected);
    const isFound = this.truth(call, at);
    if (isFound === null || expected === null) return false;
    return isFound === (expected !== call.negated);
  }

  /** Whether a text call finds the text; null where it has no query. */
  private truth(call: TextCall, at: Assignment): boolean | null {
    const query = this.constant(call.query);
    if (typeof query !== "string") return null;
    let wanted = this.wanted.get(call);
    if (wanted === undefined) {
      const isFuzzy = call.function === "fuzzy";
      const edits = !isFuzzy ? 0 : call.maxEdits === null ? 2 : Number(this.constant(call.maxEdits));
      wanted = tokensNear([...this.valuesOf(call.variable, call.property).values()], query, edits);
      this.wanted.set(call, wanted);
    }
    return isFoundIn(this.property(at, call.variable, call.property), wanted);
  }

  /** The values of a property of a variable's type, by id. */
  private valuesOf(slot: VariableSlot, property: Property): Map<string, Value> {
    const { type } = this.plan.variables[slot];
    return new Map(
      this.entities(type).map((row) => [row.id, this.property(new Map([[slot, row]]), slot, property)]),
    );
  }

  private isTraversed(clause: Traversal, at: Assignment): boolean {
    const from = at.get(clause.from)?.id ?? "";
    const to = at.get(clause.to)?.id ?? "";
    const edge = clause.edgeVariable === null ? undefined : at.get(clause.edgeVariable);
    if (edge !== undefined) {
      const isForward = edge.src === from && edge.dst === to;
      return isForward || (clause.undirected && edge.src === to && edge.dst === from);
    }
    const [start, end] = clause.left === "from" ? [from, to] : [to, from];
    return this.reachedFrom(clause, start).has(end);
  }

  /** The ids that a traversal leads to from its left end; remembered, because it is asked again and again. */
  private reachedFrom(clause: Traversal, start: string): ReadonlySet<string> {
    const known = this.reached.get(clause) ?? new Map<string, ReadonlySet<string>>();
    this.reached.set(clause, known);
    let ends = known.get(start);
    if (ends === undefined) {
      const { edge, undirected, minHops, maxHops, left } = clause;
      const pairs = this.entities(edge).map(({ src, dst }) => [src ?? "", dst ?? ""] as const);
      const turned = pairs.map(([src, dst]) => [dst, src] as const);
      const steps = undirected ? [...pairs, ...turned] : left === "from" ? pairs : turned;
      const chains = edge.source.id === edge.target.id;
      const direct = () => new Set(steps.filter(([src]) => src === start).map(([, dst]) => dst));
      ends =
        chains && maxHops > 1 ? walk(steps, start, minHops, maxHops) : minHops === 1 ? direct() : new Set();
      known.set(start, ends);
    }
    return ends;
  }

  /** Ordering by the alias of a nearest item leaves out what has no distance. */
  private withDistances(solutions: readonly Solution[]): readonly Solution[] {
    const { items, order } = this.plan;
    const keys = order.flatMap((key) => (key.kind === "item" ? [items[key.item].expression] : []));
    return solutions.filter((solution) =>
      keys.every(
        (key) =>
          key.kind !== "rank" || key.rank.kind !== "nearest" || this.score(key.rank, solution) !== null,
      ),
    );
  }

  /** The solutions whose entity is ranked, each with its place; all where nothing ranks. */
  private ranked(solutions: readonly Solution[]): { solution: Solution; cost: number }[] {
    const first = this.plan.order[0];
    if (first?.kind !== "rank") return solutions.map((solution) => ({ solution, cost: 0 }));
    const { rank } = first;
    const costs = new Map(
      this.ranking(rank, solutions).map(({ id, score }, place) => [id, rank.kind === "rrf" ? place : score]),
    );
    return solutions.flatMap((solution) => {
      const cost = costs.get(solution.get(rankedSlot(rank))?.id ?? "");
      return cost === undefined ? [] : [{ solution, cost: rank.kind === "bm25" ? -cost : cost }];
    });
  }

  /** The entities that take part in a ranking, best first. */
  private ranking(rank: RankFunction, solutions: readonly Solution[]): Ranked[] {
    const { limit, order, aggregated } = this.plan;
    if (rank.kind === "rrf") {
      const arms = [rank.first, rank.second].map((arm) => this.armOrder(arm, rankedSlot(rank), solutions));
      const k = rank.k === null ? null : this.constant(rank.k);
      return fusedScores(arms[0], arms[1], k).slice(0, limit ?? undefined);
    }
    // Where further keys decide between equals, all that are as good as the last are wanted.
    if (rank.kind === "bm25" || aggregated || order.length === 1) return this.armRanking(rank, solutions);
    const all = nearestOf(this.candidates(rank, solutions), this.vector(rank), null);
    const last = all[(limit ?? all.length) - 1];
    return last === undefined ? (limit === 0 ? [] : all) : all.filter(({ score }) => score <= last.score);
  }

  private armRanking(arm: Exclude<RankFunction, { kind: "rrf" }>, solutions: readonly Solution[]): Ranked[] {
    const candidates = this.candidates(arm, solutions);
    if (arm.kind === "nearest") return nearestOf(candidates, this.vector(arm), this.plan.limit);
    const scores = this.bm25(arm);
    return [...candidates.keys()]
      .flatMap((id) => (scores.has(id) ? [{ id, score: scores.get(id) ?? 0 }] : []))
      .sort((a, b) => b.score - a.score || compare(a.id, b.id));
  }

  private bm25({ variable, property, query }: Extract<RankFunction, { kind: "bm25" }>): Map<string, number> {
    return bm25Scores(this.valuesOf(variable, property), this.constant(query) as string);
  }

  private vector({ query }: Extract<RankFunction, { kind: "nearest" }>): Float32Array {
    const value = this.constant(query);
    return typeof value === "string" ? this.embed(value) : Float32Array.from(value as Float32Array);
  }

  /** The values to rank by of the entities in the solutions. */
  private candidates(
    { variable, property }: Exclude<RankFunction, { kind: "rrf" }>,
    solutions: readonly Solution[],
  ) {
    const ids = new Set(solutions.map((solution) => solution.get(variable)?.id));
    return new Map([...this.valuesOf(variable, property)].filter(([id]) => ids.has(id)));
  }

  /** The target's entities as an arm ranks them; by their first row where it ranks another variable. */
  private armOrder(
    arm: Exclude<RankFunction, { kind: "rrf" }>,
    target: VariableSlot,
    solutions: readonly Solution[],
  ): string[] {
    const ranked = this.armRanking(arm, solutions).map(({ id }) => id);
    const places = new Map(ranked.map((id, place) => [id, place]));
    const rows = solutions.flatMap((solution) => {
      const place = places.get(solution.get(arm.variable)?.id ?? "");
      if (place === undefined) return [];
      return [
        { solution, path: [{ value: place, descending: false }, ...this.ties(solution, arm.variable)] },
      ];
    });
    rows.sort((a, b) => comparePaths(a.path, b.path));
    return [...new Set(rows.map(({ solution }) => solution.get(target)?.id ?? ""))];
  }

  /** The ids of everything bound, variables by name, one of them before all others. */
  private ties(solution: Assignment, first: VariableSlot | null): Step[] {
    const slots = [...solution.keys()].sort(
      (a, b) => compare(this.plan.variables[a].name, this.plan.variables[b].name) || a - b,
    );
    return (first === null ? slots : [first, ...slots]).map((slot) => ({
      value: solution.get(slot)?.id ?? null,
      descending: false,
    }));
  }

  /** What a rank function says of one row: null where there is no vector. */
  private score(rank: RankFunction, at: Assignment): number | null {
    const id = at.get(rankedSlot(rank))?.id ?? "";
    if (rank.kind === "nearest") {
      return distanceBetween(this.property(at, rank.variable, rank.property), this.vector(rank));
    }
    if (rank.kind === "bm25") return this.bm25(rank).get(id) ?? 0;
    const arms = [rank.first, rank.second].map((arm) => this.armOrder(arm, rankedSlot(rank), this.solutions));
    const k = rank.k === null ? null : this.constant(rank.k);
    return fusedScores(arms[0], arms[1], k).find((entity) => entity.id === id)?.score ?? 0;
  }

  private expression(expression: ReturnExpression, at: Assignment): Value {
    if (expression.kind === "variable") return at.get(expression.variable)?.id ?? null;
    if (expression.kind === "property") return this.property(at, expression.variable, expression.property);
    if (expression.kind === "rank") return this.score(expression.rank, at);
    if (expression.kind === "textMatch") return this.truth(expression.call, at);
    if (expression.kind === "aggregate") throw new Error("an aggregate of one row");
    return this.constant(expression);
  }

  private plain({ solution, cost }: { solution: Solution; cost: number }) {
    const values = this.plan.items.map((item) => this.expression(item.expression, solution));
    const order: Step[] = this.plan.order.map((key) => {
      if (key.kind === "rank") return { value: cost, descending: false };
      if (key.kind === "item") return { value: values[key.item], descending: key.descending };
      return { value: this.expression(key.operand, solution), descending: key.descending };
    });
    const first = this.plan.order[0];
    order.push(...this.ties(solution, first?.kind === "rank" ? rankedSlot(first.rank) : null));
    return { values, order };
  }

  private grouped(solutions: readonly Solution[]) {
    const groups = new Map<string, Solution[]>();
    const keys = this.plan.items.filter((item) => item.expression.kind !== "aggregate");
    if (keys.length === 0) groups.set("[]", []);
    for (const solution of solutions) {
      const key = JSON.stringify(keys.map((item) => text(this.expression(item.expression, solution))));
      groups.set(key, [...(groups.get(key) ?? []), solution]);
    }
    return [...groups.values()].map((members) => {
      const values = this.plan.items.map((item) => this.aggregate(item.expression, members));
      const order: Step[] = this.plan.order.flatMap((key): Step[] => {
        if (key.kind === "rank") return [];
        if (key.kind === "item") return [{ value: values[key.item], descending: key.descending }];
        return [{ value: this.expression(key.operand, members[0]), descending: key.descending }];
      });
      this.plan.items.forEach((item, i) => {
        if (item.expression.kind !== "aggregate") order.push({ value: values[i], descending: false });
      });
      return { values, order };
    });
  }

  private aggregate(expression: ReturnExpression, solutions: Solution[]): Value {
    if (expression.kind !== "aggregate") return this.expression(expression, solutions[0]);
    const { argument } = expression;
    const values = solutions
      .map((solution) => this.expression(argument, solution))
      .filter((value) => value !== null);
    if (expression.function === "count") return BigInt(values.length);
    if (values.length === 0) return null;
    if (expression.function === "min") return values.reduce((a, b) => (compare(b, a) < 0 ? b : a));
    if (expression.function === "max") return values.reduce((a, b) => (compare(b, a) > 0 ? b : a));
    const sum = exactSum(values as (number | bigint)[]);
    return expression.function === "sum" ? sum : sum / values.length;
  }
}

const rankedSlot = (rank: RankFunction): VariableSlot =>
  rank.kind === "rrf" ? rank.first.variable : rank.variable;

/** Breadth-first, as spec 02 §7.2 tells it. */
function walk(
  steps: readonly (readonly [string, string])[],
  start: string,
  min: number,
  max: number,
): Set<string> {
  const visited = new Set([start]);
  const emitted = new Set<string>();
  let frontier = [start];
  for (let hop = 1; hop <= max && frontier.length > 0; hop++) {
    const next: string[] = [];
    for (const node of frontier) {
      for (const [src, dst] of steps) {
        if (src !== node) continue;
        if (dst === node && hop >= min) emitted.add(node);
        if (visited.has(dst)) continue;
        visited.add(dst);
        next.push(dst);
        if (hop >= min) emitted.add(dst);
      }
    }
    frontier = next;
  }
  return emitted;
}

const slotsOf = (operand: Operand) => (operand.kind === "property" ? [operand.variable] : []);

function rounded(value: Value): Value {
  if (Array.isArray(value)) return value.map(rounded);
  return value === null ? null : Math.fround(Number(value));
}

/** Distinct values, distinct texts. */
function text(value: Value): string {
  if (Array.isArray(value)) return JSON.stringify(value.map(text));
  return `${typeof value === "bigint" ? "number" : typeof value}:${value}`;
}
