// Who is next to whom, by number. The base edges are laid out once per (edges, sources, targets) as compressed rows in
// both directions; what commits did since is kept beside, at the nodes that it concerns ("patched").

import { textAt } from "../store/index.ts";
import type { OutgoingEdges } from "./adjacency-build.ts";
import { edgeColumns } from "./base-table.ts";
import type { Delta } from "./delta.ts";
import { BaseLists, type Direction, type NeighbourLists } from "./neighbours.ts";
import type { TableImage } from "./table.ts";

/** Base edges between base nodes. An edge with an end outside of the base is "foreign": -1 here, and patched in. */
export class BaseAdjacency {
  /** Node at the far end of each edge. */
  readonly targets: Int32Array;
  /** Edges of source n: numbers outBegin[n] to outBegin[n + 1], because edges are sorted by source. */
  readonly outBegin: Int32Array;
  /** Of target n: entries inBegin[n] to inBegin[n + 1] of `inSources` and `inEdges`. */
  readonly inBegin: Int32Array;
  readonly inSources: Int32Array;
  readonly foreign: readonly number[];
  /** Sources whose range of edges holds a foreign one. */
  readonly foreignSources: readonly number[];
  /** True where several edges lead from one node to the same other. */
  readonly hasParallels: boolean;
  private readonly neighbours = new BaseLists(this);
  private incoming: Int32Array | null = null;

  constructor(
    { targets, outBegin, foreign, foreignSources, hasParallels }: OutgoingEdges,
    targetCount: number,
  ) {
    this.targets = targets;
    this.outBegin = outBegin;
    this.foreign = foreign;
    this.foreignSources = foreignSources;
    this.hasParallels = hasParallels;
    this.inBegin = new Int32Array(targetCount + 1);
    for (let edge = 0; edge < targets.length; edge++)
      if (targets[edge] >= 0) this.inBegin[targets[edge] + 1]++;
    for (let n = 0; n < targetCount; n++) this.inBegin[n + 1] += this.inBegin[n];
    this.inSources = new Int32Array(this.inBegin[targetCount]);
    this.eachEntry((entry, _, source) => {
      this.inSources[entry] = source;
    });
  }

  /** The edge of each entry of `inSources`; made when first asked for. */
  get inEdges(): Int32Array {
    if (this.incoming === null) {
      const edges = new Int32Array(this.inSources.length);
      this.eachEntry((entry, edge) => {
        edges[entry] = edge;
      });
      this.incoming = edges;
    }
    return this.incoming;
  }

  private eachEntry(handle: (entry: number, edge: number, source: number) => void): void {
    const next = this.inBegin.slice(0, -1);
    for (let source = 0; source + 1 < this.outBegin.length; source++) {
      for (let edge = this.outBegin[source]; edge < this.outBegin[source + 1]; edge++) {
        const target = this.targets[edge];
        if (target >= 0) handle(next[target]++, edge, source);
      }
    }
  }

  /** The node at the near end of an edge; -1 for a foreign edge, or none. */
  source(edge: number): number {
    if (!(this.targets[edge] >= 0)) return -1;
    const { outBegin } = this;
    // The last node whose edges begin at or before this one.
    let low = 0;
    let high = outBegin.length - 1;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (outBegin[middle] <= edge) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Whom each node is next to. Lists of nodes at foreign edges are not complete. */
  lists(direction: Direction): NeighbourLists {
    return this.neighbours.get(direction);
  }
}

/** Edges at one node, side by side with the nodes at their other ends. */
export interface Incidence {
  readonly edges: readonly number[];
  readonly ends: readonly number[];
}

/** Base adjacency and patches, shared by all views of the three images; extended as their deltas grow. */
export class Adjacency {
  readonly base: BaseAdjacency;
  private readonly outPatches = new Map<number, number[]>();
  private readonly inPatches = new Map<number, number[]>();
  private readonly ends = new Map<number, { source: number; target: number }>();
  private readonly patchedSources: Uint8Array;
  private readonly patchedTargets: Uint8Array;
  private hasPatches = false;
  private seenCreated = 0;
  private seenChanged = 0;

