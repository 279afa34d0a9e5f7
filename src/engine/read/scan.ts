// Finds the entities of one table that pass comparisons with constants. There are several ways to the rows that may: a list
// of ids, an index of values, a stretch of the keys by which the table is sorted, or a scan of the zones that can hold them.
// All ways lead to the same numbers. Reads and mutations come here alike.

import { FOUND_ROW_COST, firstAtOrAfter, isWholeKey, type Table } from "../../index/index.ts";
import { letOthersRun } from "../../lib/event-loop.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import type { EntityType } from "../../schema/catalog.ts";
import { declaredIndexes } from "../../schema/index.ts";
import type { Utf8Column } from "../../store/index.ts";
import { type NumberTest, selecting } from "./column-test.ts";
import { itemsOf } from "./compare.ts";
import {
  baseTest,
  type Comparison,
  comparisonTest,
  type Field,
  fieldColumn,
  fieldId,
  isUnique,
} from "./comparison.ts";
import { NUMBERS_PER_WORK, SCAN_SLICE_ROWS } from "./limits.ts";
import { orderRange, valueRanges } from "./rank-range.ts";

/** How base rows are come by, and how many of them are looked at. */
export type Way = Lookup | Stretch;

interface Lookup {
  /** An index of values, or the hash over the ids. */
  readonly access: "values" | "ids";
  readonly rows: number;
  /** What the lookup goes by. */
  readonly by: Comparison;
  /** Base rows that may meet it, each once. Do not write to them. */
  readonly candidates: () => readonly Int32Array[];
}

interface Stretch {
  readonly access: "key range" | "zones" | "scan";
  readonly rows: number;
  /** From, to, from, to, … */
  readonly stretches: readonly number[];
}

/** How a scan comes by its rows; `id`: the key is given. */
export type Access = "id" | Way["access"];

export interface Scanned {
  /** Ascending. Do not write to them. */
  readonly numbers: Int32Array;
  /** Rows that were looked at. */
  readonly rows: number;
  readonly access: Access;
}

/** Told of work that was done; now and then lets other work run, or throws where nobody waits for the answer any more. */
export interface Pace {
  worked(work: number): Promise<void> | undefined;
}

/** The way that looks at the fewest rows; what the comparisons leave open is tested on each. */
export function wayTo(table: Table, comparisons: readonly Comparison[]): Way {
  const stretches = stretchesOf(table, comparisons);
  const lookup = bestLookup(table, comparisons);
  return lookup !== null && lookup.rows * FOUND_ROW_COST <= stretches.rows ? lookup : stretches;
}

function stretchesOf(table: Table, comparisons: readonly Comparison[]): Stretch {
  const { length, values } = table.base;
  const keys = keyRange(table, comparisons);
  let stretches: number[] = [keys.from, keys.to];
  for (const compared of comparisons) {
    const column = fieldColumn(table, compared.field);
    const range = column === undefined ? null : orderRange(column, compared);
    const zones = range === null ? null : values.zones(fieldId(compared.field));
    if (range !== null && zones !== null) stretches = zones.within(stretches, range);
  }
  let rows = 0;
  for (let i = 0; i < stretches.length; i += 2) rows += stretches[i + 1] - stretches[i];
  const inKeys = keys.to - keys.from;
  const access = inKeys < length ? "key range" : rows < length ? "zones" : "scan";
  return { access, stretches, rows };
}

/** The column by which the rows of a base are sorted, where it stands for a field. */
function sortedColumn({ type, rows }: Table, field: Field): Utf8Column | null {
  if (typeof field !== "object") return field === "src" ? rows.src : null;
  return isWholeKey(type, field) && field.type.scalar === "String" ? rows.ids : null;
}

