import type { NodeType } from "../schema/catalog.ts";
import { Table } from "./table.ts";
import type { NodeNumber, NodeReader } from "./view.ts";

/** The nodes of one type as a view sees them. */
export class NodeTable extends Table<NodeType> implements NodeReader {
  /** The number of a live node, else -1. */
  find(id: string): NodeNumber {
    const number = this.delta.numberOf({ src: "", dst: "", id });
    return this.isLive(number) ? number : -1;
  }
}
