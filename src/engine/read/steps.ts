// What to do next. A read is solved step by step, and each step is chosen from what is known by then: how many rows there
// are, what is still to be bound, and who will ask for it. The choice is a pure function of those; a step is plain data.

import type { VariableSlot } from "../../query/plan.ts";
import { boundBy, type Condition, type FilterClause, type TraversalClause } from "./conditions.ts";
import { JOIN_SHARE, shareOf, walkReach } from "./estimates.ts";
import type { Access } from "./scan.ts";

/** What the solutions are for, and so what of them may be left out. */
export type Purpose =
  /** Every solution with all of its variables. */
  | { readonly kind: "rows" }
  /** The wanted variables only, and how many solutions share their values. */
  | { readonly kind: "counts"; readonly wanted: ReadonlySet<VariableSlot> }
  /** Which values the wanted variables have in any solution. */
  | { readonly kind: "exists"; readonly wanted: ReadonlySet<VariableSlot> };

export type ExpandMode =
  /** A row for each neighbour. */
  | "each"
  /** Both ends are bound: rows stay or go. */
  | "close"
  /** Nothing but the far end is asked for any more: a row for each node that was reached. */
  | "merge"
  /** Nobody asks for the far end: rows stay, and count for as many solutions as they have neighbours. */
  | "tally";

/** A traversal whose edge has a name. */
export type BoundEdgeClause = TraversalClause & { readonly edgeVariable: VariableSlot };

interface Estimated {
  /** Rows that the step is expected to leave. */
  readonly rows: number;
}

export type Step = Estimated &
  (
    | { readonly kind: "narrow"; readonly component: number; readonly condition: Condition }
    | {
        readonly kind: "scan";
        readonly variable: VariableSlot;
        readonly access: Access;
        /** Tested while scanning. */
        readonly conditions: readonly Condition[];
      }
    /** Binds an edge and both of its ends, beginning with what is demanded of the edge. */
    | {
        readonly kind: "scanEdges";
        readonly clause: BoundEdgeClause;
        readonly access: Access;
        readonly conditions: readonly Condition[];
      }
    | {
        readonly kind: "expand";
        readonly component: number;
        readonly clause: TraversalClause;
        readonly start: VariableSlot;
        readonly end: VariableSlot;
        readonly mode: ExpandMode;
        /** On the far end or on the edge, tested while expanding. */
        readonly conditions: readonly Condition[];
      }
    /** Binds the common neighbours of two nodes, which two traversals demand. */
    | {
        readonly kind: "intersect";
        readonly component: number;
        readonly clauses: readonly [TraversalClause, TraversalClause];
        readonly end: VariableSlot;
        readonly mode: "each" | "tally";
        readonly conditions: readonly Condition[];
      }
    | {
        readonly kind: "join";
        /** Two components; where it counts, those of the second. */
        readonly components: readonly [number, number];
        /** Equalities of properties on both sides, or one membership in a list; none: every row with every row. */
        readonly on: readonly FilterClause[];
        /** `tally`: nobody asks for the second component, whose rows are only counted. */
        readonly mode: "each" | "tally";
        /** Tested on each pair. */
        readonly conditions: readonly Condition[];
      }
  );

/** Where a solution in the making stands. */
export interface Situation {
  /** Parts that nothing has linked yet. */
  readonly components: readonly { readonly slots: ReadonlySet<VariableSlot>; readonly rows: number }[];
  /** Node variables that no component binds yet. */
  readonly open: ReadonlySet<VariableSlot>;
  readonly traversals: readonly TraversalClause[];
  /** Cheap kinds first. */
  readonly conditions: readonly Condition[];
  readonly purpose: Purpose;
}

/** What the choice asks about the data. */
export interface Statistics {
  /** Entities that a variable ranges over. */
  size(variable: VariableSlot): number;
  /** The way to the entities that meet conditions on a variable, and how many those are expected to be. */
  wayTo(variable: VariableSlot, conditions: readonly Condition[]): { access: Access; rows: number };
  /** Neighbours of a component's nodes along a clause: the mean over its rows. */
  fanOut(component: number, clause: TraversalClause, start: VariableSlot): number;
}

