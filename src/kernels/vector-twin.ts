// The loops over quantized vectors in plain TypeScript: what the SIMD ones do, bit for bit. They are its proof, and what
// runs where WebAssembly has no SIMD.

import { CODE_MAX, LANES, ROW_FACTS_BYTES, STEP_MIN } from "./limits.ts";

/** Addresses are bytes of the memory that the kernels were made for. */
export interface VectorKernels {
  /**
   * Turns rows of `stride` floats into one signed byte a component, and notes of each row its squared length, the worth of
   * one step of a code, and how far the codes are from the row. Answers the number of rows.
   */
  quantize(source: number, rows: number, stride: number, codes: number, facts: number): number;
  /**
   * Writes to `found` the numbers of the rows from `first` up to `end` (so many that they come out in fours) for which
   * normWeight · squared length − errorWeight · error − dotWeight · worth · (codes · query) <= limit; answers how many.
   * The query has one 16-bit number a component.
   */
  scan(
    first: number,
    end: number,
    codes: number,
    stride: number,
    facts: number,
    query: number,
    found: number,
    normWeight: number,
    errorWeight: number,
    dotWeight: number,
    limit: number,
  ): number;
}

const { fround } = Math;
const FLOATS_PER_FACTS = ROW_FACTS_BYTES / 4;

/** The kernels for a memory. */
export function twinKernels(memory: ArrayBuffer): VectorKernels {
  const bytes = new Int8Array(memory);
  const shorts = new Int16Array(memory, 0, memory.byteLength >> 1);
  const ints = new Int32Array(memory, 0, memory.byteLength >> 2);
  const floats = new Float32Array(memory, 0, memory.byteLength >> 2);

  return {
    quantize: (source, rows, stride, codes, facts) => {
      for (let row = 0; row < rows; row++) {
        const values = floats.subarray(source / 4 + row * stride, source / 4 + (row + 1) * stride);
        const coded = bytes.subarray(codes + row * stride, codes + (row + 1) * stride);
        const noted = facts / 4 + row * FLOATS_PER_FACTS;
        const peak = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const scale = fround(peak / CODE_MAX);
        const inverse = scale > STEP_MIN ? fround(1 / scale) : 0;
        floats[noted] = sumOfSquares(values);
        floats[noted + 1] = scale;
        const rest = values.map((value, i) => {
          const code = nearestEven(fround(value * inverse));
          coded[i] = Math.max(-CODE_MAX - 1, Math.min(CODE_MAX, code));
          return value - fround(code * scale);
        });
        floats[noted + 2] = Math.sqrt(sumOfSquares(rest));
      }
      return rows;
    },

    scan: (first, end, codes, stride, facts, query, found, normWeight, errorWeight, dotWeight, limit) => {
      let count = 0;
      for (let row = first; row < end; row++) {
        const noted = facts / 4 + row * FLOATS_PER_FACTS;
        let dot = 0;
        for (let i = 0; i < stride; i++) dot += bytes[codes + row * stride + i] * shorts[query / 2 + i];
        const least =
          normWeight * floats[noted] - errorWeight * floats[noted + 2] - dotWeight * floats[noted + 1] * dot;
        if (least <= limit) ints[found / 4 + count++] = row;
      }
      return count;
    },
  };
}

/** In the order of the SIMD loop: lanes of four, eight components a step. */
function sumOfSquares(values: Float32Array): number {
  const lanes = new Float32Array(4);
  for (let at = 0; at < values.length; at += LANES) {
    for (let i = 0; i < LANES; i++) lanes[i % 4] += fround(values[at + i] * values[at + i]);
  }
  return fround(fround(lanes[0] + lanes[1]) + fround(lanes[2] + lanes[3]));
}

/** Halves go to the even neighbour. */
function nearestEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
