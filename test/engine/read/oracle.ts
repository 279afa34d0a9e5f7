// The meaning of a read, written down as simply as possible: try every assignment of every variable, test every clause,
// sort with plain comparisons. Slow, and therefore easy to believe.

import { analyze } from "../../../src/index/text/analyze.ts";
import { resolveConstant } from "../../../src/query/index.ts";
import type {
  Clause,
  Constant,
  Operand,
  Parameters,
  ReadPlan,
  ReturnExpression,
  Value,
  VariableSlot,
} from "../../../src/query/plan.ts";
import type { EntityType, Property, StableId } from "../../../src/schema/catalog.ts";
import type { Row } from "../../../src/store/index.ts";

export type Graph = ReadonlyMap<StableId, ReadonlyMap<string, Row>>;
type Assignment = ReadonlyMap<VariableSlot, Row>;

const bytes = (text: string) => Buffer.from(text, "utf8");

export class Oracle {
  constructor(
    private readonly graph: Graph,
    private readonly plan: ReadPlan,
    private readonly parameters: Parameters,
    private readonly nowMs: number,
  ) {}

  rows(): Value[][] {
    const solutions = this.solve(this.plan.clauses, new Map());
    const ranked = this.rank(solutions);
    const entries = this.plan.aggregated
      ? this.grouped(ranked)
      : ranked.map((solution) => this.plain(solution));
    entries.sort((a, b) => comparePaths(a.order, b.order));
    return entries.slice(0, this.plan.limit ?? undefined).map((entry) => entry.values);
  }

  private entities(type: EntityType): Row[] {
    return [...(this.graph.get(type.id)?.values() ?? [])];
  }

