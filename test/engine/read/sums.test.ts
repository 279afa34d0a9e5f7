import { describe, expect, it } from "bun:test";
import { Sums } from "../../../src/engine/read/sums.ts";
import { exactSum } from "../../oracle/order.ts";
import { Dice } from "../../support/dice.ts";

const POOLS: readonly (readonly number[])[] = [
  [0.1, 0.2, 0.3, -0.1, 2.5],
  [1e16, -1e16, 1, 0.5, -9_007_199_254_740_992],
  [1e308, -1e308, 1.7e308, 5e-324, -5e-324, 3],
  [5e-324, 2.2e-308, -1e-310],
  [1, 2 ** -53, 2 ** -54, -(2 ** -106), 2 ** 60, 2 ** -120, 2 ** -180],
];

function sumOf(values: readonly number[]): number {
  const sums = new Sums(2);
  for (const value of values) sums.add(1, value);
  expect(sums.total(0)).toBe(0);
  return sums.total(1);
}

describe("sums", () => {
  it("are the double nearest to the true sum, in whatever order values come", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const dice = new Dice(seed);
      const pool = dice.chance(0.2) ? POOLS.flat() : dice.pick(POOLS);
      const values = Array.from(
        { length: dice.below(40) },
        () => dice.pick(pool) * (dice.below(7) + 1) * 0.125,
      );
      const expected = exactSum(values);
      expect(sumOf(values)).toBe(expected);
      expect(sumOf(values.toReversed())).toBe(expected);
      expect(sumOf(values.toSorted((a, b) => a - b))).toBe(expected);
    }
  });

  it("take a value as often as is told, exactly", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const dice = new Dice(seed);
      const pool = dice.pick(POOLS);
      const sums = new Sums(1);
      const repeated: number[] = [];
      for (let i = dice.below(5); i >= 0; i--) {
        const [value, times] = [dice.pick(pool) * 0.3, 1 + dice.below(50)];
        sums.addTimes(0, value, times);
        repeated.push(...Array.from({ length: times }, () => value));
      }
      expect(sums.total(0)).toBe(exactSum(repeated));
    }
  });

  it("pass the range of doubles only where the true sum does", () => {
    expect(sumOf([1e308, 1e308, -1e308])).toBe(1e308);
    expect(sumOf([1e308, 1e308])).toBe(Number.POSITIVE_INFINITY);
    expect(sumOf([-1e308, -1e308])).toBe(Number.NEGATIVE_INFINITY);
  });
});
