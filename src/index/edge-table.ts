import type { EdgeType } from "../schema/catalog.ts";
import type { Adjacency, Incidence } from "./adjacency.ts";
import type { NodeTable } from "./node-table.ts";
import { Table, type TableImage } from "./table.ts";
import type { EdgeNumber, EdgeReader, NodeNumber } from "./view.ts";

/** The edges of one type as a view sees them, between the nodes of its two end types. */
export class EdgeTable extends Table<EdgeType> implements EdgeReader {
  constructor(
    type: EdgeType,
    image: TableImage,
    version: number,
    readonly sources: NodeTable,
    readonly targets: NodeTable,
    /** Base arrays for the fast path; whoever uses them asks `isSourcePatched`/`isTargetPatched` first. */
    readonly adjacency: Adjacency,
  ) {
    super(type, image, version);
  }

  source(edge: EdgeNumber): NodeNumber {
    return this.adjacency.source(edge);
  }

  target(edge: EdgeNumber): NodeNumber {
    return this.adjacency.target(edge);
  }

  /** Live edges that start at a node. */
  out(node: NodeNumber): Incidence {
    return this.adjacency.out(node, this.version);
  }

  /** Live edges that end at a node. */
  in(node: NodeNumber): Incidence {
    return this.adjacency.in(node, this.version);
  }
}