  constructor(
    private readonly edges: TableImage,
    private readonly sources: TableImage,
    private readonly targets: TableImage,
    base: BaseAdjacency,
  ) {
    this.base = base;
    this.patchedSources = new Uint8Array(sources.base.length);
    this.patchedTargets = new Uint8Array(targets.base.length);
    const columns = edgeColumns(edges.base.rows);
    for (const edge of base.foreign) {
      this.patch(edge, textAt(columns.src, edge), textAt(columns.dst, edge));
    }
    for (const node of base.foreignSources) this.patchedSources[node] = 1;
    this.extend();
  }

  /** Takes in what the edge delta brought since the last look. */
  extend(): void {
    const { created, changed } = this.edges.delta;
    for (; this.seenCreated < created.length; this.seenCreated++) {
      const edge = created[this.seenCreated];
      this.patch(this.edges.base.length + this.seenCreated, edge.src, edge.dst);
    }
    for (; this.seenChanged < changed.length; this.seenChanged++) {
      const edge = changed[this.seenChanged];
      if (edge >= this.edges.base.length || this.base.targets[edge] < 0) continue;
      this.patchedSources[this.base.source(edge)] = 1;
      this.patchedTargets[this.base.targets[edge]] = 1;
      this.hasPatches = true;
    }
  }

  private patch(edge: number, src: string, dst: string): void {
    const source = numberOf(this.sources.delta, src);
    const target = numberOf(this.targets.delta, dst);
    // An end that these tables never knew: the edge died before they began.
    if (source < 0 || target < 0) return;
    this.hasPatches = true;
    this.ends.set(edge, { source, target });
    push(this.outPatches, source, edge);
    push(this.inPatches, target, edge);
    if (source < this.patchedSources.length) this.patchedSources[source] = 1;
    if (target < this.patchedTargets.length) this.patchedTargets[target] = 1;
  }

  /** False: every node's edges are what the base says, for every view. */
  get isPatched(): boolean {
    return this.hasPatches || this.base.foreign.length > 0;
  }

  isSourcePatched(node: number): boolean {
    return node >= this.patchedSources.length || this.patchedSources[node] === 1;
  }

  isTargetPatched(node: number): boolean {
    return node >= this.patchedTargets.length || this.patchedTargets[node] === 1;
  }

  /** True where a node's edges in a direction may differ from what the base says. */
  isTouched(node: number, direction: Direction): boolean {
    return (
      (direction !== "in" && this.isSourcePatched(node)) ||
      (direction !== "out" && this.isTargetPatched(node))
    );
  }

  source(edge: number): number {
    return this.ends.get(edge)?.source ?? this.base.source(edge);
  }

  target(edge: number): number {
    return this.ends.get(edge)?.target ?? this.base.targets[edge] ?? -1;
  }

  /** Live edges out of a node as of a version. */
  out(node: number, version: number): Incidence {
    const edges: number[] = [];
    const ends: number[] = [];
    if (node < this.sources.base.length) {
      for (let edge = this.base.outBegin[node]; edge < this.base.outBegin[node + 1]; edge++) {
        if (this.base.targets[edge] >= 0 && this.isLive(edge, version)) {
          edges.push(edge);
          ends.push(this.base.targets[edge]);
        }
      }
    }
    for (const edge of this.outPatches.get(node) ?? []) {
      if (!this.isLive(edge, version)) continue;
      edges.push(edge);
      ends.push(this.target(edge));
    }
    return { edges, ends };
  }

  /** Live edges into a node as of a version. */
  in(node: number, version: number): Incidence {
    const edges: number[] = [];
    const ends: number[] = [];
    if (node < this.targets.base.length) {
      for (let entry = this.base.inBegin[node]; entry < this.base.inBegin[node + 1]; entry++) {
        if (this.isLive(this.base.inEdges[entry], version)) {
          edges.push(this.base.inEdges[entry]);
          ends.push(this.base.inSources[entry]);
        }
      }
    }
    for (const edge of this.inPatches.get(node) ?? []) {
      if (!this.isLive(edge, version)) continue;
      edges.push(edge);
      ends.push(this.source(edge));
    }
    return { edges, ends };
  }

  private isLive(edge: number, version: number): boolean {
    const { delta } = this.edges;
    return !delta.isTouched(edge) || delta.placeAt(edge, version) !== null;
  }
}

const numberOf = (delta: Delta, id: string) => delta.numberOf({ src: "", dst: "", id });

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
