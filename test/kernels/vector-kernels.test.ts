import { describe, expect, it } from "bun:test";
import {
  factOf,
  kernelMemory,
  ROWS_AT_ONCE,
  STEP_COMPONENTS,
  type VectorKernels,
} from "../../src/kernels/index.ts";
import { Dice } from "../support/dice.ts";

const PAGE = 65_536;
const SOURCE = 0;
const HEADS = 4 * PAGE;
const TAILS = 6 * PAGE;
const FACTS = 8 * PAGE;
const QUERY = 9 * PAGE;
const FOUND = 10 * PAGE;
const BYTES = 11 * PAGE;

interface Memory {
  readonly buffer: ArrayBuffer;
  readonly kernels: VectorKernels;
}

function memoryBy(wasm?: null): Memory {
  const memory = kernelMemory(BYTES, wasm);
  if (memory === null) throw new Error("no memory");
  return memory;
}

/** The same memory twice: with the SIMD kernels, and with their twins. */
const both = (): readonly Memory[] => [memoryBy(), memoryBy(null)];

/** Rows of every temper: zeros, tiny and huge components, halves of a step, plain ones, and some that are no numbers. */
function someRows(dice: Dice, rows: number, stride: number, odd: readonly number[]): Float32Array {
  const out = new Float32Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    const size = dice.pick([0, 1, 1, 1, 1e-42, 1e-20, 1e15]);
    const isWhole = dice.chance(0.3);
    for (let i = 0; i < stride; i++) {
      const value = dice.below(255) - 127;
      const plain = size * (isWhole ? value / 2 : value + dice.below(1_000) / 1_000);
      out[row * stride + i] = odd.length > 0 && dice.chance(0.02) ? dice.pick(odd) : plain;
    }
  }
  return out;
}

const partsOf = (dice: Dice) => ({
  head: STEP_COMPONENTS * (1 + dice.below(5)),
  tail: STEP_COMPONENTS * dice.below(4),
});

