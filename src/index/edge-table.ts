import type { EdgeType } from "../schema/catalog.ts";
import type { Adjacency, Incidence } from "./adjacency.ts";
import { type Direction, Neighbours } from "./neighbours.ts";
import type { NodeTable } from "./node-table.ts";
import { Table, type TableImage } from "./table.ts";
import type { EdgeNumber, EdgeReader, NodeNumber } from "./view.ts";

/** The edges of one type as a view sees them, between the nodes of its two end types. */
export class EdgeTable extends Table<EdgeType> implements EdgeReader {
  /** By direction and node. */
  private readonly touched = new Map<Direction, Map<number, Int32Array>>();

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

  /** A look at the neighbours of one node after the other. */
  neighbours(direction: Direction): Neighbours {
    return new Neighbours(this, direction);
  }

  /** Neighbours of a node whose edges commits may have changed: ascending, each once. */
  touchedNeighbours(node: NodeNumber, direction: Direction): Int32Array {
    const known = this.touched.get(direction) ?? new Map<number, Int32Array>();
    this.touched.set(direction, known);
    let ends = known.get(node);
    if (ends === undefined) {
      const out = direction === "in" ? [] : this.out(node).ends;
      const into = direction === "out" ? [] : this.in(node).ends;
      ends = Int32Array.from(new Set([...out, ...into])).sort();
      known.set(node, ends);
    }
    return ends;
  }
}
