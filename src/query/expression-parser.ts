// Expressions, values and literals of the grammar (the parts below a clause).

import { type Token, tokenValue } from "../lib/lexer.ts";
import type { Span } from "../lib/source.ts";
import type { TokenCursor } from "../lib/token-cursor.ts";
import type {
  Expression,
  Literal,
  PropertyExpression,
  RankExpression,
  TextExpression,
  ValueExpression,
} from "./ast.ts";
import { parseDigits } from "./digits.ts";
import { EXPRESSION_DEPTH_MAX, I64_MAX, I64_MIN } from "./limits.ts";
import type { AggregateFunction } from "./plan.ts";

const AGGREGATES: ReadonlySet<string> = new Set<AggregateFunction>(["count", "sum", "avg", "min", "max"]);
const TEXT_FUNCTIONS: ReadonlySet<string> = new Set<TextExpression["function"]>([
  "search",
  "match_text",
  "fuzzy",
]);

/** Whether a call such as `search(` starts at the cursor. */
export function startsTextCall(cursor: TokenCursor): boolean {
  return cursor.isPunct("(", 1) && cursor.is("name") && TEXT_FUNCTIONS.has(cursor.peek().text);
}

export function parseExpression(cursor: TokenCursor, depth = 0): Expression {
  if (depth > EXPRESSION_DEPTH_MAX) {
    cursor.fail(`expressions nest deeper than ${EXPRESSION_DEPTH_MAX}`);
  }
  if (cursor.is("variable")) return parseVariable(cursor);
  if (startsLiteral(cursor)) return parseLiteralExpression(cursor, depth);
  if (!cursor.is("name")) return cursor.failExpected("an expression");
  if (cursor.isPunct("(", 1)) return parseCall(cursor, cursor.peek(), depth);
  const { text: name, start, end } = cursor.take();
  return { kind: "alias", name, start, end };
}

function parseVariable(cursor: TokenCursor): Expression {
  const token = cursor.take();
  const variable = token.text;
  if (!cursor.acceptPunct("."))
    return { kind: "variable", name: variable, start: token.start, end: token.end };
  return parseProperty(cursor, token);
}

/** The cursor stands behind the dot. */
function parseProperty(cursor: TokenCursor, variable: Token): PropertyExpression {
  const property = cursor.expect("name", `a property name after '$${variable.text}.'`).text;
  return { kind: "property", variable: variable.text, property, start: variable.start, end: cursor.lastEnd };
}

/** The cursor stands at a token that `startsLiteral` knows. */
function parseLiteralExpression(
  cursor: TokenCursor,
  depth: number,
): Extract<ValueExpression, { kind: "literal" }> {
  const { start } = cursor;
  const literal = parseLiteral(cursor, depth);
  return { kind: "literal", literal, start, end: cursor.lastEnd };
}

function parseCall(cursor: TokenCursor, name: Token, depth: number): Expression {
  if (name.text === "now") return parseNow(cursor);
  if (name.text === "bm25" || name.text === "nearest" || name.text === "rrf") {
    return parseRank(cursor, name.text, depth);
  }
  if (TEXT_FUNCTIONS.has(name.text)) return parseTextCall(cursor, depth);
  if (!AGGREGATES.has(name.text)) cursor.fail(`unknown function '${name.text}'`);
  cursor.take();
  cursor.take();
  const argument = parseExpression(cursor, depth + 1);
  cursor.expectPunct(")", `after the argument of ${name.text}`);
  return {
    kind: "aggregate",
    function: name.text as AggregateFunction,
    argument,
    start: name.start,
    end: cursor.lastEnd,
  };
}

function parseNow(cursor: TokenCursor): Extract<ValueExpression, { kind: "now" }> {
  const word = cursor.take();
  cursor.take();
  cursor.expectPunct(")", "after 'now('");
  return { kind: "now", start: word.start, end: cursor.lastEnd };
}

/** The cursor stands at a name that `startsTextCall` knows. */
export function parseTextCall(cursor: TokenCursor, depth = 0): TextExpression {
  const word = cursor.take();
  const name = word.text as TextExpression["function"];
  cursor.take();
  const field = parseExpression(cursor, depth + 1);
  cursor.expectPunct(",", `after the field of ${name}`);
  const query = parseExpression(cursor, depth + 1);
  const maxEdits = name === "fuzzy" && cursor.acceptPunct(",") ? parseExpression(cursor, depth + 1) : null;
  cursor.expectPunct(")", `after the arguments of ${name}`);
  return { kind: "text", function: name, field, query, maxEdits, start: word.start, end: cursor.lastEnd };
}

