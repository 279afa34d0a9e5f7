// What layers of rows leave behind, as stretches of their batches: all layers are walked side by side, each in its order,
// and the newest row of an entity wins. Where layers do not overlap, whole batches are taken at a glance.

import type { DeletedEdge, RowBatch, Utf8Column } from "../store/index.ts";
import { textAt } from "../store/index.ts";
import { compareText } from "./columns.ts";
import { Stretches } from "./gather.ts";

/** One step of what a table is made from, oldest first. */
export type Layer =
  /** Rows in table order (of a segment, or of a commit) in consecutive batches, less the dead ones (ascending). */
  | { readonly kind: "rows"; readonly batches: readonly RowBatch[]; readonly dead: Uint32Array | null }
  | { readonly kind: "deletedNodes"; readonly ids: readonly string[] }
  | { readonly kind: "deletedEdges"; readonly edges: readonly DeletedEdge[] };

/** One string per edge, distinct for distinct (source, target, id). */
export const edgeKey = (edge: DeletedEdge): string =>
  `${edge.src.length},${edge.dst.length},${edge.src}${edge.dst}${edge.id}`;

/** The columns that tables of a kind are sorted by. */
function sortColumns(batch: RowBatch): readonly Utf8Column[] {
  return batch.src === null || batch.dst === null ? [batch.ids] : [batch.src, batch.dst, batch.ids];
}

function compareRows(a: readonly Utf8Column[], aRow: number, b: readonly Utf8Column[], bRow: number): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareText(a[i], aRow, b[i], bRow);
    if (order !== 0) return order;
  }
  return 0;
}

/** A place in a layer, moving from live row to live row. */
class Cursor {
  /** The row it stands at, within the batch of this index. */
  row = 0;
  batch = -1;
  columns: readonly Utf8Column[] = [];
  length = 0;
  isDone = false;
  private own = -1;
  /** Rows of the layer before the batch it stands in. */
  private passed = 0;
  private nextDead = 0;

  constructor(
    /** Newer layers have greater numbers. */
    readonly layer: number,
    private readonly batches: readonly RowBatch[],
    private readonly firstBatch: number,
    private readonly dead: Uint32Array | null,
  ) {
    this.nextBatch();
    this.settle();
  }

  private nextBatch(): void {
    this.passed += this.length;
    this.row = 0;
    do this.own++;
    while (this.own < this.batches.length && this.batches[this.own].length === 0);
    if (this.own >= this.batches.length) {
      this.isDone = true;
      this.length = 0;
      return;
    }
    this.batch = this.firstBatch + this.own;
    this.length = this.batches[this.own].length;
    this.columns = sortColumns(this.batches[this.own]);
  }

  /** Moves on to a live row, where it does not stand at one. */
  private settle(): void {
    while (!this.isDone) {
      if (this.row >= this.length) this.nextBatch();
      else if (this.dead !== null && this.dead[this.nextDead] === this.passed + this.row) {
        this.nextDead++;
        this.row++;
      } else return;
    }
  }

  /** Where the rows that follow one another without a dead one end, within the batch. */
  get stretchEnd(): number {
    const dead = this.dead?.[this.nextDead];
    return dead === undefined ? this.length : Math.min(this.length, dead - this.passed);
  }

  moveTo(row: number): void {
    this.row = row;
    this.settle();
  }

  compare(other: Cursor): number {
    return compareRows(this.columns, this.row, other.columns, other.row);
  }

  private isBelow(row: number, other: Cursor): boolean {
    return compareRows(this.columns, row, other.columns, other.row) < 0;
  }

  /** First row from the current one up to `end` that is not below the other's. */
  firstNotBelow(end: number, other: Cursor): number {
    if (!this.isBelow(this.row, other)) return this.row;
    // Gallop: most stretches are short, or reach to the end. Rows before `low` are below, `high` is not, or the end.
    let low = this.row + 1;
    let step = 1;
    while (low + step - 1 < end && this.isBelow(low + step - 1, other)) {
      low += step;
      step *= 2;
    }
    let high = Math.min(end, low + step - 1);
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.isBelow(middle, other)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  key(row: number): string {
    if (this.columns.length === 1) return textAt(this.columns[0], row);
    const [src, dst, id] = this.columns.map((column) => textAt(column, row));
    return edgeKey({ src, dst, id });
  }
}

/** The newest row of each entity that was not deleted after it, in table order. */
export function mergeLayers(layers: readonly Layer[]): { batches: RowBatch[]; stretches: Stretches } {
  const batches: RowBatch[] = [];
  const cursors: Cursor[] = [];
  /** The last layer that deleted an entity. */
  const deletions = new Map<string, number>();
  layers.forEach((layer, i) => {
    if (layer.kind === "rows") {
      const cursor = new Cursor(i, layer.batches, batches.length, layer.dead);
      batches.push(...layer.batches);
      if (!cursor.isDone) cursors.push(cursor);
    } else if (layer.kind === "deletedNodes") for (const id of layer.ids) deletions.set(id, i);
    else for (const edge of layer.edges) deletions.set(edgeKey(edge), i);
  });
  return { batches, stretches: merge(cursors, deletions) };
}

/** Made without an array or an object for each row: beside tables this large they would stay in memory for long. */
function merge(cursors: Cursor[], deletions: ReadonlyMap<string, number>): Stretches {
  const stretches = new Stretches();
  const open = cursors.sort(inOrder);
  while (open.length > 0) {
    const first = open[0];
    let to = first.stretchEnd;
    if (open.length > 1) {
      to = first.firstNotBelow(to, open[1]);
      // Both stand at one entity: the newer row is taken, and the older ones passed over.
      if (to === first.row) {
        while (open.length > 1 && open[1].compare(first) === 0) move(open, 1, open[1].row + 1);
        to = first.row + 1;
      }
    }
    take(stretches, first, to, deletions);
    move(open, 0, to);
  }
  return stretches;
}

/** By where they stand; of equals the newest first. */
const inOrder = (a: Cursor, b: Cursor) => a.compare(b) || b.layer - a.layer;

/** Moves the cursor at a place of the list to a row, and then to its place among those behind it. */
function move(open: Cursor[], from: number, row: number): void {
  const cursor = open[from];
  cursor.moveTo(row);
  if (cursor.isDone) {
    open.splice(from, 1);
    return;
  }
  let at = from;
  for (; at + 1 < open.length && inOrder(open[at + 1], cursor) < 0; at++) open[at] = open[at + 1];
  open[at] = cursor;
}

function take(
  stretches: Stretches,
  cursor: Cursor,
  to: number,
  deletions: ReadonlyMap<string, number>,
): void {
  if (deletions.size === 0) {
    stretches.add(cursor.batch, cursor.row, to);
    return;
  }
  // A deletion reaches the rows that were there before it.
  for (let row = cursor.row; row < to; row++) {
    if ((deletions.get(cursor.key(row)) ?? -1) < cursor.layer) stretches.add(cursor.batch, row, row + 1);
  }
}
