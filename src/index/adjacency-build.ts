// From ends that are texts to ends that are numbers: each edge's source and target are found among the nodes. Done in
// stretches, because ten million edges take seconds, and others want to be answered meanwhile.

import { BaseAdjacency } from "./adjacency.ts";
import { type BaseTable, edgeColumns } from "./base-table.ts";
import { compareText } from "./columns.ts";
import { ADJACENCY_BUILD_SLICE } from "./limits.ts";

/** The edges by their sources; see BaseAdjacency. */
export interface OutgoingEdges {
  readonly targets: Int32Array;
  readonly outBegin: Int32Array;
  readonly foreign: readonly number[];
  readonly foreignSources: readonly number[];
  readonly hasParallels: boolean;
}

class Outgoing implements OutgoingEdges {
  readonly targets: Int32Array;
  readonly outBegin: Int32Array;
  readonly foreign: number[] = [];
  readonly foreignSources: number[] = [];
  hasParallels = false;
  /** Edges that are done. */
  done = 0;
  private node = 0;
  /** Source of the edge before; -1 where that was foreign. */
  private before = -1;

  constructor(
    private readonly edges: BaseTable,
    private readonly sources: BaseTable,
    private readonly targetTable: BaseTable,
  ) {
    this.targets = new Int32Array(edges.length);
    this.outBegin = new Int32Array(sources.length + 1);
  }

  get isDone(): boolean {
    return this.done === this.edges.length;
  }

  /** Goes on up to an edge. */
  advance(until: number): void {
    const { targets, outBegin, sources } = this;
    const { src, dst } = edgeColumns(this.edges.rows);
    const hash = this.targetTable.idHash();
    const nodeIds = sources.rows.ids;
    const end = Math.min(until, this.edges.length);
    let { node, before } = this;
    for (let edge = this.done; edge < end; edge++) {
      // Both lists are sorted by the same bytes: walk them side by side.
      let order = -1;
      while (node < sources.length) {
        order = compareText(nodeIds, node, src, edge);
        if (order >= 0) break;
        outBegin[++node] = edge;
      }
      const target = hash.find(dst.bytes, dst.offsets[edge], dst.offsets[edge + 1]);
      const isForeign = order !== 0 || node === sources.length || target < 0;
      if (isForeign) {
        this.foreign.push(edge);
        // The edge stands in the range of the first source that is not below its own.
        if (node < sources.length) this.foreignSources.push(node);
      }
      targets[edge] = isForeign ? -1 : target;
      if (!isForeign && before === node && target === targets[edge - 1]) this.hasParallels = true;
      before = isForeign ? -1 : node;
    }
    this.done = end;
    this.before = before;
    if (this.isDone) while (node < sources.length) outBegin[++node] = this.edges.length;
    this.node = node;
  }
}

/** The adjacency of base edges between base nodes. */
export function buildAdjacency(edges: BaseTable, sources: BaseTable, targets: BaseTable): BaseAdjacency {
  const outgoing = new Outgoing(edges, sources, targets);
  outgoing.advance(edges.length);
  return new BaseAdjacency(outgoing, targets.length);
}

/** The same; `breathe` lets other work run meanwhile. */
export async function buildAdjacencySlowly(
  edges: BaseTable,
  sources: BaseTable,
  targets: BaseTable,
  breathe: () => Promise<void>,
): Promise<BaseAdjacency> {
  const outgoing = new Outgoing(edges, sources, targets);
  while (!outgoing.isDone) {
    outgoing.advance(outgoing.done + ADJACENCY_BUILD_SLICE);
    await breathe();
  }
  // Where there are no edges, nothing has been laid out yet.
  outgoing.advance(edges.length);
  return new BaseAdjacency(outgoing, targets.length);
}
