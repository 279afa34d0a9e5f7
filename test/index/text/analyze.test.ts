import { describe, expect, it } from "bun:test";
import { analyze, queryTokens } from "../../../src/index/text/analyze.ts";
import { editsBetween } from "../../../src/index/text/edit-distance.ts";
import { foldToAscii } from "../../../src/index/text/fold.ts";

describe("text analysis", () => {
  it("splits at what is neither letter nor digit", () => {
    expect(analyze("red-fox,blue_whale\n3.5 C++ x²")).toEqual([
      "red",
      "fox",
      "blue",
      "whale",
      "3",
      "5",
      "c",
      "x²",
    ]);
  });

  it("lower-cases, stems, drops stop words, and folds", () => {
    expect(analyze("The Running of the FOXES")).toEqual(["run", "fox"]);
    expect(analyze("Crème Brûlée, naïve Ångström, Łódź")).toEqual([
      "creme",
      "brulee",
      "naiv",
      "angstrom",
      "lodz",
    ]);
  });

  it("drops words of 40 bytes and more", () => {
    expect(analyze(`${"x".repeat(39)} ${"y".repeat(40)} ${"é".repeat(19)} ${"é".repeat(20)}`)).toEqual([
      "x".repeat(39),
      "e".repeat(19),
    ]);
  });

  it("finds nothing in nothing", () => {
    for (const text of ["", "  ", "the of to", "—…!"]) expect(analyze(text)).toEqual([]);
  });

  it("asks for each token of a query once", () => {
    expect(queryTokens("dogs dog DOG cats")).toEqual(["dog", "cat"]);
  });
});

describe("folding", () => {
  it("turns marked Latin letters into ASCII and leaves other scripts", () => {
    expect(foldToAscii("éßæøłþœﬁ")).toBe("essaeolthoefi");
    expect(foldToAscii("日本語 ёлка ωραίο")).toBe("日本語 ёлка ωραίο");
    expect(foldToAscii("plain")).toBe("plain");
  });
});

describe("edit distance", () => {
  it("counts insertions, deletions and replacements, up to a bound", () => {
    const edits = (a: string, b: string, max: number) => editsBetween([...a], [...b], max);
    expect(edits("nural", "neural", 2)).toBe(1);
    expect(edits("introductio", "introduct", 2)).toBe(2);
    expect(edits("introductio", "introduct", 1)).toBe(null);
    expect(edits("kitten", "sitting", 3)).toBe(3);
    expect(edits("kitten", "sitting", 2)).toBe(null);
    expect(edits("", "ab", 2)).toBe(2);
    expect(edits("same", "same", 0)).toBe(0);
    expect(edits("\u{1F600}", "x", 1)).toBe(1);
  });
});