describe("the SIMD kernels", () => {
  it("run as WebAssembly here, and as their twins where there is none of it, or none with SIMD", () => {
    const [simd, twin] = both();
    expect(String(simd.kernels.scan)).toContain("native code");
    expect(String(twin.kernels.scan)).not.toContain("native code");
    const old = kernelMemory(BYTES, { ...wasmParts(), validate: () => false });
    expect(String(old?.kernels.scan)).not.toContain("native code");
    expect(old?.buffer.byteLength).toBe(BYTES);
  });

  it("have no memory beyond what there is", () => {
    expect(kernelMemory(2 ** 40)).toBeNull();
    expect(kernelMemory(2 ** 60, null)).toBeNull();
  });

  it("quantize as their twins do, bit for bit", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const dice = new Dice(seed);
      const { head, tail } = partsOf(dice);
      const rows = 1 + dice.below(30);
      const odd = seed % 3 === 0 ? [-0, 3e38, -3e38, 2 ** -149] : [];
      const source = someRows(dice, rows, head + tail, odd);
      // Codes may begin at any byte.
      const [heads, tails] = [HEADS + dice.below(17), TAILS + dice.below(17)];
      const memories = both();
      for (const { kernels, buffer } of memories) {
        new Float32Array(buffer, SOURCE, source.length).set(source);
        expect(kernels.quantize(SOURCE, rows, head, tail, heads, tails, FACTS)).toBe(rows);
      }
      const [simd, twin] = memories.map(({ buffer }) => Buffer.from(buffer));
      expect(Buffer.compare(simd, twin)).toBe(0);
    }
  });

  it("quantize what is no number as their twins do, and note a length that is none", () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const stride = 3 * STEP_COMPONENTS;
      const made = both().map(({ kernels, buffer }) => {
        const source = new Float32Array(buffer, SOURCE, 2 * stride).fill(-1.5);
        source[stride + 3] = odd;
        kernels.quantize(SOURCE, 2, STEP_COMPONENTS, 2 * STEP_COMPONENTS, HEADS, TAILS, FACTS);
        const facts = new Float32Array(buffer);
        const noted = [0, 1].map((row) => [0, 1, 2, 3].map((which) => facts[factOf(FACTS, row, which)]));
        expect(Number.isFinite(noted[0][0])).toBe(true);
        expect(Number.isFinite(noted[1][0])).toBe(false);
        const codes = [HEADS, TAILS].map((place) => [...new Int8Array(buffer, place, 4 * STEP_COMPONENTS)]);
        return { noted, codes };
      });
      expect(made[0]).toEqual(made[1]);
    }
  });

  it("do nothing to no rows", () => {
    for (const { kernels, buffer } of both()) {
      new Float32Array(buffer, SOURCE, STEP_COMPONENTS).fill(1);
      expect(kernels.quantize(SOURCE, 0, STEP_COMPONENTS, 0, HEADS, TAILS, FACTS)).toBe(0);
      const places = [STEP_COMPONENTS, 0, HEADS, TAILS, FACTS, QUERY, FOUND] as const;
      expect(kernels.scan(4, 4, ...places, 0, 1, 1, 1, 1, Number.POSITIVE_INFINITY)).toBe(0);
      expect(new Uint8Array(buffer, HEADS).every((byte) => byte === 0)).toBe(true);
    }
  });

  it("scan as their twins do, and leave tails alone only where heads tell enough", () => {
    let skipped = 0;
    for (let seed = 1; seed <= 80; seed++) {
      const dice = new Dice(seed);
      const { head, tail } = partsOf(dice);
      const stride = head + tail;
      const rows = ROWS_AT_ONCE * (1 + dice.below(20));
      const source = someRows(dice, rows, stride, []);
      const query = Int16Array.from({ length: stride }, () => dice.below(65_535) - 32_767);
      const first = ROWS_AT_ONCE * dice.below(rows / ROWS_AT_ONCE);
      const limit = dice.pick([-1, 0, 1e6, 1e9, -1e9, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
      // What the tails' products can be at most, so that no row is missed.
      const tailLength = Math.hypot(...query.subarray(head));
      const answers = both().map(({ kernels, buffer }) => {
        new Float32Array(buffer, SOURCE, source.length).set(source);
        new Int16Array(buffer, QUERY, stride).set(query);
        kernels.quantize(SOURCE, rows, head, tail, HEADS, TAILS, FACTS);
        return [0, 1].map((skipsTails) => {
          const places = [head, tail, HEADS, TAILS, FACTS, QUERY, FOUND] as const;
          const weights = [0.9, 2.5, 1e-3, 1e-3 * tailLength * 1.001] as const;
          const count = kernels.scan(first, rows, ...places, skipsTails, ...weights, limit);
          return [...new Int32Array(buffer, FOUND, 1 + count)];
        });
      });
      expect(answers[0]).toEqual(answers[1]);
      const [whole, skipping] = answers[0];
      expect(skipping.slice(1)).toEqual(whole.slice(1));
      expect(whole[0]).toBe((rows - first) / ROWS_AT_ONCE);
      skipped += whole[0] - skipping[0];
      if (limit === Number.POSITIVE_INFINITY) expect(whole).toHaveLength(1 + rows - first);
    }
    expect(skipped).toBeGreaterThan(100);
  });

  it("note how far the codes are from the row, and how long the tail is", () => {
    const [{ kernels, buffer }] = both();
    const stride = 2 * STEP_COMPONENTS;
    const row = Float32Array.from({ length: stride }, (_, i) => Math.sin(i + 1));
    new Float32Array(buffer, SOURCE, stride).set(row);
    kernels.quantize(SOURCE, 1, STEP_COMPONENTS, STEP_COMPONENTS, HEADS, TAILS, FACTS);
    const facts = new Float32Array(buffer);
    const [norm, worth, error, tail] = [0, 1, 2, 3].map((which) => facts[factOf(FACTS, 0, which)]);
    const codes = [HEADS, TAILS].map((place) => [...new Int8Array(buffer, place, STEP_COMPONENTS)]);
    const coded = codes.flat().map((code) => code * worth);
    expect(norm).toBeCloseTo(
      row.reduce((sum, value) => sum + value * value, 0),
      4,
    );
    expect(error).toBeCloseTo(Math.hypot(...row.map((value, i) => value - coded[i])), 5);
    expect(tail).toBeCloseTo(Math.hypot(...coded.slice(STEP_COMPONENTS)), 5);
    expect(Math.max(...codes.flat().map(Math.abs))).toBe(127);
  });
});

function wasmParts() {
  const { Memory, Module, Instance, validate } = WebAssembly;
  return { Memory, Module, Instance, validate };
}
