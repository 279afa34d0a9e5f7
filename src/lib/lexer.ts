// The words of `.pg` and `.gq`: one tokenizer for both languages. One pass, no regular expressions on the input, so
// that no text of any shape takes more than linear time. Offsets are UTF-16 code units.

import type { Span } from "./source.ts";
import { SourceError } from "./source.ts";

export type { Position, Span } from "./source.ts";
export { positionOf, renderSourceError, SourceError } from "./source.ts";

/** `name` starts with a-z or `_`, `type` with A-Z; `variable` is `$name`. */
export type TokenKind = "name" | "type" | "variable" | "int" | "float" | "string" | "punct" | "end";

export interface Token extends Span {
  readonly kind: TokenKind;
  /** As written; a variable without its `$`, the end as the empty text. */
  readonly text: string;
  /** The decoded text of a string, else the same as `text`. */
  readonly value: string;
  /** No white space and no comment stand before it. */
  readonly glued: boolean;
}

export interface TokenizeOptions {
  /** What may stand between words; where one begins another, the longer stands first. */
  readonly punctuation: readonly string[];
  /** Whether `$name` is a word. */
  readonly variables: boolean;
}

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
const BYTE_ORDER_MARK = 0xfeff;

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
const isLower = (code: number) => (code >= 0x61 && code <= 0x7a) || code === UNDERSCORE;
const isUpper = (code: number) => code >= 0x41 && code <= 0x5a;
const isWordPart = (code: number) => isLower(code) || isUpper(code) || isDigit(code);

/** Splits a source into tokens, the last of kind `end`. Throws SourceError. */
export function tokenize(source: string, options: TokenizeOptions): Token[] {
  requireWellFormed(source);
  const punctuation = punctuationByFirstCode(options.punctuation);
  const tokens: Token[] = [];
  // Some editors begin a file with a mark that is no part of its text.
  let at = source.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
  for (;;) {
    const before = at;
    at = skipBlanks(source, at);
    const glued = at === before && tokens.length > 0;
    if (at >= source.length) {
      tokens.push({ kind: "end", text: "", value: "", start: at, end: at + 1, glued });
      return tokens;
    }
    const code = source.charCodeAt(at);
    const start = at;
    if (code === QUOTE) {
      at = stringEnd(source, start);
      const text = source.slice(start, at);
      tokens.push({ kind: "string", text, value: decodeString(source, start, at), start, end: at, glued });
    } else if (isLower(code) || isUpper(code)) {
      at = wordEnd(source, start + 1);
      const text = source.slice(start, at);
      tokens.push({ kind: isUpper(code) ? "type" : "name", text, value: text, start, end: at, glued });
    } else if (isDigit(code)) {
      at = digitsEnd(source, start + 1);
      const isFloat = source.charCodeAt(at) === DOT && isDigit(source.charCodeAt(at + 1));
      if (isFloat) at = digitsEnd(source, at + 2);
      const text = source.slice(start, at);
      tokens.push({ kind: isFloat ? "float" : "int", text, value: text, start, end: at, glued });
    } else if (code === DOLLAR && options.variables) {
      at = variableEnd(source, start);
      const text = source.slice(start + 1, at);
      tokens.push({ kind: "variable", text, value: text, start, end: at, glued });
    } else {
      const text = markAt(source, start, punctuation[code]);
      if (text === undefined) throw unexpectedCharacter(source, start);
      at = start + text.length;
      tokens.push({ kind: "punct", text, value: text, start, end: at, glued });
    }
  }
}

/** No file holds half of a surrogate pair, and nothing that was stored would give it back. */
function requireWellFormed(source: string): void {
  if (source.isWellFormed()) return;
  const start = source.search(/\p{Surrogate}/u);
  throw new SourceError("half of a surrogate pair, which is no character", source, { start, end: start + 1 });
}

function punctuationByFirstCode(marks: readonly string[]): readonly (readonly string[] | undefined)[] {
  const byCode: string[][] = [];
  for (const mark of marks) {
    const code = mark.charCodeAt(0);
    byCode[code] ??= [];
    byCode[code].push(mark);
  }
  return byCode;
}

function markAt(source: string, at: number, marks: readonly string[] | undefined): string | undefined {
  if (marks === undefined) return undefined;
  for (const mark of marks) {
    if (mark.length === 1 || source.startsWith(mark, at)) return mark;
  }
  return undefined;
}

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
      if (close === -1) {
        throw new SourceError("unterminated comment: '/*' needs a closing '*/'", source, {
          start: at,
          end: at + 2,
        });
      }
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

function variableEnd(source: string, start: number): number {
  if (!isLower(source.charCodeAt(start + 1))) {
    throw new SourceError("expected a lower-case name right after '$'", source, { start, end: start + 1 });
  }
  return wordEnd(source, start + 2);
}

function stringEnd(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  throw new SourceError("unterminated string: it needs a closing '\"'", source, { start, end: start + 1 });
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", n: "\n", r: "\r", t: "\t" };

function decodeString(source: string, start: number, end: number): string {
  const raw = source.slice(start + 1, end - 1);
  let backslash = raw.indexOf("\\");
  if (backslash === -1) return raw;
  const parts: string[] = [];
  let run = 0;
  while (backslash !== -1) {
    const mark = String.fromCodePoint(raw.codePointAt(backslash + 1) ?? 0);
    const decoded = Object.hasOwn(ESCAPES, mark) ? ESCAPES[mark] : undefined;
    if (decoded === undefined) {
      const at = start + 1 + backslash;
      const span = { start: at, end: at + 1 + mark.length };
      throw new SourceError(
        `unsupported escape sequence: \\${mark} (use \\" \\\\ \\n \\r or \\t)`,
        source,
        span,
      );
    }
    parts.push(raw.slice(run, backslash), decoded);
    run = backslash + 2;
    backslash = raw.indexOf("\\", run);
  }
  parts.push(raw.slice(run));
  return parts.join("");
}

function unexpectedCharacter(source: string, at: number): SourceError {
  const code = source.codePointAt(at) ?? 0;
  const character = String.fromCodePoint(code);
  const shown = code < SPACE || code === 0x7f ? `U+${code.toString(16).padStart(4, "0")}` : `'${character}'`;
  const hint =
    code > 0x7e
      ? ": outside strings and comments only ASCII is allowed"
      : character === "#"
        ? ": comments start with '//'"
        : "";
  return new SourceError(`unexpected character ${shown}${hint}`, source, {
    start: at,
    end: at + character.length,
  });
}
