// The words of `.pg` and `.gq`: one lexer for both languages. One pass, no regular expressions on the input, and columns
// of numbers instead of an object a token: a text of a million tokens is a few megabytes and some milliseconds.
// Offsets are UTF-16 code units.

import { SourceError, type Span, textStart } from "./source.ts";

/** `name` starts with a-z or `_`, `type` with A-Z; `variable` is `$name`. */
export type TokenKind = "name" | "type" | "variable" | "int" | "float" | "string" | "punct" | "end";

export interface Token extends Span {
  readonly kind: TokenKind;
  /** As written; a variable without its `$`, the end as the empty text. */
  readonly text: string;
}

/** What a language is written with. */
export class Lexicon {
  /** Marks by the code of their first character. */
  readonly marksByFirst: readonly (readonly Mark[] | undefined)[];
  /** The text of a mark by its token code; the empty text for other tokens. */
  readonly markTexts: readonly string[];

  /** Where one mark begins another, the longer stands first. `variables`: whether `$name` is a word. */
  constructor(
    punctuation: readonly string[],
    readonly variables: boolean,
  ) {
    const marks = punctuation.map((text, index) => ({ text, code: CODE.mark + index }));
    const byFirst: Mark[][] = [];
    for (const mark of marks) {
      const first = mark.text.charCodeAt(0);
      byFirst[first] ??= [];
      byFirst[first].push(mark);
    }
    this.marksByFirst = byFirst;
    this.markTexts = [...new Array<string>(CODE.mark).fill(""), ...punctuation];
  }
}

interface Mark {
  readonly text: string;
  readonly code: number;
}

/** What a token is, as a number; from `mark` on the marks of the language. Those from `badCharacter` on are no tokens. */
export const CODE = {
  end: 0,
  name: 1,
  type: 2,
  variable: 3,
  int: 4,
  float: 5,
  string: 6,
  badCharacter: 7,
  badVariable: 8,
  openComment: 9,
  openString: 10,
  mark: 16,
} as const;

const KINDS: readonly TokenKind[] = ["end", "name", "type", "variable", "int", "float", "string"];

/** Every token of a source, the last of them its end. The columns go on beyond it, so that who looks ahead sees ends. */
export interface Tokens {
  readonly source: string;
  readonly codes: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly count: number;
}

/** Tokens that can be seen beyond the next one. */
const AHEAD_MAX = 4;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const DOLLAR = 0x24;
const STAR = 0x2a;
const DOT = 0x2e;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
const isLower = (code: number) => (code >= 0x61 && code <= 0x7a) || code === UNDERSCORE;
const isUpper = (code: number) => code >= 0x41 && code <= 0x5a;
const isWordPart = (code: number) => isLower(code) || isUpper(code) || isDigit(code);

/** Splits a source into tokens; what is none is among them. Throws SourceError for half of a surrogate pair. */
export function tokenize(source: string, lexicon: Lexicon): Tokens {
  requireWellFormed(source);
  const { length } = source;
  const codes = new Uint8Array(length + 1 + AHEAD_MAX);
  const starts = new Uint32Array(length + 1 + AHEAD_MAX);
  const ends = new Uint32Array(length + 1 + AHEAD_MAX);
  let count = 0;
  let at = skipBlanks(source, textStart(source));
  while (at < length) {
    let code = codeAt(source, at, lexicon);
    let end = endOf(source, at, code, lexicon);
    if (code === CODE.int && isFraction(source, end)) {
      code = CODE.float;
      end = digitsEnd(source, end + 2);
    } else if (end > length) {
      code = CODE.openString;
      end = at + 1;
    }
    codes[count] = code;
    starts[count] = at;
    ends[count] = end;
    count++;
    at = isOpen(code) ? length : skipBlanks(source, end);
  }
  codes[count] = CODE.end;
  starts[count] = at;
  ends[count] = at + 1;
  return { source, codes, starts, ends, count: count + 1 };
}

// Functions of their own, called once a token: as one loop the engine optimizes it for what a source begins with, and takes
// ten times as long where another goes on otherwise.

/** What begins at an offset, as far as its first characters tell. */
function codeAt(source: string, at: number, lexicon: Lexicon): number {
  const first = source.charCodeAt(at);
  if (isLower(first)) return CODE.name;
  if (isUpper(first)) return CODE.type;
  if (isDigit(first)) return CODE.int;
  if (first === QUOTE) return CODE.string;
  const next = source.charCodeAt(at + 1);
  if (first === DOLLAR && lexicon.variables) return isLower(next) ? CODE.variable : CODE.badVariable;
  if (first === SLASH && next === STAR) return CODE.openComment;
  return markAt(source, at, lexicon.marksByFirst[first])?.code ?? CODE.badCharacter;
}

