import { describe, expect, it } from "bun:test";
import { Vocabulary } from "../../../src/index/text/vocabulary.ts";
import { Dice } from "../../support/dice.ts";

/** Levenshtein's distance over characters, as it is defined. */
function distance(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return a.length + b.length;
  const [first, ...restA] = a;
  const [other, ...restB] = b;
  if (first === other) return distance(restA, restB);
  return 1 + Math.min(distance(restA, b), distance(a, restB), distance(restA, restB));
}

const near = (vocabulary: Vocabulary, token: string, edits: number) => {
  const found: [string, number][] = [];
  vocabulary.near(token, edits, (other, far) => found.push([other, far]));
  return found.sort();
};

describe("a vocabulary", () => {
  it("finds the tokens within so many edits, sorted or waiting", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const dice = new Dice(seed);
      const letters = dice.pick([
        ["a", "b"],
        ["a", "b", "c", "é", "щ"],
        ["a", "\u{10400}", "\uE000", "\u{1D7D8}"],
      ]);
      const make = () => Array.from({ length: 1 + dice.below(6) }, () => dice.pick(letters)).join("");
      const tokens = [...new Set(Array.from({ length: dice.pick([5, 200, 3_000]) }, make))];
      const vocabulary = new Vocabulary();
      const looked = new Set<number>([dice.below(tokens.length), tokens.length - 1]);
      tokens.forEach((token, i) => {
        vocabulary.add(token);
        if (!looked.has(i)) return;
        const wanted = make();
        for (const edits of [0, 1, 2, 40]) {
          const expected = tokens
            .slice(0, i + 1)
            .map((other): [string, number] => [other, distance([...wanted], [...other])])
            .filter(([, far]) => far <= edits);
          expect(near(vocabulary, wanted, edits)).toEqual(expected.sort());
        }
      });
    }
  });

  it("looks at few of many tokens", () => {
    const vocabulary = new Vocabulary();
    for (let i = 0; i < 20_000; i++) vocabulary.add(`w${(i * 7_919) % 20_000}x${i}`);
    expect(near(vocabulary, "w7919x1", 0)).toEqual([["w7919x1", 0]]);
    expect(near(vocabulary, "w7919x9", 1)).toEqual([["w7919x1", 1]]);
    expect(near(new Vocabulary(), "a", 3)).toEqual([]);
  });
});
