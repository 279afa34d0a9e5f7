// What the statements of one write have done so far: the newest value of each entity they touched, over the committed
// state. Later statements read through it, and at the end it is the commit.

import type { EdgeType, EntityType, NodeType, StableId } from "../../schema/catalog.ts";
import type { DeletedEdge, Row } from "../../store/types.ts";
import type { EdgeRow, ImageCheck } from "./image-check.ts";

/** `row` null: deleted. `committed`: the committed edge that goes away or is replaced, where there is one. */
export interface StagedEdge {
  readonly row: EdgeRow | null;
  readonly committed: DeletedEdge | null;
}

export interface StagedType<T extends EntityType, V> {
  readonly type: T;
  readonly entities: ReadonlyMap<string, V>;
}

export class Staging {
  private readonly nodes = new Map<StableId, { type: NodeType; entities: Map<string, Row | null> }>();
  private readonly edges = new Map<StableId, { type: EdgeType; entities: Map<string, StagedEdge> }>();

  putNode(type: NodeType, row: Row): void {
    this.nodesOf(type).set(row.id, row);
  }

  deleteNode(type: NodeType, id: string): void {
    this.nodesOf(type).set(id, null);
  }

  putEdge(type: EdgeType, row: EdgeRow, committed: DeletedEdge | null): void {
    this.edgesOf(type).set(row.id, { row, committed });
  }

  deleteEdge(type: EdgeType, committed: DeletedEdge): void {
    this.edgesOf(type).set(committed.id, { row: null, committed });
  }

  /** The staged row, null when staged as deleted, undefined when this write has not touched it. */
  node(type: NodeType, id: string): Row | null | undefined {
    return this.nodes.get(type.id)?.entities.get(id);
  }

  edge(type: EdgeType, id: string): StagedEdge | undefined {
    return this.edges.get(type.id)?.entities.get(id);
  }

  stagedNodes(type: NodeType): ReadonlyMap<string, Row | null> {
    return this.nodes.get(type.id)?.entities ?? new Map();
  }

  nodeTypes(): Iterable<StagedType<NodeType, Row | null>> {
    return this.nodes.values();
  }

  edgeTypes(): Iterable<StagedType<EdgeType, StagedEdge>> {
    return this.edges.values();
  }

  /** Tells the check everything that this write adds and removes. */
  describeTo(check: ImageCheck): void {
    for (const { type, entities } of this.nodes.values()) {
      for (const [id, row] of entities) {
        if (row === null) check.removeNode(type, id);
        else check.addNode(type, row);
      }
    }
    for (const { type, entities } of this.edges.values()) {
      for (const { row, committed } of entities.values()) {
        if (committed !== null) check.removeEdge(type, committed);
        if (row !== null) check.addEdge(type, row);
      }
    }
  }

  private nodesOf(type: NodeType): Map<string, Row | null> {
    let staged = this.nodes.get(type.id);
    if (staged === undefined) {
      staged = { type, entities: new Map() };
      this.nodes.set(type.id, staged);
    }
    return staged.entities;
  }

  private edgesOf(type: EdgeType): Map<string, StagedEdge> {
    let staged = this.edges.get(type.id);
    if (staged === undefined) {
      staged = { type, entities: new Map() };
      this.edges.set(type.id, staged);
    }
    return staged.entities;
  }
}
