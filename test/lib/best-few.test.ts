import { describe, expect, it } from "bun:test";
import { BestFew } from "../../src/lib/best-few.ts";
import { Dice } from "../support/dice.ts";

describe("the best few", () => {
  it("are those that sorting everything puts first", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const dice = new Dice(seed);
      const count = dice.below(40);
      const wanted = dice.below(12);
      const costs = Array.from({ length: count }, () => dice.below(6));
      const numbers = costs.map((_, i) => i).sort(() => dice.below(3) - 1);
      const best = new BestFew(wanted, (a, b) => a - b);
      for (const number of numbers) best.offer(number, costs[number]);
      const expected = numbers.sort((a, b) => costs[a] - costs[b] || a - b).slice(0, wanted);
      expect([...best.sorted().numbers]).toEqual(expected);
      expect([...best.sorted().costs]).toEqual(expected.map((number) => costs[number]));
    }
  });

  it("say what is too dear for them", () => {
    const best = new BestFew(2, () => 0);
    best.offer(1, 5);
    expect(best.limit).toBe(Number.POSITIVE_INFINITY);
    best.offer(2, 3);
    expect(best.limit).toBe(5);
    best.offer(3, 4);
    expect(best.limit).toBe(4);
    expect(new BestFew(0, () => 0).limit).toBe(Number.NEGATIVE_INFINITY);
  });
});
