// Walks of several hops: breadth-first from the node of each row, with a visited set of its own. Rows that begin at the
// same node share one walk.

import type { EdgeTable, Neighbours } from "../../index/index.ts";
import type { VariableSlot } from "../../query/plan.ts";
import type { ReadContext } from "./context.ts";
import type { EndTest } from "./end-test.ts";
import { keptRows } from "./expand.ts";
import { WORK_PER_SLICE } from "./limits.ts";
import { columnOf, NumberList, type Relation, takeNumbers, takeWeights } from "./relation.ts";
import type { ExpandMode } from "./steps.ts";
import { Tally } from "./tally.ts";

export interface WalkRequest {
  readonly table: EdgeTable;
  readonly direction: "out" | "in" | "both";
  readonly start: VariableSlot;
  readonly end: VariableSlot;
  readonly minHops: number;
  readonly maxHops: number;
  /**
   * True where the walk begins at the end that the query wrote first. A self-loop counts at the node that is reached, so
   * the other way round it is the start's loop that counts.
   */
  readonly isForward: boolean;
  readonly mode: ExpandMode;
  readonly test: EndTest | null;
  readonly isCounted: boolean;
  readonly isKept: (slot: VariableSlot) => boolean;
}

export function expandWalk(
  context: ReadContext,
  relation: Relation,
  request: WalkRequest,
): Promise<Relation> {
  switch (request.mode) {
    case "each":
      return eachReached(context, relation, request);
    case "merge":
      return mergeReached(context, relation, request);
    case "close":
    case "tally":
      return keepReaching(context, relation, request);
  }
}

async function eachReached(
  context: ReadContext,
  relation: Relation,
  request: WalkRequest,
): Promise<Relation> {
  const rows = new NumberList();
  const ends = new NumberList();
  await walkFromEach(context, relation, request, (reached, own) => {
    for (const row of own) {
      for (let i = 0; i < reached.length; i++) {
        rows.push(row);
        ends.push(reached[i]);
      }
    }
  });
  const taken = rows.array();
  context.memory.check((relation.columns.size + 1) * taken.byteLength);
  const columns = new Map<VariableSlot, Int32Array>();
  for (const [slot, column] of relation.columns) {
    if (request.isKept(slot)) columns.set(slot, takeNumbers(column, taken));
  }
  if (request.isKept(request.end)) columns.set(request.end, ends.array().slice());
  return { length: taken.length, columns, weights: takeWeights(relation.weights, taken) };
}

async function mergeReached(
  context: ReadContext,
  relation: Relation,
  request: WalkRequest,
): Promise<Relation> {
  const tally = new Tally(context.nodes(request.end).bound);
  await walkFromEach(context, relation, request, (reached, own) => {
    tally.addAll(reached, 0, reached.length, weightOf(relation, own));
  });
  return tally.relation(request.end, null, request.isCounted);
}

function weightOf({ weights }: Relation, rows: readonly number[]): number {
  return weights === null ? rows.length : rows.reduce((sum, row) => sum + weights[row], 0);
}

/** Rows that reach anything, or the very node that they should. */
async function keepReaching(
  context: ReadContext,
  relation: Relation,
  request: WalkRequest,
): Promise<Relation> {
  const isTally = request.mode === "tally";
  const expected = isTally ? null : columnOf(relation, request.end);
  const weights = isTally && request.isCounted ? new Float64Array(relation.length) : null;
  const kept = new Uint8Array(relation.length);
  await walkFromEach(context, relation, request, (reached, own, has) => {
    for (const row of own) {
      if (expected === null ? reached.length === 0 : !has(expected[row])) continue;
      kept[row] = 1;
      if (weights !== null)
        weights[row] = reached.length * (relation.weights === null ? 1 : relation.weights[row]);
    }
  });
  const rows = new NumberList(relation.length);
  for (let row = 0; row < kept.length; row++) if (kept[row] === 1) rows.push(row);
  return keptRows(
    relation,
    rows.array(),
    request.isKept,
    weights === null ? null : takeWeights(weights, rows.array()),
  );
}

/** What a walk reached (those that pass), the rows that begin where it does, and whether a node is among the reached. */
type WalkHandler = (reached: Int32Array, rows: readonly number[], has: (node: number) => boolean) => void;

