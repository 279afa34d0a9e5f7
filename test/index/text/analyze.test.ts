import { describe, expect, it } from "bun:test";
import { analyze, queryTokens } from "../../../src/index/text/analyze.ts";
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

  it("takes a letter and its mark, written apart, for one", () => {
    expect(analyze("re\u0301sume\u0301 Cafe\u0301")).toEqual(["resume", "cafe"]);
    expect(analyze("\u0130STANBUL I\u0307stanbul")).toEqual(["istanbul", "istanbul"]);
  });

  it("goes by letters of all scripts, in either case", () => {
    expect(analyze("ПРИВЕТ мир, ΟΔΟΣ! 日本語。テスト")).toEqual([
      "привет",
      "мир",
      "οδος",
      "日本語",
      "テスト",
    ]);
    expect(analyze("\u{1F600}smile x\u00b2 \u2167")).toEqual(["smile", "x\u00b2", "\u2177"]);
  });

  it("stems before it drops stop words, and folds last", () => {
    expect(analyze("being having")).toEqual([]);
    expect(analyze("before very cafés À")).toEqual(["befor", "veri", "cafe", "a"]);
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
