// The vectors of a column as one signed byte a component, a quarter of their size, and scanned by SIMD. It finds the rows
// that may be among the nearest: how far a row's codes are from the row is known, so what is left out is left out for
// sure, and what is found is measured on the vectors themselves. The answer is that of comparing them all.
// Codes stand in two blocks, the heads of all rows and their tails: mostly the head says already that a row is too far, so
// that half of the memory is not looked at.
//
// With x a row, c its codes (scaled), q the query and p the query's codes (scaled), |x|² + |q|² − 2 x·q is at least
// |x|² + |q|² − 2 c·p − 2 |p| |x − c| − 2 |x| |q − p|, and 2 |x| <= |x|²/|q| + |q|. Of the tails, c·p is at most the product
// of their lengths.

import {
  CODE_MAX,
  FACTS_PER_ROW,
  factOf,
  type KernelMemory,
  kernelMemory,
  ROW_FACTS_BYTES,
  ROWS_AT_ONCE,
  STEP_COMPONENTS,
} from "../../kernels/index.ts";
import type { BestFew } from "../../lib/best-few.ts";
import { type Column, isValid } from "../../store/index.ts";
import { squaredDistance } from "./distance.ts";
import {
  BLOCK_ROWS,
  BUILD_SLICE_BYTES,
  FIRST_BLOCK_ROWS,
  MEMORY_BYTES_MAX,
  STAGED_BYTES,
  TAILS_SHARE,
  UNDIVIDED_COMPONENTS_MAX,
  WHOLE_BLOCKS,
} from "./limits.ts";

export type VectorColumn = Extract<Column, { kind: "vector" }>;

const FLOAT_BYTES = 4;
const INT_BYTES = 4;
const FACTS = [0, 1, 2, 3];
const SHORT_MAX = 32_767;
const INT_MAX = 2 ** 31 - 1;
/** Rounding of doubles on either side of a comparison, relative to what is compared, with room. */
const DOUBLE_SLACK = 2 ** -30;

/** The smallest float above zero. */
const FLOAT_LEAST = 2 ** -149;

const rounded = (value: number, to: number) => Math.ceil(value / to) * to;

/** Where things stand in the memory. Vectors on their way to codes, and later queries, stand at its beginning. */
interface Layout {
  /** Components of a row, padded, and how many of them are its head and its tail. */
  readonly stride: number;
  readonly head: number;
  readonly tail: number;
  readonly stagedRows: number;
  readonly headCodes: number;
  readonly tailCodes: number;
  readonly facts: number;
  readonly found: number;
  readonly bytes: number;
}

function layoutOf(width: number, length: number): Layout {
  const stride = rounded(width, STEP_COMPONENTS);
  const head = stride <= UNDIVIDED_COMPONENTS_MAX ? stride : rounded(stride / 2, STEP_COMPONENTS);
  const tail = stride - head;
  const rows = rounded(length, ROWS_AT_ONCE);
  const stagedRows = rounded(STAGED_BYTES / (stride * FLOAT_BYTES), ROWS_AT_ONCE);
  const headCodes = stagedRows * stride * FLOAT_BYTES;
  const tailCodes = headCodes + rows * head;
  const facts = tailCodes + rows * tail;
  const found = facts + rows * ROW_FACTS_BYTES;
  const bytes = found + (1 + BLOCK_ROWS) * INT_BYTES;
  return { stride, head, tail, stagedRows, headCodes, tailCodes, facts, found, bytes };
}

/** The query as the scan takes it. */
interface CodedQuery {
  readonly squaredLength: number;
  /** |q − p| / |q| */
  readonly relativeError: number;
  /** |p|, and that of its tail. */
  readonly codedLength: number;
  readonly tailLength: number;
  /** What one step of its codes is worth. */
  readonly step: number;
}

export class VectorIndex {
  private constructor(
    private readonly column: VectorColumn,
    private readonly length: number,
    private readonly layout: Layout,
    private readonly memory: KernelMemory,
  ) {}

