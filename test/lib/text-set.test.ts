import { describe, expect, it } from "bun:test";
import { TextList } from "../../src/lib/text-list.ts";
import { slicesOf, TextSet, textsOfAll } from "../../src/lib/text-set.ts";
import { Uint32List } from "../../src/lib/uint32-list.ts";

/** Texts of all lengths, among them ones longer than a page, in scripts of one to four bytes a character. */
function* someTexts(count: number): Generator<string> {
  const alphabets = ["abc", "äöü", "日本語", "🚢🦊🌍", "a日ü🚢"].map((letters) => [...letters]);
  for (let i = 0; i < count; i++) {
    const letters = alphabets[i % alphabets.length];
    const length = i % 997 === 0 ? i * 100 : i % 200;
    yield `${i}${Array.from({ length }, (_, k) => letters[(i + k) % letters.length]).join("")}`;
  }
}

describe("a list of texts", () => {
  it("gives back what was appended, whatever its length and script", () => {
    const texts = [...someTexts(6_000)];
    const list = new TextList();
    expect(texts.map((text) => list.append(text))).toEqual(texts.map((_, i) => i));
    expect([...list]).toEqual(texts);
    expect(list.at(4_985)).toBe(texts[4_985]);
  });

  it("keeps empty texts and a byte order mark at the start", () => {
    const texts = ["", "", "\ufeff", "\ufeffa".repeat(20), ""];
    const list = new TextList();
    for (const text of texts) list.append(text);
    expect([...list]).toEqual(texts);
  });

  it("fills pages to the last byte", () => {
    const list = new TextList();
    const texts = [512, 2_048, 0, 1, 1 << 20, 0, 1 << 20, (1 << 20) + 1, 0, 5].map((length) =>
      "x".repeat(length),
    );
    for (const text of texts) list.append(text);
    expect([...list].map(({ length }) => length)).toEqual(texts.map(({ length }) => length));
  });
});

describe("a set of texts", () => {
  it("numbers distinct texts in the order in which they came", () => {
    const set = new TextSet();
    expect(["b", "a", "b", "", "a", "é"].map((text) => set.add(text))).toEqual([0, 1, 0, 2, 1, 3]);
    expect([...set]).toEqual(["b", "a", "", "é"]);
    expect([set.size, set.at(3), set.numberOf("é"), set.numberOf("e")]).toEqual([4, "é", 3, -1]);
    expect([set.has(""), set.has("c")]).toEqual([true, false]);
  });

  it("is what a Set is, however many there are", () => {
    const texts = [...someTexts(3_000), ...Array.from({ length: 200_000 }, (_, i) => `id-${i * 7}`)];
    const [set, known] = [new TextSet(), new Set<string>()];
    for (const text of [...texts, ...texts]) {
      set.add(text);
      known.add(text);
    }
    expect(set.size).toBe(known.size);
    expect([...set]).toEqual([...known]);
    expect(texts.every((text) => set.has(text))).toBe(true);
    expect(Array.from({ length: 1_000 }, (_, i) => set.has(`id-${i * 7 + 1}`))).not.toContain(true);
  });

  it("tells texts with the same hash apart", () => {
    // Of so many texts with hashes of 32 bits, ten pairs have the same one.
    const set = new TextSet();
    const numbers = Array.from({ length: 300_000 }, (_, i) => set.add(i.toString(36)));
    expect(numbers.every((number, i) => number === i)).toBe(true);
  });
});

describe("several sets of texts", () => {
  it("are one that has what any of them has", () => {
    const own = new TextSet();
    own.add("a");
    const all = textsOfAll([own, new Set(["b", "c"])]);
    expect([all.size, [...all], all.has("a"), all.has("c"), all.has("d")]).toEqual([
      3,
      ["a", "b", "c"],
      true,
      true,
      false,
    ]);
    expect(textsOfAll([own])).toBe(own);
  });
});

describe("slices", () => {
  it("hold at most so many texts, all of them once", () => {
    expect([...slicesOf(["a", "b", "c", "d", "e"], 2)]).toEqual([["a", "b"], ["c", "d"], ["e"]]);
    expect([...slicesOf(["a", "b"], 2)]).toEqual([["a", "b"]]);
    expect([...slicesOf([], 2)]).toEqual([]);
  });
});

describe("a list of numbers", () => {
  it("gives back what was pushed and set, over its pages", () => {
    const list = new Uint32List();
    for (let i = 0; i < 200_000; i++) list.push(i * 3);
    list.set(65_536, 2 ** 32 - 1);
    const read = [0, 15, 16, 65_535, 65_536, 199_999].map((i) => list.at(i));
    expect(read).toEqual([0, 45, 48, 196_605, 2 ** 32 - 1, 599_997]);
    list.fill(7);
    expect([list.length, list.at(0), list.at(199_999)]).toEqual([200_000, 7, 7]);
  });
});
