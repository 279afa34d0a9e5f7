import { describe, expect, it } from "bun:test";
import type { JsonValue } from "../../src/lib/json.ts";
import { parseShortJson } from "../../src/lib/json-short.ts";
import { Dice } from "../support/dice.ts";

const NUMBERS = [
  "0",
  "-0",
  "7",
  "-12",
  "0.5",
  "-0.25",
  "999999999999999",
  "0.00000000000012",
  "123456.789012345",
];
const STRINGS = ['""', '"a"', '"naïve 💥"', '"1.0"', '"{"', '"toString "'];
const BLANKS = ["", "", "", " ", "\n\t", "  "];

/** JSON text of what is read here, with blanks wherever they may stand. */
function someText(dice: Dice, depth: number): string {
  const blank = () => dice.pick(BLANKS);
  const inner = (): string => {
    const kind = depth > 3 ? dice.below(3) : dice.below(5);
    if (kind === 0) return dice.pick(NUMBERS);
    if (kind === 1) return dice.pick(STRINGS);
    if (kind === 2) return dice.pick(["true", "false", "null"]);
    const items = Array.from({ length: dice.below(5) }, (_, i) => {
      const item = someText(dice, depth + 1);
      return kind === 3 ? item : `${blank()}"k${i}"${blank()}:${item}`;
    });
    return kind === 3 ? `[${items.join(",") || blank()}]` : `{${items.join(",") || blank()}}`;
  };
  return blank() + inner() + blank();
}

describe("parseShortJson", () => {
  it("reads what JSON.parse reads", () => {
    for (let seed = 1; seed <= 3_000; seed++) {
      const text = someText(new Dice(seed), 0);
      const read = parseShortJson(text);
      expect(read).toEqual(JSON.parse(text) as JsonValue);
      expect(JSON.stringify(read)).toBe(JSON.stringify(JSON.parse(text)));
    }
  });

  it("reads decimals to the last bit", () => {
    const dice = new Dice(1);
    for (let i = 0; i < 20_000; i++) {
      const decimals = 1 + dice.below(14);
      const digits = String(dice.below(2 ** 31))
        .padStart(decimals + 1, "0")
        .slice(0, 15);
      const text = `-${digits.slice(0, -decimals).replace(/^0+(?=\d)/, "")}.${digits.slice(-decimals)}`;
      const read = parseShortJson(text);
      if (Number.isInteger(Number(text))) expect(read).toBeUndefined();
      else expect(read).toBe(Number(text));
    }
  });

  it("never reads what is no JSON", () => {
    for (let seed = 1; seed <= 5_000; seed++) {
      const dice = new Dice(seed);
      const text = someText(dice, 0);
      const at = dice.below(text.length);
      const broken =
        text.slice(0, at) +
        dice.pick(["", ",", "]", "}", '"', "-", ".", "0", "\\", "\u0001", "e1", ":"]) +
        text.slice(at + dice.below(2));
      const read = parseShortJson(broken);
      if (read !== undefined) expect(read).toEqual(JSON.parse(broken) as JsonValue);
    }
  });

  it("leaves to others what JSON.parse would hide, and what takes more care", () => {
    for (const text of [
      '{"a":1,"a":2}',
      '{"__proto__":1}',
      "3.0",
      "[1, 2.00]",
      "1e3",
      "[1.5e1]",
      "9007199254740993",
      "0.1234567890123456",
      '"\\n"',
      '"\t"',
      "[1,]",
      "01",
      "1.",
      "-",
      "",
      "nul",
      "[1 2]",
      "{}x",
      "[".repeat(100) + "]".repeat(100),
    ]) {
      expect(parseShortJson(text)).toBeUndefined();
    }
  });
});
