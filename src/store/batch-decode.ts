// One encapsulated record batch as columns: views of its bytes, checked against what the segment promises.

import type { StableId } from "../schema/catalog.ts";
import { type FieldNode, messageAt, type Region } from "./arrow-message.ts";
import type { Column, RowBatch, Utf8Column, Validity } from "./column.ts";
import { type ColumnLayout, UTF8_LAYOUT } from "./column-layout.ts";
import { damaged } from "./stored-json.ts";

/**
 * Decodes a message of `rows` rows whose id (of edges src, dst and id) stands before the columns of `layouts`. The bytes
 * must begin at a multiple of eight of their buffer.
 */
export function decodeBatch(
  object: string,
  encoded: Uint8Array,
  rows: number,
  layouts: ReadonlyMap<StableId, ColumnLayout>,
): RowBatch {
  const message = messageAt(encoded, 0);
  if (message === null) throw damaged(object, "no Arrow message where a record batch was expected");
  const header = message.recordBatch;
  if (header === null) throw damaged(object, "an Arrow message that is no record batch");
  if (header.rows !== rows) throw damaged(object, `expected ${rows} rows, found ${header.rows}`);
  const body = encoded.subarray(message.bodyStart);
  const reader = new ColumnReader(object, body, header.nodes, header.buffers);
  let ownNodes = header.nodes.length;
  for (const layout of layouts.values()) ownNodes -= nodeCount(layout);
  if (ownNodes !== 1 && ownNodes !== 3)
    throw damaged(object, "a record batch with other columns than promised");
  const texts = (): Utf8Column => reader.read(UTF8_LAYOUT, rows) as Utf8Column;
  const src = ownNodes === 3 ? texts() : null;
  const dst = ownNodes === 3 ? texts() : null;
  const ids = texts();
  const columns = new Map<StableId, Column>();
  for (const [id, layout] of layouts) columns.set(id, reader.read(layout, rows));
  reader.finish();
  return { length: rows, ids, src, dst, columns };
}

/** Arrow describes a column and each of its nested ones by one node. */
function nodeCount(layout: ColumnLayout): number {
  if (layout.kind === "vector") return 2;
  return layout.kind === "list" ? 1 + nodeCount(layout.items) : 1;
}

interface TypedArrayType<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
}

/** Takes nodes and buffers one after the other, in the order of the columns. */
class ColumnReader {
  private node = 0;
  private buffer = 0;

  constructor(
    private readonly object: string,
    private readonly body: Uint8Array,
    private readonly nodes: readonly FieldNode[],
    private readonly buffers: readonly Region[],
  ) {}

  read(layout: ColumnLayout, rows: number): Column {
    const node = this.nodes[this.node++];
    if (node === undefined || node.length !== rows) {
      throw damaged(this.object, `expected a column of ${rows} rows, found ${node?.length ?? "none"}`);
    }
    const valid = this.validity(node, rows);
    switch (layout.kind) {
      case "utf8": {
        const offsets = this.offsets(rows);
        return { kind: "utf8", offsets, bytes: this.values(Uint8Array, offsets[rows]), valid };
      }
      case "bool":
        return { kind: "bool", bits: this.values(Uint8Array, (rows + 7) >> 3), valid };
      case "i32":
        return { kind: "i32", values: this.values(Int32Array, rows), valid };
      case "u32":
        return { kind: "u32", values: this.values(Uint32Array, rows), valid };
      case "i64":
        return { kind: "i64", values: this.values(BigInt64Array, rows), valid };
      case "u64":
        return { kind: "u64", values: this.values(BigUint64Array, rows), valid };
      case "f32":
        return { kind: "f32", values: this.values(Float32Array, rows), valid };
      case "f64":
        return { kind: "f64", values: this.values(Float64Array, rows), valid };
      case "date":
        return { kind: "date", values: this.values(Int32Array, rows), valid };
      case "datetime":
        return { kind: "datetime", values: this.values(BigInt64Array, rows), valid };
      case "vector": {
        const items = this.read({ kind: "f32" }, rows * layout.width) as Extract<Column, { kind: "f32" }>;
        return { kind: "vector", width: layout.width, values: items.values, valid };
      }
      case "list": {
        const offsets = this.offsets(rows);
        return { kind: "list", offsets, items: this.read(layout.items, offsets[rows]), valid };
      }
    }
  }

  /** Nothing is left over where the columns are what was promised. */
  finish(): void {
    if (this.node !== this.nodes.length || this.buffer !== this.buffers.length) {
      throw damaged(this.object, "a record batch with other columns than promised");
    }
  }

  private validity(node: FieldNode, rows: number): Validity {
    const bits = this.region();
    if (node.nullCount === 0) return null;
    const length = (rows + 7) >> 3;
    if (bits.length < length) throw damaged(this.object, "a validity bitmap is cut short");
    return this.body.subarray(bits.offset, bits.offset + length);
  }

  /** Offsets that begin at zero and never fall. */
  private offsets(rows: number): Int32Array {
    const offsets = this.values(Int32Array, rows + 1);
    if (offsets[0] !== 0) throw damaged(this.object, "offsets that do not begin at 0");
    for (let row = 0; row < rows; row++) {
      if (offsets[row] > offsets[row + 1]) throw damaged(this.object, `offsets that fall at row ${row}`);
    }
    return offsets;
  }

  private values<T>(type: TypedArrayType<T>, length: number): T {
    const region = this.region();
    if (region.length < length * type.BYTES_PER_ELEMENT) {
      throw damaged(this.object, `expected ${length} values, found ${region.length} bytes`);
    }
    return new type(this.body.buffer, this.body.byteOffset + region.offset, length);
  }

  private region(): Region {
    const region = this.buffers[this.buffer++];
    if (region === undefined || region.offset < 0 || region.offset + region.length > this.body.length) {
      throw damaged(this.object, "a buffer is missing or reaches past the end");
    }
    return region;
  }
}
