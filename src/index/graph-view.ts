// One immutable state of a graph, ready to be read (see view.ts). What is in memory is shared with the other views of
// the process; a view itself is a few references and a version.

import { letOthersRun } from "../lib/event-loop.ts";
import { TextSet } from "../lib/text-set.ts";
import type { Catalog, EdgeType, EntityType, NodeType, StableId } from "../schema/catalog.ts";
import type { BranchState, DeletedEdge, Row } from "../store/index.ts";
import { rowAt, textAt } from "../store/index.ts";
import { edgeColumns } from "./base-table.ts";
import type { BatchCache } from "./batch-cache.ts";
import type { BranchImage } from "./branch-image.ts";
import type { Place } from "./delta.ts";
import { EdgeTable } from "./edge-table.ts";
import { LOOKUPS_MAX } from "./limits.ts";
import { countCold, lookupEdgesFrom, lookupNodes, lookupTriples } from "./lookup.ts";
import { edgeKey } from "./merge-layers.ts";
import { NodeTable } from "./node-table.ts";
import { RowCollection } from "./row-collection.ts";
import { scanEdges } from "./scan-edges.ts";
import { Table } from "./table.ts";
import type { TypeImage } from "./type-image.ts";
import { changesOf } from "./type-image.ts";
import { type KeyText, tupleParts } from "./unique-index.ts";
import type { View } from "./view.ts";

/** What all views of a process have in common. */
export interface ViewContext {
  /** The image of a state that its branch's own image does not reach back to. */
  readonly past: (state: BranchState) => BranchImage;
  readonly batches: BatchCache;
  readonly resident: boolean;
  readonly keyText: KeyText;
}

export class GraphView implements View {
  readonly catalog: Catalog;
  private readonly images = new Map<StableId, TypeImage>();
  private readonly nodeTables = new Map<StableId, NodeTable>();
  private readonly edgeTables = new Map<StableId, EdgeTable>();
  /** What was found in edge types that were gone through without being made resident. */
  private readonly scans = new Map<StableId, Scan>();

  constructor(
    readonly state: BranchState,
    readonly branch: BranchImage,
    private readonly context: ViewContext,
  ) {
    this.catalog = state.catalog;
  }

  private get version(): number {
    return this.state.head.version;
  }

  /** The image of a type where this view can read it without waiting. */
  private image(type: EntityType): TypeImage | null {
    const held = this.images.get(type.id) ?? this.branch.resident(type, this.version);
    if (held !== null) this.images.set(type.id, held);
    return held;
  }

  private residentImage(type: EntityType): TypeImage {
    const image = this.image(type);
    if (image === null) throw new Error(`invariant broken: ${type.name} was not loaded before it was read`);
    return image;
  }

  /** True where the synchronous readers of a type may be used. */
  isResident(type: EntityType): boolean {
    return this.image(type) !== null;
  }

  async load(types: Iterable<EntityType>): Promise<void> {
    const missing = [...types].filter((type) => this.image(type) === null);
    await Promise.all(
      missing.map(async (type) => {
        const image = await this.branch.load(type);
        // The branch came into memory at a newer version than this view's: the view reads its own.
        const own = image.delta.from <= this.version ? image : await this.context.past(this.state).load(type);
        this.images.set(type.id, own);
      }),
    );
  }

  /** Lays out the adjacency of resident edge types, letting other work run meanwhile; `edges` then answers at once. */
  async prepareEdges(types: Iterable<EdgeType>, breathe: () => Promise<void>): Promise<void> {
    for (const type of types) {
      if (this.edgeTables.has(type.id)) continue;
      const [sources, targets] = [this.residentImage(type.source), this.residentImage(type.target)];
      await this.residentImage(type).prepareAdjacency(sources, targets, breathe);
    }
  }

  /** Makes a type resident where that is the better way to so many entities. */
  private async loadFor(type: EntityType, entities: number): Promise<void> {
    if (this.context.resident || entities > LOOKUPS_MAX) await this.load([type]);
  }

