// The vectors of a column as one signed byte a component, a quarter of their size, and scanned by SIMD. It finds the rows
// that may be among the nearest: how far a row's codes are from the row is known, so what is left out is left out for
// sure, and what is found is measured on the vectors themselves. The answer is that of comparing them all.
//
// With x a row, c its codes (scaled), q the query and p the query's codes (scaled), |x|² + |q|² − 2 x·q is at least
// |x|² + |q|² − 2 c·p − 2 |p| |x − c| − 2 |x| |q − p|, and 2 |x| <= |x|²/|q| + |q|.

import {
  CODE_MAX,
  LANES,
  ROW_FACTS_BYTES,
  ROWS_AT_ONCE,
  type VectorKernels,
  vectorKernels,
} from "../../kernels/index.ts";
import type { BestFew } from "../../lib/best-few.ts";
import { type Column, isValid } from "../../store/index.ts";
import { squaredDistance } from "./distance.ts";
import { BLOCK_ROWS, BUILD_SLICE_BYTES, FIRST_BLOCK_ROWS, MEMORY_BYTES_MAX, STAGED_BYTES } from "./limits.ts";

export type VectorColumn = Extract<Column, { kind: "vector" }>;

const PAGE_BYTES = 65_536;
const FLOAT_BYTES = 4;
const SHORT_MAX = 32_767;
const INT_MAX = 2 ** 31 - 1;
/** Rounding of doubles on either side of a comparison, relative to what is compared, with room. */
const DOUBLE_SLACK = 2 ** -30;

/** The smallest float above zero. */
const FLOAT_LEAST = 2 ** -149;

const rounded = (value: number, to: number) => Math.ceil(value / to) * to;

/** Where things stand in the memory. Vectors on their way to codes, and later queries, stand at its beginning. */
interface Layout {
  /** Components of a row, padded. */
  readonly stride: number;
  readonly stagedRows: number;
  readonly codes: number;
  readonly facts: number;
  readonly found: number;
  readonly bytes: number;
}

function layoutOf(width: number, length: number): Layout {
  const stride = rounded(width, LANES);
  const rows = rounded(length, ROWS_AT_ONCE);
  const stagedRows = Math.max(1, Math.floor(STAGED_BYTES / (stride * FLOAT_BYTES)));
  const codes = stagedRows * stride * FLOAT_BYTES;
  const facts = codes + rows * stride;
  const found = facts + rows * ROW_FACTS_BYTES;
  return { stride, stagedRows, codes, facts, found, bytes: found + BLOCK_ROWS * FLOAT_BYTES };
}

/** The query as the scan takes it. */
interface CodedQuery {
  readonly squaredLength: number;
  /** |q − p| / |q| */
  readonly relativeError: number;
  /** |p| */
  readonly codedLength: number;
  /** What one step of its codes is worth. */
  readonly step: number;
}

export class VectorIndex {
  private constructor(
    private readonly column: VectorColumn,
    private readonly length: number,
    private readonly layout: Layout,
    private readonly memory: WebAssembly.Memory,
    private readonly kernels: VectorKernels,
  ) {}

  /** Null where the vectors are more than a memory holds, or too long for their squares. */
  static async build(
    column: VectorColumn,
    length: number,
    breathe: () => Promise<void>,
  ): Promise<VectorIndex | null> {
    const layout = layoutOf(column.width, length);
    const memory = memoryOf(layout.bytes);
    if (memory === null) return null;
    const index = new VectorIndex(column, length, layout, memory, vectorKernels(memory));
    let sinceBreath = 0;
    for (let row = 0; row < length; row += layout.stagedRows) {
      const rows = Math.min(layout.stagedRows, length - row);
      if (!index.encode(row, rows)) return null;
      sinceBreath += rows * layout.stride * FLOAT_BYTES;
      if (sinceBreath < BUILD_SLICE_BYTES) continue;
      sinceBreath = 0;
      await breathe();
    }
    return index;
  }