/** Where that ends; beyond the source for a string without an end. */
function endOf(source: string, at: number, code: number, lexicon: Lexicon): number {
  switch (code) {
    case CODE.name:
    case CODE.type:
      return wordEnd(source, at + 1);
    case CODE.variable:
      return wordEnd(source, at + 2);
    case CODE.int:
      return digitsEnd(source, at + 1);
    case CODE.string:
      return stringEnd(source, at);
    case CODE.badVariable:
      return at + 1;
    case CODE.openComment:
      return at + 2;
    case CODE.badCharacter:
      return at + (isHighSurrogate(source.charCodeAt(at)) ? 2 : 1);
    default:
      return at + lexicon.markTexts[code].length;
  }
}

const isOpen = (code: number) => code === CODE.openString || code === CODE.openComment;
const isHighSurrogate = (code: number) => code >= 0xd800 && code <= 0xdbff;
const isFraction = (source: string, at: number) =>
  source.charCodeAt(at) === DOT && isDigit(source.charCodeAt(at + 1));

/** No file holds half of a surrogate pair, and nothing that was stored would give it back. */
function requireWellFormed(source: string): void {
  if (source.isWellFormed()) return;
  const start = source.search(/\p{Surrogate}/u);
  throw new SourceError("half of a surrogate pair, which is no character", { start, end: start + 1 });
}

function markAt(source: string, at: number, marks: readonly Mark[] | undefined): Mark | undefined {
  if (marks === undefined) return undefined;
  for (const mark of marks) {
    if (mark.text.length === 1 || source.startsWith(mark.text, at)) return mark;
  }
  return undefined;
}

/** Where the next token begins; a comment that is never closed is one, for it to be refused. */
function skipBlanks(source: string, from: number): number {
  let at = from;
  for (;;) {
    const code = source.charCodeAt(at);
    if (code === SPACE || code === LF || code === TAB || code === CR) {
      at++;
    } else if (code === SLASH && source.charCodeAt(at + 1) === SLASH) {
      const lineEnd = source.indexOf("\n", at);
      at = lineEnd === -1 ? source.length : lineEnd + 1;
    } else if (code === SLASH && source.charCodeAt(at + 1) === STAR) {
      const close = source.indexOf("*/", at + 2);
      if (close === -1) return at;
      at = close + 2;
    } else {
      return at;
    }
  }
}

function wordEnd(source: string, from: number): number {
  let at = from;
  while (isWordPart(source.charCodeAt(at))) at++;
  return at;
}

function digitsEnd(source: string, from: number): number {
  let at = from;
  while (isDigit(source.charCodeAt(at))) at++;
  return at;
}

/** Behind the closing quote; beyond the source where there is none. */
function stringEnd(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return source.length + 1;
}

/** One token as an object. Throws SourceError where that is none. */
export function tokenAt(tokens: Tokens, index: number): Token {
  const { source, codes, starts, ends } = tokens;
  const code = codes[index];
  const start = starts[index];
  const end = ends[index];
  if (isBad(code)) throw new SourceError(describeFault(code, source.slice(start, end)), { start, end });
  const text = source.slice(code === CODE.variable ? start + 1 : start, end);
  return { kind: code >= CODE.mark ? "punct" : KINDS[code], text, start, end };
}

const isBad = (code: number): boolean => code >= CODE.badCharacter && code < CODE.mark;

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", n: "\n", r: "\r", t: "\t" };

/** What a token stands for: the decoded text of a string, else its text. Throws SourceError for an escape that is none. */
export function tokenValue({ kind, text, start }: Token): string {
  if (kind !== "string") return text;
  const raw = text.slice(1, -1);
  let backslash = raw.indexOf("\\");
  if (backslash === -1) return raw;
  const parts: string[] = [];
  let run = 0;
  while (backslash !== -1) {
    const mark = String.fromCodePoint(raw.codePointAt(backslash + 1) ?? 0);
    const decoded = Object.hasOwn(ESCAPES, mark) ? ESCAPES[mark] : undefined;
    if (decoded === undefined) {
      const at = start + 1 + backslash;
      throw new SourceError(`unsupported escape sequence: \\${mark} (use \\" \\\\ \\n \\r or \\t)`, {
        start: at,
        end: at + 1 + mark.length,
      });
    }
    parts.push(raw.slice(run, backslash), decoded);
    run = backslash + 2;
    backslash = raw.indexOf("\\", run);
  }
  parts.push(raw.slice(run));
  return parts.join("");
}

/** Why that is no token. */
function describeFault(code: number, text: string): string {
  switch (code) {
    case CODE.openString:
      return "unterminated string: it needs a closing '\"'";
    case CODE.openComment:
      return "unterminated comment: '/*' needs a closing '*/'";
    case CODE.badVariable:
      return "expected a lower-case name right after '$'";
    default:
      return `unexpected character ${showCharacter(text)}`;
  }
}

/** What no screen shows as itself: controls, formats such as U+FEFF, and blanks that are none here. */
const INVISIBLE = /[\p{C}\p{Z}]/u;

function showCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const shown = INVISIBLE.test(character)
    ? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`
    : `'${character}'`;
  if (code > 0x7e) return `${shown}: outside strings and comments only ASCII is allowed`;
  return character === "#" ? `${shown}: comments start with '//'` : shown;
}