/** The base rows whose keys lie within all comparisons of the key. */
function keyRange(table: Table, comparisons: readonly Comparison[]): { from: number; to: number } {
  const { length } = table.base;
  let from = 0;
  let to = length;
  for (const { field, operator, constant } of comparisons) {
    const column = sortedColumn(table, field);
    if (column === null || typeof constant !== "string") continue;
    const text = encodeUtf8(constant);
    const first = () => firstAtOrAfter(column, length, text);
    // No text lies between one and the same with a zero byte behind it.
    const after = () => firstAtOrAfter(column, length, Uint8Array.of(...text, 0));
    if (operator === "=" || operator === ">=" || operator === "starts_with") from = Math.max(from, first());
    if (operator === ">") from = Math.max(from, after());
    if (operator === "=" || operator === "<=") to = Math.min(to, after());
    if (operator === "<") to = Math.min(to, first());
    if (operator === "starts_with") {
      const next = textAfterAll(text);
      if (next !== null) to = Math.min(to, firstAtOrAfter(column, length, next));
    }
  }
  return { from, to: Math.max(from, to) };
}

/** The first bytes above every text that a text begins; null where there are none. */
function textAfterAll(text: Uint8Array): Uint8Array | null {
  let last = text.length - 1;
  while (last >= 0 && text[last] === 0xff) last--;
  if (last < 0) return null;
  const next = text.slice(0, last + 1);
  next[last]++;
  return next;
}

function bestLookup(table: Table, comparisons: readonly Comparison[]): Lookup | null {
  let best: Lookup | null = null;
  for (const by of comparisons) {
    for (const lookup of [idLookup(table, by), valueLookup(table, by)]) {
      if (lookup !== null && (best === null || lookup.rows < best.rows)) best = lookup;
    }
  }
  return best;
}

/** By a list of keys that are spelled like the ids. */
function idLookup(table: Table, by: Comparison): Lookup | null {
  if (by.operator !== "in" || sortedColumn(table, by.field) !== table.rows.ids) return null;
  const rows = new Set<number>();
  for (const item of itemsOf(by.constant)) {
    const row = typeof item === "string" ? table.base.find(item) : -1;
    if (row >= 0) rows.add(row);
  }
  return { access: "ids", by, rows: rows.size, candidates: () => [Int32Array.from(rows)] };
}

function valueLookup(table: Table, by: Comparison): Lookup | null {
  const column = fieldColumn(table, by.field);
  const index = table.base.values.values(fieldId(by.field));
  const ranges = column === undefined || index === null ? null : valueRanges(column, by);
  if (index === null || ranges === null) return null;
  const rows = ranges.reduce((sum, range) => sum + index.count(range), 0);
  return { access: "values", by, rows, candidates: () => ranges.map((range) => index.find(range)) };
}

/** Finds what passes all comparisons, and all other tests. */
export async function scanTable(
  table: Table,
  comparisons: readonly Comparison[],
  others: readonly NumberTest[],
  pace: Pace,
): Promise<Scanned> {
  if (comparisons.length === 0 && others.length === 0) {
    await pace.worked(table.count);
    return { numbers: table.all(), rows: table.count, access: "scan" };
  }
  // The most telling ones first.
  const inOrder = [...comparisons].sort((a, b) => tellingOf(a) - tellingOf(b));
  await buildDueIndexes(table, inOrder);
  const way = wayTo(table, inOrder);
  const inBase =
    "candidates" in way
      ? lookedUp(table, way, inOrder, others)
      : await selected(table, way, inOrder, others, pace);
  const touched = touchedPassing(table, inOrder, others);
  const rows = way.rows + (table.isPlain ? 0 : table.delta.changed.length);
  return { numbers: merged(inBase, touched), rows, access: way.access };
}

const TELLING = ["=", "in", "starts_with", "<", "<=", ">", ">=", "contains", "!="];

const tellingOf = ({ operator }: Comparison) => TELLING.indexOf(operator);

async function buildDueIndexes(table: Table, comparisons: readonly Comparison[]): Promise<void> {
  const { values } = table.base;
  for (const compared of comparisons) {
    const column = fieldColumn(table, compared.field);
    if (column === undefined || valueRanges(column, compared) === null) continue;
    // Others may wait for it too, so that this request's end does not stop it.
    await values.valuesWhenDue(fieldId(compared.field), isDeclared(table.type, compared.field), letOthersRun);
  }
}

/** True where the schema promises lookups by a field alone. */
function isDeclared(type: EntityType, field: Field): boolean {
  const name = typeof field === "object" ? field.name : field;
  return (
    isUnique(type, field) || declaredIndexes(type).some((names) => names.length === 1 && names[0] === name)
  );
}

