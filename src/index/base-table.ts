// The resident rows of one type at one moment: immutable, sorted (nodes by id, edges by source, target and id), one live
// row per entity. A row's place is its number. What is derived from the rows (hash, dictionaries, full text) hangs on the
// table that it was derived from, so that every view on the table shares it.

import { partitionPoint } from "../lib/partition-point.ts";
import { encodeUtf8 } from "../lib/utf8.ts";
import type { StableId } from "../schema/catalog.ts";
import type { DeletedEdge, RowBatch, Utf8Column } from "../store/index.ts";
import { compareToBytes } from "./columns.ts";
import { Dictionary } from "./dictionary.ts";
import { gather } from "./gather.ts";
import { IdHash } from "./id-hash.ts";
import { SEARCHES_BEFORE_HASH } from "./limits.ts";
import { type Layer, mergeLayers } from "./merge-layers.ts";
import { movedRows } from "./moved-rows.ts";
import type { TextIndex } from "./text/text-index.ts";
import { type CarriedTexts, TextIndexes } from "./text/text-indexes.ts";
import { ColumnIndexes } from "./values/column-indexes.ts";
import { VectorIndexes } from "./vector/vector-indexes.ts";

export class BaseTable {
  readonly length: number;
  readonly vectors: VectorIndexes;
  readonly values: ColumnIndexes;

  private readonly dictionaries = new Map<StableId, Dictionary>();
  private readonly texts: TextIndexes;
  private hash: IdHash | null = null;
  private searches = 0;
  private numbers: Int32Array | null = null;

  /** `carried`: what a table knew of its texts that was folded into this one. */
  constructor(
    readonly rows: RowBatch,
    carried: CarriedTexts | null = null,
  ) {
    this.length = rows.length;
    this.texts = new TextIndexes(rows, carried);
    this.vectors = new VectorIndexes(rows);
    this.values = new ColumnIndexes(rows);
  }

  /** 0, 1, 2, … Do not write to it. */
  all(): Int32Array {
    if (this.numbers === null) {
      this.numbers = new Int32Array(this.length);
      for (let i = 0; i < this.length; i++) this.numbers[i] = i;
    }
    return this.numbers;
  }

  /** Row of a node id, or -1. */
  find(id: string): number {
    if (this.hash === null && ++this.searches >= SEARCHES_BEFORE_HASH) this.idHash();
    if (this.hash !== null) return this.hash.findText(id);
    const bytes = encodeUtf8(id);
    const row = this.firstNodeAtOrAfter(id);
    return row < this.length && compareToBytes(this.rows.ids, row, bytes) === 0 ? row : -1;
  }

  /** First row whose node id is not below the given one. */
  firstNodeAtOrAfter(id: string): number {
    return firstAtOrAfter(this.rows.ids, this.length, encodeUtf8(id));
  }

  /** Row of an edge, or -1. */
  findEdge(edge: DeletedEdge): number {
    const row = this.firstEdgeAtOrAfter(edge);
    if (row === this.length) return -1;
    return this.compareEdge(row, encodeEdge(edge)) === 0 ? row : -1;
  }

  /** First row whose (source, target, id) is not below the given one. */
  firstEdgeAtOrAfter(edge: DeletedEdge): number {
    const key = encodeEdge(edge);
    return partitionPoint(0, this.length, (row) => this.compareEdge(row, key) < 0);
  }

  private compareEdge(row: number, key: EncodedEdge): number {
    const { src, dst, ids } = edgeColumns(this.rows);
    return (
      compareToBytes(src, row, key.src) ||
      compareToBytes(dst, row, key.dst) ||
      compareToBytes(ids, row, key.id)
    );
  }

  /** The hash over the ids, built on first need (120,000 ids in some 10 ms). */
  idHash(): IdHash {
    this.hash ??= new IdHash(this.rows.ids, this.length);
    return this.hash;
  }

  hasTextIndex(property: StableId): boolean {
    return this.texts.has(property);
  }

  /** The full-text index of a string property, built on first need; `breathe` lets other work run meanwhile. */
  textIndex(property: StableId, breathe: () => Promise<void>): Promise<TextIndex> {
    return this.texts.forSearch(property, breathe);
  }

  /** The table that folding leaves behind: these rows less the dead ones (ascending), and the added ones, in table order. */
  folded(kind: "node" | "edge", dead: Uint32Array, added: RowBatch | null): BaseTable {
    const layers: Layer[] = [{ kind: "rows", batches: [this.rows], dead }];
    if (added !== null) layers.push({ kind: "rows", batches: [added], dead: null });
    const { batches, stretches } = mergeLayers(layers);
    const rows = stretches.length === 0 ? emptyRows(kind) : gather(batches, stretches);
    const indexes = this.texts.finished();
    if (indexes.size === 0) return new BaseTable(rows);
    return new BaseTable(rows, { indexes, moved: movedRows(this.length, stretches) });
  }

  /** The codes of a string property's values, where somebody has asked for them before. */
  knownDictionary(property: StableId): Dictionary | null {
    return this.dictionaries.get(property) ?? null;
  }

  /** Codes of a string property's values, built on first need. */
  dictionary(property: StableId): Dictionary {
    let dictionary = this.dictionaries.get(property);
    if (dictionary === undefined) {
      dictionary = new Dictionary(this.rows.columns.get(property), this.length);
      this.dictionaries.set(property, dictionary);
    }
    return dictionary;
  }
}

/** First row of a sorted column that is not below a text. */
export function firstAtOrAfter(column: Utf8Column, length: number, bytes: Uint8Array): number {
  return partitionPoint(0, length, (row) => compareToBytes(column, row, bytes) < 0);
}

interface EncodedEdge {
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly id: Uint8Array;
}

const encodeEdge = (edge: DeletedEdge): EncodedEdge => ({
  src: encodeUtf8(edge.src),
  dst: encodeUtf8(edge.dst),
  id: encodeUtf8(edge.id),
});

/** The three columns that identify an edge row. */
export function edgeColumns(rows: RowBatch) {
  const { src, dst, ids } = rows;
  if (src === null || dst === null) throw new Error("invariant broken: edge rows without end points");
  return { src, dst, ids };
}

/** Builds the table that the layers leave behind: the newest row of each entity that was not deleted after it. */
export function buildBase(kind: "node" | "edge", layers: readonly Layer[]): BaseTable {
  const { batches, stretches } = mergeLayers(layers);
  return new BaseTable(stretches.length === 0 ? emptyRows(kind) : gather(batches, stretches));
}

function emptyRows(kind: "node" | "edge"): RowBatch {
  const none = { kind: "utf8", offsets: new Int32Array(1), bytes: new Uint8Array(0), valid: null } as const;
  const end = kind === "edge" ? none : null;
  return { length: 0, ids: none, src: end, dst: end, columns: new Map() };
}
