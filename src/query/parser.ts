// `.gq` text -> declarations. Recursive descent with bounded nesting; one look ahead decides every clause.

import { Lexicon, type Token, tokenValue } from "../lib/lexer.ts";
import { badSource, Problems } from "../lib/problems.ts";
import { TokenCursor } from "../lib/token-cursor.ts";
import type { PropertyType, ScalarName } from "../schema/catalog.ts";
import type {
  AssignmentClause,
  BindingClause,
  Expression,
  FilterClause,
  HopBounds,
  InlineMatch,
  MatchClause,
  MutationDeclaration,
  OrderClauseKey,
  ParameterDeclaration,
  PredicateClause,
  QueryDeclaration,
  ReadDeclaration,
  ReturnClauseItem,
  StatementClause,
  TraversalClause,
} from "./ast.ts";
import { parseDigits } from "./digits.ts";
import { parseExpression, parseTextCall, parseValue, startsTextCall } from "./expression-parser.ts";
import { HOPS_MAX, NEGATION_DEPTH_MAX, U64_MAX } from "./limits.ts";
import type { ComparisonOperator } from "./plan.ts";

const LEXICON = new Lexicon("<= >= != { } ( ) [ ] , : . < > = @ ? -".split(" "), true);

/**
 * Every declaration of a source, in its order. Throws `parse error: …` with line and column; of several broken
 * declarations each tells its own, and the first SourceError is the cause.
 */
export function parseQueries(source: string): QueryDeclaration[] {
  const problems = new Problems(badSource(source, "parse error: "));
  const declarations = problems.attempt(() => {
    const cursor = new TokenCursor(source, LEXICON, describeToken);
    return cursor.declarations(
      () => parseDeclaration(cursor),
      () => looksLikeQuery(cursor),
      (problem) => problems.add(problem),
    );
  });
  problems.settle();
  return declarations ?? [];
}

/** `query name(` and then a parameter or `)`: nothing inside a declaration looks like that. */
function looksLikeQuery(cursor: TokenCursor): boolean {
  return (
    cursor.isWord("query") &&
    (cursor.is("name", 1) || cursor.is("type", 1)) &&
    cursor.isPunct("(", 2) &&
    (cursor.is("variable", 3) || cursor.isPunct(")", 3))
  );
}

const SHOWN_LENGTH_MAX = 40;

function describeToken(token: Token): string {
  if (token.kind === "end") return "the end of the source";
  if (token.kind === "string") return "a string";
  const text = token.kind === "variable" ? `$${token.text}` : token.text;
  return `'${text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text}'`;
}

function parseDeclaration(cursor: TokenCursor): QueryDeclaration {
  cursor.expectWord("query", "at the start of a declaration");
  const name = cursor.expect("name", "a query name (a lower-case letter or '_' first)").text;
  const params = parseParameters(cursor);
  const notes = parseNotes(cursor, name);
  cursor.expectPunct("{", `before the body of query '${name}'`);
  const head = { source: cursor.source, name, ...notes, params };
  const declaration = cursor.isWord("match") ? parseRead(cursor, head) : parseMutation(cursor, head);
  cursor.expectPunct("}", `at the end of query '${name}'`);
  return declaration;
}

type Head = Pick<QueryDeclaration, "source" | "name" | "description" | "instruction" | "params">;

function parseParameters(cursor: TokenCursor): ParameterDeclaration[] {
  cursor.expectPunct("(", "after the query name");
  const params: ParameterDeclaration[] = [];
  if (cursor.acceptPunct(")")) return params;
  const names = new Set<string>();
  do {
    const token = cursor.expect("variable", "a parameter such as $name");
    const name = token.text;
    if (name === "_") cursor.fail("'$_' stands for no value and cannot be a parameter", token);
    if (names.has(name)) cursor.fail(`duplicate parameter '$${name}'`, token);
    names.add(name);
    cursor.expectPunct(":", `after '$${name}'`);
    const type = parseType(cursor);
    params.push({ name, type, start: token.start, end: cursor.lastEnd });
  } while (cursor.acceptPunct(","));
  cursor.expectPunct(")", "or ',' after a parameter");
  return params;
}