  private solve(clauses: readonly Clause[], outer: Assignment): Map<VariableSlot, Row>[] {
    const slots = new Set<VariableSlot>();
    for (const clause of clauses) {
      if (clause.kind === "binding") slots.add(clause.variable);
      if (clause.kind === "traversal") {
        slots.add(clause.from).add(clause.to);
        if (clause.edgeVariable !== null) slots.add(clause.edgeVariable);
      }
    }
    const free = [...slots].filter((slot) => !outer.has(slot));
    const found: Map<VariableSlot, Row>[] = [];
    const assign = (index: number, assignment: Map<VariableSlot, Row>) => {
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
        return !has(clause.from, clause.to, clause.edgeVariable) || this.isTraversed(clause, at);
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

  private isFound(clause: Extract<Clause, { kind: "text" }>, at: Assignment): boolean {
    const query = this.constant(clause.query);
    const expected = clause.expected === true ? true : this.constant(clause.expected);
    if (query === null || expected === null) return false;
    const text = this.property(at, clause.variable, clause.property);
    const tokens = new Set(typeof text === "string" ? analyze(text) : []);
    const isFound = analyze(query as string).some((token) => tokens.has(token));
    return isFound === (expected !== clause.negated);
  }

  private isTraversed(clause: Extract<Clause, { kind: "traversal" }>, at: Assignment): boolean {
    const from = at.get(clause.from)?.id ?? "";
    const to = at.get(clause.to)?.id ?? "";
    const edges = this.entities(clause.edge).map((edge) => [edge.src ?? "", edge.dst ?? ""] as const);
    const both = clause.undirected ? [...edges, ...edges.map(([src, dst]) => [dst, src] as const)] : edges;
    if (clause.edgeVariable !== null) {
      const edge = at.get(clause.edgeVariable);
      const isForward = edge?.src === from && edge?.dst === to;
      return isForward || (clause.undirected && edge?.src === to && edge?.dst === from);
    }
    if (clause.edge.source.id !== clause.edge.target.id) {
      return clause.minHops === 1 && edges.some(([src, dst]) => src === from && dst === to);
    }
    const isForward = clause.left === "from";
    const steps = isForward ? both : both.map(([src, dst]) => [dst, src] as const);
    return walk(steps, isForward ? from : to, clause.minHops, clause.maxHops).has(isForward ? to : from);
  }

  private rank(solutions: Map<VariableSlot, Row>[]): { solution: Map<VariableSlot, Row>; score: number }[] {
    const first = this.plan.order[0];
    if (first?.kind !== "rank" || first.rank.kind !== "bm25")
      return solutions.map((solution) => ({ solution, score: 0 }));
    const { variable, property, query } = first.rank;
    const { type } = this.plan.variables[variable];
    const index = type.properties.findIndex((candidate) => candidate.id === property.id);
    const texts = this.entities(type)
      .map((row) => ({
        row,
        tokens: typeof row.values[index] === "string" ? analyze(row.values[index]) : [],
      }))
      .filter(({ tokens }) => tokens.length > 0);
    const mean = texts.reduce((sum, { tokens }) => sum + tokens.length, 0) / texts.length;
    const wanted = [...new Set(analyze(this.constant(query) as string))];
    const scores = new Map<Row, number>();
    for (const { row, tokens } of texts) {
      let score = 0;
      for (const token of wanted) {
        const tf = tokens.filter((other) => other === token).length;
        const holders = texts.filter((other) => other.tokens.includes(token)).length;
        const idf = Math.log(1 + (texts.length - holders + 0.5) / (holders + 0.5));
        score += (idf * tf * 2.2) / (tf + 1.2 * (1 - 0.75 + (0.75 * tokens.length) / mean));
      }
      scores.set(row, score);
    }
    return solutions.flatMap((solution) => {
      const row = solution.get(variable);
      const score = row === undefined ? 0 : (scores.get(row) ?? 0);
      return score > 0 ? [{ solution, score: Number(score.toPrecision(12)) }] : [];
    });
  }

  private expression(expression: ReturnExpression, at: Assignment): Value {
    if (expression.kind === "variable") return at.get(expression.variable)?.id ?? null;
    if (expression.kind === "property") return this.property(at, expression.variable, expression.property);
    if (expression.kind === "aggregate" || expression.kind === "rank" || expression.kind === "textMatch")
      return null;
    return this.constant(expression);
  }

  private plain({ solution, score }: { solution: Map<VariableSlot, Row>; score: number }) {
    const values = this.plan.items.map((item) => this.expression(item.expression, solution));
    const order: Step[] = this.plan.order.map((key) => {
      if (key.kind === "rank") return { value: score, descending: true };
      if (key.kind === "item") return { value: values[key.item], descending: key.descending };
      return { value: this.expression(key.operand, solution), descending: key.descending };
    });
    const slots = [...solution.keys()].sort(
      (a, b) =>
        Buffer.compare(bytes(this.plan.variables[a].name), bytes(this.plan.variables[b].name)) || a - b,
    );
    const first = this.plan.order[0];
    const ranked = first?.kind === "rank" && first.rank.kind === "bm25" ? first.rank.variable : null;
    for (const slot of ranked === null ? slots : [ranked, ...slots]) {
      order.push({ value: solution.get(slot)?.id ?? null, descending: false });
    }
    return { values, order };
  }

  private grouped(rows: { solution: Map<VariableSlot, Row>; score: number }[]) {
    const groups = new Map<string, Map<VariableSlot, Row>[]>();
    const keys = this.plan.items.filter((item) => item.expression.kind !== "aggregate");
    if (keys.length === 0) groups.set("[]", []);
    for (const { solution } of rows) {
      const values = keys.map((item) => text(this.expression(item.expression, solution)));
      const key = JSON.stringify(values);
      groups.set(key, [...(groups.get(key) ?? []), solution]);
    }
    return [...groups.values()].map((solutions) => {
      const values = this.plan.items.map((item) => this.aggregate(item.expression, solutions));
      const order: Step[] = this.plan.order.flatMap((key): Step[] => {
        if (key.kind === "rank") return [];
        if (key.kind === "item") return [{ value: values[key.item], descending: key.descending }];
        return [{ value: this.expression(key.operand, solutions[0]), descending: key.descending }];
      });
      this.plan.items.forEach((item, i) => {
        if (item.expression.kind !== "aggregate") order.push({ value: values[i], descending: false });
      });
      return { values, order };
    });
  }

  private aggregate(expression: ReturnExpression, solutions: Map<VariableSlot, Row>[]): Value {
    if (expression.kind !== "aggregate") return this.expression(expression, solutions[0]);
    const { argument } = expression;
    const values = solutions
      .map((solution) => this.expression(argument, solution))
      .filter((value) => value !== null);
    if (expression.function === "count") return BigInt(values.length);
    if (values.length === 0) return null;
    if (expression.function === "min") return values.reduce((a, b) => (compare(b, a) < 0 ? b : a));
    if (expression.function === "max") return values.reduce((a, b) => (compare(b, a) > 0 ? b : a));
    const sum = values.every((value) => typeof value === "bigint")
      ? Number(values.reduce((total, value) => total + value, 0n))
      : values.reduce((total: number, value) => total + Number(value), 0);
    return expression.function === "sum" ? sum : sum / values.length;
  }
}

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

interface Step {
  readonly value: Value;
  readonly descending: boolean;
}

function comparePaths(a: readonly Step[], b: readonly Step[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareNullable(a[i].value, b[i].value);
    if (order !== 0) return a[i].descending ? -order : order;
  }
  return 0;
}

function compareNullable(a: Value, b: Value): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return compare(a, b);
}

function compare(a: Value, b: Value): number {
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(bytes(a), bytes(b));
  const x = a as number;
  const y = b as number;
  return x < y ? -1 : x > y ? 1 : 0;
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