/** The next step: what narrows comes first, then the expansion with the fewest rows, then a scan, then a join. */
export function nextStep(situation: Situation, statistics: Statistics): Step | null {
  return (
    nextNarrowing(situation) ??
    cheapest(expansions(situation, statistics)) ??
    nextScan(situation, statistics) ??
    nextJoin(situation)
  );
}

function cheapest(steps: readonly Step[]): Step | null {
  let best: Step | null = null;
  for (const step of steps) if (best === null || step.rows < best.rows) best = step;
  return best;
}

function nextNarrowing({ components, conditions }: Situation): Step | null {
  for (const condition of conditions) {
    const component = components.findIndex(({ slots }) => isReady(condition, slots));
    if (component < 0) continue;
    return { kind: "narrow", component, condition, rows: components[component].rows * shareOf(condition) };
  }
  return null;
}

export function isReady(condition: Condition, slots: ReadonlySet<VariableSlot>): boolean {
  return condition.slots.every((slot) => slots.has(slot));
}

/** True where the purpose, or something that is still to be done, asks for a variable. */
export function isAwaited(
  slot: VariableSlot,
  { purpose, traversals, conditions }: Pick<Situation, "purpose" | "traversals" | "conditions">,
): boolean {
  if (purpose.kind === "rows" || purpose.wanted.has(slot)) return true;
  return (
    traversals.some((clause) => boundBy(clause).includes(slot)) ||
    conditions.some((condition) => condition.slots.includes(slot))
  );
}

/** Conditions that can be tested on each value of one variable by itself. */
function conditionsOn(slot: VariableSlot, conditions: readonly Condition[]): Condition[] {
  return conditions.filter(
    ({ kind, slots }) => (kind === "match" || kind === "filter") && slots.length === 1 && slots[0] === slot,
  );
}

function expansions(situation: Situation, statistics: Statistics): Step[] {
  const steps: Step[] = [];
  for (const clause of situation.traversals) {
    for (const [component, { slots }] of situation.components.entries()) {
      const hasFrom = slots.has(clause.from);
      const hasTo = slots.has(clause.to);
      if (!hasFrom && !hasTo) continue;
      steps.push(
        hasFrom && hasTo
          ? closing(situation, component, clause)
          : expansion(situation, statistics, component, clause, hasFrom ? clause.from : clause.to),
      );
    }
  }
  return steps;
}

/** Both ends are bound. A walk begins at the end that the query wrote first. */
function closing(
  { components, conditions: all }: Situation,
  component: number,
  clause: TraversalClause,
): Step {
  const start = clause.left === "from" ? clause.from : clause.to;
  const end = clause.left === "from" ? clause.to : clause.from;
  const { rows } = components[component];
  const conditions = clause.edgeVariable === null ? [] : conditionsOn(clause.edgeVariable, all);
  return { kind: "expand", component, clause, start, end, mode: "close", conditions, rows };
}

/** The share of a variable's entities that meets conditions on it. */
function shareOn(variable: VariableSlot, conditions: readonly Condition[], statistics: Statistics): number {
  if (conditions.length === 0) return 1;
  return statistics.wayTo(variable, conditions).rows / Math.max(1, statistics.size(variable));
}

