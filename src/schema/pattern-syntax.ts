// The dialect of `@check` patterns, text -> tree: alternation, groups, repetition, classes, anchors, word boundaries,
// inline flags. Whatever would need backtracking (look-around, back-references) is not in it.

import { PATTERN_DEPTH_MAX } from "./limits.ts";
import {
  anyButNewline,
  anyCharacter,
  type CharacterSet,
  combine,
  digits,
  negate,
  posixClass,
  range,
  spaces,
  unicodeProperty,
  union,
  wordCharacters,
} from "./pattern-sets.ts";

export type Anchor = "textStart" | "textEnd" | "lineStart" | "lineEnd" | "wordBoundary" | "notWordBoundary";

export type PatternNode =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "anchor"; readonly anchor: Anchor }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  | {
      readonly kind: "repeat";
      readonly part: PatternNode;
      readonly min: number;
      readonly max: number | null;
    };

export class PatternError extends Error {
  override readonly name = "PatternError";
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
  readonly verbose: boolean;
}

const NO_FLAGS: Flags = { ignoreCase: false, multiLine: false, dotAll: false, verbose: false };
const FLAG_NAMES: Readonly<Record<string, keyof Flags>> = {
  i: "ignoreCase",
  m: "multiLine",
  s: "dotAll",
  x: "verbose",
};
/** Greediness and Unicode mode change nothing here: any match will do, and Unicode is always on. */
const FLAGS_WITHOUT_EFFECT: ReadonlySet<string> = new Set(["U", "u"]);

const CONTROL_ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const CLASS_ESCAPES: Readonly<Record<string, CharacterSet>> = {
  d: digits,
  D: negate(digits),
  s: spaces,
  S: negate(spaces),
  w: wordCharacters,
  W: negate(wordCharacters),
};
const ANCHOR_ESCAPES: Readonly<Record<string, Anchor>> = {
  A: "textStart",
  z: "textEnd",
  b: "wordBoundary",
  B: "notWordBoundary",
};
const HEX_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const CODE_POINT_MAX = 0x10ffff;
/** Repetitions written in digits; more could never be built. */
const REPEAT_DIGITS_MAX = 6;

/** Throws PatternError, which names the place as a character of the pattern, counted from 1. */
export function parsePattern(source: string): PatternNode {
  return new PatternParser(source).pattern();
}

class PatternParser {
  private readonly characters: readonly string[];
  private at = 0;
  private depth = 0;
  private flags = NO_FLAGS;

  constructor(source: string) {
    this.characters = Array.from(source);
  }

  pattern(): PatternNode {
    const node = this.choice();
    if (this.at < this.characters.length) this.fail("unopened ')'");
    return node;
  }

  private fail(message: string, at = this.at): never {
    throw new PatternError(`${message} (character ${at + 1} of the pattern)`);
  }

  private get next(): string | undefined {
    return this.characters[this.at];
  }

  private accept(text: string): boolean {
    for (let i = 0; i < text.length; i++) {
      if (this.characters[this.at + i] !== text[i]) return false;
    }
    this.at += text.length;
    return true;
  }

  private skipVerbose(): void {
    if (!this.flags.verbose) return;
    for (;;) {
      const next = this.next;
      if (next === "#") {
        while (this.next !== undefined && this.next !== "\n") this.at++;
      } else if (next !== undefined && spaces(next.codePointAt(0) ?? 0)) {
        this.at++;
      } else {
        return;
      }
    }
  }

  private enter(): void {
    if (++this.depth > PATTERN_DEPTH_MAX) this.fail(`nesting deeper than ${PATTERN_DEPTH_MAX}`);
  }

  // --- expressions ----------------------------------------------------------------------------------------------

  /** Up to the end or a closing parenthesis; flags set inside end with it. */
  private choice(): PatternNode {
    this.enter();
    const outer = this.flags;
    const options = [this.sequence()];
    while (this.accept("|")) options.push(this.sequence());
    this.flags = outer;
    this.depth--;
    return options.length === 1 ? options[0] : { kind: "choice", options };
  }

  private sequence(): PatternNode {
    const parts: PatternNode[] = [];
    for (;;) {
      this.skipVerbose();
      const next = this.next;
      if (next === undefined || next === "|" || next === ")") break;
      const part = this.atom();
      if (part !== null) parts.push(this.repeated(part));
    }
    return parts.length === 1 ? parts[0] : { kind: "sequence", parts };
  }