  /** Null where the vectors are more than a memory holds, or too long for their squares. */
  static async build(
    column: VectorColumn,
    length: number,
    breathe: () => Promise<void>,
    allocate: (bytes: number) => KernelMemory | null = kernelMemory,
  ): Promise<VectorIndex | null> {
    const layout = layoutOf(column.width, length);
    const memory = layout.bytes > MEMORY_BYTES_MAX ? null : allocate(layout.bytes);
    if (memory === null) return null;
    const index = new VectorIndex(column, length, layout, memory);
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
    const { stride, head, tail } = layout;
    const staged = new Float32Array(memory.buffer, 0, rows * stride);
    if (width === stride) staged.set(values.subarray(first * width, (first + rows) * width));
    else {
      // What lies between the rows stays zero.
      for (let row = 0; row < rows; row++) {
        staged.set(values.subarray((first + row) * width, (first + row + 1) * width), row * stride);
      }
    }
    const facts = layout.facts + first * ROW_FACTS_BYTES;
    const headCodes = layout.headCodes + first * head;
    memory.kernels.quantize(0, rows, head, tail, headCodes, layout.tailCodes + first * tail, facts);

    const noted = new Float32Array(memory.buffer, facts, rounded(rows, ROWS_AT_ONCE) * FACTS_PER_ROW);
    // The kernel sums and multiplies in floats: of the error it may have missed this much, and squares that vanished.
    const missed = 1 + stride * 2 ** -22;
    const blur = Math.sqrt(stride) * 2 ** -15;
    const vanished = Math.sqrt(stride) * 2 ** -73;
    for (let row = 0; row < rows; row++) {
      const [norm, worth, error, tailLength] = FACTS.map((which) => factOf(0, row, which));
      noted[tailLength] *= missed;
      // A row without a vector is infinitely far.
      if (!isValid(valid, first + row)) noted[norm] = Number.POSITIVE_INFINITY;
      else if (!Number.isFinite(noted[norm])) return false;
      else noted[error] = noted[error] * missed + noted[worth] * blur + vanished;
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
    const { column, layout, memory } = this;
    const { stride, head, tail, headCodes, tailCodes, facts, found } = layout;
    const coded = this.encodeQuery(query);
    const { squaredLength: squared, relativeError, codedLength, tailLength, step } = coded;
    const normWeight = (1 - relativeError) * (1 - stride * 2 ** -22);
    /** How many fours of rows were looked at as a whole, then the rows that may be among the nearest. */
    const told = new Int32Array(memory.buffer, found, 1 + BLOCK_ROWS);
    const last = Math.min(end, this.length);
    /** Blocks that are looked at as a whole before heads are tried again. */
    let wholeBlocks = 0;
    let blockRows = FIRST_BLOCK_ROWS;
    for (let row = first; row < last; row += blockRows, blockRows = BLOCK_ROWS) {
      const skipsTails = tail > 0 && wholeBlocks-- <= 0;
      const blockEnd = Math.min(row + blockRows, rounded(last, ROWS_AT_ONCE));
      const { limit } = best;
      const slack = DOUBLE_SLACK * (Math.abs(limit) + squared) + stride * FLOAT_LEAST;
      const beyond = limit - squared * (1 - relativeError) + slack;
      const count = memory.kernels.scan(
        row,
        blockEnd,
        head,
        tail,
        headCodes,
        tailCodes,
        facts,
        0,
        found,
        skipsTails ? 1 : 0,
        normWeight,
        2 * codedLength,
        2 * step,
        2 * tailLength,
        beyond,
      );
      // Heads that tell of few rows only cost time.
      if (skipsTails && told[0] * ROWS_AT_ONCE > (blockEnd - row) * TAILS_SHARE) wholeBlocks = WHOLE_BLOCKS;
      for (let i = 1; i <= count; i++) {
        const candidate = told[i];
        if (candidate >= last || !isValid(column.valid, candidate) || !isWanted(candidate)) continue;
        best.offer(candidate, squaredDistance(column.values, candidate * column.width, query));
      }
    }
  }

  /** Writes the query's codes where queries stand. */
  private encodeQuery(query: Float32Array): CodedQuery {
    const { stride, head } = this.layout;
    const peak = query.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const step = peak / codeMaxOf(stride);
    const codes = new Int16Array(this.memory.buffer, 0, stride);
    codes.fill(0, query.length);
    let squaredError = 0;
    let squaredCoded = 0;
    let squaredTail = 0;
    for (let i = 0; i < query.length; i++) {
      const code = step === 0 ? 0 : Math.round(query[i] / step);
      codes[i] = code;
      squaredError += (query[i] - code * step) ** 2;
      squaredCoded += (code * step) ** 2;
      if (i >= head) squaredTail += (code * step) ** 2;
    }
    const squared = squaredLength(query);
    const length = Math.sqrt(squared);
    return {
      squaredLength: squared,
      relativeError: length === 0 ? 0 : Math.sqrt(squaredError) / length,
      codedLength: Math.sqrt(squaredCoded),
      tailLength: Math.sqrt(squaredTail),
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
