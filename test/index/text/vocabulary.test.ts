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
  it("finds the tokens within so many edits, old or new", () => {
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

  it("looks at few of many tokens, old or new", () => {
    const vocabulary = new Vocabulary();
    const tokens = Array.from({ length: 20_000 }, (_, i) => `w${(i * 7_919) % 20_000}x${i}`);
    const characters = tokens.join("").length;
    for (const token of tokens) vocabulary.add(token);
    const look = (token: string, edits: number) => {
      const found: string[] = [];
      return { looked: vocabulary.near(token, edits, (other) => found.push(other)), found };
    };
    expect(look("w7919x1", 0).found).toEqual(["w7919x1"]);
    expect(look("w7919x1", 0).looked).toBeLessThan(200);
    expect(look("w7919x9", 1).found).toEqual(["w7919x1"]);
    expect(look("w7919x9", 1).looked).toBeLessThan(characters / 100);
    expect(look("w7919x9", 2).looked).toBeLessThan(characters / 10);
    // What came since is in order too, though by itself.
    for (let i = 0; i < 4_000; i++) vocabulary.add(`new${i}`);
    expect(look("new399", 0)).toMatchObject({ found: ["new399"] });
    expect(look("new399", 0).looked).toBeLessThan(200);
    expect(near(new Vocabulary(), "a", 3)).toEqual([]);
  });
});
