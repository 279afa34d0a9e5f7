import { describe, expect, it } from "bun:test";
import { parseDuration } from "../../src/cli/duration.ts";

describe("a duration", () => {
  it.each([
    ["90", 90],
    ["90s", 90],
    [" 2m ", 120],
    ["1h", 3600],
    ["7d", 604_800],
    ["1w", 604_800],
  ])("%p is %p seconds", (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  it.each([
    ["", "duration is empty"],
    ["5y", "unknown duration unit 'y'"],
    ["10min", "unknown duration unit 'min'"],
    ["1.5h", "invalid duration '1.5h'"],
    ["-5", "invalid duration '-5'"],
    ["h", "invalid duration 'h'"],
    ["99999999999999999w", "invalid duration"],
  ])("%p is refused", (text, phrase) => expect(() => parseDuration(text)).toThrow(phrase));
});
