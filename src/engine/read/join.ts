// Brings together what no traversal links: by values that both sides share, or as a product.

import type { Table } from "../../index/index.ts";
import type { Operand, Value } from "../../query/plan.ts";
import { hashable } from "./compare.ts";
import type { FilterClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { MAP_ENTRY_BYTES, PRODUCT_BLOCK_ROWS } from "./limits.ts";
import {
  checkRows,
  columnOf,
  concatRelations,
  keepRows,
  NumberList,
  type Relation,
  takeRows,
} from "./relation.ts";
import { inSlices } from "./slices.ts";

/** The two sides row by row: row `left[i]` of the one beside row `right[i]` of the other. */
function beside(left: Relation, leftRows: Int32Array, right: Relation, rightRows: Int32Array): Relation {
  const a = takeRows(left, leftRows);
  const b = takeRows(right, rightRows);
  const columns = new Map([...a.columns, ...b.columns]);
  return { length: leftRows.length, columns, weights: multiplied(a.weights, b.weights) };
}

function multiplied(a: Float64Array | null, b: Float64Array | null): Float64Array | null {
  if (a === null || b === null) return a ?? b;
  return a.map((weight, row) => weight * b[row]);
}

/** Every row of the one with every row of the other, narrowed block by block. */
export async function product(
  context: ReadContext,
  left: Relation,
  right: Relation,
  narrow: (block: Relation) => Relation,
): Promise<Relation> {
  const parts: Relation[] = [];
  let kept = 0;
  const pairs = left.length * right.length;
  for (let first = 0; first < Math.max(1, pairs); first += PRODUCT_BLOCK_ROWS) {
    const count = Math.min(PRODUCT_BLOCK_ROWS, pairs - first);
    const leftRows = new Int32Array(count);
    const rightRows = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      leftRows[i] = (first + i) / right.length;
      rightRows[i] = (first + i) % right.length;
    }
    const block = narrow(beside(left, leftRows, right, rightRows));
    if (block.length > 0 || parts.length === 0) parts.push(block);
    kept += block.length;
    checkRows(kept);
    // The parts are laid end to end when all are there.
    context.memory.check(kept * block.columns.size * 2 * Int32Array.BYTES_PER_ELEMENT);
    await context.worked(count);
  }
  return concatRelations(parts);
}

type PropertyOperand = Extract<Operand, { kind: "property" }>;

/** The operands of each link that stand on one side. */
function operandsOn(side: Relation, links: readonly FilterClause[]): PropertyOperand[] {
  return links.map(({ left, right }) => {
    for (const operand of [left, right])
      if (operand.kind === "property" && side.columns.has(operand.variable)) return operand;
    throw new Error("invariant broken: a link does not reach both sides");
  });
}

/** Numbers tuples of values, so that equal ones have one code. */
class TupleCodes {
  private readonly values: readonly Map<Value, number>[];
  private readonly pairs = new Map<number, number>();

  constructor(parts: number) {
    this.values = Array.from({ length: parts }, () => new Map<Value, number>());
  }

  /** Codes are below this. */
  get size(): number {
    return this.values.length === 1 ? this.values[0].size : this.pairs.size;
  }

  /** The code of a tuple, or -1 where it is new and `isAdded` does not ask to add it. A null is equal to nothing. */
  code(tuple: readonly Value[], isAdded: boolean): number {
    let code = -1;
    for (let part = 0; part < tuple.length; part++) {
      const value = tuple[part];
      const own = value === null ? -1 : codeIn(this.values[part], hashable(value), isAdded);
      if (own < 0) return -1;
      code = part === 0 ? own : codeIn(this.pairs, code * CODES_MAX + own, isAdded);
      if (code < 0) return -1;
    }
    return code;
  }
}

/** More than a relation has rows, and few enough that two codes make one exact number. */
const CODES_MAX = 2 ** 26;

function codeIn<K>(codes: Map<K, number>, key: K, isAdded: boolean): number {
  const known = codes.get(key);
  if (known !== undefined || !isAdded) return known ?? -1;
  codes.set(key, codes.size);
  return codes.size - 1;
}

/** Rows with the codes of what they offer: one for its tuple, or, where a link asks for a member of a list, several. */
interface Entries {
  readonly rows: Int32Array;
  readonly codes: Int32Array;
}

