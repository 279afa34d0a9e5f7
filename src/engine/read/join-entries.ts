// What the two sides of a join have in common: rows numbered by the values that they offer, equal values by equal numbers.

import type { Table } from "../../index/index.ts";
import type { Operand, Value } from "../../query/plan.ts";
import { hashable } from "./compare.ts";
import type { FilterClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { MAP_ENTRY_BYTES } from "./limits.ts";
import { columnOf, NumberList, type Relation } from "./relation.ts";
import { inSlices } from "./slices.ts";

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
export interface Entries {
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

/** Both sides' entries under one numbering, that of the smaller side. Without links all rows are partners of each other. */
export async function sharedEntries(
  context: ReadContext,
  left: Relation,
  right: Relation,
  links: readonly FilterClause[],
): Promise<{ left: Entries; right: Entries; size: number }> {
  if (links.length === 0) return { left: alike(left.length), right: alike(right.length), size: 1 };
  const codes = new TupleCodes(links.length);
  const isLeftSmaller = left.length <= right.length;
  const [first, second] = isLeftSmaller ? [left, right] : [right, left];
  const added = await entriesOf(context, first, links, codes, true);
  const known = await entriesOf(context, second, links, codes, false);
  const [ofLeft, ofRight] = isLeftSmaller ? [added, known] : [known, added];
  return { left: ofLeft, right: ofRight, size: codes.size };
}

function alike(length: number): Entries {
  return { rows: Int32Array.from({ length }, (_, row) => row), codes: new Int32Array(length) };
}

/** Entries by code: those of a code stand from `begins[code]` up to `begins[code + 1]`. */
export function rowsByCode({ rows, codes }: Entries, size: number): { begins: Int32Array; rows: Int32Array } {
  const begins = new Int32Array(size + 1);
  for (let i = 0; i < codes.length; i++) begins[codes[i] + 1]++;
  for (let code = 0; code < size; code++) begins[code + 1] += begins[code];
  const next = begins.slice();
  const sorted = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) sorted[next[codes[i]]++] = rows[i];
  return { begins, rows: sorted };
}
