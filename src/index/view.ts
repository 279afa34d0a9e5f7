// One immutable state of a graph, ready to be read: what queries, mutations, loads and merges look through.
// Nodes of a type have dense numbers within a view; adjacency, filters and joins work on those.
//
// Two ways in. `lookup*` answers for a few entities and reads only the record batches that may hold them, so the cost of
// a cold command follows what it touches. `load*` makes a whole type resident (shared by all views of the process that
// stand on the same segments) and is awaited before the synchronous readers are used.

import type { TextSet } from "../lib/text-set.ts";
import type { Value } from "../query/plan.ts";
import type { Catalog, EdgeType, EntityType, NodeType, Property } from "../schema/catalog.ts";
import type { BranchState, DeletedEdge, Row } from "../store/index.ts";

export interface View {
  readonly state: BranchState;
  readonly catalog: Catalog;

  /** The live rows of these ids (null where there is none), in the order asked. */
  lookupNodes(type: NodeType, ids: readonly string[]): Promise<(Row | null)[]>;
  /** Which of these ids are live nodes; cheaper than lookupNodes. */
  nodesExist(type: NodeType, ids: readonly string[]): Promise<boolean[]>;
  /** Live edges that start at these nodes, in any order; reads only the batches that may hold them. */
  lookupEdgesFrom(type: EdgeType, sources: readonly string[]): Promise<Row[]>;
  /** Live edges that end at these nodes, in any order; looks at all edges of the type. */
  lookupEdgesTo(type: EdgeType, targets: readonly string[]): Promise<Row[]>;
  /** Live edges with these ids, in any order; looks at all edges of the type. */
  lookupEdges(type: EdgeType, ids: TextSet): Promise<Row[]>;
  /** The live row of one (src, dst, id), or null, for each; reads only the batches that may hold them. */
  lookupEdgeTriples(type: EdgeType, triples: readonly DeletedEdge[]): Promise<(Row | null)[]>;
  /**
   * Ids of live entities whose properties (`src`, `dst` among them for edges) spell one of the tuples; a tuple is the JSON
   * array of canonical key texts (spec 01 §9), in the order of `properties`. Tuples with a null are never asked for.
   */
  uniqueHolders(
    type: EntityType,
    properties: readonly string[],
    tuples: readonly string[],
  ): Promise<Map<string, string[]>>;
  /** Live entities; exact, and without making the type resident where the checkpoint already tells. */
  count(type: EntityType): Promise<number>;
  /** `version` of the last commit that changed the type (spec 03 §1 published_dataset_version); 1 for never. */
  changedAt(type: EntityType): number;

  /** Makes types resident. */
  load(types: Iterable<EntityType>): Promise<void>;
  /** Of a resident type. */
  nodes(type: NodeType): NodeReader;
  /** Of a resident type whose two end types are resident too. */
  edges(type: EdgeType): EdgeReader;
}

/** A node's dense number; stable within a view, and -1 for "no such live node". */
export type NodeNumber = number;

export interface NodeReader {
  readonly type: NodeType;
  /** Numbers are below this; not every number is live. */
  readonly bound: number;
  readonly count: number;
  find(id: string): NodeNumber;
  id(node: NodeNumber): string;
  isLive(node: NodeNumber): boolean;
  /** Numbers of the live nodes, ascending. Do not write to it. */
  all(): Int32Array;
  /** The same numbers by the bytes of their ids. Do not write to it. */
  allById(): Int32Array;
  value(node: NodeNumber, property: Property): Value;
  row(node: NodeNumber): Row;
}

/** An edge's dense number within a view. */
export type EdgeNumber = number;

export interface EdgeReader {
  readonly type: EdgeType;
  readonly bound: number;
  readonly count: number;
  isLive(edge: EdgeNumber): boolean;
  all(): Int32Array;
  allById(): Int32Array;
  id(edge: EdgeNumber): string;
  source(edge: EdgeNumber): NodeNumber;
  target(edge: EdgeNumber): NodeNumber;
  value(edge: EdgeNumber, property: Property): Value;
  row(edge: EdgeNumber): Row;
}