function parseRank(cursor: TokenCursor, name: RankExpression["kind"], depth: number): RankExpression {
  const word = cursor.take();
  cursor.take();
  const rank = parseRankArguments(cursor, name, depth + 1);
  cursor.expectPunct(")", `after the arguments of ${name}`);
  return { ...rank, start: word.start, end: cursor.lastEnd };
}

type Unplaced<T> = T extends unknown ? Omit<T, keyof Span> : never;

function parseRankArguments(
  cursor: TokenCursor,
  kind: RankExpression["kind"],
  depth: number,
): Unplaced<RankExpression> {
  if (kind === "nearest") {
    const variable = cursor.expect("variable", "a vector property such as $d.embedding in nearest");
    cursor.expectPunct(".", `after '$${variable.text}' in nearest`);
    const target = parseProperty(cursor, variable);
    cursor.expectPunct(",", "after the vector property of nearest");
    return { kind, target, query: parseExpression(cursor, depth) };
  }
  const first = parseExpression(cursor, depth);
  cursor.expectPunct(",", `after the first argument of ${kind}`);
  const second = parseExpression(cursor, depth);
  if (kind === "bm25") return { kind, field: first, query: second };
  const k = cursor.acceptPunct(",") ? parseExpression(cursor, depth) : null;
  return { kind, first, second, k };
}

/** What stands behind the colon of an inline match or in a predicate. */
export function parseValue(cursor: TokenCursor): ValueExpression {
  if (cursor.is("variable")) {
    const { text: name, start, end } = cursor.take();
    return { kind: "variable", name, start, end };
  }
  if (cursor.isWord("now") && cursor.isPunct("(", 1)) return parseNow(cursor);
  if (startsLiteral(cursor)) return parseLiteralExpression(cursor, 0);
  return cursor.failExpected("a literal, a parameter or now()");
}

function startsLiteral(cursor: TokenCursor): boolean {
  if (!cursor.is("name")) return startsNumber(cursor) || cursor.is("string") || cursor.isPunct("[");
  return cursor.isPunct("(", 1)
    ? cursor.isWord("date") || cursor.isWord("datetime")
    : cursor.isWord("true") || cursor.isWord("false");
}

const startsNumber = (cursor: TokenCursor) => cursor.is("int") || cursor.is("float") || cursor.isPunct("-");
const isTemporal = (word: string): word is "date" | "datetime" => word === "date" || word === "datetime";

function parseLiteral(cursor: TokenCursor, depth: number): Literal {
  if (cursor.isPunct("[")) return parseList(cursor, depth + 1);
  if (startsNumber(cursor)) return parseNumber(cursor);
  const token = cursor.take();
  if (token.kind === "string") return { kind: "string", value: tokenValue(token) };
  if (isTemporal(token.text)) {
    cursor.skip();
    const text = tokenValue(cursor.expect("string", `a string in ${token.text}(…)`));
    cursor.expectPunct(")", `after the text of ${token.text}`);
    return { kind: token.text, text };
  }
  return { kind: "bool", value: token.text === "true" };
}

function parseNumber(cursor: TokenCursor): Literal {
  const sign = cursor.isPunct("-") ? cursor.take() : null;
  const token = cursor.take();
  if ((token.kind !== "int" && token.kind !== "float") || (sign !== null && token.start !== sign.end)) {
    cursor.fail("expected a number right after '-'", token);
  }
  if (cursor.start === token.end && (cursor.is("name") || cursor.is("type"))) {
    cursor.fail(`invalid number: '${cursor.peek().text}' stands right behind '${token.text}'`);
  }
  if (token.kind === "float") {
    const value = Number(token.text);
    if (!Number.isFinite(value)) cursor.fail("invalid float: beyond the range of 64-bit floats", token);
    return { kind: "float", value: sign === null ? value : -value };
  }
  const magnitude = parseDigits(token.text);
  const value = magnitude !== null && sign !== null ? -magnitude : magnitude;
  if (value === null || value < I64_MIN || value > I64_MAX) {
    cursor.fail(`invalid integer: it must lie between ${I64_MIN} and ${I64_MAX}`, token);
  }
  return { kind: "int", value };
}

function parseList(cursor: TokenCursor, depth: number): Literal {
  if (depth > EXPRESSION_DEPTH_MAX) cursor.fail(`list literals nest deeper than ${EXPRESSION_DEPTH_MAX}`);
  cursor.take();
  const items: Literal[] = [];
  if (cursor.acceptPunct("]")) return { kind: "list", items };
  do {
    if (!startsLiteral(cursor)) cursor.failExpected("a literal in the list");
    items.push(parseLiteral(cursor, depth));
  } while (cursor.acceptPunct(","));
  cursor.expectPunct("]", "or ',' after a list element");
  return { kind: "list", items };
}
