// Reads of a process that holds nothing yet. Where keys name the entities that a read begins with, and it only walks
// forward from there, the rows that it can touch are looked up one wave after the other, and no type is read as a whole.

import type { GraphView } from "../../index/index.ts";
import type { Clause, Constant, ReadPlan, Value, VariableSlot } from "../../query/plan.ts";
import type { NodeType } from "../../schema/catalog.ts";
import { demandedId } from "./access.ts";
import { boundBy, conditionsOf, type TraversalClause } from "./conditions.ts";
import type { TableSource } from "./context.ts";
import { COLD_ENTITIES_MAX, COLD_WAVES_MAX } from "./limits.ts";
import { plannedTypes } from "./plan-walk.ts";

/** Tables with every row that the read can touch, or null where that cannot be told, or would be too many. */
export async function coldTables(
  plan: ReadPlan,
  view: GraphView,
  resolve: (constant: Constant) => Value,
): Promise<TableSource | null> {
  if (!view.isColdFor(plannedTypes(plan)) || needsWholeTypes(plan)) return null;
  const reach = new Reach(plan, view, resolve);
  return (await reach.isComplete()) ? reach.rows : null;
}

/** True where statistics or the vocabulary of a type are asked for. */
function needsWholeTypes(plan: ReadPlan): boolean {
  const isFuzzy = (clause: Clause): boolean =>
    clause.kind === "text"
      ? clause.function === "fuzzy"
      : clause.kind === "not" && clause.clauses.some(isFuzzy);
  return (
    plan.order.some((key) => key.kind === "rank") ||
    plan.items.some(({ expression }) => expression.kind === "rank" || expression.kind === "textMatch") ||
    plan.clauses.some(isFuzzy)
  );
}

class Reach {
  readonly rows;
  /** Ids that a variable can stand for. */
  private readonly ids = new Map<VariableSlot, ReadonlySet<string>>();
  private readonly traversals: { readonly clause: TraversalClause; readonly bindsEnd: boolean }[] = [];
  private readonly slots = new Set<VariableSlot>();

  constructor(
    private readonly plan: ReadPlan,
    view: GraphView,
    private readonly resolve: (constant: Constant) => Value,
  ) {
    this.rows = view.collect();
    this.visit(plan.clauses, new Set());
  }

  /** Gathers keys, traversals and variables, inside of `not` as well; a `not` says nothing about where outer variables are. */
  private visit(clauses: readonly Clause[], outer: ReadonlySet<VariableSlot>): void {
    const bound = clauses.flatMap(boundBy).filter((slot) => !outer.has(slot));
    const visible = new Set([...outer, ...bound]);
    const conditions = conditionsOf(clauses, visible);
    for (const slot of bound) {
      const variable = this.plan.variables[slot];
      if (variable.kind !== "node") continue;
      this.slots.add(slot);
      const id = demandedId(variable.type, slot, conditions, this.resolve);
      if (id !== undefined && !this.ids.has(slot)) this.ids.set(slot, new Set(id === null ? [] : [id]));
    }
    for (const clause of clauses) {
      if (clause.kind === "traversal") this.traversals.push({ clause, bindsEnd: !outer.has(clause.to) });
      else if (clause.kind === "not") this.visit(clause.clauses, visible);
    }
  }

  /** Collects wave by wave; false where a row could be touched that was not collected. */
  async isComplete(): Promise<boolean> {
    if (this.ids.size === 0 || this.traversals.some(({ clause }) => clause.undirected)) return false;
    const fetched = new Set<VariableSlot>();
    let open = this.traversals;
    for (let wave = 0; wave < COLD_WAVES_MAX; wave++) {
      const known = [...this.ids].filter(([slot]) => !fetched.has(slot));
      const ready = open.filter(({ clause }) => this.ids.has(clause.from));
      if (ready.length < open.length && ready.length === 0) return false;
      if (this.total() > COLD_ENTITIES_MAX) return false;
      const reached = await Promise.all([
        ...known.map(async ([slot, ids]) => {
          fetched.add(slot);
          await this.rows.addNodes(this.nodeType(slot), [...ids]);
          return null;
        }),
        ...ready.map(async (traversal) => ({ traversal, ids: await this.walk(traversal.clause) })),
      ]);
      open = open.filter((traversal) => !ready.includes(traversal));
      for (const entry of reached) {
        if (entry === null) continue;
        if (entry.ids === null) return false;
        const { clause, bindsEnd } = entry.traversal;
        if (bindsEnd && !this.ids.has(clause.to)) this.ids.set(clause.to, entry.ids);
      }
      if (open.length === 0 && [...this.slots].every((slot) => fetched.has(slot))) return true;
    }
    return false;
  }

  private total(): number {
    let total = 0;
    for (const ids of this.ids.values()) total += ids.size;
    return total;
  }

  private nodeType(slot: VariableSlot): NodeType {
    const variable = this.plan.variables[slot];
    if (variable.kind !== "node") throw new Error(`invariant broken: $${variable.name} is no node`);
    return variable.type;
  }

  /** Where a traversal leads from the known starts; all edges on the way are collected. Null where that is too far. */
  private async walk(clause: TraversalClause): Promise<Set<string> | null> {
    const chains = clause.edge.source.id === clause.edge.target.id;
    const hops = chains ? clause.maxHops : 1;
    if (hops > COLD_WAVES_MAX) return null;
    const reached = new Set<string>();
    let frontier = new Set(this.ids.get(clause.from));
    for (let hop = 0; hop < hops && frontier.size > 0; hop++) {
      const next = await this.rows.addEdgesFrom(clause.edge, [...frontier]);
      frontier = new Set([...next].filter((id) => !reached.has(id)));
      for (const id of next) reached.add(id);
      if (reached.size > COLD_ENTITIES_MAX) return null;
    }
    // The nodes on the way belong to the walk, whatever else is known about its end.
    if (hops > 1) await this.rows.addNodes(clause.edge.target, [...reached]);
    return reached;
  }
}