  /** False where the square of a row is more than a float holds. */
  private encode(first: number, rows: number): boolean {
    const { column, layout, memory } = this;
    const { width, values, valid } = column;
    const { stride } = layout;
    const staged = new Float32Array(memory.buffer, 0, rows * stride);
    if (width === stride) staged.set(values.subarray(first * width, (first + rows) * width));
    else {
      // What lies between the rows stays zero.
      for (let row = 0; row < rows; row++) {
        staged.set(values.subarray((first + row) * width, (first + row + 1) * width), row * stride);
      }
    }
    const facts = layout.facts + first * ROW_FACTS_BYTES;
    this.kernels.quantize(0, rows, stride, layout.codes + first * stride, facts);

    const noted = new Float32Array(memory.buffer, facts, rows * (ROW_FACTS_BYTES / FLOAT_BYTES));
    // The kernel sums and multiplies in floats: of the error it may have missed this much, and squares that vanished.
    const missed = 1 + stride * 2 ** -22;
    const blur = Math.sqrt(stride) * 2 ** -15;
    const vanished = Math.sqrt(stride) * 2 ** -73;
    for (let row = 0; row < rows; row++) {
      const at = row * 3;
      // A row without a vector is infinitely far.
      if (!isValid(valid, first + row)) noted[at] = Number.POSITIVE_INFINITY;
      else if (!Number.isFinite(noted[at])) return false;
      else noted[at + 2] = noted[at + 2] * missed + noted[at + 1] * blur + vanished;
    }
    return true;
  }

  /** False for a query whose codes would say nothing: then the vectors have to be compared themselves. */
  accepts(query: Float32Array): boolean {
    return Number.isFinite(squaredLength(query)) && codeMaxOf(this.layout.stride) > 0;
  }

  /** Offers the rows from `first` up to `end` that may be among the nearest and are wanted. */
  offer(
    query: Float32Array,
    best: BestFew,
    first: number,
    end: number,
    isWanted: (row: number) => boolean,
  ): void {
    const { column, layout, memory, kernels } = this;
    const { stride, codes, facts, found } = layout;
    const coded = this.encodeQuery(query);
    const { squaredLength: squared, relativeError, codedLength, step } = coded;
    const normWeight = (1 - relativeError) * (1 - stride * 2 ** -22);
    const rows = new Int32Array(memory.buffer, found, BLOCK_ROWS);
    const last = Math.min(end, this.length);
    let blockRows = FIRST_BLOCK_ROWS;
    for (let row = first; row < last; row += blockRows, blockRows = BLOCK_ROWS) {
      const blockEnd = Math.min(row + blockRows, rounded(last, ROWS_AT_ONCE));
      const { limit } = best;
      const slack = DOUBLE_SLACK * (Math.abs(limit) + squared) + stride * FLOAT_LEAST;
      const beyond = limit - squared * (1 - relativeError) + slack;
      const count = kernels.scan(
        row,
        blockEnd,
        codes,
        stride,
        facts,
        0,
        found,
        normWeight,
        2 * codedLength,
        2 * step,
        beyond,
      );
      for (let i = 0; i < count; i++) {
        const candidate = rows[i];
        if (candidate >= last || !isValid(column.valid, candidate) || !isWanted(candidate)) continue;
        best.offer(candidate, squaredDistance(column.values, candidate * column.width, query));
      }
    }
  }

  /** Writes the query's codes where queries stand. */
  private encodeQuery(query: Float32Array): CodedQuery {
    const { stride } = this.layout;
    const peak = query.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const step = peak / codeMaxOf(stride);
    const codes = new Int16Array(this.memory.buffer, 0, stride);
    codes.fill(0, query.length);
    let squaredError = 0;
    let squaredCoded = 0;
    for (let i = 0; i < query.length; i++) {
      const code = step === 0 ? 0 : Math.round(query[i] / step);
      codes[i] = code;
      squaredError += (query[i] - code * step) ** 2;
      squaredCoded += (code * step) ** 2;
    }
    const squared = squaredLength(query);
    const length = Math.sqrt(squared);
    return {
      squaredLength: squared,
      relativeError: length === 0 ? 0 : Math.sqrt(squaredError) / length,
      codedLength: Math.sqrt(squaredCoded),
      step,
    };
  }
}

function squaredLength(query: Float32Array): number {
  return query.reduce((sum, value) => sum + value * value, 0);
}

/** The finest codes of a query for which the sum of products with a row's codes fits into 32 bits. */
function codeMaxOf(stride: number): number {
  return Math.min(SHORT_MAX, Math.floor(INT_MAX / (CODE_MAX + 1) / stride));
}

function memoryOf(bytes: number): WebAssembly.Memory | null {
  if (bytes > MEMORY_BYTES_MAX) return null;
  try {
    return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
