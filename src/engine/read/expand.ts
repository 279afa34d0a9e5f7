// One hop, and walks of several: from the node of each row along an edge type to its neighbours.

import type { EdgeTable } from "../../index/index.ts";
import { NumberList } from "./relation.ts";

/** Which way the edges are followed: as stored, against it, or both. */
export type Direction = "out" | "in" | "both";

export interface Expansion {
  /** The row that each result continues. */
  readonly rows: Int32Array;
  /** The edge that was followed; null with set semantics. */
  readonly edges: Int32Array | null;
  /** The node that was reached. */
  readonly ends: Int32Array;
}

export interface HopRequest {
  readonly table: EdgeTable;
  readonly direction: Direction;
  /** One result per edge, parallel ones included; otherwise each neighbour once. */
  readonly bindEdges: boolean;
  /** The node that must be reached, row by row; null for any. */
  readonly expected: Int32Array | null;
  /** Stop at the first result of a row. */
  readonly firstOnly: boolean;
}

/** Neighbours of the starts, row by row. */
export function expandHop(starts: Int32Array, request: HopRequest): Expansion {
  const { direction, bindEdges, expected, firstOnly } = request;
  if (direction === "out" && !bindEdges && expected === null && !firstOnly)
    return outNeighbours(starts, request.table);
  const rows = new NumberList(starts.length + 16);
  const edges = bindEdges ? new NumberList(starts.length + 16) : null;
  const ends = new NumberList(starts.length + 16);
  const neighbours = new Neighbours(request.table, direction);
  /** Of each node: the last row that reached it, plus one. */
  const reachedFrom = new Int32Array(
    bindEdges ? 0 : Math.max(request.table.sources.bound, request.table.targets.bound),
  );
  for (let row = 0; row < starts.length; row++) {
    neighbours.visit(starts[row]);
    const wanted = expected === null ? -1 : expected[row];
    const isSet = !bindEdges && neighbours.length > 1;
    for (let i = 0; i < neighbours.length; i++) {
      const end = neighbours.ends[i];
      if (wanted >= 0 && end !== wanted) continue;
      if (isSet) {
        if (reachedFrom[end] === row + 1) continue;
        reachedFrom[end] = row + 1;
      }
      rows.push(row);
      edges?.push(neighbours.edges[i]);
      ends.push(end);
      if (firstOnly) break;
    }
  }
  return { rows: rows.array(), edges: edges?.array() ?? null, ends: ends.array() };
}

/** The common case on its own: parallel edges stand side by side, so one look back finds them. */
function outNeighbours(starts: Int32Array, table: EdgeTable): Expansion {
  const { adjacency } = table;
  const { outBegin, targets } = adjacency.base;
  const rows = new NumberList(starts.length + 16);
  const ends = new NumberList(starts.length + 16);
  const isPatched = adjacency.isPatched;
  for (let row = 0; row < starts.length; row++) {
    const start = starts[row];
    if (start >= outBegin.length - 1 || (isPatched && adjacency.isSourcePatched(start))) {
      for (const end of new Set(table.out(start).ends)) {
        rows.push(row);
        ends.push(end);
      }
      continue;
    }
    let last = -1;
    for (let edge = outBegin[start]; edge < outBegin[start + 1]; edge++) {
      const end = targets[edge];
      if (end === last) continue;
      last = end;
      rows.push(row);
      ends.push(end);
    }
  }
  return { rows: rows.array(), edges: null, ends: ends.array() };
}

/** The edges at one node after the other, in arrays that are used again. */
class Neighbours {
  length = 0;
  ends: number[] = [];
  edges: number[] = [];
  private readonly isPatched: boolean;

  constructor(
    private readonly table: EdgeTable,
    private readonly direction: Direction,
  ) {
    this.isPatched = table.adjacency.isPatched;
  }

  visit(node: number): void {
    this.length = 0;
    if (this.direction !== "in") this.visitOut(node);
    if (this.direction === "in") this.visitIn(node, -1);
    // An edge from the node to itself was met on the way out.
    if (this.direction === "both") this.visitIn(node, node);
  }

  private add(edge: number, end: number): void {
    this.edges[this.length] = edge;
    this.ends[this.length++] = end;
  }