async function entriesOf(
  context: ReadContext,
  side: Relation,
  links: readonly FilterClause[],
  codes: TupleCodes,
  isAdded: boolean,
): Promise<Entries> {
  const parts = operandsOn(side, links).map(({ variable, property }) => ({
    table: context.table(variable) as Table,
    numbers: columnOf(side, variable),
    property,
  }));
  const isList = parts.length === 1 && parts[0].property.type.list;
  const rows = new NumberList(side.length);
  const found = new NumberList(side.length);
  const add = (row: number, tuple: readonly Value[]) => {
    const code = codes.code(tuple, isAdded);
    if (code < 0) return;
    rows.push(row);
    found.push(code);
  };
  await inSlices(context, side.length, (row) => {
    const tuple = parts.map(({ table, numbers, property }) => table.value(numbers[row], property));
    if (!isList) add(row, tuple);
    else if (Array.isArray(tuple[0])) for (const item of new Set(tuple[0].map(hashable))) add(row, [item]);
    context.memory.check(codes.size * MAP_ENTRY_BYTES + 2 * rows.length * Int32Array.BYTES_PER_ELEMENT);
    return isList && Array.isArray(tuple[0]) ? tuple[0].length : 1;
  });
  return { rows: rows.array(), codes: found.array() };
}

/** Both sides' entries under one numbering, that of the smaller side. */
async function sharedEntries(
  context: ReadContext,
  left: Relation,
  right: Relation,
  links: readonly FilterClause[],
): Promise<{ left: Entries; right: Entries; size: number }> {
  const codes = new TupleCodes(links.length);
  const isLeftSmaller = left.length <= right.length;
  const [first, second] = isLeftSmaller ? [left, right] : [right, left];
  const added = await entriesOf(context, first, links, codes, true);
  const known = await entriesOf(context, second, links, codes, false);
  const [ofLeft, ofRight] = isLeftSmaller ? [added, known] : [known, added];
  return { left: ofLeft, right: ofRight, size: codes.size };
}

/** The rows of both sides for which all links hold. */
export async function hashJoin(
  context: ReadContext,
  left: Relation,
  right: Relation,
  links: readonly FilterClause[],
): Promise<Relation> {
  const shared = await sharedEntries(context, left, right, links);
  const { begins, rows } = rowsByCode(shared.right, shared.size);
  const leftRows = new NumberList();
  const rightRows = new NumberList();
  await inSlices(context, shared.left.rows.length, (entry) => {
    const code = shared.left.codes[entry];
    for (let at = begins[code]; at < begins[code + 1]; at++) {
      leftRows.push(shared.left.rows[entry]);
      rightRows.push(rows[at]);
    }
    return begins[code + 1] - begins[code];
  });
  context.memory.check(
    leftRows.length * (left.columns.size + right.columns.size) * Int32Array.BYTES_PER_ELEMENT,
  );
  return beside(left, leftRows.array(), right, rightRows.array());
}

function rowsByCode({ rows, codes }: Entries, size: number): { begins: Int32Array; rows: Int32Array } {
  const begins = new Int32Array(size + 1);
  for (let i = 0; i < codes.length; i++) begins[codes[i] + 1]++;
  for (let code = 0; code < size; code++) begins[code + 1] += begins[code];
  const next = begins.slice();
  const sorted = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) sorted[next[codes[i]]++] = rows[i];
  return { begins, rows: sorted };
}

/** The rows of one side that have partners on the other, each with the weight of all of them. */
export async function semiJoin(
  context: ReadContext,
  kept: Relation,
  counted: Relation,
  links: readonly FilterClause[],
  isCounted: boolean,
): Promise<Relation> {
  const shared = await sharedEntries(context, kept, counted, links);
  const weightOf = new Float64Array(shared.size);
  for (let i = 0; i < shared.right.rows.length; i++) {
    weightOf[shared.right.codes[i]] += counted.weights === null ? 1 : counted.weights[shared.right.rows[i]];
  }
  const partners = new Float64Array(kept.length);
  for (let i = 0; i < shared.left.rows.length; i++)
    partners[shared.left.rows[i]] += weightOf[shared.left.codes[i]];
  if (!isCounted) return keepRows(kept, (row) => partners[row] > 0);
  const weights =
    kept.weights === null ? partners : partners.map((weight, row) => weight * (kept.weights?.[row] ?? 1));
  return keepRows({ ...kept, weights }, (row) => partners[row] > 0);
}
