// Rows that large later segments have again. Their keys are too many to be held: all segments are walked side by side,
// a few batches of each at a time, for they are sorted alike.

import type { GraphContext } from "./context.ts";
import { Cursor, compareCursors, liveBatches } from "./merge-rows.ts";
import type { SegmentRef } from "./types.ts";

export interface LayeredSegment {
  readonly segment: SegmentRef;
  /** Segments of one commit have one layer, and no row twice; later commits have higher ones. */
  readonly layer: number;
  /** Whether its rows replace those of lower layers. */
  readonly replaces: boolean;
}

const ALL_LIVE = new Uint32Array(0);

/** For each segment its rows that a segment of a higher layer replaces, ascending. */
export async function replacedRows(
  context: Pick<GraphContext, "objects">,
  segments: readonly LayeredSegment[],
): Promise<ReadonlyMap<LayeredSegment, Uint32Array>> {
  const walks = segments.map((layered) => new Walk(context, layered));
  const hasRows = await Promise.all(walks.map((walk) => walk.cursor.next()));
  const open = walks.filter((_, i) => hasRows[i]).sort((a, b) => compareCursors(a.cursor, b.cursor));
  // Who is left alone has no row that another one replaces.
  while (open.length > 1) {
    const walk = walkOn(open);
    if (await walk.nextBatch()) settle(open, open.indexOf(walk));
    else open.splice(open.indexOf(walk), 1);
  }
  return new Map(walks.map((walk) => [walk.layered, Uint32Array.from(walk.replaced)]));
}

/** Notes rows that are replaced, up to where a walk has come to the end of its batch. */
function walkOn(open: Walk[]): Walk {
  for (;;) {
    const first = open[0];
    if (compareCursors(first.cursor, open[1].cursor) === 0) noteReplaced(open);
    first.cursor.row++;
    if (first.cursor.row === first.cursor.batch.length) return first;
    settle(open, 0);
  }
}

/** Of all who stand at the first one's row, those below the highest layer that replaces it are noted. */
function noteReplaced(open: readonly Walk[]): void {
  let count = 1;
  while (count < open.length && compareCursors(open[count].cursor, open[0].cursor) === 0) count++;
  let highest = -1;
  for (const { layered } of open.slice(0, count)) {
    if (layered.replaces) highest = Math.max(highest, layered.layer);
  }
  for (const walk of open.slice(0, count)) if (walk.layered.layer < highest) walk.note();
}

/** Brings a walk that went on to its place among those behind it. */
function settle(open: Walk[], from: number): void {
  const walk = open[from];
  let at = from;
  for (; at + 1 < open.length && compareCursors(open[at + 1].cursor, walk.cursor) < 0; at++)
    open[at] = open[at + 1];
  open[at] = walk;
}

/** A segment that is gone through. */
class Walk {
  readonly cursor: Cursor;
  readonly replaced: number[] = [];
  /** Rows before the batch at hand. */
  private passed = 0;

  constructor(
    context: Pick<GraphContext, "objects">,
    readonly layered: LayeredSegment,
  ) {
    const { segment } = layered;
    this.cursor = new Cursor(liveBatches(context, { segment, allDead: ALL_LIVE }));
  }

  nextBatch(): Promise<boolean> {
    this.passed += this.cursor.batch.length;
    return this.cursor.next();
  }

  /** The row at hand is replaced; others who stand at it may have said so already. */
  note(): void {
    const row = this.passed + this.cursor.row;
    if (this.replaced.at(-1) !== row) this.replaced.push(row);
  }
}
