// Random `.pg` sources by the grammar.

import type { Dice } from "../support/dice.ts";

const TYPES = ["A", "B", "C", "Thing", "I"];
const NAMES = "a b c key node edge value id from src text vec".split(" ");
const SCALARS = "String Bool I32 I64 U32 U64 F32 F64 Date DateTime Blob".split(" ");
const MARKS = [
  "@key",
  "@unique",
  "@index",
  '@description("words")',
  '@embed("a")',
  '@embed("a", model="m")',
  '@rename_from("b")',
  "@nope",
  "@default(1)",
];
const RULES = [
  "@key(a, b)",
  "@key(a)",
  "@unique(a, b)",
  "@index(text)",
  "@range(a, 0..5)",
  "@range(b, -1.5..)",
  "@range(c, ..3)",
  '@check(text, "^[a-z]+$")',
  '@check(a, "(")',
  "@range(nope, 5..1)",
];

const some = (dice: Dice, least: number, most: number, make: () => string, between = " ") =>
  Array.from({ length: least + dice.below(most - least + 1) }, make).join(between);

function type(dice: Dice): string {
  const nullable = dice.chance(0.5) ? "?" : "";
  switch (dice.below(6)) {
    case 0:
      return `[${dice.pick(SCALARS)}]${nullable}`;
    case 1:
      return `enum(${some(dice, 1, 3, () => dice.pick(["x", "y-1", "9z", "new"]), ", ")})${nullable}`;
    case 2:
      return `Vector(${dice.pick(["3", "0", "768", "99999999999"])})${nullable}`;
    default:
      return dice.pick(SCALARS) + nullable;
  }
}

const property = (dice: Dice) =>
  `${dice.pick(NAMES)}: ${type(dice)} ${dice.chance(0.3) ? dice.pick(MARKS) : ""}`;
const member = (dice: Dice) => (dice.chance(0.8) ? property(dice) : dice.pick(RULES));

function declaration(dice: Dice): string {
  const name = dice.pick(TYPES);
  const mark = dice.chance(0.1) ? `${dice.pick(MARKS)} ` : "";
  const members = some(dice, 0, 4, () => member(dice), "\n  ");
  switch (dice.below(5)) {
    case 0:
      return `interface ${name} { ${some(dice, 0, 3, () => property(dice))} }`;
    case 1: {
      const card = dice.pick(["", "@card(0..1) ", "@card(1..) ", "@card(2..1) "]);
      return `edge ${name}: ${dice.pick(TYPES)} -> ${dice.pick(TYPES)} ${card}${mark}{ ${members} }`;
    }
    default: {
      const implemented = dice.chance(0.2)
        ? `implements ${some(dice, 1, 2, () => dice.pick(TYPES), ", ")} `
        : "";
      return `node ${name} ${mark}${implemented}{ ${members} }`;
    }
  }
}

export const randomSchema = (dice: Dice): string => some(dice, 0, 4, () => declaration(dice), "\n");