  nodes(type: NodeType): NodeTable {
    let table = this.nodeTables.get(type.id);
    if (table === undefined) {
      table = new NodeTable(type, this.residentImage(type), this.version);
      this.nodeTables.set(type.id, table);
    }
    return table;
  }

  edges(type: EdgeType): EdgeTable {
    let table = this.edgeTables.get(type.id);
    if (table === undefined) {
      const image = this.residentImage(type);
      const sources = this.nodes(type.source);
      const targets = this.nodes(type.target);
      const adjacency = image.adjacency(sources.image, targets.image);
      table = new EdgeTable(type, image, this.version, sources, targets, adjacency);
      this.edgeTables.set(type.id, table);
    }
    return table;
  }

  async lookupNodes(type: NodeType, ids: readonly string[]): Promise<(Row | null)[]> {
    await this.loadFor(type, ids.length);
    if (this.isResident(type)) {
      const table = this.nodes(type);
      return ids.map((id) => {
        const number = table.find(id);
        return number < 0 ? null : table.row(number);
      });
    }
    const places = await lookupNodes(this.context.batches, this.state, type, ids);
    return ids.map((id) => this.rowOf(type, places.get(id)));
  }

  async nodesExist(type: NodeType, ids: readonly string[]): Promise<boolean[]> {
    await this.loadFor(type, ids.length);
    if (this.isResident(type)) {
      const table = this.nodes(type);
      return ids.map((id) => table.find(id) >= 0);
    }
    const places = await lookupNodes(this.context.batches, this.state, type, ids);
    return ids.map((id) => places.has(id));
  }

  async lookupEdgesFrom(type: EdgeType, sources: readonly string[]): Promise<Row[]> {
    await this.loadFor(type, sources.length);
    if (!this.isResident(type)) {
      const places = await lookupEdgesFrom(this.context.batches, this.state, type, sources);
      return places.map((place) => rowAt(place.batch, place.row, type));
    }
    const table = this.edgeRows(type);
    const { src } = edgeColumns(table.rows);
    const rows: Row[] = [];
    for (const source of new Set(sources)) {
      const first = table.base.firstEdgeAtOrAfter({ src: source, dst: "", id: "" });
      for (let edge = first; edge < table.base.length && textAt(src, edge) === source; edge++) {
        if (table.isLive(edge)) rows.push(table.row(edge));
      }
    }
    const wanted = new Set(sources);
    return [...rows, ...createdEdges(table, (edge) => wanted.has(edge.src))];
  }

  async lookupEdgesTo(type: EdgeType, targets: readonly string[]): Promise<Row[]> {
    if (this.context.resident) {
      if ((await this.count(type)) === 0) return [];
      await this.load([type, type.source, type.target]);
      await this.prepareEdges([type], letOthersRun);
      const table = this.edges(type);
      return [...new Set(targets)].flatMap((target) => {
        const number = table.targets.delta.numberOf({ src: "", dst: "", id: target });
        return number < 0 ? [] : table.in(number).edges.map((edge) => table.row(edge));
      });
    }
    const wanted = new TextSet(targets);
    const found = await this.scanned(type, "dst", wanted);
    if (found !== null) return found;
    const table = this.edgeRows(type);
    const { bytes, offsets } = edgeColumns(table.rows).dst;
    const rows: Row[] = [];
    for (let edge = 0; edge < table.base.length; edge++) {
      if (wanted.hasBytes(bytes, offsets[edge], offsets[edge + 1]) && table.isLive(edge))
        rows.push(table.row(edge));
    }
    return [...rows, ...createdEdges(table, (edge) => wanted.has(edge.dst))];
  }

  async lookupEdges(type: EdgeType, ids: TextSet): Promise<Row[]> {
    const found = await this.scanned(type, "ids", ids);
    if (found !== null) return found;
    const table = this.edgeRows(type);
    const hash = table.base.idHash();
    const rows: Row[] = [];
    for (const id of ids) {
      const number = hash.findText(id);
      if (number >= 0 && table.isLive(number)) rows.push(table.row(number));
    }
    return [...rows, ...createdEdges(table, (edge) => ids.has(edge.id))];
  }

