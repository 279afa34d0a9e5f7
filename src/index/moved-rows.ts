// Where rows went when commits were folded into a new base table: what was worked out for the old rows can be carried over.

import type { Stretches } from "./gather.ts";

export interface MovedRows {
  /** For each old row its new one, or -1; those that stay keep their order. */
  readonly rowOf: Int32Array;
  /** New rows that were not there before, ascending. */
  readonly added: Int32Array;
  /** Rows there are now. */
  readonly length: number;
}

/** Where the rows of the first batch went, as the stretches of a new table tell. */
export function movedRows(oldLength: number, stretches: Stretches): MovedRows {
  const rowOf = new Int32Array(oldLength).fill(-1);
  const added: number[] = [];
  let row = 0;
  stretches.each((batch, from, to) => {
    for (let old = from; old < to; old++, row++) {
      if (batch === 0) rowOf[old] = row;
      else added.push(row);
    }
  });
  return { rowOf, added: Int32Array.from(added), length: row };
}
