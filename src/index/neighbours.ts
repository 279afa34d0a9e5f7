// Whom the nodes of an edge type are next to, as sorted lists of numbers: what set semantics asks for, whatever number of
// edges leads from one to the other. Nodes that commits touched have lists of their own, made when first asked for.

import type { BaseAdjacency } from "./adjacency.ts";
import type { EdgeTable } from "./edge-table.ts";

/** Which way edges are followed: as stored, against it, or both. */
export type Direction = "out" | "in" | "both";

/** Neighbours of node n: `ends[begin[n]]` up to `ends[begin[n + 1]]`, ascending, each once. */
export interface NeighbourLists {
  readonly begin: Int32Array;
  readonly ends: Int32Array;
}

/** Lists whose ends ascend, with every end once; the lists themselves where they are so already. */
export function withoutRepeats({ begin, ends }: NeighbourLists): NeighbourLists {
  const kept = new Int32Array(ends.length);
  const keptBegin = new Int32Array(begin.length);
  let count = 0;
  for (let node = 0; node + 1 < begin.length; node++) {
    for (let i = begin[node]; i < begin[node + 1]; i++) {
      if (i === begin[node] || ends[i] !== ends[i - 1]) kept[count++] = ends[i];
    }
    keptBegin[node + 1] = count;
  }
  return { begin: keptBegin, ends: kept.slice(0, count) };
}

/** The union of two lists of each node; both have as many nodes. */
export function union(a: NeighbourLists, b: NeighbourLists): NeighbourLists {
  const ends = new Int32Array(a.ends.length + b.ends.length);
  const begin = new Int32Array(a.begin.length);
  let count = 0;
  for (let node = 0; node + 1 < a.begin.length; node++) {
    let i = a.begin[node];
    let j = b.begin[node];
    const aEnd = a.begin[node + 1];
    const bEnd = b.begin[node + 1];
    while (i < aEnd && j < bEnd) {
      const x = a.ends[i];
      const y = b.ends[j];
      ends[count++] = Math.min(x, y);
      if (x <= y) i++;
      if (y <= x) j++;
    }
    while (i < aEnd) ends[count++] = a.ends[i++];
    while (j < bEnd) ends[count++] = b.ends[j++];
    begin[node + 1] = count;
  }
  return { begin, ends: ends.slice(0, count) };
}

/** A look at one node after the other. Loops read `ends` from `from` up to `to` after `open`. */
export class Neighbours {
  ends: Int32Array;
  from = 0;
  to = 0;
  private readonly lists: NeighbourLists;
  private readonly plainNodes: number;
  private readonly isPatched: boolean;

  constructor(
    private readonly table: EdgeTable,
    private readonly direction: Direction,
  ) {
    this.lists = table.adjacency.base.lists(direction);
    this.ends = this.lists.ends;
    this.plainNodes = this.lists.begin.length - 1;
    this.isPatched = table.adjacency.isPatched;
  }

  open(node: number): void {
    const { begin, ends } = this.lists;
    if (node < this.plainNodes && !(this.isPatched && this.table.adjacency.isTouched(node, this.direction))) {
      this.ends = ends;
      this.from = begin[node];
      this.to = begin[node + 1];
      return;
    }
    this.ends = this.table.touchedNeighbours(node, this.direction);
    this.from = 0;
    this.to = this.ends.length;
  }

  /** Neighbours of the node that was opened. */
  get count(): number {
    return this.to - this.from;
  }

  /** Whether the node that was opened has this neighbour. */
  has(end: number): boolean {
    const { ends } = this;
    let low = this.from;
    let high = this.to;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] < end) low = middle + 1;
      else high = middle;
    }
    return low < this.to && ends[low] === end;
  }
}

/** Neighbour lists of base edges, each made when first asked for. */
export class BaseLists {
  private readonly made = new Map<Direction, NeighbourLists>();

  constructor(private readonly adjacency: BaseAdjacency) {}

  get(direction: Direction): NeighbourLists {
    let lists = this.made.get(direction);
    if (lists === undefined) {
      lists = this.make(direction);
      this.made.set(direction, lists);
    }
    return lists;
  }

  private make(direction: Direction): NeighbourLists {
    if (direction === "both") return union(this.get("out"), this.get("in"));
    const { outBegin, targets, inBegin, inSources, hasParallels } = this.adjacency;
    const lists =
      direction === "out" ? { begin: outBegin, ends: targets } : { begin: inBegin, ends: inSources };
    return hasParallels ? withoutRepeats(lists) : lists;
  }
}