  /**
   * The edges with a wanted id or target, where the type is not in memory: once a process that does not live on goes through
   * what is stored, and remembers what it found. Who asks for others wants the type in memory, where it is when this is null.
   */
  private async scanned(type: EdgeType, column: "ids" | "dst", wanted: TextSet): Promise<Row[] | null> {
    if (!this.context.resident && !this.isResident(type)) {
      const known = this.scans.get(type.id);
      if (known === undefined) {
        const rows = await scanEdges(this.context.batches, this.state, type, column, wanted);
        this.scans.set(type.id, { column, wanted, rows });
        return rows;
      }
      if (known.column === column && isWithin(wanted, known.wanted)) {
        return known.rows.filter(({ id, dst }) => wanted.has(column === "ids" ? id : (dst ?? "")));
      }
    }
    await this.load([type]);
    return null;
  }

  async lookupEdgeTriples(type: EdgeType, triples: readonly DeletedEdge[]): Promise<(Row | null)[]> {
    await this.loadFor(type, triples.length);
    if (this.isResident(type)) {
      const table = this.edgeRows(type);
      return triples.map((triple) => {
        const number = table.delta.numberOf(triple);
        return table.isLive(number) ? table.row(number) : null;
      });
    }
    const places = await lookupTriples(this.context.batches, this.state, type, triples);
    return triples.map((triple) => this.rowOf(type, places.get(edgeKey(triple))));
  }

  async uniqueHolders(
    type: EntityType,
    properties: readonly string[],
    tuples: readonly string[],
  ): Promise<Map<string, string[]>> {
    if (tuples.length === 0) return new Map();
    await this.load([type]);
    const index = this.residentImage(type).uniqueIndex(tupleParts(type, properties), this.context.keyText);
    return index.holders(type.kind === "node" ? this.nodes(type) : this.edgeRows(type), tuples);
  }

  async count(type: EntityType): Promise<number> {
    const image = this.image(type);
    if (image !== null) return image.delta.countAt(this.version);
    const cold = await countCold(this.context.batches, this.state, type);
    if (cold !== null) return cold;
    await this.load([type]);
    return this.residentImage(type).delta.countAt(this.version);
  }

  changedAt(type: EntityType): number {
    const last = this.state.tail.findLast((commit) => changesOf(commit, type) !== null);
    return last?.record.version ?? this.state.checkpoint.types.get(type.id)?.changedAt ?? 1;
  }

  /** True where reading a few entities should not bring their whole type into memory. */
  isColdFor(types: Iterable<EntityType>): boolean {
    return !this.context.resident && [...types].some((type) => !this.isResident(type));
  }

  /** Begins a collection of single rows, for a read that can tell beforehand which ones it needs. */
  collect(): RowCollection {
    return new RowCollection(this.context.batches, this.state);
  }

  private rowOf(type: EntityType, place: Place | undefined): Row | null {
    return place === undefined ? null : rowAt(place.batch, place.row, type);
  }

  /** The rows of a resident edge type, whose end types need not be. */
  edgeRows(type: EdgeType): Table<EdgeType> {
    return this.edgeTables.get(type.id) ?? new Table(type, this.residentImage(type), this.version);
  }
}

interface Scan {
  readonly column: "ids" | "dst";
  readonly wanted: TextSet;
  readonly rows: readonly Row[];
}

function isWithin(texts: TextSet, others: TextSet): boolean {
  if (texts.size > others.size) return false;
  for (const text of texts) if (!others.has(text)) return false;
  return true;
}

/** Live edges that came after the base. */
function createdEdges(table: Table, isWanted: (edge: DeletedEdge) => boolean): Row[] {
  const rows: Row[] = [];
  table.delta.created.forEach((edge, i) => {
    const number = table.base.length + i;
    if (number < table.bound && isWanted(edge) && table.isLive(number)) rows.push(table.row(number));
  });
  return rows;
}
