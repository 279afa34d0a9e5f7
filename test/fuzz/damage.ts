// What happens to texts: words lost, doubled, swapped and mistyped, ends cut off, bytes turned into others.

import type { Dice } from "../support/dice.ts";

const PIECES = /\s+|\w+|"[^"]*"|./gsu;

/** Of either language, and of none. */
const STRAY = [
  ..."{ } ( ) [ ] , : . < > = != <= >= @ ? - -> .. $ # ' \" \\ / // /* */ ! ~ é 😀 \u0000 \u001b \ufeff \u00a0 0 1.5 9e9".split(
    " ",
  ),
  "not",
  "match",
  "return",
  "where",
  "query q() {",
  "node N {",
  "null",
  "nearest(",
  '"',
  "\n",
  "\r\n",
  "$a",
  "$_",
  "A",
];

/** The text with one to four things wrong, or none. */
export function damage(text: string, dice: Dice): string {
  if (dice.chance(0.4)) return text;
  const pieces = text.match(PIECES) ?? [];
  for (let times = 1 + dice.below(4); times > 0; times--) {
    const at = dice.below(pieces.length + 1);
    switch (dice.below(6)) {
      case 0:
        pieces.splice(at, 1 + dice.below(3));
        break;
      case 1:
        pieces.splice(at, 0, dice.pick(STRAY));
        break;
      case 2:
        pieces.splice(at, 1, dice.pick(STRAY));
        break;
      case 3:
        pieces.splice(at, 0, ...pieces.slice(at, at + 1 + dice.below(6)));
        break;
      case 4:
        pieces.splice(dice.below(pieces.length + 1), 0, ...pieces.splice(at, 1));
        break;
      default:
        if (dice.chance(0.3)) pieces.length = Math.min(pieces.length, at);
    }
  }
  return pieces.join("");
}

/** Any bytes, read as UTF-8 reads them. */
export function randomBytes(dice: Dice): string {
  const bytes = Uint8Array.from({ length: dice.below(200) }, () =>
    dice.chance(0.7) ? 0x20 + dice.below(0x5f) : dice.below(256),
  );
  return new TextDecoder().decode(bytes);
}

/** The shortest text that one got by leaving out pieces, which still fails. */
export async function shorten(text: string, fails: (text: string) => Promise<boolean>): Promise<string> {
  let pieces: readonly string[] = text.match(PIECES) ?? [];
  for (let size = Math.ceil(pieces.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < pieces.length; ) {
      const fewer = [...pieces.slice(0, at), ...pieces.slice(at + size)];
      if (await fails(fewer.join(""))) pieces = fewer;
      else at += size;
    }
  }
  return pieces.join("");
}
