// What a look over JSON text tells before it is parsed: how much is in it, and whether JSON.parse would lose any of it.

export interface JsonScan {
  /** Outside strings: as many as there are members. */
  readonly colons: number;
  /** Braces, brackets, commas and colons outside strings, plus one. */
  readonly slots: number;
  /** JSON.parse reads it as it is, but for members named twice: no long integers, whole decimals or halves of surrogate pairs. */
  readonly isExact: boolean;
}

/** Whole numbers written with a fraction or an exponent. May match inside a string, which only costs time. */
const WHOLE_DECIMAL = /\d\.0*(?:[,\]}\s]|$)|\d[eE]/;

/** The escape of one half of a surrogate pair. */
const SURROGATE = /\\u[dD]/;

/** Digits in a row that a double holds whatever they are. */
const DIGITS_EXACT = 15;

export function scanJson(text: string): JsonScan {
  let colons = 0;
  let slots = 1;
  let digits = 0;
  let hasLongDigits = false;
  let hasDecimals = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) {
      if (++digits > DIGITS_EXACT) hasLongDigits = true;
      continue;
    }
    if (digits > 0 && (code === 0x2e || code === 0x65 || code === 0x45)) hasDecimals = true;
    digits = 0;
    if (code === 0x22) {
      i = endOfString(text, i);
    } else if (code === 0x3a) {
      colons++;
      slots++;
    } else if (code === 0x2c || code === 0x7b || code === 0x7d || code === 0x5b || code === 0x5d) {
      slots++;
    }
  }
  const isExact = !hasLongDigits && !(hasDecimals && WHOLE_DECIMAL.test(text)) && !SURROGATE.test(text);
  return { colons, slots, isExact };
}

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