function expansion(
  situation: Situation,
  statistics: Statistics,
  component: number,
  clause: TraversalClause,
  start: VariableSlot,
): Step {
  const end = start === clause.from ? clause.to : clause.from;
  const { rows, slots } = situation.components[component];
  const onEnd = conditionsOn(end, situation.conditions);
  const { edgeVariable } = clause;
  const onEdge = edgeVariable === null ? [] : conditionsOn(edgeVariable, situation.conditions);
  const conditions = [...onEnd, ...onEdge];
  const share =
    shareOn(end, onEnd, statistics) * (edgeVariable === null ? 1 : shareOn(edgeVariable, onEdge, statistics));
  const fanOut = statistics.fanOut(component, clause, start);
  const size = statistics.size(end);
  const reach = walkReach(fanOut, clause, size);
  const partner = closingPartner(situation, slots, clause, end);
  const others = situation.traversals.filter((other) => other !== clause && other !== partner?.clause);
  const after = {
    purpose: situation.purpose,
    traversals: others,
    conditions: situation.conditions.filter((condition) => !conditions.includes(condition)),
  };
  const isEndAwaited = isAwaited(end, after);
  if (partner !== null) {
    const other = statistics.fanOut(component, partner.clause, partner.start);
    const common = (Math.min(fanOut, other) * Math.max(fanOut, other)) / Math.max(1, size);
    const mode = isEndAwaited ? "each" : "tally";
    return {
      kind: "intersect",
      component,
      clauses: [clause, partner.clause],
      end,
      mode,
      conditions,
      rows: mode === "tally" ? rows * Math.min(1, common) : rows * common * share,
    };
  }
  const mode = modeOf(clause, slots, isEndAwaited, (slot) => isAwaited(slot, after));
  const reached = rows * reach * share;
  const left =
    mode === "merge" ? Math.min(reached, size * share) : mode === "tally" ? Math.min(rows, reached) : reached;
  return { kind: "expand", component, clause, start, end, mode, conditions, rows: left };
}

function modeOf(
  clause: TraversalClause,
  slots: ReadonlySet<VariableSlot>,
  isEndAwaited: boolean,
  isAwaitedAfter: (slot: VariableSlot) => boolean,
): ExpandMode {
  // Each of several parallel edges is a solution of its own.
  if (clause.edgeVariable !== null) return "each";
  if (!isEndAwaited) return "tally";
  return [...slots].some(isAwaitedAfter) ? "each" : "merge";
}

/** Another traversal that leads from the component to the same open end. */
function closingPartner(
  { traversals }: Situation,
  slots: ReadonlySet<VariableSlot>,
  clause: TraversalClause,
  end: VariableSlot,
): { clause: TraversalClause; start: VariableSlot } | null {
  if (!isPlainHop(clause)) return null;
  for (const other of traversals) {
    if (other === clause || !isPlainHop(other)) continue;
    if (other.to === end && slots.has(other.from)) return { clause: other, start: other.from };
    if (other.from === end && slots.has(other.to)) return { clause: other, start: other.to };
  }
  return null;
}

const isPlainHop = ({ maxHops, edgeVariable }: TraversalClause) => maxHops === 1 && edgeVariable === null;

function nextScan(situation: Situation, statistics: Statistics): Step | null {
  let best: { step: Step; idle: number } | null = null;
  for (const variable of situation.open) {
    const step = scanStep(variable, conditionsOn(variable, situation.conditions), statistics);
    const idle = idleNeighbours(situation, variable);
    if (best !== null && (step.rows > best.step.rows || (step.rows === best.step.rows && idle <= best.idle)))
      continue;
    best = { step, idle };
  }
  const edges = cheapest(edgeScans(situation, statistics));
  // As few edges need no expansion any more.
  return best === null || (edges !== null && edges.rows <= best.step.rows) ? edges : best.step;
}

function scanStep(
  variable: VariableSlot,
  conditions: readonly Condition[],
  statistics: Statistics,
): Extract<Step, { kind: "scan" }> {
  const { access, rows } = statistics.wayTo(variable, conditions);
  // What the key demands is tested on the one row that is found.
  return { kind: "scan", variable, access, conditions: access === "id" ? [] : conditions, rows };
}

/** Traversals between open ends of whose edge something is demanded. */
function edgeScans({ traversals, open, conditions: all }: Situation, statistics: Statistics): Step[] {
  return traversals.filter(bindsEdge).flatMap((clause): Step[] => {
    const conditions = conditionsOn(clause.edgeVariable, all);
    if (conditions.length === 0 || !open.has(clause.from) || !open.has(clause.to)) return [];
    const { access, rows } = statistics.wayTo(clause.edgeVariable, conditions);
    return [{ kind: "scanEdges", clause, access, conditions, rows: clause.undirected ? 2 * rows : rows }];
  });
}

