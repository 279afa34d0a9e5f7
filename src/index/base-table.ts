// The resident rows of one type at one moment: immutable, sorted (nodes by id, edges by source, target and id), one live
// row per entity. A row's place is its number. What is derived from the rows (hash, dictionaries, full text) hangs on the
// table that it was derived from, so that every view on the table shares it.

import { encodeUtf8 } from "../lib/utf8.ts";
import type { StableId } from "../schema/catalog.ts";
import type { DeletedEdge, RowBatch } from "../store/index.ts";
import { takeRows, textAt } from "../store/index.ts";
import { compareText, compareToBytes, concatBatches } from "./columns.ts";
import { Dictionary } from "./dictionary.ts";
import { IdHash } from "./id-hash.ts";
import { buildTextIndex, emptyTextIndex, type TextIndex } from "./text/text-index.ts";
import { VectorIndexes } from "./vector/vector-indexes.ts";

/** One step of what a table is made from, oldest first. */
export type Layer =
  /** Rows in table order (of a segment, or of a commit) in consecutive batches, less the dead ones (ascending). */
  | { readonly kind: "rows"; readonly batches: readonly RowBatch[]; readonly dead: Uint32Array | null }
  | { readonly kind: "deletedNodes"; readonly ids: readonly string[] }
  | { readonly kind: "deletedEdges"; readonly edges: readonly DeletedEdge[] };

export class BaseTable {
  readonly length: number;
  readonly vectors: VectorIndexes;

  private readonly dictionaries = new Map<StableId, Dictionary>();
  private readonly texts = new Map<StableId, Promise<TextIndex>>();
  private hash: IdHash | null = null;
  private numbers: Int32Array | null = null;

  constructor(readonly rows: RowBatch) {
    this.length = rows.length;
    this.vectors = new VectorIndexes(rows);
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
    const bytes = encodeUtf8(id);
    if (this.hash !== null) return this.hash.find(bytes, 0, bytes.length);
    const row = this.firstNodeAtOrAfter(id);
    return row < this.length && compareToBytes(this.rows.ids, row, bytes) === 0 ? row : -1;
  }

  /** First row whose node id is not below the given one. */
  firstNodeAtOrAfter(id: string): number {
    const bytes = encodeUtf8(id);
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareToBytes(this.rows.ids, middle, bytes) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
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
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compareEdge(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
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
    let index = this.texts.get(property);
    if (index === undefined) {
      const column = this.rows.columns.get(property);
      index =
        column?.kind === "utf8"
          ? buildTextIndex(column, this.length, breathe)
          : Promise.resolve(emptyTextIndex(this.length));
      this.texts.set(property, index);
      // A build that was stopped is begun anew by whoever asks next.
      index.catch(() => this.texts.delete(property));
    }
    return index;
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

/** One string per edge, distinct for distinct (source, target, id). */
export const edgeKey = (edge: DeletedEdge): string =>
  `${edge.src.length},${edge.dst.length},${edge.src}${edge.dst}${edge.id}`;

/** Builds the table that the layers leave behind: the newest row of each entity that was not deleted after it. */
export function buildBase(kind: "node" | "edge", layers: readonly Layer[]): BaseTable {
  const batches = layers.flatMap((layer) => (layer.kind === "rows" ? layer.batches : []));
  if (batches.length === 0) return new BaseTable(emptyRows(kind));
  const rows = concatBatches(batches);
  const compare = rowOrder(kind, rows);

  /** Where in `rows` the rows begin that came after an entity's deletion. */
  const deletions = new Map<string, number>();
  const runs: Uint32Array[] = [];
  let start = 0;
  for (const layer of layers) {
    if (layer.kind === "rows") {
      const length = layer.batches.reduce((sum, batch) => sum + batch.length, 0);
      runs.push(liveRun(start, length, layer.dead));
      start += length;
    } else if (layer.kind === "deletedNodes") {
      for (const id of layer.ids) deletions.set(id, start);
    } else {
      for (const edge of layer.edges) deletions.set(edgeKey(edge), start);
    }
  }
  const merged = mergeRuns(runs, compare);
  const isSimple = runs.length === 1 && deletions.size === 0;
  const kept = isSimple ? merged : newestRows(kind, rows, merged, compare, deletions);
  return new BaseTable(kept.length === rows.length && runs.length === 1 ? rows : takeRows(rows, kept));
}

function emptyRows(kind: "node" | "edge"): RowBatch {
  const none = { kind: "utf8", offsets: new Int32Array(1), bytes: new Uint8Array(0), valid: null } as const;
  const end = kind === "edge" ? none : null;
  return { length: 0, ids: none, src: end, dst: end, columns: new Map() };
}

function rowOrder(kind: "node" | "edge", rows: RowBatch): (a: number, b: number) => number {
  if (kind === "node") return (a, b) => compareText(rows.ids, a, rows.ids, b);
  const { src, dst, ids } = edgeColumns(rows);
  return (a, b) => compareText(src, a, src, b) || compareText(dst, a, dst, b) || compareText(ids, a, ids, b);
}

function liveRun(start: number, length: number, dead: Uint32Array | null): Uint32Array {
  const run = new Uint32Array(length - (dead?.length ?? 0));
  let next = 0;
  let out = 0;
  for (let row = 0; row < length; row++) {
    if (dead !== null && dead[next] === row) next++;
    else run[out++] = start + row;
  }
  return run;
}

/** Merges sorted runs pair by pair; of equal rows the older (lower) comes first. */
function mergeRuns(runs: Uint32Array[], compare: (a: number, b: number) => number): Uint32Array {
  let level = runs;
  while (level.length > 1) {
    const next: Uint32Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      next.push(i + 1 < level.length ? mergeTwo(level[i], level[i + 1], compare) : level[i]);
    }
    level = next;
  }
  return level[0];
}

function mergeTwo(a: Uint32Array, b: Uint32Array, compare: (a: number, b: number) => number): Uint32Array {
  const out = new Uint32Array(a.length + b.length);
  let i = 0;
  let j = 0;
  let k = 0;
  while (i < a.length && j < b.length) out[k++] = compare(a[i], b[j]) <= 0 ? a[i++] : b[j++];
  out.set(i < a.length ? a.subarray(i) : b.subarray(j), k);
  return out;
}

function newestRows(
  kind: "node" | "edge",
  rows: RowBatch,
  sorted: Uint32Array,
  compare: (a: number, b: number) => number,
  deletions: ReadonlyMap<string, number>,
): Uint32Array {
  const read = rowIdentity(kind, rows);
  const kept = new Uint32Array(sorted.length);
  let count = 0;
  for (let i = 0; i < sorted.length; i++) {
    const row = sorted[i];
    if (i + 1 < sorted.length && compare(row, sorted[i + 1]) === 0) continue;
    // A deletion reaches the rows that were there before it.
    if (deletions.size > 0 && (deletions.get(read(row)) ?? 0) > row) continue;
    kept[count++] = row;
  }
  return kept.slice(0, count);
}

function rowIdentity(kind: "node" | "edge", rows: RowBatch): (row: number) => string {
  if (kind === "node") return (row) => textAt(rows.ids, row);
  const { src, dst, ids } = edgeColumns(rows);
  return (row) => edgeKey({ src: textAt(src, row), dst: textAt(dst, row), id: textAt(ids, row) });
}
