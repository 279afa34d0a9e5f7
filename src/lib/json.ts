// JSON that loses nothing: integers beyond 2^53 come and go as bigint, and strict reading sees what JSON.parse hides
// (duplicate members). JSON.parse does the work wherever it is exact; this parser takes over where it is not.

import { type JsonScan, scanJson } from "./json-scan.ts";
import { parseShortJson } from "./json-short.ts";

export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | JsonDecimal
  | readonly JsonValue[]
  | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/**
 * A whole number that was written with a fraction or an exponent (`3.0`, `1e3`). Only strict reading makes it: an integer
 * property refuses what a float property takes, and as a plain number the two could not be told apart.
 */
export class JsonDecimal {
  constructor(readonly text: string) {}
}

export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
  constructor(
    /** What is wrong, without the place. */
    readonly reason: string,
    /** Both from 1; columns count UTF-16 code units. */
    readonly place: { readonly line: number; readonly column: number },
  ) {
    super(`${reason} at line ${place.line} column ${place.column}`);
  }
}

/** Nesting beyond this is refused, so that no input overflows the stack. */
const DEPTH_MAX = 512;
const LONG_INTEGER = /\d{16}/;

/** Parses JSON text; an integer that a double cannot hold becomes a bigint. Throws JsonSyntaxError. */
export function parseJson(text: string): JsonValue {
  if (!LONG_INTEGER.test(text)) {
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      // The slow parser finds the place and says what is wrong.
    }
  }
  return new Parser(text, PLAIN).document();
}

/**
 * As parseJson for what comes from outside: half of a surrogate pair, which no UTF-8 text can hold, is refused, and whole
 * numbers written with a fraction or an exponent come as JsonDecimal.
 */
export function parseJsonExact(text: string): JsonValue {
  const short = parseShortJson(text);
  if (short !== undefined) return short;
  const scan = scanJson(text);
  const parsed = parseFast(text, scan);
  return parsed === null || parsed.fractions !== scan.decimals
    ? new Parser(text, EXACT).document()
    : parsed.value;
}

/** As parseJsonExact, and refuses a member named twice, at any depth, with `duplicate JSON member 'x'`. */
export function parseJsonStrict(text: string): JsonValue {
  const short = parseShortJson(text);
  if (short !== undefined) return short;
  const scan = scanJson(text);
  const parsed = parseFast(text, scan);
  // As many members as colons: none was named twice. As many fractions as decimals: none of these is whole.
  return parsed === null || parsed.members !== scan.colons || parsed.fractions !== scan.decimals
    ? new Parser(text, STRICT).document()
    : parsed.value;
}

/** What JSON.parse reads, with the members of all its objects and its numbers that are not whole, counted. */
interface FastParsed {
  readonly value: JsonValue;
  readonly members: number;
  readonly fractions: number;
}

/** Null where it would lose something, or where the slow parser has to say what is wrong. */
function parseFast(text: string, scan: JsonScan): FastParsed | null {
  if (!scan.isExact) return null;
  try {
    const value = JSON.parse(text) as JsonValue;
    const counts = { members: 0, fractions: 0 };
    return count(value, 0, counts) ? { value, ...counts } : null;
  } catch {
    return null;
  }
}

/** False where the value is nested deeper than is read. */
function count(value: JsonValue, depth: number, counts: { members: number; fractions: number }): boolean {
  if (typeof value === "number") {
    if (!Number.isInteger(value)) counts.fractions++;
    return true;
  }
  if (typeof value !== "object" || value === null) return true;
  if (depth > DEPTH_MAX) return false;
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) if (!count(item, depth + 1, counts)) return false;
    return true;
  }
  const object = value as JsonObject;
  for (const key in object) {
    counts.members++;
    if (!count(object[key], depth + 1, counts)) return false;
  }
  return true;
}

/** Compact JSON text; bigint as plain digits, non-finite numbers as the strings "NaN", "Infinity", "-Infinity". */
export function stringifyJson(value: JsonValue): string {
  return isPlain(value) ? JSON.stringify(value) : stringifyExactly(value);
}

/** True where JSON.stringify writes what is meant: it knows no bigint, no decimal, no negative zero and no NaN. */
function isPlain(value: JsonValue | undefined): boolean {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "bigint":
      return false;
    case "object": {
      if (value === null) return true;
      if (Array.isArray(value)) return value.every(isPlain);
      if (value instanceof JsonDecimal) return false;
      const members = value as JsonObject;
      for (const key in members) if (!isPlain(members[key])) return false;
      return true;
    }
    default:
      return true;
  }
}

function stringifyExactly(value: JsonValue): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value) ? (Object.is(value, -0) ? "-0.0" : String(value)) : `"${value}"`;
    case "bigint":
    case "boolean":
      return String(value);
    default: {
      if (value === null) return "null";
      if (value instanceof JsonDecimal) return value.text;
      if (Array.isArray(value)) return `[${value.map(stringifyExactly).join(",")}]`;
      const members = Object.entries(value as JsonObject)
        .filter(([, member]) => member !== undefined)
        .map(([key, member]) => `${JSON.stringify(key)}:${stringifyExactly(member)}`);
      return `{${members.join(",")}}`;
    }
  }
}

/** JSON indented by two spaces, keys in the order given; the exactness of stringifyJson. */
export function prettyJson(value: JsonValue, indent = ""): string {
  if (!isPlain(value)) return prettyExactly(value, indent);
  const text = JSON.stringify(value, null, 2);
  // Text within it holds no line breaks: JSON escapes them.
  return indent === "" ? text : text.replaceAll("\n", `\n${indent}`);
}

