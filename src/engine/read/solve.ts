// Finds all solutions of a list of clauses, one step after the other. The order of the clauses does not matter: steps.ts
// chooses each step from what is known by then.

import type { Clause, VariableSlot } from "../../query/plan.ts";
import { estimatedWay, scan, scanConditions } from "./access.ts";
import type { NumberTest } from "./column-test.ts";
import {
  boundBy,
  type Condition,
  conditionsOf,
  type FilterClause,
  type TraversalClause,
} from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { distinctTuples } from "./distinct.ts";
import { EndTest } from "./end-test.ts";
import { expandHop } from "./expand.ts";
import { edgesWithEnds, expandEdges } from "./expand-edges.ts";
import { applyCondition, conditionTest } from "./filter.ts";
import { intersect } from "./intersect.ts";
import { join } from "./join.ts";
import { SAMPLED_ROWS } from "./limits.ts";
import {
  bytesOf,
  checkRows,
  columnOf,
  emptyRelation,
  keepColumns,
  keepRows,
  type Relation,
  solutionsOf,
} from "./relation.ts";
import { semiJoin } from "./semi-join.ts";
import { isAwaited, nextStep, type Purpose, type Situation, type Statistics, type Step } from "./steps.ts";
import { applyTextCall } from "./text-call.ts";
import type { Trace } from "./trace.ts";
import { expandWalk } from "./walk.ts";

type StepOf<K extends Step["kind"]> = Extract<Step, { kind: K }>;

/** The solutions of the query's `match` clause, in the form that their purpose asks for. */
export function solve(context: ReadContext, purpose: Purpose): Promise<Relation> {
  return new Block(context, context.plan.clauses, purpose, null, context.trace).solutions();
}

/** Where clauses that bind nothing begin: constants alone have one solution or none. */
const NO_VARIABLES: Relation = { length: 1, columns: new Map(), weights: null };

/** A list of clauses on its way to its solutions. */
class Block implements Statistics {
  private components: Relation[];
  private readonly open: Set<VariableSlot>;
  private readonly slots: ReadonlySet<VariableSlot>;
  private traversals: TraversalClause[];
  private conditions: Condition[];
  private heldBytes = 0;

  constructor(
    private readonly context: ReadContext,
    clauses: readonly Clause[],
    private readonly purpose: Purpose,
    /** Where a `not` block begins: the outer rows. */
    seed: Relation | null,
    private readonly trace: Trace | null,
  ) {
    const own = clauses.flatMap(boundBy);
    this.components = seed !== null ? [seed] : own.length === 0 ? [NO_VARIABLES] : [];
    this.slots = new Set([...(seed?.columns.keys() ?? []), ...own]);
    this.open = new Set(own.filter((slot) => slot >= 0 && context.variable(slot).kind === "node"));
    for (const slot of seed?.columns.keys() ?? []) this.open.delete(slot);
    this.traversals = clauses.filter((clause) => clause.kind === "traversal");
    this.conditions = conditionsOf(clauses, this.slots);
  }

  async solutions(): Promise<Relation> {
    while (this.components.every((component) => component.length > 0)) {
      const step = nextStep(this.situation(), this);
      if (step === null) {
        this.release();
        return this.components[0];
      }
      const inner = this.trace?.begin(step);
      const result = await this.run(step, inner ?? null);
      this.trace?.end(result.length, solutionsOf(result));
      this.account();
    }
    this.release();
    return emptyRelation(this.slots);
  }

  private situation(): Situation {
    const { open, traversals, conditions, purpose } = this;
    const components = this.components.map(({ columns, length }) => ({
      slots: new Set(columns.keys()),
      rows: length,
    }));
    return { components, open, traversals, conditions, purpose };
  }

  /** Brings the memory that the components take to account. */
  private account(): void {
    const bytes = this.components.reduce((sum, component) => sum + bytesOf(component), 0);
    this.context.memory.take(bytes - this.heldBytes);
    this.heldBytes = bytes;
  }

  private release(): void {
    this.context.memory.take(-this.heldBytes);
    this.heldBytes = 0;
  }

  // What the choice of steps asks about the data.

  size(variable: VariableSlot): number {
    return this.context.table(variable).count;
  }

  wayTo(variable: VariableSlot, conditions: readonly Condition[]) {
    return estimatedWay(this.context, variable, conditions);
  }