  private visitOut(node: number): void {
    const { adjacency } = this.table;
    const { outBegin, targets } = adjacency.base;
    if (node >= outBegin.length - 1 || (this.isPatched && adjacency.isSourcePatched(node))) {
      const { edges, ends } = this.table.out(node);
      for (let i = 0; i < edges.length; i++) this.add(edges[i], ends[i]);
      return;
    }
    for (let edge = outBegin[node]; edge < outBegin[node + 1]; edge++) this.add(edge, targets[edge]);
  }

  private visitIn(node: number, except: number): void {
    const { adjacency } = this.table;
    const { inBegin, inEdges, inSources } = adjacency.base;
    if (node >= inBegin.length - 1 || (this.isPatched && adjacency.isTargetPatched(node))) {
      const { edges, ends } = this.table.in(node);
      for (let i = 0; i < edges.length; i++) if (ends[i] !== except) this.add(edges[i], ends[i]);
      return;
    }
    for (let entry = inBegin[node]; entry < inBegin[node + 1]; entry++) {
      if (inSources[entry] !== except) this.add(inEdges[entry], inSources[entry]);
    }
  }
}

export interface WalkRequest {
  readonly table: EdgeTable;
  readonly direction: Direction;
  readonly minHops: number;
  readonly maxHops: number;
  /**
   * True where the walk begins at the end that the query wrote first. A self-loop counts at the node that is reached, so
   * the other way round it is the start's loop that counts.
   */
  readonly isForward: boolean;
  readonly expected: Int32Array | null;
  readonly firstOnly: boolean;
}

/** Breadth-first walks from the start of each row, with a visited set of its own; equal starts are walked once. */
export function expandWalk(starts: Int32Array, request: WalkRequest): Expansion {
  const { expected, firstOnly } = request;
  const rows = new NumberList();
  const ends = new NumberList();
  const walker = new Walker(request);
  const known = new Map<number, { begin: number; end: number }>();
  for (let row = 0; row < starts.length; row++) {
    const start = starts[row];
    let span = known.get(start);
    if (span === undefined) {
      const begin = walker.reached.length;
      walker.walk(start);
      span = { begin, end: walker.reached.length };
      known.set(start, span);
    }
    for (let i = span.begin; i < span.end; i++) {
      const end = walker.reached.at(i);
      if (expected !== null && end !== expected[row]) continue;
      rows.push(row);
      ends.push(end);
      if (firstOnly) break;
    }
  }
  return { rows: rows.array(), edges: null, ends: ends.array() };
}

class Walker {
  /** What all walks reached, one after the other. */
  readonly reached = new NumberList();
  /** Number of the last walk that visited a node. */
  private readonly visitedBy: Int32Array;
  private readonly neighbours: Neighbours;
  private walks = 0;

  constructor(private readonly request: WalkRequest) {
    const { sources, targets } = request.table;
    this.visitedBy = new Int32Array(Math.max(sources.bound, targets.bound));
    this.neighbours = new Neighbours(request.table, request.direction);
  }

  walk(start: number): void {
    const { minHops, maxHops, isForward } = this.request;
    const walk = ++this.walks;
    this.visitedBy[start] = walk;
    let frontier = [start];
    const startLoops = !isForward && this.hasLoop(start);
    if (startLoops && minHops === 1) this.reached.push(start);
    for (let hop = 1; hop <= maxHops && frontier.length > 0; hop++) {
      const next: number[] = [];
      for (const node of frontier) {
        this.neighbours.visit(node);
        const { ends, length } = this.neighbours;
        let hasLoop = false;
        for (let i = 0; i < length; i++) {
          const end = ends[i];
          if (end === node) hasLoop = true;
          if (this.visitedBy[end] === walk) continue;
          this.visitedBy[end] = walk;
          next.push(end);
          if (hop >= minHops) this.reached.push(end);
        }
        // One step more by the node's own loop, where the node itself was reached a hop too early to count.
        if (isForward && hasLoop && hop === minHops) this.reached.push(node);
      }
      if (startLoops && hop === minHops - 1) for (const node of next) this.reached.push(node);
      frontier = next;
    }
  }

  private hasLoop(node: number): boolean {
    this.neighbours.visit(node);
    for (let i = 0; i < this.neighbours.length; i++) if (this.neighbours.ends[i] === node) return true;
    return false;
  }
}