async function walkFromEach(
  context: ReadContext,
  relation: Relation,
  request: WalkRequest,
  handle: WalkHandler,
): Promise<void> {
  const { test } = request;
  const walker = new Walker(request);
  for (const [start, rows] of rowsByNode(columnOf(relation, request.start))) {
    walker.begin(start);
    while (!walker.advance()) await context.breathe();
    const reached = walker.reached.array();
    const passing = test === null ? reached : reached.filter((end) => test.passes(end));
    handle(passing, rows, walker.hasReached);
    await context.worked(walker.work + rows.length * passing.length);
  }
}

function rowsByNode(nodes: Int32Array): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (let row = 0; row < nodes.length; row++) {
    const own = rows.get(nodes[row]);
    if (own === undefined) rows.set(nodes[row], [row]);
    else own.push(row);
  }
  return rows;
}

/** One walk after the other, each in stretches of bounded work. */
class Walker {
  /** What the walk under way has reached within its bounds. */
  readonly reached = new NumberList();
  /** Neighbours that the walk has looked at. */
  work = 0;
  /** Number of the last walk that visited, and that reached, a node. */
  private readonly visitedBy: Int32Array;
  private readonly reachedBy: Int32Array;
  private readonly neighbours: Neighbours;
  private walk = 0;
  private hop = 0;
  private startHasLoop = false;
  private frontier = new NumberList();
  private next = new NumberList();
  /** Nodes of the frontier that have been left. */
  private left = 0;
  /** True where one node that is reached settles the matter. */
  private readonly isEnough: boolean;

  constructor(private readonly request: WalkRequest) {
    const { sources, targets } = request.table;
    const bound = Math.max(sources.bound, targets.bound);
    this.visitedBy = new Int32Array(bound);
    this.reachedBy = new Int32Array(bound);
    this.neighbours = request.table.neighbours(request.direction);
    this.isEnough = request.mode === "tally" && !request.isCounted && request.test === null;
  }

  readonly hasReached = (node: number): boolean => this.reachedBy[node] === this.walk;

  begin(start: number): void {
    const { isForward, minHops } = this.request;
    this.walk++;
    this.hop = 1;
    this.work = 0;
    this.reached.clear();
    this.next.clear();
    this.frontier.clear();
    this.frontier.push(start);
    this.left = 0;
    this.visitedBy[start] = this.walk;
    this.startHasLoop = !isForward && this.hasLoop(start);
    if (this.startHasLoop && minHops === 1) this.reach(start);
  }

  private reach(node: number): void {
    this.reachedBy[node] = this.walk;
    this.reached.push(node);
  }

  /** Goes on for a while; true when the walk is at its end. */
  advance(): boolean {
    const { maxHops, minHops } = this.request;
    const until = this.work + WORK_PER_SLICE;
    while (this.hop <= maxHops && this.frontier.length > 0) {
      while (this.left < this.frontier.length) {
        if (this.isEnough && this.reached.length > 0) return true;
        if (this.work >= until) return false;
        this.leave(this.frontier.at(this.left++));
      }
      if (this.startHasLoop && this.hop === minHops - 1)
        for (const node of this.next.array()) this.reach(node);
      [this.frontier, this.next] = [this.next, this.frontier];
      this.next.clear();
      this.left = 0;
      this.hop++;
    }
    return true;
  }

  private leave(node: number): void {
    const { neighbours, visitedBy, walk, next } = this;
    const { minHops, isForward } = this.request;
    const counts = this.hop >= minHops;
    neighbours.open(node);
    const { ends, from, to } = neighbours;
    let hasLoop = false;
    for (let i = from; i < to; i++) {
      const end = ends[i];
      if (visitedBy[end] === walk) {
        if (end === node) hasLoop = true;
        continue;
      }
      visitedBy[end] = walk;
      next.push(end);
      if (counts) this.reach(end);
    }
    // One step more by the node's own loop, where the node itself was reached a hop too early to count.
    if (isForward && hasLoop && this.hop === minHops) this.reach(node);
    this.work += to - from;
  }

  private hasLoop(node: number): boolean {
    this.neighbours.open(node);
    return this.neighbours.has(node);
  }
}