const bindsEdge = (clause: TraversalClause): clause is BoundEdgeClause => clause.edgeVariable !== null;

/** Traversals that would only have to be counted from a variable: nothing else asks for their other end. */
function idleNeighbours({ purpose, traversals, conditions }: Situation, variable: VariableSlot): number {
  return traversals.filter((clause) => {
    if (clause.from === clause.to || (clause.from !== variable && clause.to !== variable)) return false;
    const end = clause.from === variable ? clause.to : clause.from;
    return !isAwaited(end, {
      purpose,
      traversals: traversals.filter((other) => other !== clause),
      conditions,
    });
  }).length;
}

/** Links two components: by what both share where there is such, else the two smallest as a product. */
function nextJoin(situation: Situation): Step | null {
  const { components, conditions } = situation;
  if (components.length < 2) return null;
  const { pair, on } = cheapestLink(situation) ?? { pair: smallestPair(situation), on: [] };
  const [left, right] = pair;
  const both = new Set([...components[left].slots, ...components[right].slots]);
  const others = conditions.filter(
    (condition) => condition.kind !== "filter" || !on.includes(condition.clause),
  );
  const tested = others.filter((condition) => condition.kind === "filter" && isReady(condition, both));
  const share = tested.reduce((product, condition) => product * shareOf(condition), 1);
  const rows = components[left].rows * components[right].rows * share * JOIN_SHARE ** on.length;
  const join = { kind: "join", on, conditions: tested } as const;
  if (on.length > 0 || tested.length > 0) {
    const after = { ...situation, conditions: others.filter((condition) => !tested.includes(condition)) };
    const isIdle = (component: number) =>
      [...components[component].slots].every((slot) => !isAwaited(slot, after));
    const kept = isIdle(right) ? left : isIdle(left) ? right : null;
    if (kept !== null) {
      const counted = kept === left ? right : left;
      return {
        ...join,
        components: [kept, counted],
        mode: "tally",
        rows: Math.min(rows, components[kept].rows),
      };
    }
  }
  return { ...join, components: [left, right], mode: "each", rows };
}

/** Two components and what links them. */
interface Link {
  readonly pair: readonly [number, number];
  readonly on: readonly FilterClause[];
}

/** Of the pairs that equalities link the one with the fewest rows; else one that a membership links. */
function cheapestLink({ components, conditions }: Situation): Link | null {
  const links = conditions.flatMap((condition) => {
    if (condition.kind !== "filter") return [];
    const { left, operator, right } = condition.clause;
    if (left.kind !== "property" || right.kind !== "property") return [];
    const isMember = operator === "contains" && left.type.list;
    if (operator !== "=" && !isMember) return [];
    const a = components.findIndex(({ slots }) => slots.has(left.variable));
    const b = components.findIndex(({ slots }) => slots.has(right.variable));
    return a < 0 || b < 0 || a === b
      ? []
      : [{ a: Math.min(a, b), b: Math.max(a, b), isMember, clause: condition.clause }];
  });
  let best: { link: Link; rows: number } | null = null;
  for (const { a, b } of links) {
    const between = links.filter((other) => other.a === a && other.b === b);
    const equalities = between.filter(({ isMember }) => !isMember);
    const on = (equalities.length > 0 ? equalities : between.slice(0, 1)).map(({ clause }) => clause);
    const rows = components[a].rows * components[b].rows * JOIN_SHARE ** on.length;
    if (best === null || rows < best.rows) best = { link: { pair: [a, b], on }, rows };
  }
  return best?.link ?? null;
}

function smallestPair({ components }: Situation): readonly [number, number] {
  const [left, right] = components.map((_, i) => i).sort((a, b) => components[a].rows - components[b].rows);
  return [left, right];
}