const SCALARS: readonly ScalarName[] = [
  "String",
  "Bool",
  "I32",
  "I64",
  "U32",
  "U64",
  "F32",
  "F64",
  "Date",
  "DateTime",
  "Blob",
];
const scalarNamed = (text: string) => SCALARS.find((scalar) => scalar === text);

function parseType(cursor: TokenCursor): PropertyType {
  const list = cursor.acceptPunct("[");
  const scalar = parseScalar(cursor, list);
  if (list) cursor.expectPunct("]", "after the element type");
  return { scalar, list, nullable: cursor.acceptPunct("?"), enumValues: null };
}

function parseScalar(cursor: TokenCursor, inList: boolean): PropertyType["scalar"] {
  const token = cursor.expect("type", "a parameter type");
  const scalar = scalarNamed(token.text);
  if (scalar !== undefined) return scalar;
  if (token.text !== "Vector" || inList) {
    const vector = inList ? "" : ", Vector(n)";
    cursor.fail(
      `unknown parameter type '${token.text}': expected ${SCALARS.join(", ")}${vector}${inList ? " in a list" : ""}`,
      token,
    );
  }
  cursor.expectPunct("(", "after 'Vector'");
  const width = cursor.expect("int", "the width of the vector").text;
  cursor.expectPunct(")", "after the width of the vector");
  return { vector: Number(width) };
}

function parseNotes(cursor: TokenCursor, query: string): Pick<Head, "description" | "instruction"> {
  const notes: { description: string | null; instruction: string | null } = {
    description: null,
    instruction: null,
  };
  while (cursor.isPunct("@")) {
    const at = cursor.take();
    const token = cursor.expect("name", "'description' or 'instruction' after '@'");
    const note = token.text;
    if (note !== "description" && note !== "instruction") {
      cursor.fail(`unknown annotation @${note}: a query takes @description and @instruction`, at);
    }
    if (notes[note] !== null) {
      cursor.fail(`query '${query}' cannot include duplicate @${note} annotations`, at);
    }
    cursor.expectPunct("(", `after @${note}`);
    notes[note] = tokenValue(cursor.expect("string", `a string in @${note}(…)`));
    cursor.expectPunct(")", `after the text of @${note}`);
  }
  return notes;
}

// ---- reads ----

function parseRead(cursor: TokenCursor, head: Head): ReadDeclaration {
  cursor.expectWord("match", "at the start of a read");
  const match = parseClauses(cursor, "match", 0);
  cursor.expectWord("return", "after the match block");
  const items = parseReturn(cursor);
  const order = cursor.acceptWord("order") ? parseOrder(cursor) : [];
  const limit = cursor.acceptWord("limit") ? parseLimit(cursor) : null;
  return { kind: "read", ...head, match, items, order, limit };
}

function parseClauses(cursor: TokenCursor, block: "match" | "not", depth: number): MatchClause[] {
  cursor.expectPunct("{", `after '${block}'`);
  const clauses: MatchClause[] = [];
  do clauses.push(parseClause(cursor, depth));
  while (!cursor.acceptPunct("}"));
  return clauses;
}

function parseClause(cursor: TokenCursor, depth: number): MatchClause {
  if (cursor.isWord("not") && cursor.isPunct("{", 1)) {
    if (depth >= NEGATION_DEPTH_MAX) cursor.fail(`'not' blocks nest deeper than ${NEGATION_DEPTH_MAX}`);
    const word = cursor.take();
    return { kind: "not", word, clauses: parseClauses(cursor, "not", depth + 1) };
  }
  if (cursor.is("variable")) {
    if (cursor.isPunct(":", 1)) return parseBinding(cursor);
    if (startsTraversal(cursor)) return parseTraversal(cursor);
  }
  if (startsTextCall(cursor)) {
    const call = parseTextCall(cursor);
    return startsOperator(cursor) ? parseFilter(cursor, call) : call;
  }
  return parseFilter(cursor, null);
}

/** `$a e`, `$a <e>` or `$a $w:`. Left of a variable, `contains` and `starts_with` are edge names as well. */
function startsTraversal(cursor: TokenCursor): boolean {
  if (cursor.is("variable", 1)) return true;
  if (cursor.isPunct("<", 1)) return cursor.is("name", 2) && cursor.isPunct(">", 3);
  if (!cursor.is("name", 1)) return false;
  const isOperator = WORD_OPERATORS.some((word) => cursor.isWord(word, 1));
  if (!isOperator || cursor.isPunct("{", 2)) return true;
  return cursor.is("variable", 2) && !cursor.isPunct(".", 3);
}

