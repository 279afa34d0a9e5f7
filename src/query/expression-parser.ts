// Expressions, values and literals of the grammar (the parts below a clause).

import type { Token } from "../lib/lexer.ts";
import type { Expression, Literal, RankExpression, TextExpression, ValueExpression } from "./ast.ts";
import { parseDigits } from "./digits.ts";
import { EXPRESSION_DEPTH_MAX, I64_MAX, I64_MIN } from "./limits.ts";
import type { AggregateFunction } from "./plan.ts";
import type { TokenCursor } from "./token-cursor.ts";

const AGGREGATES: ReadonlySet<string> = new Set<AggregateFunction>(["count", "sum", "avg", "min", "max"]);
const TEXT_FUNCTIONS: ReadonlySet<string> = new Set<TextExpression["function"]>([
  "search",
  "match_text",
  "fuzzy",
]);

/** Whether a call such as `search(` starts at the cursor. */
export function startsTextCall(cursor: TokenCursor): boolean {
  const token = cursor.peek();
  return token.kind === "name" && TEXT_FUNCTIONS.has(token.text) && cursor.isPunct("(", 1);
}

export function parseExpression(cursor: TokenCursor, depth = 0): Expression {
  if (depth > EXPRESSION_DEPTH_MAX) {
    cursor.fail(`expressions nest deeper than ${EXPRESSION_DEPTH_MAX}`);
  }
  const token = cursor.peek();
  if (token.kind === "variable") return parseVariable(cursor);
  if (startsLiteral(cursor)) return { kind: "literal", literal: parseLiteral(cursor, depth) };
  if (token.kind !== "name") return cursor.failExpected("an expression");
  if (!cursor.isPunct("(", 1)) {
    cursor.take();
    return { kind: "alias", name: token.text };
  }
  return parseCall(cursor, token, depth);
}

function parseVariable(cursor: TokenCursor): Expression {
  const variable = cursor.take().text;
  if (!cursor.acceptPunct(".")) return { kind: "variable", name: variable };
  const property = cursor.expect("name", `a property name after '$${variable}.'`).text;
  return { kind: "property", variable, property };
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
  return { kind: "aggregate", function: name.text as AggregateFunction, argument };
}

function parseNow(cursor: TokenCursor): { readonly kind: "now" } {
  cursor.take();
  cursor.take();
  cursor.expectPunct(")", "after 'now('");
  return { kind: "now" };
}

/** The cursor stands at a name that `startsTextCall` knows. */
export function parseTextCall(cursor: TokenCursor, depth = 0): TextExpression {
  const name = cursor.take().text as TextExpression["function"];
  cursor.take();
  const field = parseExpression(cursor, depth + 1);
  cursor.expectPunct(",", `after the field of ${name}`);
  const query = parseExpression(cursor, depth + 1);
  const maxEdits = name === "fuzzy" && cursor.acceptPunct(",") ? parseExpression(cursor, depth + 1) : null;
  cursor.expectPunct(")", `after the arguments of ${name}`);
  return { kind: "text", function: name, field, query, maxEdits };
}

function parseRank(cursor: TokenCursor, name: RankExpression["kind"], depth: number): RankExpression {
  cursor.take();
  cursor.take();
  const rank = parseRankArguments(cursor, name, depth + 1);
  cursor.expectPunct(")", `after the arguments of ${name}`);
  return rank;
}

function parseRankArguments(
  cursor: TokenCursor,
  kind: RankExpression["kind"],
  depth: number,
): RankExpression {
  if (kind === "nearest") {
    const variable = cursor.expect("variable", "a vector property such as $d.embedding in nearest").text;
    cursor.expectPunct(".", `after '$${variable}' in nearest`);
    const property = cursor.expect("name", `a property name after '$${variable}.'`).text;
    cursor.expectPunct(",", "after the vector property of nearest");
    return { kind, variable, property, query: parseExpression(cursor, depth) };
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
  const token = cursor.peek();
  if (token.kind === "variable") {
    cursor.take();
    return { kind: "variable", name: token.text };
  }
  if (cursor.isWord("now") && cursor.isPunct("(", 1)) return parseNow(cursor);
  if (startsLiteral(cursor)) return { kind: "literal", literal: parseLiteral(cursor, 0) };
  return cursor.failExpected("a literal, a parameter or now()");
}

function startsLiteral(cursor: TokenCursor): boolean {
  const token = cursor.peek();
  switch (token.kind) {
    case "string":
    case "int":
    case "float":
      return true;
    case "punct":
      return token.text === "[" || token.text === "-";
    case "name":
      return isBoolean(token.text) || (isTemporal(token.text) && cursor.isPunct("(", 1));
    default:
      return false;
  }
}

const isBoolean = (word: string) => word === "true" || word === "false";
const isTemporal = (word: string): word is "date" | "datetime" => word === "date" || word === "datetime";

function parseLiteral(cursor: TokenCursor, depth: number): Literal {
  if (cursor.isPunct("[")) return parseList(cursor, depth + 1);
  if (cursor.isPunct("-") || cursor.peek().kind === "int" || cursor.peek().kind === "float") {
    return parseNumber(cursor);
  }
  const token = cursor.take();
  if (token.kind === "string") return { kind: "string", value: token.value };
  if (isTemporal(token.text)) {
    cursor.take();
    const text = cursor.expect("string", `a string in ${token.text}(…)`).value;
    cursor.expectPunct(")", `after the text of ${token.text}`);
    return { kind: token.text, text };
  }
  return { kind: "bool", value: token.text === "true" };
}

function parseNumber(cursor: TokenCursor): Literal {
  const sign = cursor.isPunct("-") ? cursor.take() : null;
  const token = cursor.take();
  if ((token.kind !== "int" && token.kind !== "float") || (sign !== null && !token.glued)) {
    cursor.fail("expected a number right after '-'", token);
  }
  const after = cursor.peek();
  if (after.glued && (after.kind === "name" || after.kind === "type")) {
    cursor.fail(`invalid number: '${after.text}' stands right behind '${token.text}'`, after);
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
