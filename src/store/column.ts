// Columns in the layout of Arrow (arrow.apache.org/docs/format/Columnar.html), as plain typed arrays: what segments
// decode to without copying, what builders produce, what operators loop over. Every array starts at row 0.

import type { StableId } from "../schema/catalog.ts";

/** Bit i (least significant first) set: row i has a value. `null`: all rows have one. */
export type Validity = Uint8Array | null;

export interface Utf8Column {
  readonly kind: "utf8";
  /** length + 1 offsets into `bytes`. */
  readonly offsets: Int32Array;
  readonly bytes: Uint8Array;
  readonly valid: Validity;
}

export type Column =
  | Utf8Column
  /** One bit a row, least significant first. */
  | { readonly kind: "bool"; readonly bits: Uint8Array; readonly valid: Validity }
  | { readonly kind: "i32"; readonly values: Int32Array; readonly valid: Validity }
  | { readonly kind: "u32"; readonly values: Uint32Array; readonly valid: Validity }
  | { readonly kind: "i64"; readonly values: BigInt64Array; readonly valid: Validity }
  | { readonly kind: "u64"; readonly values: BigUint64Array; readonly valid: Validity }
  | { readonly kind: "f32"; readonly values: Float32Array; readonly valid: Validity }
  | { readonly kind: "f64"; readonly values: Float64Array; readonly valid: Validity }
  /** Days since the epoch. */
  | { readonly kind: "date"; readonly values: Int32Array; readonly valid: Validity }
  /** Milliseconds since the epoch. */
  | { readonly kind: "datetime"; readonly values: BigInt64Array; readonly valid: Validity }
  /** `width` floats a row. */
  | {
      readonly kind: "vector";
      readonly width: number;
      readonly values: Float32Array;
      readonly valid: Validity;
    }
  | { readonly kind: "list"; readonly offsets: Int32Array; readonly items: Column; readonly valid: Validity };

/** Rows of one type side by side. A property that is not in `columns` reads as null in every row. */
export interface RowBatch {
  readonly length: number;
  readonly ids: Utf8Column;
  /** Ids of the end nodes; null for node types. */
  readonly src: Utf8Column | null;
  readonly dst: Utf8Column | null;
  readonly columns: ReadonlyMap<StableId, Column>;
}

export function isValid(valid: Validity, row: number): boolean {
  return valid === null || (valid[row >> 3] & (1 << (row & 7))) !== 0;
}
