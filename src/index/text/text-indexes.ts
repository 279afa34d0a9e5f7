// The full-text indexes of a base table, by property. Where commits were folded into the table, an index of the table before
// is carried over, so that only texts that came or changed since are analysed.

import type { StableId } from "../../schema/catalog.ts";
import { type RowBatch, takeRows, type Utf8Column } from "../../store/index.ts";
import type { MovedRows } from "../moved-rows.ts";
import { buildTextIndex, emptyTextIndex, type TextIndex } from "./text-index.ts";

/** What a table before this one knew of its texts, and where its rows went. */
export interface CarriedTexts {
  readonly indexes: ReadonlyMap<StableId, TextIndex>;
  readonly moved: MovedRows;
}

type Breathe = () => Promise<void>;

export class TextIndexes {
  private readonly indexes = new Map<StableId, Promise<TextIndex>>();
  private readonly ready = new Map<StableId, TextIndex>();
  /** Those that nobody has asked for since. */
  private readonly carried: Map<StableId, TextIndex>;
  private readonly moved: MovedRows | null;

  constructor(
    private readonly rows: RowBatch,
    carried: CarriedTexts | null,
  ) {
    this.carried = new Map(carried?.indexes);
    this.moved = carried?.moved ?? null;
  }

  /** True where an index is there, or is made already. */
  has(property: StableId): boolean {
    return this.indexes.has(property);
  }

  /** What the next table can carry over. */
  finished(): ReadonlyMap<StableId, TextIndex> {
    return this.ready;
  }

  /** The index over a string property, built on first need; `breathe` lets other work run meanwhile. */
  forSearch(property: StableId, breathe: Breathe): Promise<TextIndex> {
    let index = this.indexes.get(property);
    if (index === undefined) {
      index = this.build(property, breathe);
      this.indexes.set(property, index);
      index.then(
        (made) => {
          this.ready.set(property, made);
          this.carried.delete(property);
        },
        // A build that was stopped is begun anew by whoever asks next.
        () => this.indexes.delete(property),
      );
    }
    return index;
  }

  private async build(property: StableId, breathe: Breathe): Promise<TextIndex> {
    const column = this.rows.columns.get(property);
    if (column?.kind !== "utf8") return emptyTextIndex(this.rows.length);
    const old = this.carried.get(property);
    if (old === undefined || this.moved === null) return buildTextIndex(column, this.rows.length, breathe);
    const { added } = this.moved;
    const texts = await buildTextIndex(textsAt(property, column, added), added.length, breathe);
    return old.moved(this.moved, texts, breathe);
  }
}

function textsAt(property: StableId, column: Utf8Column, rows: Int32Array): Utf8Column {
  const batch: RowBatch = {
    length: column.offsets.length - 1,
    ids: column,
    src: null,
    dst: null,
    columns: new Map([[property, column]]),
  };
  const taken = takeRows(batch, Uint32Array.from(rows)).columns.get(property);
  if (taken?.kind !== "utf8") throw new Error("invariant broken: texts were taken and are none");
  return taken;
}
