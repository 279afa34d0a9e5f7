// Finds all solutions of a list of clauses. The order of the clauses does not matter: what narrows runs as soon as its
// variables are bound, and of what widens the step with the fewest expected rows comes next.

import type { Clause, VariableSlot } from "../../query/plan.ts";
import { estimateScan, estimateTraversal, scan } from "./access.ts";
import {
  boundBy,
  type Condition,
  conditionsOf,
  type FilterClause,
  type TraversalClause,
} from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { applyFilter, applyMatch } from "./filter.ts";
import { equalityJoin, links, product } from "./join.ts";
import { TRAVERSED_ROWS } from "./limits.ts";
import {
  checkRows,
  columnOf,
  concatRelations,
  emptyRelation,
  keepRows,
  type Relation,
  sliceRows,
  takeRows,
} from "./relation.ts";
import { applyTextCall } from "./text-call.ts";
import { traverse } from "./traverse.ts";

/** All solutions of the query's `match` clause, one row each. */
export function solve(context: ReadContext): Promise<Relation> {
  return new Block(context, context.plan.clauses, null).solutions();
}

/** Where a `not` block begins: the outer rows, each numbered in a column of its own. */
interface Seed {
  readonly relation: Relation;
  readonly rowSlot: VariableSlot;
}

class Block {
  /** Parts of the solution that nothing has linked yet. */
  private components: Relation[];
  /** Node variables that no component binds yet. */
  private readonly open: Set<VariableSlot>;
  private readonly slots: ReadonlySet<VariableSlot>;
  private traversals: TraversalClause[];
  private conditions: Condition[];

  constructor(
    private readonly context: ReadContext,
    clauses: readonly Clause[],
    private readonly seed: Seed | null,
  ) {
    const own = clauses.flatMap(boundBy);
    this.components = seed === null ? [] : [seed.relation];
    this.slots = new Set([...(seed?.relation.columns.keys() ?? []), ...own]);
    this.open = new Set(own.filter((slot) => slot >= 0 && context.variable(slot).kind === "node"));
    for (const slot of seed?.relation.columns.keys() ?? []) this.open.delete(slot);
    this.traversals = clauses.filter((clause) => clause.kind === "traversal");
    this.conditions = conditionsOf(clauses, this.slots);
  }

  async solutions(): Promise<Relation> {
    if (this.seed !== null) await this.narrow(0);
    while (this.components.every((component) => component.length > 0)) {
      const step = this.cheapestTraversal();
      if (step !== null) await this.follow(step.clause, step.component);
      else if (this.open.size > 0) await this.start(this.cheapestScan());
      else if (this.components.length > 1) await this.join();
      else return this.components[0];
    }
    return emptyRelation(this.slots);
  }

  private cheapestTraversal(): { clause: TraversalClause; component: number } | null {
    let best: { clause: TraversalClause; component: number; rows: number } | null = null;
    for (const clause of this.traversals) {
      for (let component = 0; component < this.components.length; component++) {
        const { columns, length } = this.components[component];
        const hasFrom = columns.has(clause.from);
        const hasTo = columns.has(clause.to);
        if (!hasFrom && !hasTo) continue;
        const start = hasFrom && hasTo ? "both" : hasFrom ? "from" : "to";
        const rows = estimateTraversal(this.context, clause, length, start);
        if (best === null || rows < best.rows) best = { clause, component, rows };
      }
    }
    return best;
  }

  private async follow(clause: TraversalClause, component: number): Promise<void> {
    this.traversals = this.traversals.filter((other) => other !== clause);
    const before = this.components[component];
    const reached = [
      clause.from,
      clause.to,
      ...(clause.edgeVariable === null ? [] : [clause.edgeVariable]),
    ].filter((slot) => !before.columns.has(slot));
    const firstOnly = this.seed !== null && !reached.some((slot) => this.isAwaited(slot));
    const parts: Relation[] = [];
    let rows = 0;
    for (let first = 0; first < before.length; first += TRAVERSED_ROWS) {
      const some = sliceRows(before, first, Math.min(before.length, first + TRAVERSED_ROWS));
      const part = traverse(this.context, some, clause, firstOnly);
      parts.push(part);
      rows += part.length;
      checkRows(rows);
      await this.context.worked(some.length + part.length);
    }
    this.components[component] = concatRelations(parts);
    for (const slot of reached) this.open.delete(slot);
    await this.narrow(component);
  }

  /** True where something that is still to be done looks at a variable. */
  private isAwaited(slot: VariableSlot): boolean {
    return (
      this.traversals.some((clause) => boundBy(clause).includes(slot)) ||
      this.conditions.some((condition) => condition.slots.includes(slot))
    );
  }