  fanOut(component: number, clause: TraversalClause, start: VariableSlot): number {
    const starts = columnOf(this.components[component], start);
    const lists = this.context.source.edges(clause.edge).neighbours(directionFrom(clause, start));
    const stride = Math.max(1, Math.floor(starts.length / SAMPLED_ROWS));
    let sampled = 0;
    let neighbours = 0;
    for (let row = 0; row < starts.length; row += stride) {
      lists.open(starts[row]);
      neighbours += lists.count;
      sampled++;
    }
    return neighbours / Math.max(1, sampled);
  }

  // Steps.

  private async run(step: Step, inner: Trace | null): Promise<Relation> {
    switch (step.kind) {
      case "narrow":
        return this.narrow(step, inner);
      case "scan":
        return this.scan(step);
      case "scanEdges":
        return this.scanEdges(step);
      case "expand":
        return this.expand(step);
      case "intersect":
        return this.intersect(step);
      case "join":
        return this.join(step);
    }
  }

  private settle(conditions: readonly Condition[]): void {
    if (conditions.length === 0) return;
    this.conditions = this.conditions.filter((condition) => !conditions.includes(condition));
  }

  private readonly isAwaited = (slot: VariableSlot): boolean => {
    const { purpose, traversals, conditions } = this;
    return isAwaited(slot, { purpose, traversals, conditions });
  };

  /** Puts a component in its place, less what nobody asks for any more. */
  private replace(component: number, relation: Relation): Relation {
    checkRows(relation.length);
    const trimmed = this.trimmed(relation);
    this.components[component] = trimmed;
    return trimmed;
  }

  private trimmed(relation: Relation): Relation {
    if (this.purpose.kind === "rows") return relation;
    const kept = keepColumns(relation, this.isAwaited);
    if (kept.columns.size > 0 || kept.length === 0) return kept;
    // Nothing tells the rows apart any more.
    const weights = this.purpose.kind === "counts" ? Float64Array.of(solutionsOf(kept)) : null;
    return { length: 1, columns: kept.columns, weights };
  }

  private async scan(step: StepOf<"scan">): Promise<Relation> {
    const { variable } = step;
    this.open.delete(variable);
    const scanned = await scan(this.context, step, this.conditions);
    this.trace?.scanned(scanned);
    this.settle(step.conditions);
    const { numbers } = scanned;
    return this.begin({ length: numbers.length, columns: new Map([[variable, numbers]]), weights: null });
  }

  private async scanEdges({ clause, conditions }: StepOf<"scanEdges">): Promise<Relation> {
    const table = this.context.source.edges(clause.edge);
    const scanned = await scanConditions(this.context, table, conditions);
    this.trace?.scanned(scanned);
    this.traversals = this.traversals.filter((other) => other !== clause);
    this.settle(conditions);
    this.open.delete(clause.from);
    this.open.delete(clause.to);
    return this.begin(edgesWithEnds(table, clause, scanned.numbers));
  }

  /** A component of its own. */
  private begin(relation: Relation): Relation {
    this.components.push(relation);
    return this.replace(this.components.length - 1, relation);
  }

  private async narrow(step: StepOf<"narrow">, inner: Trace | null): Promise<Relation> {
    const { component, condition } = step;
    this.settle([condition]);
    const before = this.components[component];
    await this.context.worked(before.length);
    return this.replace(component, await this.apply(condition, before, inner));
  }

  private async apply(condition: Condition, relation: Relation, inner: Trace | null): Promise<Relation> {
    switch (condition.kind) {
      case "match":
      case "filter":
        return applyCondition(this.context, relation, condition);
      case "text":
        return applyTextCall(this.context, relation, condition.call);
      case "not":
        return withoutSolutions(this.context, relation, condition, inner);
    }
  }

  /** The test of what a traversal leads to. */
  private endTest(end: VariableSlot, conditions: readonly Condition[]): EndTest | null {
    const tests = this.testsOf(end, conditions);
    return tests.length === 0 ? null : new EndTest(tests, this.context.nodes(end).bound);
  }

  private testsOf(variable: VariableSlot, conditions: readonly Condition[]): NumberTest[] {
    return conditions
      .filter(({ slots }) => slots[0] === variable)
      .map((condition) => conditionTest(this.context, condition));
  }

