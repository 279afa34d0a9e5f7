// One hop along an edge type, with set semantics: from the node of each row to its neighbours, each once.

import type { EdgeTable } from "../../index/index.ts";
import type { VariableSlot } from "../../query/plan.ts";
import type { ReadContext } from "./context.ts";
import type { EndTest } from "./end-test.ts";
import { bytesOf, checkRows, columnOf, NumberList, type Relation, takeNumbers } from "./relation.ts";
import { inSlices } from "./slices.ts";
import type { ExpandMode } from "./steps.ts";
import { Tally } from "./tally.ts";

export interface HopRequest {
  readonly table: EdgeTable;
  readonly direction: "out" | "in" | "both";
  readonly start: VariableSlot;
  readonly end: VariableSlot;
  readonly mode: ExpandMode;
  /** Which ends count; null: all. */
  readonly test: EndTest | null;
  /** False where it only matters which rows there are. */
  readonly isCounted: boolean;
  /** Columns that are still asked for afterwards. */
  readonly isKept: (slot: VariableSlot) => boolean;
}

export function expandHop(context: ReadContext, relation: Relation, hop: HopRequest): Promise<Relation> {
  switch (hop.mode) {
    case "each":
      return eachNeighbour(context, relation, hop);
    case "close":
      return closed(context, relation, hop);
    case "merge":
      return merged(context, relation, hop);
    case "tally":
      return tallied(context, relation, hop);
  }
}

async function eachNeighbour(context: ReadContext, relation: Relation, hop: HopRequest): Promise<Relation> {
  const { test } = hop;
  const starts = columnOf(relation, hop.start);
  const lists = hop.table.neighbours(hop.direction);
  const ends = new NumberList(relation.length + 16);
  /** How many results each row has. */
  const counts = new Int32Array(relation.length);
  await inSlices(context, relation.length, (row) => {
    lists.open(starts[row]);
    const before = ends.length;
    if (test === null) {
      ends.append(lists.ends, lists.from, lists.to);
    } else {
      for (let i = lists.from; i < lists.to; i++) if (test.passes(lists.ends[i])) ends.push(lists.ends[i]);
    }
    counts[row] = ends.length - before;
    return lists.count;
  });
  return repeated(context, relation, counts, { slot: hop.end, ends: ends.array() }, hop.isKept);
}

/** Each row as often as its count tells, beside the ends. */
export function repeated(
  context: ReadContext,
  relation: Relation,
  counts: Int32Array,
  { slot, ends }: { readonly slot: VariableSlot; readonly ends: Int32Array },
  isKept: (slot: VariableSlot) => boolean,
): Relation {
  checkRows(ends.length);
  const kept = [...relation.columns].filter(([column]) => isKept(column));
  context.memory.check((kept.length + 1) * ends.byteLength);
  const columns = new Map<VariableSlot, Int32Array>();
  for (const [column, values] of kept) {
    const out = new Int32Array(ends.length);
    repeatInto(out, values, counts);
    columns.set(column, out);
  }
  // What the list has room for beyond its end would be held as long as the column.
  if (isKept(slot)) columns.set(slot, ends.buffer.byteLength > 2 * ends.byteLength ? ends.slice() : ends);
  let weights: Float64Array | null = null;
  if (relation.weights !== null) {
    weights = new Float64Array(ends.length);
    repeatInto(weights, relation.weights, counts);
  }
  return { length: ends.length, columns, weights };
}

function repeatInto(
  out: Int32Array | Float64Array,
  values: Int32Array | Float64Array,
  counts: Int32Array,
): void {
  let at = 0;
  for (let row = 0; row < counts.length; row++) {
    const value = values[row];
    for (const end = at + counts[row]; at < end; at++) out[at] = value;
  }
}

/** Rows whose two ends are neighbours. */
async function closed(context: ReadContext, relation: Relation, hop: HopRequest): Promise<Relation> {
  const starts = columnOf(relation, hop.start);
  const ends = columnOf(relation, hop.end);
  const lists = hop.table.neighbours(hop.direction);
  const rows = new NumberList(relation.length);
  await inSlices(context, relation.length, (row) => {
    lists.open(starts[row]);
    if (lists.has(ends[row])) rows.push(row);
    return 1;
  });
  return keptRows(relation, rows.array(), hop.isKept);
}

/** The given rows, in columns that are still asked for. */
export function keptRows(
  relation: Relation,
  rows: Int32Array,
  isKept: (slot: VariableSlot) => boolean,
  weights: Float64Array | null = null,
): Relation {
  const columns = new Map<VariableSlot, Int32Array>();
  const isWhole = rows.length === relation.length;
  for (const [slot, column] of relation.columns) {
    if (isKept(slot)) columns.set(slot, isWhole ? column : takeNumbers(column, rows));
  }
  return { length: rows.length, columns, weights: weights ?? weightsOf(relation, rows) };
}

function weightsOf({ weights }: Relation, rows: Int32Array): Float64Array | null {
  return weights === null ? null : Float64Array.from(rows, (row) => weights[row]);
}

/** The nodes that any row reaches, each once, with the weights of the rows that do. */
async function merged(context: ReadContext, relation: Relation, hop: HopRequest): Promise<Relation> {
  const { test } = hop;
  const starts = columnOf(relation, hop.start);
  const { weights } = relation;
  const lists = hop.table.neighbours(hop.direction);
  const tally = new Tally(context.nodes(hop.end).bound);
  await inSlices(context, relation.length, (row) => {
    lists.open(starts[row]);
    tally.addAll(lists.ends, lists.from, lists.to, weights === null ? 1 : weights[row]);
    return lists.count;
  });
  const result = tally.relation(hop.end, test, hop.isCounted);
  context.memory.check(bytesOf(result));
  return result;
}

/** The rows that have neighbours, each with the weight of all of them. */
async function tallied(context: ReadContext, relation: Relation, hop: HopRequest): Promise<Relation> {
  const { test, isCounted } = hop;
  const starts = columnOf(relation, hop.start);
  const lists = hop.table.neighbours(hop.direction);
  const rows = new NumberList(relation.length);
  const weights = new Float64Array(isCounted ? relation.length : 0);
  await inSlices(context, relation.length, (row) => {
    lists.open(starts[row]);
    const found = test === null ? lists.count : test.count(lists.ends, lists.from, lists.to, isCounted);
    if (found === 0) return lists.count;
    if (isCounted) weights[rows.length] = found * (relation.weights === null ? 1 : relation.weights[row]);
    rows.push(row);
    return test === null ? 1 : lists.count;
  });
  const kept = rows.array();
  return keptRows(relation, kept, hop.isKept, isCounted ? weights.subarray(0, kept.length) : null);
}
