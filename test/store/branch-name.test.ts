import { describe, expect, it } from "bun:test";
import { validateBranchName } from "../../src/store/index.ts";

describe("a branch name", () => {
  it.each([
    ["zulu", "zulu"],
    ["  main ", "main"],
    ["review/july", "review/july"],
    ["été/2", "été/2"],
    ["日本.v1-2_3", "日本.v1-2_3"],
    ["a".repeat(512), "a".repeat(512)],
  ])("is taken, trimmed: %j", (input, name) => {
    expect(validateBranchName(input)).toBe(name);
  });

  it.each(["", "   ", "\t\n"])("is refused when nothing is left of it: %j", (input) => {
    expect(() => validateBranchName(input)).toThrow("branch name cannot be empty");
  });

  it.each([
    "a b",
    "a//b",
    "/a",
    "a/",
    ".",
    "..",
    "a..b",
    "x.lock",
    "a\\b",
    "a\0b",
    "a:b",
    "é".repeat(257),
    "a*",
    "🚢",
  ])("is refused with what is allowed: %j", (input) => {
    expect(() => validateBranchName(input)).toThrow(/invalid.*allowed are letters/s);
  });

  it("is refused when the system reserves it", () => {
    expect(() => validateBranchName("__schema_apply_lock__")).toThrow("does not allow internal system ref");
  });
});