function prettyExactly(value: JsonValue, indent: string): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => inner + prettyExactly(item, inner)).join(",\n")}\n${indent}]`;
  }
  if (isJsonObject(value)) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    if (members.length === 0) return "{}";
    const lines = members.map(
      ([key, member]) => `${inner}${JSON.stringify(key)}: ${prettyExactly(member, inner)}`,
    );
    return `{\n${lines.join(",\n")}\n${indent}}`;
  }
  return stringifyExactly(value);
}

/** `null boolean number string array object`, the words that messages use for what was found. */
export function jsonKind(value: JsonValue): "null" | "boolean" | "number" | "string" | "array" | "object" {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "bigint" || value instanceof JsonDecimal) return "number";
  return typeof value as "boolean" | "number" | "string" | "object";
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof JsonDecimal)
  );
}

/** The number that a JSON number says, rounded to a double where it must be; null for everything else. */
export function jsonNumber(value: JsonValue): number | null {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  return value instanceof JsonDecimal ? Number(value.text) : null;
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

interface ParserRules {
  readonly keepsDecimals: boolean;
  readonly refusesDuplicates: boolean;
  readonly refusesHalfPairs: boolean;
}

const PLAIN: ParserRules = { keepsDecimals: false, refusesDuplicates: false, refusesHalfPairs: false };
const EXACT: ParserRules = { keepsDecimals: true, refusesDuplicates: false, refusesHalfPairs: true };
const STRICT: ParserRules = { keepsDecimals: true, refusesDuplicates: true, refusesHalfPairs: true };

class Parser {
  private at = 0;
  constructor(
    private readonly text: string,
    private readonly rules: ParserRules,
  ) {}

  document(): JsonValue {
    const value = this.value(0);
    this.blanks();
    if (this.at < this.text.length) this.fail("unexpected text after the JSON value");
    return value;
  }

  private fail(message: string): never {
    const before = this.text.slice(0, this.at);
    const line = before.split("\n").length;
    const column = this.at - before.lastIndexOf("\n");
    throw new JsonSyntaxError(message, { line, column });
  }

  private blanks(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at++;
    }
  }

  private value(depth: number): JsonValue {
    if (depth > DEPTH_MAX) this.fail(`nesting deeper than ${DEPTH_MAX}`);
    this.blanks();
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      case undefined:
        return this.fail("unexpected end of JSON");
      default:
        return this.number();
    }
  }

  private word<T extends JsonValue>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail(`unexpected character '${this.text[this.at]}'`);
    this.at += word.length;
    return value;
  }

  private number(): number | bigint | JsonDecimal {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) return this.fail(`unexpected character '${this.text[this.at]}'`);
    this.at += match[0].length;
    const value = Number(match[0]);
    const isInteger = match[1] === undefined && match[2] === undefined;
    if (isInteger) return Number.isSafeInteger(value) ? value : BigInt(match[0]);
    return this.rules.keepsDecimals && Number.isInteger(value) ? new JsonDecimal(match[0]) : value;
  }

  private string(): string {
    const start = ++this.at;
    let text = "";
    let run = start;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (Number.isNaN(code)) this.fail("unterminated string");
      if (code === 0x22) break;
      if (code < 0x20) this.fail("control character in a string");
      if (code !== 0x5c) {
        this.at++;
        continue;
      }
      text += this.text.slice(run, this.at);
      const mark = this.text[this.at + 1] ?? "";
      if (mark === "u") {
        const hex = this.text.slice(this.at + 2, this.at + 6);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.fail("malformed \\u escape");
        text += String.fromCharCode(Number.parseInt(hex, 16));
        this.at += 6;
      } else {
        const plain = ESCAPES[mark];
        if (plain === undefined) this.fail("unknown escape in a string");
        text += plain;
        this.at += 2;
      }
      run = this.at;
    }
    text += this.text.slice(run, this.at++);
    if (this.rules.refusesHalfPairs && !text.isWellFormed()) {
      this.fail("a string with half of a surrogate pair");
    }
    return text;
  }

  private array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.at++;
    this.blanks();
    if (this.text[this.at] === "]") {
      this.at++;
      return items;
    }
    for (;;) {
      items.push(this.value(depth + 1));
      this.blanks();
      const mark = this.text[this.at];
      if (mark !== "," && mark !== "]") this.fail("expected ',' or ']'");
      this.at++;
      if (mark === "]") return items;
    }
  }

  private object(depth: number): JsonObject {
    const members = new Map<string, JsonValue>();
    this.at++;
    this.blanks();
    if (this.text[this.at] === "}") {
      this.at++;
      return {};
    }
    for (;;) {
      this.blanks();
      if (this.text[this.at] !== '"') this.fail("expected a member name in double quotes");
      const key = this.string();
      if (this.rules.refusesDuplicates && members.has(key)) this.fail(`duplicate JSON member '${key}'`);
      this.blanks();
      if (this.text[this.at] !== ":") this.fail("expected ':'");
      this.at++;
      members.set(key, this.value(depth + 1));
      this.blanks();
      const mark = this.text[this.at];
      if (mark !== "," && mark !== "}") this.fail("expected ',' or '}'");
      this.at++;
      if (mark === "}") return Object.fromEntries(members);
    }
  }
}