function parseBinding(cursor: TokenCursor): BindingClause {
  const variable = cursor.take();
  cursor.skip();
  if (cursor.is("name")) {
    cursor.failExpected(
      `a node type after '$${variable.text}:' (an edge binding stands between its two ends)`,
    );
  }
  const type = cursor.expect("type", `a node type after '$${variable.text}:'`);
  return { kind: "binding", variable, type, matches: parseInlineMatches(cursor) };
}

function parseInlineMatches(cursor: TokenCursor): InlineMatch[] {
  const matches: InlineMatch[] = [];
  if (!cursor.acceptPunct("{")) return matches;
  while (!cursor.acceptPunct("}")) {
    const property = cursor.expect("name", "a property name or '}' in the inline match");
    cursor.expectPunct(":", `after '${property.text}'`);
    matches.push({ property, value: parseValue(cursor) });
    if (!cursor.acceptPunct(",") && !cursor.isPunct("}")) cursor.failExpected("',' or '}'");
  }
  return matches;
}

function parseTraversal(cursor: TokenCursor): TraversalClause {
  const left = cursor.take();
  const edgeVariable = cursor.is("variable") ? cursor.take() : null;
  if (edgeVariable !== null) cursor.expectPunct(":", `after '$${edgeVariable.text}' (an edge binding)`);
  const undirected = cursor.acceptPunct("<");
  const edge = parseEdgeName(cursor);
  if (undirected) cursor.expectPunct(">", `after '<${edge.text}'`);
  const hops = cursor.isPunct("{") ? parseHops(cursor) : null;
  const right = cursor.expect("variable", `a variable at the right end of '${edge.text}'`);
  return { kind: "traversal", left, right, edge, edgeVariable, undirected, hops };
}

function parseEdgeName(cursor: TokenCursor): Token {
  if (cursor.is("type")) {
    cursor.failExpected("an edge name with a lower-case first letter (edge Knows is traversed as knows)");
  }
  const token = cursor.expect("name", "an edge name");
  if (token.text === "not") cursor.fail("expected an edge name, found the keyword 'not'", token);
  return token;
}

function parseHops(cursor: TokenCursor): HopBounds {
  const open = cursor.take();
  const min = parseHopBound(cursor, "the least number of hops");
  cursor.expectPunct(",", "in hop bounds such as {1,3}");
  const max = cursor.isPunct("}") ? null : parseHopBound(cursor, "the greatest number of hops");
  cursor.expectPunct("}", "after hop bounds");
  return { min, max, start: open.start, end: cursor.lastEnd };
}

function parseHopBound(cursor: TokenCursor, what: string): number {
  const token = cursor.expect("int", what);
  const value = parseDigits(token.text);
  if (value === null || value > HOPS_MAX) cursor.fail(`invalid integer: at most ${HOPS_MAX} hops`, token);
  return Number(value);
}

function parseFilter(cursor: TokenCursor, call: Expression | null): FilterClause {
  const left = call ?? parseExpression(cursor);
  const operator = parseOperator(cursor);
  return { kind: "filter", left, operator, right: parseExpression(cursor) };
}

const SYMBOL_OPERATORS: ReadonlySet<string> = new Set(["=", "!=", "<", "<=", ">", ">="]);
const WORD_OPERATORS = ["contains", "starts_with"] as const;

function acceptSymbolOperator(cursor: TokenCursor): PredicateClause["operator"] | undefined {
  const mark = cursor.mark();
  if (!SYMBOL_OPERATORS.has(mark)) return undefined;
  cursor.skip();
  return mark as PredicateClause["operator"];
}

function startsOperator(cursor: TokenCursor): boolean {
  return SYMBOL_OPERATORS.has(cursor.mark()) || WORD_OPERATORS.some((word) => cursor.isWord(word));
}

function parseOperator(cursor: TokenCursor): ComparisonOperator {
  return (
    acceptSymbolOperator(cursor) ??
    WORD_OPERATORS.find((word) => cursor.acceptWord(word)) ??
    cursor.failExpected("a comparison (= != < <= > >= contains starts_with)")
  );
}