const NOTHING = new Int32Array(0);

/** True for a row that no commit touched, as far as this view goes. */
const isOfBase = (table: Table, row: number) => table.isPlain || !table.isTouched(row);

/** Base rows that a lookup names, less those that commits touched, in the order of their numbers. */
function lookedUp(
  table: Table,
  { candidates }: Lookup,
  comparisons: readonly Comparison[],
  others: readonly NumberTest[],
): Int32Array {
  const tests = [...comparisons.map((compared) => comparisonTest(table, compared)), ...others];
  const parts = candidates().map((rows) =>
    rows.filter((row) => isOfBase(table, row) && tests.every((test) => test(row))),
  );
  const rows = parts.length === 1 ? parts[0] : Int32Array.from(parts.flatMap((part) => [...part]));
  return rows.sort();
}

/** Base rows of stretches, less those that commits touched. */
async function selected(
  table: Table,
  { stretches, rows }: Stretch,
  comparisons: readonly Comparison[],
  others: readonly NumberTest[],
  pace: Pace,
): Promise<Int32Array> {
  const [first, ...rest] = comparisons;
  const select = first === undefined ? selecting(() => true) : baseTest(table, first);
  if (select === null) return NOTHING;
  const tests = [...rest.map((compared) => comparisonTest(table, compared)), ...others];
  if (!table.isPlain) tests.unshift((row) => isOfBase(table, row));
  const out = new Int32Array(rows + 1);
  const rowsPerWork = tests.length === 0 && isOfNumbers(table, first) ? NUMBERS_PER_WORK : 1;
  let count = 0;
  let found = 0;
  for (let i = 0; i < stretches.length; i += 2) {
    for (let from = stretches[i]; from < stretches[i + 1]; from += SCAN_SLICE_ROWS) {
      const to = Math.min(stretches[i + 1], from + SCAN_SLICE_ROWS);
      const end = select.select(from, to, out, count);
      found += end - count;
      count = tests.length === 0 ? end : compact(out, count, end, tests);
      await pace.worked((to - from) / rowsPerWork);
    }
  }
  noteScan(table, first, rows, found);
  return out.slice(0, count);
}

function isOfNumbers(table: Table, compared: Comparison | undefined): boolean {
  const column = compared === undefined ? undefined : fieldColumn(table, compared.field);
  return column !== undefined && column.kind !== "utf8" && column.kind !== "list" && column.kind !== "vector";
}

/** Moves those of a stretch that pass all tests to its front; answers where they end. */
function compact(numbers: Int32Array, from: number, to: number, tests: readonly NumberTest[]): number {
  let kept = from;
  for (let i = from; i < to; i++) {
    const number = numbers[i];
    let passes = true;
    for (let t = 0; passes && t < tests.length; t++) passes = tests[t](number);
    if (passes) numbers[kept++] = number;
  }
  return kept;
}

function noteScan(table: Table, first: Comparison | undefined, scanned: number, found: number): void {
  const column = first === undefined ? undefined : fieldColumn(table, first.field);
  if (first === undefined || column === undefined) return;
  const isIndexed = valueRanges(column, first) !== null;
  table.base.values.scanned(fieldId(first.field), scanned, isIndexed ? found : scanned);
}

/** Live numbers that commits touched, ascending. */
function touchedPassing(
  table: Table,
  comparisons: readonly Comparison[],
  others: readonly NumberTest[],
): Int32Array {
  if (table.isPlain) return NOTHING;
  const { changed } = table.delta;
  const tests = [...comparisons.map((compared) => comparisonTest(table, compared)), ...others];
  const passing = changed.filter((number) => table.isLive(number) && tests.every((test) => test(number)));
  return Int32Array.from(passing).sort();
}

/** Two ascending lists as one. A commit may touch a row between the making of them: it is in both then, and counts once. */
function merged(a: Int32Array, b: Int32Array): Int32Array {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const out = new Int32Array(a.length + b.length);
  let count = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const next = j >= b.length || (i < a.length && a[i] <= b[j]) ? a[i] : b[j];
    if (a[i] === next) i++;
    if (b[j] === next) j++;
    out[count++] = next;
  }
  return out.subarray(0, count);
}