  private repeated(part: PatternNode): PatternNode {
    let node = part;
    for (let nested = 0; ; nested++) {
      this.skipVerbose();
      const bounds = this.repetition();
      if (bounds === null) return node;
      if (nested >= PATTERN_DEPTH_MAX) this.fail(`nesting deeper than ${PATTERN_DEPTH_MAX}`);
      this.accept("?");
      node = { kind: "repeat", part: node, ...bounds };
    }
  }

  private repetition(): { min: number; max: number | null } | null {
    if (this.accept("*")) return { min: 0, max: null };
    if (this.accept("+")) return { min: 1, max: null };
    if (this.accept("?")) return { min: 0, max: 1 };
    const start = this.at;
    if (!this.accept("{")) return null;
    const min = this.count();
    if (min === null) return this.fail("expected a number of repetitions after '{'");
    const max = this.accept(",") ? this.count() : min;
    if (!this.accept("}")) this.fail("unclosed '{'", start);
    if (max !== null && min > max) this.fail("repetition with its least number above its greatest", start);
    return { min, max };
  }

  private count(): number | null {
    const start = this.at;
    while (this.next !== undefined && /^[0-9]$/.test(this.next)) this.at++;
    const text = this.characters.slice(start, this.at).join("");
    if (text.length > REPEAT_DIGITS_MAX) this.fail("too many repetitions", start);
    return text === "" ? null : Number(text);
  }

  /** Null for what matches nothing by itself, such as a group of flags. */
  private atom(): PatternNode | null {
    const start = this.at;
    const next = this.characters[this.at++];
    switch (next) {
      case "(":
        return this.group(start);
      case "[":
        return { kind: "set", set: this.characterClass(start) };
      case ".":
        return { kind: "set", set: this.flags.dotAll ? anyCharacter : anyButNewline };
      case "^":
        return { kind: "anchor", anchor: this.flags.multiLine ? "lineStart" : "textStart" };
      case "$":
        return { kind: "anchor", anchor: this.flags.multiLine ? "lineEnd" : "textEnd" };
      case "*":
      case "+":
      case "?":
      case "{":
        return this.fail(`nothing to repeat before '${next}'`, start);
      case "\\": {
        const mark = this.next;
        if (mark !== undefined && Object.hasOwn(ANCHOR_ESCAPES, mark)) {
          this.at++;
          return { kind: "anchor", anchor: ANCHOR_ESCAPES[mark] };
        }
        const escaped = this.escape(start);
        return { kind: "set", set: typeof escaped === "number" ? this.literal(escaped) : escaped };
      }
      default:
        return { kind: "set", set: this.literal(next.codePointAt(0) ?? 0) };
    }
  }

  private literal(code: number): CharacterSet {
    return range(code, code, this.flags.ignoreCase);
  }

  private group(start: number): PatternNode | null {
    const outer = this.flags;
    if (this.accept("?")) {
      for (const mark of ["=", "!", "<=", "<!"]) {
        if (this.accept(mark)) this.fail("look-around is not supported", start);
      }
      if (this.accept("P<") || this.accept("<")) this.groupName(start);
      else if (this.flagGroup(start)) return null;
    }
    const node = this.choice();
    this.flags = outer;
    if (!this.accept(")")) this.fail("unclosed '('", start);
    return node;
  }

  private groupName(start: number): void {
    const nameStart = this.at;
    while (this.next !== undefined && this.next !== ">") this.at++;
    const name = this.characters.slice(nameStart, this.at).join("");
    if (!this.accept(">") || !/^[\p{Alphabetic}_][\p{Alphabetic}\p{N}_.[\]]*$/u.test(name)) {
      this.fail("invalid group name", start);
    }
  }

  /** Reads `i-s)` or `i-s:`; true when the flags are for the rest of the enclosing group. */
  private flagGroup(start: number): boolean {
    let flags = this.flags;
    let value = true;
    let seen = 0;
    for (;;) {
      const mark = this.characters[this.at++];
      if (mark === ":" || (mark === ")" && seen > 0)) {
        this.flags = flags;
        return mark === ")";
      }
      if (mark === "-" && value) {
        value = false;
      } else if (mark !== undefined && Object.hasOwn(FLAG_NAMES, mark)) {
        flags = { ...flags, [FLAG_NAMES[mark]]: value };
      } else if (mark === undefined || !FLAGS_WITHOUT_EFFECT.has(mark) || (mark === "u" && !value)) {
        this.fail("unknown group or flag after '(?'", start);
      }
      seen++;
    }
  }

  // --- escapes and classes --------------------------------------------------------------------------------------

