// Keeps the rows of one side that have partners on the other, whose rows nobody asks for. Where partners only have to exist,
// few of them are looked at: a row is settled by the first that passes.

import type { VariableSlot } from "../../query/plan.ts";
import type { FilterClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { beside, type Narrow } from "./join.ts";
import { type Entries, rowsByCode, sharedEntries } from "./join-entries.ts";
import { FIRST_PARTNERS, MORE_PARTNERS, PAIR_BLOCK_ROWS } from "./limits.ts";
import { columnOf, keepColumns, keepRows, NumberList, type Relation } from "./relation.ts";

export interface SemiJoinRequest {
  readonly links: readonly FilterClause[];
  /** Tests pairs of rows; null where the links are all. */
  readonly narrow: Narrow | null;
  /** Variables that `narrow` looks at. */
  readonly tested: ReadonlySet<VariableSlot>;
  /** False where it only matters which rows have a partner. */
  readonly isCounted: boolean;
}

/** The rows of `kept` that have partners among those of `other`, each with the weight of all of them. */
export async function semiJoin(
  context: ReadContext,
  kept: Relation,
  other: Relation,
  { links, narrow, tested, isCounted }: SemiJoinRequest,
): Promise<Relation> {
  const shared = await sharedEntries(context, kept, other, links);
  const partners =
    narrow === null
      ? partnersByCode(kept, other, shared)
      : await new PartnerSearch(context, kept, other, shared, { narrow, tested, isCounted }).partners();
  if (!isCounted) return keepRows(kept, (row) => partners[row] > 0);
  const { weights } = kept;
  const multiplied = weights === null ? partners : partners.map((weight, row) => weight * weights[row]);
  return keepRows({ ...kept, weights: multiplied }, (row) => partners[row] > 0);
}

interface Shared {
  readonly left: Entries;
  readonly right: Entries;
  readonly size: number;
}

/** The weight of all partners of each row. */
function partnersByCode(kept: Relation, other: Relation, { left, right, size }: Shared): Float64Array {
  const weightOf = new Float64Array(size);
  for (let i = 0; i < right.rows.length; i++)
    weightOf[right.codes[i]] += other.weights === null ? 1 : other.weights[right.rows[i]];
  const partners = new Float64Array(kept.length);
  for (let i = 0; i < left.rows.length; i++) partners[left.rows[i]] += weightOf[left.codes[i]];
  return partners;
}

/** Tests pairs block by block. */
class PartnerSearch {
  private readonly found: Float64Array;
  private readonly keptRows = new NumberList(PAIR_BLOCK_ROWS);
  private readonly otherRows = new NumberList(PAIR_BLOCK_ROWS);
  private readonly left: Relation;
  private readonly right: Relation;

  constructor(
    private readonly context: ReadContext,
    kept: Relation,
    private readonly other: Relation,
    private readonly shared: Shared,
    private readonly request: Pick<SemiJoinRequest, "tested" | "isCounted"> & { readonly narrow: Narrow },
  ) {
    const isTested = (slot: VariableSlot) => request.tested.has(slot);
    this.found = new Float64Array(kept.length);
    // Beside what is tested: which rows a pair is made of.
    this.left = numbered(keepColumns(kept, isTested), KEPT_ROW);
    this.right = numbered(keepColumns(other, isTested), OTHER_ROW);
  }

  /** The weight of the partners of each row: of all, or, where they only have to exist, of some. */
  async partners(): Promise<Float64Array> {
    const { left, right, size } = this.shared;
    const { begins, rows } = rowsByCode(right, size);
    const next = Int32Array.from(left.codes, (code) => begins[code]);
    let open: Int32Array = Int32Array.from(left.codes, (_, entry) => entry);
    let share = this.request.isCounted ? Number.POSITIVE_INFINITY : FIRST_PARTNERS;
    while (open.length > 0) {
      for (const entry of open) {
        const end = Math.min(begins[left.codes[entry] + 1], next[entry] + share);
        for (; next[entry] < end; next[entry]++) {
          this.keptRows.push(left.rows[entry]);
          this.otherRows.push(rows[next[entry]]);
          if (this.keptRows.length === PAIR_BLOCK_ROWS) await this.finishBlock();
        }
      }
      await this.finishBlock();
      open = open.filter(
        (entry) =>
          next[entry] < begins[left.codes[entry] + 1] &&
          (this.request.isCounted || this.found[left.rows[entry]] === 0),
      );
      share *= MORE_PARTNERS;
    }
    return this.found;
  }

  private async finishBlock(): Promise<void> {
    const { keptRows, otherRows, found } = this;
    const pairs = keptRows.length;
    if (pairs === 0) return;
    const passing = this.request.narrow(beside(this.left, keptRows.array(), this.right, otherRows.array()));
    const own = columnOf(passing, KEPT_ROW);
    const others = columnOf(passing, OTHER_ROW);
    const { weights } = this.other;
    for (let i = 0; i < own.length; i++) found[own[i]] += weights === null ? 1 : weights[others[i]];
    keptRows.clear();
    otherRows.clear();
    await this.context.worked(pairs);
  }
}

/** Slots that no variable and no `not` block has. */
const KEPT_ROW = Number.MIN_SAFE_INTEGER;
const OTHER_ROW = KEPT_ROW + 1;

function numbered({ length, columns }: Relation, slot: VariableSlot): Relation {
  const rows = Int32Array.from({ length }, (_, row) => row);
  return { length, columns: new Map(columns).set(slot, rows), weights: null };
}
