// What a look over JSON text tells before it is parsed: how much is in it, and whether JSON.parse would lose any of it.

export interface JsonScan {
  /** Outside strings: as many as there are members. */
  readonly colons: number;
  /** Braces, brackets, commas and colons outside strings, plus one. */
  readonly slots: number;
  /** Numbers with a fraction or an exponent. */
  readonly decimals: number;
  /** JSON.parse reads it as it is, but for members named twice and decimals that are whole: no long integers or halves of surrogate pairs. */
  readonly isExact: boolean;
}

/** The escape of one half of a surrogate pair. */
const SURROGATE = /\\u[dD]/;

/** Digits in a row that a double holds whatever they are. */
const DIGITS_EXACT = 15;

export function scanJson(text: string): JsonScan {
  let colons = 0;
  let slots = 1;
  let decimals = 0;
  let hasLongInteger = false;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (isDigit(code)) {
      const start = i;
      do code = text.charCodeAt(++i);
      while (isDigit(code));
      if (i - start > DIGITS_EXACT) hasLongInteger = true;
      if (code === 0x2e || code === 0x65 || code === 0x45) {
        decimals++;
        do code = text.charCodeAt(++i);
        while (isDigit(code) || code === 0x65 || code === 0x45 || code === 0x2d || code === 0x2b);
      }
    }
    if (code === 0x22) {
      i = endOfString(text, i);
    } else if (code === 0x3a) {
      colons++;
      slots++;
    } else if (code === 0x2c || code === 0x7b || code === 0x7d || code === 0x5b || code === 0x5d) {
      slots++;
    }
  }
  return { colons, slots, decimals, isExact: !hasLongInteger && !SURROGATE.test(text) };
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Index of the quote that ends the string which starts at `open`, or the end of the text. */
function endOfString(text: string, open: number): number {
  let quote = open;
  for (;;) {
    quote = text.indexOf('"', quote + 1);
    if (quote === -1) return text.length;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote;
  }
}
