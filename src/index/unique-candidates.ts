// Which base rows may spell a tuple of a unique constraint: all that do, and perhaps some that do not. A constraint of one
// property asks the index of its values, or scans for it while there is none; others have their tuples laid out in a map.

import { letOthersRun } from "../lib/event-loop.ts";
import { encodeUtf8 } from "../lib/utf8.ts";
import type { Property } from "../schema/catalog.ts";
import { type Column, isValid } from "../store/index.ts";
import type { BaseTable } from "./base-table.ts";
import { SCANNED_TUPLES_MAX } from "./limits.ts";
import { hashRank, type Rank, valueRank } from "./values/rank.ts";

export type Candidates = (tuples: readonly string[]) => Promise<readonly number[]>;

/** `read` tells the tuple of a base row, null where it has none. */
export function candidatesIn(
  base: BaseTable,
  parts: readonly ("src" | "dst" | Property)[],
  read: (row: number) => string | null,
): Candidates {
  const [part] = parts;
  const field = typeof part === "object" ? part.id : part;
  const column = parts.length === 1 ? base.values.column(field) : undefined;
  const rank = column === undefined ? null : valueRank(column);
  if (column === undefined || rank === null) return mapped(base, read);
  return async (tuples) => {
    const sought = tuples.map((tuple) => soughtRank(column, tuple));
    const index =
      sought.length > SCANNED_TUPLES_MAX
        ? await base.values.build(field, letOthersRun)
        : await base.values.valuesWhenDue(field, true, letOthersRun);
    if (index !== null) return sought.flatMap((own) => [...index.find({ least: own, greatest: own })]);
    const rows = scanned(column, rank, base.length, new Set(sought));
    base.values.scanned(field, base.length, rows.length);
    return rows;
  };
}

/** The rank of the value that a tuple of one part spells. */
function soughtRank(column: Column, tuple: string): number {
  const [text] = JSON.parse(tuple) as string[];
  if (column.kind === "utf8") {
    const bytes = encodeUtf8(text);
    return hashRank(bytes, 0, bytes.length);
  }
  return column.kind === "f32" ? Math.fround(Number(text)) : Number(text);
}

function scanned(column: Column, rank: Rank, length: number, sought: ReadonlySet<number>): number[] {
  const rows: number[] = [];
  for (let row = 0; row < length; row++)
    if (isValid(column.valid, row) && sought.has(rank(row))) rows.push(row);
  return rows;
}

/** All tuples in a map, made on first need. */
function mapped(base: BaseTable, read: (row: number) => string | null): Candidates {
  let rowsOf: Map<string, number[]> | null = null;
  return async (tuples) => {
    rowsOf ??= rowsByTuple(base, read);
    const all = rowsOf;
    return tuples.flatMap((tuple) => all.get(tuple) ?? []);
  };
}

function rowsByTuple(base: BaseTable, read: (row: number) => string | null): Map<string, number[]> {
  const rowsOf = new Map<string, number[]>();
  for (let row = 0; row < base.length; row++) {
    const tuple = read(row);
    if (tuple === null) continue;
    const rows = rowsOf.get(tuple);
    if (rows === undefined) rowsOf.set(tuple, [row]);
    else rows.push(row);
  }
  return rowsOf;
}
