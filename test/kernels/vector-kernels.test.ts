import { describe, expect, it } from "bun:test";
import { ROW_FACTS_BYTES, ROWS_AT_ONCE, vectorKernels } from "../../src/kernels/index.ts";
import { twinKernels, type VectorKernels } from "../../src/kernels/vector-twin.ts";
import { Dice } from "../support/dice.ts";

const PAGE = 65_536;
const SOURCE = 0;
const CODES = 4 * PAGE;
const FACTS = 6 * PAGE;
const QUERY = 7 * PAGE;
const FOUND = 8 * PAGE;

/** Rows of every temper: zeros, tiny and huge components, halves of a step, plain ones. */
function someRows(dice: Dice, rows: number, stride: number): Float32Array {
  const out = new Float32Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    const size = dice.pick([0, 1, 1, 1, 1e-42, 1e-20, 1e15]);
    const isWhole = dice.chance(0.3);
    for (let i = 0; i < stride; i++) {
      const value = dice.below(255) - 127;
      out[row * stride + i] = size * (isWhole ? value / 2 : value + dice.below(1_000) / 1_000);
    }
  }
  return out;
}

function both(pages = 9): { simd: [VectorKernels, ArrayBuffer]; twin: [VectorKernels, ArrayBuffer] } {
  const memory = new WebAssembly.Memory({ initial: pages });
  const buffer = new ArrayBuffer(pages * PAGE);
  return {
    simd: [vectorKernels(memory), memory.buffer as ArrayBuffer],
    twin: [twinKernels(buffer), buffer],
  };
}

describe("the SIMD kernels", () => {
  it("run as WebAssembly here, not as their twins", () => {
    const { simd } = both();
    expect(String(simd[0].scan)).toContain("native code");
  });

  it("quantize as their twins do, bit for bit", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const dice = new Dice(seed);
      const stride = dice.pick([8, 16, 24, 128]);
      const rows = 1 + dice.below(30);
      const source = someRows(dice, rows, stride);
      const { simd, twin } = both();
      for (const [kernels, memory] of [simd, twin]) {
        new Float32Array(memory, SOURCE, source.length).set(source);
        expect(kernels.quantize(SOURCE, rows, stride, CODES, FACTS)).toBe(rows);
      }
      expect(Buffer.compare(Buffer.from(simd[1]), Buffer.from(twin[1]))).toBe(0);
    }
  });

  it("scan as their twins do", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const dice = new Dice(seed);
      const stride = dice.pick([8, 16, 24, 128]);
      const rows = ROWS_AT_ONCE * (1 + dice.below(20));
      const source = someRows(dice, rows, stride);
      const query = Int16Array.from({ length: stride }, () => dice.below(65_535) - 32_767);
      const first = ROWS_AT_ONCE * dice.below(rows / ROWS_AT_ONCE);
      const limit = dice.pick([-1, 0, 1e6, 1e9, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
      const { simd, twin } = both();
      const found = [simd, twin].map(([kernels, memory]) => {
        new Float32Array(memory, SOURCE, source.length).set(source);
        new Int16Array(memory, QUERY, stride).set(query);
        kernels.quantize(SOURCE, rows, stride, CODES, FACTS);
        const count = kernels.scan(first, rows, CODES, stride, FACTS, QUERY, FOUND, 0.9, 2.5, 1e-3, limit);
        return [...new Int32Array(memory, FOUND, count)];
      });
      expect(found[0]).toEqual(found[1]);
      if (limit === Number.POSITIVE_INFINITY) expect(found[0]).toHaveLength(rows - first);
    }
  });

  it("note how far the codes are from the row", () => {
    const { simd } = both();
    const [kernels, memory] = simd;
    const row = Float32Array.from({ length: 8 }, (_, i) => Math.sin(i + 1));
    new Float32Array(memory, SOURCE, 8).set(row);
    kernels.quantize(SOURCE, 1, 8, CODES, FACTS);
    const [norm, worth, error] = new Float32Array(memory, FACTS, ROW_FACTS_BYTES / 4);
    const codes = new Int8Array(memory, CODES, 8);
    const apart = Math.hypot(...row.map((value, i) => value - codes[i] * worth));
    expect(norm).toBeCloseTo(
      row.reduce((sum, value) => sum + value * value, 0),
      5,
    );
    expect(error).toBeCloseTo(apart, 5);
    expect(Math.max(...codes.map(Math.abs))).toBe(127);
  });
});
