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

export class NeededEnds {
  readonly ids = new TextSet();
  /** By the number of the node's id: the id of the first edge that needs it, and as which end. */
  private readonly edgeIds = new TextList();
  private readonly ends: EdgeEnd[] = [];

  note(node: string, end: EdgeEnd, edgeId: string): void {
    const before = this.ids.size;
    if (this.ids.add(node) !== before) return;
    this.edgeIds.append(edgeId);
    this.ends.push(end);
  }

  /** Of a node that was noted. */
  firstAt(node: string): EdgeEnd & { readonly edgeId: string } {
    const number = this.ids.numberOf(node);
    return { ...this.ends[number], edgeId: this.edgeIds.at(number) };
  }
}
