// Common neighbours: two traversals that lead to the same open end, from two bound nodes of each row. The neighbours of
// the one are marked, and those of the other looked up among them, so that the paths between are never formed.

import type { EdgeTable, Neighbours } from "../../index/index.ts";
import type { VariableSlot } from "../../query/plan.ts";
import type { ReadContext } from "./context.ts";
import type { EndTest } from "./end-test.ts";
import { keptRows, repeated } from "./expand.ts";
import { columnOf, NumberList, type Relation } from "./relation.ts";
import { inSlices } from "./slices.ts";

export interface Side {
  readonly table: EdgeTable;
  readonly direction: "out" | "in" | "both";
  readonly start: VariableSlot;
}

export interface IntersectRequest {
  readonly sides: readonly [Side, Side];
  readonly end: VariableSlot;
  readonly mode: "each" | "tally";
  readonly test: EndTest | null;
  readonly isCounted: boolean;
  readonly isKept: (slot: VariableSlot) => boolean;
}

/** A list this many times as long as the other is searched rather than walked. */
const SEARCH_FACTOR = 8;

export async function intersect(
  context: ReadContext,
  relation: Relation,
  request: IntersectRequest,
): Promise<Relation> {
  const { test, isCounted, mode } = request;
  const [marked, walked] = sidesInOrder(relation, request.sides);
  const common = new CommonNeighbours(
    marked.table.neighbours(marked.direction),
    walked.table.neighbours(walked.direction),
    context.nodes(request.end).bound,
    mode === "tally" && !isCounted ? 1 : Number.POSITIVE_INFINITY,
  );
  const markedStarts = columnOf(relation, marked.start);
  const walkedStarts = columnOf(relation, walked.start);
  const ends = mode === "each" ? new NumberList(relation.length + 16) : null;
  const counts = new Int32Array(relation.length);
  await inSlices(context, relation.length, (row) => {
    counts[row] = common.find(markedStarts[row], walkedStarts[row], test, ends);
    return common.work;
  });
  if (ends !== null) {
    return repeated(context, relation, counts, { slot: request.end, ends: ends.array() }, request.isKept);
  }
  const rows = new NumberList(relation.length);
  for (let row = 0; row < counts.length; row++) if (counts[row] > 0) rows.push(row);
  const kept = rows.array();
  const { weights } = relation;
  const tallied = isCounted
    ? Float64Array.from(kept, (row) => counts[row] * (weights === null ? 1 : weights[row]))
    : null;
  return keptRows(relation, kept, request.isKept, tallied);
}

/** The side whose nodes change less often from row to row comes first: its neighbours stay marked meanwhile. */
function sidesInOrder(relation: Relation, [a, b]: readonly [Side, Side]): readonly [Side, Side] {
  const changes = (side: Side) => {
    const starts = columnOf(relation, side.start);
    let count = 0;
    for (let row = 1; row < starts.length; row++) if (starts[row] !== starts[row - 1]) count++;
    return count;
  };
  return changes(a) <= changes(b) ? [a, b] : [b, a];
}

class CommonNeighbours {
  /** Neighbours that the last call looked at. */
  work = 0;
  /** Of each node: the number of the last marking that it was part of. */
  private readonly marks: Int32Array;
  private markings = 0;
  private markedFor = -1;

  constructor(
    private readonly marked: Neighbours,
    private readonly walked: Neighbours,
    bound: number,
    /** Finding more than this many makes no difference. */
    private readonly most: number,
  ) {
    this.marks = new Int32Array(bound);
  }

  /** Counts, and collects where asked to, the nodes next to both. */
  find(markedNode: number, walkedNode: number, test: EndTest | null, into: NumberList | null): number {
    const { marked, walked } = this;
    walked.open(walkedNode);
    this.work = walked.count;
    if (walked.count === 0) return 0;
    if (markedNode !== this.markedFor) {
      marked.open(markedNode);
      this.markedFor = markedNode;
      this.markings++;
      for (let i = marked.from; i < marked.to; i++) this.marks[marked.ends[i]] = this.markings;
      this.work += marked.count;
    }
    if (walked.count > marked.count * SEARCH_FACTOR) {
      this.work = marked.count;
      return this.search(test, into);
    }
    const { marks, markings, most } = this;
    const { ends } = walked;
    let found = 0;
    for (let i = walked.from; i < walked.to && found < most; i++) {
      const end = ends[i];
      if (marks[end] !== markings || (test !== null && !test.passes(end))) continue;
      found++;
      into?.push(end);
    }
    return found;
  }

  private search(test: EndTest | null, into: NumberList | null): number {
    const { marked, walked } = this;
    let found = 0;
    for (let i = marked.from; i < marked.to && found < this.most; i++) {
      const end = marked.ends[i];
      if (!walked.has(end) || (test !== null && !test.passes(end))) continue;
      found++;
      into?.push(end);
    }
    return found;
  }
}