  private cheapestScan(): VariableSlot {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const slot of this.open) {
      const rows = estimateScan(this.context, slot, this.conditions);
      if (rows < least) {
        least = rows;
        best = slot;
      }
    }
    return best;
  }

  private async start(slot: VariableSlot): Promise<void> {
    this.open.delete(slot);
    const numbers = scan(this.context, slot, this.conditions);
    this.components.push({ length: numbers.length, columns: new Map([[slot, numbers]]) });
    await this.context.worked(numbers.length);
    await this.narrow(this.components.length - 1);
  }

  /** Applies the conditions whose variables a component binds. */
  private async narrow(component: number): Promise<void> {
    let relation = this.components[component];
    const ready = this.conditions.filter((condition) => isReady(condition, relation));
    this.conditions = this.conditions.filter((condition) => !ready.includes(condition));
    for (const condition of ready) {
      if (relation.length === 0) break;
      await this.context.worked(relation.length);
      relation = await this.apply(condition, relation);
    }
    this.components[component] = relation;
  }

  private async apply(condition: Condition, relation: Relation): Promise<Relation> {
    switch (condition.kind) {
      case "match":
        return applyMatch(this.context, relation, condition.slots[0], condition.match);
      case "filter":
        return applyFilter(this.context, relation, condition.clause);
      case "text":
        return applyTextCall(this.context, relation, condition.call);
      case "not":
        return withoutSolutions(this.context, relation, condition.slots, condition.clauses);
    }
  }

  /** Links two components that no traversal links: by an equality where there is one, else as a product. */
  private async join(): Promise<void> {
    if (this.seed !== null && this.conditions.length === 0) {
      // Nothing links the parts any more, and each has a solution: the outer rows that are left have one.
      const { rowSlot } = this.seed;
      this.components = this.components.filter((component) => component.columns.has(rowSlot));
      return;
    }
    const linked = this.linkedPair();
    const [left, right] = linked?.pair ?? this.smallestPair();
    const both = { columns: new Map([...left.columns, ...right.columns]) };
    const filters = this.conditions.filter(
      (condition) => condition.kind === "filter" && isReady(condition, both),
    );
    this.conditions = this.conditions.filter((condition) => !filters.includes(condition));
    const narrow = (block: Relation) => {
      let kept = block;
      for (const condition of filters) {
        if (condition.kind === "filter") kept = applyFilter(this.context, kept, condition.clause);
      }
      return kept;
    };
    const joined =
      linked === null
        ? await product(this.context, left, right, narrow)
        : narrow(equalityJoin(this.context, left, right, linked.filter));
    this.components = [joined, ...this.components.filter((other) => other !== left && other !== right)];
    await this.context.worked(joined.length);
    await this.narrow(0);
  }

  private linkedPair(): { pair: [Relation, Relation]; filter: FilterClause } | null {
    for (const condition of this.conditions) {
      if (condition.kind !== "filter") continue;
      for (const left of this.components) {
        for (const right of this.components) {
          if (left !== right && links(condition.clause, left, right)) {
            return { pair: [left, right], filter: condition.clause };
          }
        }
      }
    }
    return null;
  }

  private smallestPair(): [Relation, Relation] {
    const [left, right] = this.components.toSorted((a, b) => a.length - b.length);
    return [left, right];
  }
}

function isReady(condition: Condition, relation: Pick<Relation, "columns">): boolean {
  return condition.slots.every((slot) => relation.columns.has(slot));
}

/** The rows for which the clauses of a `not` block have no solution. `shared` are the variables that both sides name. */
async function withoutSolutions(
  context: ReadContext,
  relation: Relation,
  shared: readonly VariableSlot[],
  clauses: readonly Clause[],
): Promise<Relation> {
  const { rowOf, distinct } = distinctTuples(relation, shared);
  const rowSlot = seedSlotBelow(relation);
  const numbers = Int32Array.from({ length: distinct.length }, (_, i) => i);
  const seed = { length: distinct.length, columns: new Map(distinct.columns).set(rowSlot, numbers) };
  const solutions = await new Block(context, clauses, { relation: seed, rowSlot }).solutions();
  const hasSolution = new Uint8Array(distinct.length);
  for (const row of columnOf(solutions, rowSlot)) hasSolution[row] = 1;
  return keepRows(relation, (row) => hasSolution[rowOf[row]] === 0);
}

/** Variables have slots from 0 on; the row numbers of nested blocks stand below. */
function seedSlotBelow(relation: Relation): VariableSlot {
  return Math.min(0, ...relation.columns.keys()) - 1;
}

/** The distinct values of some columns, and for each row which of them it has. */
function distinctTuples(
  relation: Relation,
  slots: readonly VariableSlot[],
): { rowOf: Int32Array; distinct: Relation } {
  const rowOf = new Int32Array(relation.length);
  const columns = slots.map((slot) => columnOf(relation, slot));
  const numbers = new Map<string | number, number>();
  const firsts: number[] = [];
  for (let row = 0; row < relation.length; row++) {
    const key = columns.length === 1 ? columns[0][row] : columns.map((column) => column[row]).join(",");
    let number = numbers.get(key);
    if (number === undefined) {
      number = firsts.length;
      numbers.set(key, number);
      firsts.push(row);
    }
    rowOf[row] = number;
  }
  const shared = { length: relation.length, columns: new Map(slots.map((slot, i) => [slot, columns[i]])) };
  return { rowOf, distinct: takeRows(shared, Int32Array.from(firsts)) };
}