  /** After a backslash: a character by its code, or a set. */
  private escape(start: number): number | CharacterSet {
    const mark = this.characters[this.at++];
    if (mark === undefined) return this.fail("a backslash at the end", start);
    if (Object.hasOwn(CLASS_ESCAPES, mark)) return CLASS_ESCAPES[mark];
    if (Object.hasOwn(CONTROL_ESCAPES, mark)) return CONTROL_ESCAPES[mark];
    if (Object.hasOwn(HEX_LENGTHS, mark)) return this.hex(HEX_LENGTHS[mark], start);
    if (mark === "p" || mark === "P") return this.property(mark === "P", start);
    if (/^[0-9k]$/.test(mark)) return this.fail("back-references are not supported", start);
    if (/^[!-/:-@[-`{-~\s]$/.test(mark)) return mark.charCodeAt(0);
    return this.fail(`unknown escape '\\${mark}'`, start);
  }

  private hex(length: number, start: number): number {
    let text: string;
    if (this.accept("{")) {
      const close = this.characters.indexOf("}", this.at);
      text = close === -1 ? "" : this.characters.slice(this.at, close).join("");
      this.at = close + 1;
    } else {
      text = this.characters.slice(this.at, this.at + length).join("");
      this.at += length;
      if (text.length !== length) text = "";
    }
    const code = /^[0-9A-Fa-f]{1,8}$/.test(text) ? Number.parseInt(text, 16) : CODE_POINT_MAX + 1;
    if (code > CODE_POINT_MAX) this.fail("invalid hexadecimal escape", start);
    return code;
  }

  private property(negated: boolean, start: number): CharacterSet {
    let name = this.characters[this.at++] ?? "";
    if (name === "{") {
      const close = this.characters.indexOf("}", this.at);
      if (close === -1) this.fail("unclosed '\\p{'", start);
      name = this.characters.slice(this.at, close).join("");
      this.at = close + 1;
    }
    const inverted = name.startsWith("^");
    const set = unicodeProperty(inverted ? name.slice(1) : name, this.flags.ignoreCase);
    if (set === null) return this.fail(`unknown Unicode property '${name}'`, start);
    return negated !== inverted ? negate(set) : set;
  }

  /** After `[`, through its `]`. */
  private characterClass(start: number): CharacterSet {
    this.enter();
    const negated = this.accept("^");
    let set: CharacterSet | null = null;
    let operator: "&&" | "--" | "~~" | null = null;
    let items: CharacterSet[] = [];
    const fold = () => {
      const right = union(items);
      set = set === null || operator === null ? right : combine(operator, set, right);
      items = [];
    };
    for (let isFirst = true; ; isFirst = false) {
      this.skipVerbose();
      if (this.next === undefined) this.fail("unclosed '['", start);
      if (!isFirst && this.accept("]")) break;
      const found = (["&&", "--", "~~"] as const).find((mark) => !isFirst && this.accept(mark));
      if (found === undefined) {
        items.push(this.classItem());
      } else {
        fold();
        operator = found;
      }
    }
    fold();
    this.depth--;
    const result = set ?? union([]);
    return negated ? negate(result) : result;
  }

  private classItem(): CharacterSet {
    const start = this.at;
    if (this.accept("[:")) {
      const named = this.posix(start);
      if (named !== null) return named;
      this.at = start;
    }
    if (this.accept("[")) return this.characterClass(start);
    const first = this.classCharacter();
    if (typeof first !== "number") return first;
    this.skipVerbose();
    const after = this.characters[this.at + 1];
    if (this.next !== "-" || after === "]" || after === "-" || after === undefined)
      return this.literal(first);
    this.at++;
    this.skipVerbose();
    const last = this.classCharacter();
    if (typeof last !== "number") return this.fail("a range must end in one character", start);
    if (first > last) this.fail("a range with its ends swapped", start);
    return range(first, last, this.flags.ignoreCase);
  }

  private classCharacter(): number | CharacterSet {
    const start = this.at;
    const next = this.characters[this.at++] ?? "";
    return next === "\\" ? this.escape(start) : (next.codePointAt(0) ?? 0);
  }

  /** After `[:`, through `:]`; null where it is no such name and the bracket opens an ordinary class. */
  private posix(start: number): CharacterSet | null {
    const negated = this.accept("^");
    const nameStart = this.at;
    while (this.next !== undefined && /^[a-z]$/.test(this.next)) this.at++;
    const name = this.characters.slice(nameStart, this.at).join("");
    if (!this.accept(":]")) return null;
    const set = posixClass(name, this.flags.ignoreCase);
    if (set === null) return this.fail(`unknown class '[:${name}:]'`, start);
    return negated ? negate(set) : set;
  }
}
