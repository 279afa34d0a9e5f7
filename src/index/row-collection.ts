// Tables of a few rows that were looked up one by one: enough for a read that touches nothing else.

import type { EdgeType, EntityType, NodeType, StableId } from "../schema/catalog.ts";
import type { BranchState } from "../store/index.ts";
import { buildBase } from "./base-table.ts";
import type { BatchCache } from "./batch-cache.ts";
import { Delta, entityAt, type Place } from "./delta.ts";
import { EdgeTable } from "./edge-table.ts";
import { lookupEdgesFrom, lookupNodes } from "./lookup.ts";
import type { Layer } from "./merge-layers.ts";
import { NodeTable } from "./node-table.ts";
import { sortedRows, TypeImage } from "./type-image.ts";

export class RowCollection {
  private readonly nodePlaces = new Map<StableId, Map<string, Place>>();
  /** By source; a promise while the lookup is under way. */
  private readonly edgePlaces = new Map<StableId, Map<string, Promise<Place[]>>>();
  private readonly edgesFound = new Map<StableId, Set<Place>>();
  private readonly tables = new Map<StableId, NodeTable | EdgeTable>();

  constructor(
    private readonly batches: BatchCache,
    private readonly state: BranchState,
  ) {}

  /** Takes in the live ones of these nodes. */
  async addNodes(type: NodeType, ids: readonly string[]): Promise<void> {
    const known = this.nodePlaces.get(type.id) ?? new Map<string, Place>();
    this.nodePlaces.set(type.id, known);
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length === 0) return;
    for (const [id, place] of await lookupNodes(this.batches, this.state, type, missing))
      known.set(id, place);
  }

  /** Takes in all edges that start at these nodes, and answers where they end. */
  async addEdgesFrom(type: EdgeType, sources: readonly string[]): Promise<Set<string>> {
    const known = this.edgePlaces.get(type.id) ?? new Map<string, Promise<Place[]>>();
    this.edgePlaces.set(type.id, known);
    const missing = sources.filter((source) => !known.has(source));
    if (missing.length > 0) {
      const work = lookupEdgesFrom(this.batches, this.state, type, missing);
      for (const source of missing) {
        known.set(
          source,
          work.then((places) => places.filter((place) => endsOf(place).src === source)),
        );
      }
    }
    const places = (await Promise.all(sources.map((source) => known.get(source) ?? []))).flat();
    const all = this.edgesFound.get(type.id) ?? new Set<Place>();
    this.edgesFound.set(type.id, all);
    for (const place of places) all.add(place);
    return new Set(places.map((place) => endsOf(place).dst));
  }

  nodes(type: NodeType): NodeTable {
    const known = this.tables.get(type.id);
    if (known instanceof NodeTable) return known;
    const places = [...(this.nodePlaces.get(type.id)?.values() ?? [])];
    const table = new NodeTable(type, this.image(type, places), this.state.head.version);
    this.tables.set(type.id, table);
    return table;
  }

  edges(type: EdgeType): EdgeTable {
    const known = this.tables.get(type.id);
    if (known instanceof EdgeTable) return known;
    const places = [...(this.edgesFound.get(type.id) ?? [])];
    const image = this.image(type, places);
    const sources = this.nodes(type.source);
    const targets = this.nodes(type.target);
    const adjacency = image.adjacency(sources.image, targets.image);
    const table = new EdgeTable(type, image, this.state.head.version, sources, targets, adjacency);
    this.tables.set(type.id, table);
    return table;
  }

  private image(type: EntityType, places: readonly Place[]): TypeImage {
    const layers: Layer[] =
      places.length === 0 ? [] : [{ kind: "rows", batches: [sortedRows(places)], dead: null }];
    const base = buildBase(type.kind, layers);
    const { version, id } = this.state.head;
    return new TypeImage(type, base, new Delta(type.kind, base, version), id);
  }
}

const endsOf = (place: Place) => entityAt("edge", place.batch, place.row);
