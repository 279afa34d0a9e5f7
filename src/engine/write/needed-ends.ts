// Nodes that the edges of a write need, and the first edge that needs each. In little memory: a load of edges names
// millions of them.

import { TextList } from "../../lib/text-list.ts";
import { TextSet } from "../../lib/text-set.ts";
import type { EdgeType } from "../../schema/catalog.ts";

/** An end that edges of a type have. */
export interface EdgeEnd {
  readonly edge: EdgeType;
  readonly side: "src" | "dst";
}

/** Violations that the rules are asked for; every one of them takes the memory of every edge. */
export type Wanted = "the first violation" | "every violation";

/** An edge that needs a node, and as which end. */
export interface NeedingEdge extends EdgeEnd {
  readonly edgeId: string;
}

export class NeededEnds {
  readonly ids = new TextSet();
  /** By the number of the node's id: the id of the first edge that needs it, and as which end. */
  private readonly edgeIds = new TextList();
  private readonly ends: EdgeEnd[] = [];
  /** By the same number: the edges after the first. */
  private readonly further = new Map<number, NeedingEdge[]>();

  constructor(private readonly wanted: Wanted) {}

  note(node: string, end: EdgeEnd, edgeId: string): void {
    const before = this.ids.size;
    const number = this.ids.add(node);
    if (number === before) {
      this.edgeIds.append(edgeId);
      this.ends.push(end);
    } else if (this.wanted === "every violation") {
      const edges = this.further.get(number) ?? [];
      edges.push({ ...end, edgeId });
      this.further.set(number, edges);
    }
  }

  /** The edges that need a node which was noted: the first, and where every violation is wanted all others. */
  edgesAt(node: string): NeedingEdge[] {
    const number = this.ids.numberOf(node);
    const first = { ...this.ends[number], edgeId: this.edgeIds.at(number) };
    return [first, ...(this.further.get(number) ?? [])];
  }
}
