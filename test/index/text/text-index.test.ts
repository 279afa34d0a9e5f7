import { describe, expect, it } from "bun:test";
import { analyze } from "../../../src/index/text/analyze.ts";
import { buildTextIndex } from "../../../src/index/text/text-index.ts";
import type { Utf8Column } from "../../../src/store/index.ts";
import { Dice } from "../../support/dice.ts";

function columnOf(texts: readonly (string | null)[]): Utf8Column {
  const encoded = texts.map((text) => Buffer.from(text ?? "", "utf8"));
  const offsets = new Int32Array(texts.length + 1);
  encoded.forEach((part, i) => {
    offsets[i + 1] = offsets[i] + part.length;
  });
  const valid = new Uint8Array((texts.length + 7) >> 3);
  texts.forEach((text, i) => {
    if (text !== null) valid[i >> 3] |= 1 << (i & 7);
  });
  return { kind: "utf8", offsets, bytes: new Uint8Array(Buffer.concat(encoded)), valid };
}

const noWait = async () => undefined;

describe("a full-text index", () => {
  it("holds what analysing each text finds", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const dice = new Dice(seed);
      const words = [
        "Running",
        "run",
        "the",
        "FOX",
        "foxes",
        "über",
        "x".repeat(45),
        "3d",
        "café",
        "Ünder",
        "of",
      ];
      const texts = Array.from({ length: 60 }, () =>
        dice.chance(0.1)
          ? null
          : Array.from({ length: dice.below(9) }, () => dice.pick(words)).join(dice.pick([" ", "--", ", "])),
      );
      const index = await buildTextIndex(columnOf(texts), texts.length, noWait);
      const analysed = texts.map((text) => analyze(text ?? ""));
      expect([...index.lengths]).toEqual(analysed.map((tokens) => tokens.length));
      expect(index.texts).toBe(analysed.filter((tokens) => tokens.length > 0).length);
      expect(index.tokens).toBe(analysed.flat().length);
      expect([...index.allTokens()].sort()).toEqual([...new Set(analysed.flat())].sort());
      for (const token of new Set(analysed.flat())) {
        const { rows, frequencies } = index.postings(token);
        const expected = analysed.flatMap((tokens, row) => {
          const frequency = tokens.filter((other) => other === token).length;
          return frequency === 0 ? [] : [[row, frequency]];
        });
        expect(Array.from(rows, (row, i) => [row, frequencies[i]])).toEqual(expected);
      }
      expect(index.postings("unheard").rows).toHaveLength(0);
    }
  });

  it("grows with its vocabulary", async () => {
    const texts = Array.from({ length: 30_000 }, (_, i) => `word${i} w${i % 7}`);
    const index = await buildTextIndex(columnOf(texts), texts.length, noWait);
    expect([...index.postings("word29999").rows]).toEqual([29_999]);
    expect(index.postings("w3").rows).toHaveLength(4_286);
  });

  it("is carried over to a table whose rows moved, as if it had been made there", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const dice = new Dice(seed);
      const words = Array.from({ length: 40 }, (_, i) => `word${String.fromCharCode(97 + (i % 26))}${i}`);
      const text = () =>
        dice.chance(0.1) ? null : Array.from({ length: dice.below(6) }, () => dice.pick(words)).join(" ");
      const old = Array.from({ length: dice.below(60) }, text);
      const next: (string | null)[] = [];
      const rowOf = new Int32Array(old.length).fill(-1);
      const added: number[] = [];
      for (let row = 0; row < old.length || dice.chance(0.5); ) {
        const isNew = row >= old.length || dice.chance(0.2);
        if (isNew) added.push(next.push(text()) - 1);
        else if (dice.chance(0.2)) row++;
        else {
          rowOf[row] = next.length;
          next.push(old[row++]);
        }
      }
      const before = await buildTextIndex(columnOf(old), old.length, noWait);
      const own = await buildTextIndex(columnOf(added.map((row) => next[row])), added.length, noWait);
      const moved = { rowOf, added: Int32Array.from(added), length: next.length };
      const carried = await before.moved(moved, own, noWait);
      const fresh = await buildTextIndex(columnOf(next), next.length, noWait);
      expect([...carried.allTokens()].sort()).toEqual([...fresh.allTokens()].sort());
      for (const token of fresh.allTokens()) expect(carried.postings(token)).toEqual(fresh.postings(token));
      expect(carried.lengths).toEqual(fresh.lengths);
      expect([carried.texts, carried.tokens, carried.longest]).toEqual([
        fresh.texts,
        fresh.tokens,
        fresh.longest,
      ]);
    }
  });
});
