// The loops over quantized vectors in plain TypeScript: what the SIMD ones do, bit for bit. They are its proof, and what
// runs where WebAssembly has no SIMD.

import { CODE_MAX, FACTS_PER_ROW, FLOAT_BYTES, LANES, ROWS_AT_ONCE, STEP_MIN } from "./limits.ts";

/** Addresses are bytes of the memory that the kernels were made for. A row's codes stand in two places: its head and its tail. */
export interface VectorKernels {
  /**
   * Turns rows of `head` and `tail` floats into one signed byte a component, and notes of each row its squared length, the
   * worth of one step of a code, how far the codes are from the row, and the length of the tail's codes. Answers the number
   * of rows.
   */
  quantize(
    source: number,
    rows: number,
    head: number,
    tail: number,
    headCodes: number,
    tailCodes: number,
    facts: number,
  ): number;
  /**
   * Finds the rows from `first` up to `end` (so many that they come out in fours) for which
   * normWeight · squared length − errorWeight · error − dotWeight · worth · (codes · query) <= limit; answers how many.
   * The query has one 16-bit number a component. With `skipsTails` not 0, tails are left alone where four heads tell already
   * that none of the four is found: a tail's product is at most tailWeight · its length. At `found` stands how many fours
   * were looked at as a whole, and behind it the numbers of the rows.
   */
  scan(
    first: number,
    end: number,
    head: number,
    tail: number,
    headCodes: number,
    tailCodes: number,
    facts: number,
    query: number,
    found: number,
    skipsTails: number,
    normWeight: number,
    errorWeight: number,
    dotWeight: number,
    tailWeight: number,
    limit: number,
  ): number;
}

const { fround } = Math;

/** The place of a row's fact among the floats of a memory, its facts beginning at the byte `facts`. */
export function factOf(facts: number, row: number, which: number): number {
  const lane = row % ROWS_AT_ONCE;
  return facts / FLOAT_BYTES + (row - lane) * FACTS_PER_ROW + which * ROWS_AT_ONCE + lane;
}

/** The kernels for a memory. */
export function twinKernels(memory: ArrayBuffer): VectorKernels {
  const bytes = new Int8Array(memory);
  const shorts = new Int16Array(memory, 0, memory.byteLength >> 1);
  const ints = new Int32Array(memory, 0, memory.byteLength >> 2);
  const floats = new Float32Array(memory, 0, memory.byteLength >> 2);

  return {
    quantize: (source, rows, head, tail, headCodes, tailCodes, facts) => {
      const stride = head + tail;
      for (let row = 0; row < rows; row++) {
        const values = floats.subarray(source / 4 + row * stride, source / 4 + (row + 1) * stride);
        const peak = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const scale = fround(peak / CODE_MAX);
        const inverse = scale > STEP_MIN ? fround(1 / scale) : 0;
        let squares = 0;
        const rest = values.map((value, i) => {
          const code = nearestEven(fround(value * inverse));
          const place = i < head ? headCodes + row * head + i : tailCodes + row * tail + i - head;
          bytes[place] = Math.max(-CODE_MAX - 1, Math.min(CODE_MAX, code));
          if (i >= head) squares += bytes[place] ** 2;
          return value - fround(code * scale);
        });
        floats[factOf(facts, row, 0)] = sumOfSquares(values);
        floats[factOf(facts, row, 1)] = scale;
        floats[factOf(facts, row, 2)] = Math.sqrt(sumOfSquares(rest));
        floats[factOf(facts, row, 3)] = scale * fround(Math.sqrt(fround(squares)));
      }
      return rows;
    },

    scan: (
      first,
      end,
      head,
      tail,
      headCodes,
      tailCodes,
      facts,
      query,
      found,
      skipsTails,
      normWeight,
      errorWeight,
      dotWeight,
      tailWeight,
      limit,
    ) => {
      let count = 0;
      let whole = 0;
      const least = (row: number, dot: number): number => {
        const [norm, worth, error] = [0, 1, 2].map((which) => floats[factOf(facts, row, which)]);
        return normWeight * norm - errorWeight * error - dotWeight * worth * dot;
      };
      const leastOfHead = (row: number, dot: number): number =>
        least(row, dot) - tailWeight * floats[factOf(facts, row, 3)];
      for (let row = first; row < end; row += ROWS_AT_ONCE) {
        const four = Array.from({ length: ROWS_AT_ONCE }, (_, place) => row + place);
        const dots = four.map((one) => product(headCodes + one * head, query / 2, head));
        if (skipsTails !== 0 && !four.some((one, i) => leastOfHead(one, dots[i]) <= limit)) continue;
        whole++;
        four.forEach((one, i) => {
          const dot = dots[i] + product(tailCodes + one * tail, query / 2 + head, tail);
          if (least(one, dot) <= limit) ints[found / 4 + ++count] = one;
        });
      }
      ints[found / 4] = whole;
      return count;
    },
  };

  function product(codes: number, query: number, length: number): number {
    let dot = 0;
    for (let i = 0; i < length; i++) dot += bytes[codes + i] * shorts[query + i];
    return dot;
  }
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
