// Latin letters with marks as plain ASCII: é as e, ß as ss.

/** Letters that Unicode does not take apart into a base and marks. */
const WHOLE: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  ǽ: "ae",
  œ: "oe",
  ø: "o",
  ǿ: "o",
  đ: "d",
  ð: "d",
  ħ: "h",
  ı: "i",
  ĳ: "ij",
  ĸ: "q",
  ł: "l",
  ŀ: "l",
  ŋ: "n",
  ŉ: "n",
  ŧ: "t",
  þ: "th",
  ſ: "s",
  ƒ: "f",
  ǆ: "dz",
  ǉ: "lj",
  ǌ: "nj",
  ﬀ: "ff",
  ﬁ: "fi",
  ﬂ: "fl",
  ﬃ: "ffi",
  ﬄ: "ffl",
};

const BEYOND_ASCII = /[^\p{ASCII}]/u;
const MARK = /^\p{M}$/u;
const MARKS = /\p{M}+/gu;

/** Folds what is Latin; letters of other scripts stay. */
export function foldToAscii(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text;
  let out = "";
  let isLatin = false;
  for (const letter of text) {
    // A mark of its own belongs to the letter before it, as when İ became small.
    if (isLatin && MARK.test(letter)) continue;
    isLatin = !BEYOND_ASCII.test(letter);
    const whole = WHOLE[letter];
    const bare = whole ?? letter.normalize("NFD").replace(MARKS, "");
    if (bare !== "" && !BEYOND_ASCII.test(bare)) isLatin = true;
    out += isLatin ? bare : letter;
  }
  return out;
}
