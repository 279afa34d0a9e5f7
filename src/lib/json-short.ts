// JSON as most rows have it: strings without escapes, numbers of at most 15 digits without an exponent. One look at each
// character reads it and sees all that JSON.parse would hide, in less time than JSON.parse and a look over the text beside
// it. Everything else is left to parsers that know the whole of JSON.

import type { JsonValue } from "./json.ts";

/** Digits that a double holds whatever they are; a power of ten up to this is exact too, so that one division rounds once. */
const DIGITS_EXACT = 15;
const POWERS_OF_TEN = Array.from({ length: DIGITS_EXACT + 1 }, (_, power) => 10 ** power);
/** Nesting beyond this is left to others. */
const DEPTH_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/**
 * The value of a text, or undefined where it is not of this simple kind: also where it is no JSON, where a member is named
 * twice, and where a whole number is written with a fraction.
 */
export function parseShortJson(text: string): JsonValue | undefined {
  const parser = new ShortParser(text);
  const value = parser.value(0);
  return parser.isDone() ? value : undefined;
}

class ShortParser {
  private at = 0;
  /** False once something came that is left to others. */
  private isSimple = true;

  constructor(private readonly text: string) {}

  isDone(): boolean {
    this.skipBlanks();
    return this.isSimple && this.at === this.text.length;
  }

  private giveUp(): null {
    this.isSimple = false;
    return null;
  }

  /** The next character that is no white space. */
  private skipBlanks(): number {
    const { text } = this;
    let code = text.charCodeAt(this.at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09)
      code = text.charCodeAt(++this.at);
    return code;
  }

  value(depth: number): JsonValue {
    const code = this.skipBlanks();
    if (code === QUOTE) return this.string();
    if (startsNumber(code)) return this.number();
    switch (code) {
      case 0x7b:
        return depth > DEPTH_MAX ? this.giveUp() : this.object(depth);
      case 0x5b:
        return depth > DEPTH_MAX ? this.giveUp() : this.array(depth);
      case 0x74:
        return this.word("true", true);
      case 0x66:
        return this.word("false", false);
      case 0x6e:
        return this.word("null", null);
      default:
        return this.giveUp();
    }
  }

  private word<T extends JsonValue>(word: string, value: T): T | null {
    if (!this.text.startsWith(word, this.at)) return this.giveUp();
    this.at += word.length;
    return value;
  }

  private string(): string {
    const { text } = this;
    const start = this.at + 1;
    const end = text.indexOf('"', start);
    if (end === -1) this.giveUp();
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code === BACKSLASH) this.giveUp();
    }
    this.at = end + 1;
    return text.slice(start, end);
  }

  private number(): JsonValue {
    const numbers: JsonValue[] = [];
    this.numbers(numbers, 1);
    return numbers[0];
  }

  /** Reads a number, and those that follow it behind commas without white space, but for one blank, up to so many. */
  private numbers(into: JsonValue[], most: number): void {
    const { text } = this;
    let at = this.at;
    let code = text.charCodeAt(at);
    for (let read = 1; ; read++) {
      const isNegative = code === MINUS;
      if (isNegative) code = text.charCodeAt(++at);
      const start = at;
      let digits = 0;
      while (isDigit(code)) {
        digits = digits * 10 + (code - ZERO);
        code = text.charCodeAt(++at);
      }
      let count = at - start;
      if (count === 0 || (count > 1 && text.charCodeAt(start) === ZERO)) this.giveUp();
      let value = digits;
      if (code === POINT) {
        const point = at;
        code = text.charCodeAt(++at);
        while (isDigit(code)) {
          digits = digits * 10 + (code - ZERO);
          code = text.charCodeAt(++at);
        }
        const decimals = at - point - 1;
        count += decimals;
        value = count > DIGITS_EXACT ? 0 : digits / POWERS_OF_TEN[decimals];
        // Whole: also where there is no digit after the point, which is no number.
        if (Number.isInteger(value)) this.giveUp();
      }
      // An exponent.
      if (count > DIGITS_EXACT || code === 0x65 || code === 0x45) this.giveUp();
      into.push(isNegative ? -value : value);
      if (code !== COMMA || read === most || !this.isSimple) break;
      const next = text.charCodeAt(at + 1) === 0x20 ? at + 2 : at + 1;
      if (!startsNumber(text.charCodeAt(next))) break;
      at = next;
      code = text.charCodeAt(at);
    }
    this.at = at;
  }

  private array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.at++;
    let code = this.skipBlanks();
    if (code === 0x5d) {
      this.at++;
      return items;
    }
    for (;;) {
      if (startsNumber(code)) this.numbers(items, Number.POSITIVE_INFINITY);
      else items.push(this.value(depth + 1));
      const mark = this.skipBlanks();
      this.at++;
      if (mark !== COMMA || !this.isSimple) {
        if (mark !== 0x5d) this.giveUp();
        return items;
      }
      code = this.skipBlanks();
    }
  }

  private object(depth: number): JsonValue {
    const members: Record<string, JsonValue> = {};
    this.at++;
    if (this.skipBlanks() === 0x7d) {
      this.at++;
      return members;
    }
    for (;;) {
      if (this.skipBlanks() !== QUOTE) return this.giveUp();
      const name = this.string();
      // What every object has counts as named twice; so does __proto__, which would be no member.
      if (name in members || this.skipBlanks() !== COLON) return this.giveUp();
      this.at++;
      members[name] = this.value(depth + 1);
      const mark = this.skipBlanks();
      this.at++;
      if (mark !== COMMA || !this.isSimple) {
        if (mark !== 0x7d) this.giveUp();
        return members;
      }
    }
  }
}

const isDigit = (code: number): boolean => code >= ZERO && code <= 0x39;
const startsNumber = (code: number): boolean => code === MINUS || isDigit(code);
