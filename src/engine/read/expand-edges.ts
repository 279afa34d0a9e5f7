// One hop with the edges bound: a row for each edge, parallel ones included.

import type { EdgeTable } from "../../index/index.ts";
import type { VariableSlot } from "../../query/plan.ts";
import type { NumberTest } from "./column-test.ts";
import type { ReadContext } from "./context.ts";
import type { EndTest } from "./end-test.ts";
import { columnOf, NumberList, type Relation, takeNumbers, takeWeights } from "./relation.ts";
import { inSlices } from "./slices.ts";
import type { BoundEdgeClause } from "./steps.ts";

export interface EdgeHopRequest {
  readonly table: EdgeTable;
  readonly direction: "out" | "in" | "both";
  readonly start: VariableSlot;
  readonly end: VariableSlot;
  readonly edge: VariableSlot;
  readonly test: EndTest | null;
  /** That the edge itself has to pass. */
  readonly edgeTests: readonly NumberTest[];
  readonly isKept: (slot: VariableSlot) => boolean;
}

/** Follows every edge; where the far end is bound already, the edges that lead there. */
export async function expandEdges(
  context: ReadContext,
  relation: Relation,
  hop: EdgeHopRequest,
): Promise<Relation> {
  const { test, edgeTests } = hop;
  const starts = columnOf(relation, hop.start);
  const expected = relation.columns.get(hop.end);
  const rows = new NumberList(relation.length + 16);
  const edges = new NumberList(relation.length + 16);
  const ends = new NumberList(relation.length + 16);
  const incident = new IncidentEdges(hop.table, hop.direction);
  await inSlices(context, relation.length, (row) => {
    incident.visit(starts[row]);
    for (let i = 0; i < incident.length; i++) {
      const end = incident.ends[i];
      if (expected !== undefined && end !== expected[row]) continue;
      if (test !== null && !test.passes(end)) continue;
      if (!passes(incident.edges[i], edgeTests)) continue;
      rows.push(row);
      edges.push(incident.edges[i]);
      ends.push(end);
    }
    return incident.length;
  });
  const taken = rows.array();
  context.memory.check((relation.columns.size + 2) * taken.byteLength);
  const columns = new Map<VariableSlot, Int32Array>();
  for (const [slot, column] of relation.columns) {
    if (hop.isKept(slot)) columns.set(slot, takeNumbers(column, taken));
  }
  if (expected === undefined && hop.isKept(hop.end)) columns.set(hop.end, ends.array().slice());
  if (hop.isKept(hop.edge)) columns.set(hop.edge, edges.array().slice());
  return { length: taken.length, columns, weights: takeWeights(relation.weights, taken) };
}

function passes(edge: number, tests: readonly NumberTest[]): boolean {
  for (let i = 0; i < tests.length; i++) if (!tests[i](edge)) return false;
  return true;
}

/** Edges beside their two ends: an undirected one lies both ways, unless it leads back to where it begins. */
export function edgesWithEnds(table: EdgeTable, clause: BoundEdgeClause, edges: Int32Array): Relation {
  const taken = new NumberList(edges.length + 1);
  const froms = new NumberList(edges.length + 1);
  const tos = new NumberList(edges.length + 1);
  for (const edge of edges) {
    const source = table.source(edge);
    const target = table.target(edge);
    const isLoop = source === target && clause.edge.source.id === clause.edge.target.id;
    // One variable at both ends asks for edges that lead back.
    if (clause.from === clause.to && !isLoop) continue;
    taken.push(edge);
    froms.push(source);
    tos.push(target);
    if (!clause.undirected || isLoop) continue;
    taken.push(edge);
    froms.push(target);
    tos.push(source);
  }
  const columns = new Map([
    [clause.from, froms.array().slice()],
    [clause.to, tos.array().slice()],
    [clause.edgeVariable, taken.array().slice()],
  ]);
  return { length: taken.length, columns, weights: null };
}

/** The edges at one node after the other, in arrays that are used again. */
class IncidentEdges {
  length = 0;
  readonly ends: number[] = [];
  readonly edges: number[] = [];
  private readonly isPatched: boolean;

  constructor(
    private readonly table: EdgeTable,
    private readonly direction: "out" | "in" | "both",
  ) {
    this.isPatched = table.adjacency.isPatched;
  }

  visit(node: number): void {
    this.length = 0;
    if (this.direction !== "in") this.visitOut(node);
    if (this.direction === "in") this.visitIn(node, -1);
    // An edge from the node to itself was met on the way out.
    if (this.direction === "both") this.visitIn(node, node);
  }

  private add(edge: number, end: number): void {
    this.edges[this.length] = edge;
    this.ends[this.length++] = end;
  }

  private visitOut(node: number): void {
    const { adjacency } = this.table;
    const { outBegin, targets } = adjacency.base;
    if (node >= outBegin.length - 1 || (this.isPatched && adjacency.isSourcePatched(node))) {
      const { edges, ends } = this.table.out(node);
      for (let i = 0; i < edges.length; i++) this.add(edges[i], ends[i]);
      return;
    }
    for (let edge = outBegin[node]; edge < outBegin[node + 1]; edge++) this.add(edge, targets[edge]);
  }

  private visitIn(node: number, except: number): void {
    const { adjacency } = this.table;
    const { inBegin, inEdges, inSources } = adjacency.base;
    if (node >= inBegin.length - 1 || (this.isPatched && adjacency.isTargetPatched(node))) {
      const { edges, ends } = this.table.in(node);
      for (let i = 0; i < edges.length; i++) if (ends[i] !== except) this.add(edges[i], ends[i]);
      return;
    }
    for (let entry = inBegin[node]; entry < inBegin[node + 1]; entry++) {
      if (inSources[entry] !== except) this.add(inEdges[entry], inSources[entry]);
    }
  }
}
