// What the statements of one write have done so far: the newest value of each entity they touched, over the committed
// state. Later statements read through it, and at the end it is the commit.

import type { EdgeType, EntityType, NodeType, StableId } from "../../schema/catalog.ts";
import type { DeletedEdge, Row } from "../../store/types.ts";
import type { EdgeRow, ImageCheck } from "./image-check.ts";

/** `row` null: deleted. `committed`: the row before this write, where it is known. */
export interface StagedNode {
  readonly row: Row | null;
  readonly committed: Row | null;
}

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
  private readonly nodes = new Map<StableId, { type: NodeType; entities: Map<string, StagedNode> }>();
  private readonly edges = new Map<StableId, { type: EdgeType; entities: Map<string, StagedEdge> }>();

  /** `committed` as far as it is known now; what was known before stays known. */
  putNode(type: NodeType, row: Row, committed: Row | null = null): void {
    const staged = this.nodesOf(type);
    staged.set(row.id, { row, committed: staged.get(row.id)?.committed ?? committed });
  }

  deleteNode(type: NodeType, id: string): void {
    this.nodesOf(type).set(id, { row: null, committed: null });
  }

  putEdge(type: EdgeType, row: EdgeRow, committed: DeletedEdge | null): void {
    this.edgesOf(type).set(row.id, { row, committed });
  }

  deleteEdge(type: EdgeType, committed: DeletedEdge): void {
    this.edgesOf(type).set(committed.id, { row: null, committed });
  }

  /** The staged row, null when staged as deleted, undefined when this write has not touched it. */
  node(type: NodeType, id: string): Row | null | undefined {
    return this.nodes.get(type.id)?.entities.get(id)?.row;
  }

  edge(type: EdgeType, id: string): StagedEdge | undefined {
    return this.edges.get(type.id)?.entities.get(id);
  }

  hasNodes(type: NodeType): boolean {
    return this.nodes.has(type.id);
  }

  /** Rows of nodes that were inserted or updated, and not deleted. */
  *stagedNodes(type: NodeType): Iterable<Row> {
    for (const { row } of this.nodes.get(type.id)?.entities.values() ?? []) if (row !== null) yield row;
  }

  nodeTypes(): Iterable<StagedType<NodeType, StagedNode>> {
    return this.nodes.values();
  }

  edgeTypes(): Iterable<StagedType<EdgeType, StagedEdge>> {
    return this.edges.values();
  }

  /** Tells the check everything that this write adds and removes. */
  describeTo(check: ImageCheck): void {
    for (const { type, entities } of this.nodes.values()) {
      for (const [id, { row, committed }] of entities) {
        if (row === null) check.removeNode(type, id);
        else check.addNode(type, row, false, committed);
      }
    }
    for (const { type, entities } of this.edges.values()) {
      for (const { row, committed } of entities.values()) {
        if (committed !== null) check.removeEdge(type, committed);
        if (row !== null) check.addEdge(type, row);
      }
    }
  }

  private nodesOf(type: NodeType): Map<string, StagedNode> {
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