  private async expand(step: StepOf<"expand">): Promise<Relation> {
    const { component, clause, start, end, mode, conditions } = step;
    const { edgeVariable } = clause;
    this.traversals = this.traversals.filter((other) => other !== clause);
    this.settle(conditions);
    const before = this.components[component];
    this.open.delete(end);
    const chains = clause.edge.source.id === clause.edge.target.id;
    if (!chains && clause.minHops > 1) {
      const slots = [...before.columns.keys(), end, ...(edgeVariable === null ? [] : [edgeVariable])];
      return this.replace(component, emptyRelation(slots));
    }
    const shared = {
      table: this.context.source.edges(clause.edge),
      direction: directionFrom(clause, start),
      start,
      end,
      test: this.endTest(end, conditions),
      isCounted: this.purpose.kind === "counts",
      isKept: this.isAwaited,
    };
    if (chains && clause.maxHops > 1) {
      const { minHops, maxHops } = clause;
      const isForward = start === (clause.left === "from" ? clause.from : clause.to);
      return this.replace(
        component,
        await expandWalk(this.context, before, { ...shared, minHops, maxHops, isForward, mode }),
      );
    }
    return this.replace(
      component,
      edgeVariable === null
        ? await expandHop(this.context, before, { ...shared, mode })
        : await expandEdges(this.context, before, {
            ...shared,
            edge: edgeVariable,
            edgeTests: this.testsOf(edgeVariable, conditions),
          }),
    );
  }

  private async intersect(step: StepOf<"intersect">): Promise<Relation> {
    const { component, clauses, end, mode, conditions } = step;
    this.traversals = this.traversals.filter((other) => !clauses.includes(other));
    this.settle(conditions);
    this.open.delete(end);
    const [first, second] = clauses.map((clause) => {
      const start = clause.from === end ? clause.to : clause.from;
      return {
        table: this.context.source.edges(clause.edge),
        direction: directionFrom(clause, start),
        start,
      };
    });
    const result = await intersect(this.context, this.components[component], {
      sides: [first, second],
      end,
      mode,
      test: this.endTest(end, conditions),
      isCounted: this.purpose.kind === "counts",
      isKept: this.isAwaited,
    });
    return this.replace(component, result);
  }

  private async join(step: StepOf<"join">): Promise<Relation> {
    const { on, mode, conditions } = step;
    const [left, right] = step.components.map((component) => this.components[component]);
    const others = this.components.filter((other) => other !== left && other !== right);
    this.settle([...conditions, ...this.conditionsOf(on)]);
    const narrow = (block: Relation) => {
      let kept = block;
      for (const condition of conditions) {
        if (condition.kind === "filter") kept = applyCondition(this.context, kept, condition);
      }
      return kept;
    };
    const joined =
      mode === "each"
        ? await join(this.context, left, right, on, narrow)
        : await semiJoin(this.context, left, right, {
            links: on,
            narrow: conditions.length === 0 ? null : narrow,
            tested: new Set(conditions.flatMap(({ slots }) => slots)),
            isCounted: this.purpose.kind === "counts",
          });
    this.components = [joined, ...others];
    return this.replace(0, joined);
  }

  private conditionsOf(clauses: readonly FilterClause[]): Condition[] {
    return this.conditions.filter(
      (condition) => condition.kind === "filter" && clauses.includes(condition.clause),
    );
  }
}

/** The way of the edges from one end of a clause to the other. */
export function directionFrom(clause: TraversalClause, start: VariableSlot): "out" | "in" | "both" {
  if (clause.undirected) return "both";
  return start === clause.from ? "out" : "in";
}

/** The rows for which the clauses of a `not` block have no solution. */
async function withoutSolutions(
  context: ReadContext,
  relation: Relation,
  { slots, clauses }: Extract<Condition, { kind: "not" }>,
  trace: Trace | null,
): Promise<Relation> {
  const { rowOf, distinct } = await distinctTuples(context, relation, slots);
  const rowSlot = seedSlotBelow(relation);
  const numbers = Int32Array.from({ length: distinct.length }, (_, i) => i);
  const seed = { ...distinct, columns: new Map(distinct.columns).set(rowSlot, numbers) };
  const purpose: Purpose = { kind: "exists", wanted: new Set([rowSlot]) };
  const solutions = await new Block(context, clauses, purpose, seed, trace).solutions();
  const hasSolution = new Uint8Array(distinct.length);
  for (const row of columnOf(solutions, rowSlot)) hasSolution[row] = 1;
  return keepRows(relation, (row) => hasSolution[rowOf[row]] === 0);
}

/** Variables have slots from 0 on; the row numbers of nested blocks stand below. */
function seedSlotBelow(relation: Relation): VariableSlot {
  return Math.min(0, ...relation.columns.keys()) - 1;
}