function parseItem(cursor: TokenCursor): ReturnClauseItem {
  const expression = parseExpression(cursor);
  const alias = cursor.acceptWord("as") ? cursor.expect("name", "an alias after 'as'").text : null;
  return { expression, alias };
}

function parseReturn(cursor: TokenCursor): ReturnClauseItem[] {
  cursor.expectPunct("{", "after 'return'");
  const items: ReturnClauseItem[] = [];
  do {
    items.push(parseItem(cursor));
    cursor.acceptPunct(",");
  } while (!cursor.acceptPunct("}"));
  return items;
}

function parseOrder(cursor: TokenCursor): OrderClauseKey[] {
  cursor.expectPunct("{", "after 'order'");
  const keys: OrderClauseKey[] = [];
  do keys.push(parseOrderKey(cursor));
  while (cursor.acceptPunct(","));
  cursor.expectPunct("}", "or ',' after an order key");
  return keys;
}

function parseOrderKey(cursor: TokenCursor): OrderClauseKey {
  const expression = parseExpression(cursor);
  const descending = cursor.isWord("desc");
  if (!descending && !cursor.isWord("asc")) return { expression, descending };
  if (expression.kind === "nearest") {
    cursor.fail(`nearest takes no '${cursor.peek().text}': the nearest always come first`);
  }
  cursor.skip();
  return { expression, descending };
}

function parseLimit(cursor: TokenCursor): number {
  const token = cursor.expect("int", "a number of rows after 'limit'");
  const value = parseDigits(token.text);
  if (value === null || value > U64_MAX) cursor.fail(`invalid limit: at most ${U64_MAX}`, token);
  return Number(value);
}

// ---- mutations ----

function parseMutation(cursor: TokenCursor, head: Head): MutationDeclaration {
  const statements: StatementClause[] = [];
  do statements.push(parseStatement(cursor, statements.length === 0));
  while (!cursor.isPunct("}"));
  return { kind: "mutation", ...head, statements };
}

function parseStatement(cursor: TokenCursor, isFirst: boolean): StatementClause {
  if (cursor.acceptWord("insert")) {
    const type = parseTarget(cursor, "insert");
    return { kind: "insert", type, assignments: parseAssignments(cursor, "insert") };
  }
  if (cursor.acceptWord("update")) {
    const type = parseTarget(cursor, "update");
    cursor.expectWord("set", `after 'update ${type.text}'`);
    const assignments = parseAssignments(cursor, "set");
    return { kind: "update", type, assignments, predicate: parsePredicate(cursor, "update") };
  }
  if (cursor.acceptWord("delete")) {
    const type = parseTarget(cursor, "delete");
    return { kind: "delete", type, predicate: parsePredicate(cursor, "delete") };
  }
  return cursor.failExpected(`${isFirst ? "'match', " : ""}'insert', 'update' or 'delete'`);
}

function parseTarget(cursor: TokenCursor, statement: StatementClause["kind"]): Token {
  return cursor.expect("type", `a type name after '${statement}'`);
}

function parseAssignments(cursor: TokenCursor, where: string): AssignmentClause[] {
  cursor.expectPunct("{", `before the assignments of '${where}'`);
  const assignments: AssignmentClause[] = [];
  while (!cursor.acceptPunct("}")) {
    const property = cursor.expect("name", "a property name or '}'");
    cursor.expectPunct(":", `after '${property.text}'`);
    assignments.push({ property, value: parseAssigned(cursor) });
    cursor.acceptPunct(",");
  }
  return assignments;
}

function parseAssigned(cursor: TokenCursor): AssignmentClause["value"] {
  const { start } = cursor;
  return cursor.acceptWord("null") ? { kind: "null", start, end: cursor.lastEnd } : parseValue(cursor);
}

function parsePredicate(cursor: TokenCursor, statement: StatementClause["kind"]): PredicateClause {
  cursor.expectWord("where", `with a predicate: '${statement}' never touches a whole type`);
  const property = cursor.expect("name", "a property name after 'where'");
  const operator = acceptSymbolOperator(cursor) ?? cursor.failExpected("a comparison (= != < <= > >=)");
  return { property, operator, value: parseValue(cursor) };
}
