// `.gq` text -> declarations. Recursive descent with bounded nesting; one look ahead decides every clause.

import { OmnigraphError } from "../lib/errors.ts";
import { SourceError, type Token } from "../lib/lexer.ts";
import type { PropertyType, ScalarName } from "../schema/catalog.ts";
import type {
  AssignmentClause,
  BindingClause,
  FilterClause,
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
import { TokenCursor } from "./token-cursor.ts";

/** Every declaration of a source, in its order. Throws `parse error: …` with line and column, the SourceError as cause. */
export function parseQueries(source: string): QueryDeclaration[] {
  try {
    const cursor = new TokenCursor(source);
    const declarations: QueryDeclaration[] = [];
    while (cursor.peek().kind !== "end") declarations.push(parseDeclaration(cursor));
    return declarations;
  } catch (thrown) {
    if (!(thrown instanceof SourceError)) throw thrown;
    const message = `parse error: ${thrown.message} (line ${thrown.line}, column ${thrown.column})`;
    throw new OmnigraphError("bad_request", message, {}, { cause: thrown });
  }
}

function parseDeclaration(cursor: TokenCursor): QueryDeclaration {
  cursor.expectWord("query", "at the start of a declaration");
  const name = cursor.expect("name", "a query name (a lower-case letter or '_' first)").text;
  const params = parseParameters(cursor);
  const notes = parseNotes(cursor, name);
  cursor.expectPunct("{", `before the body of query '${name}'`);
  const head = { name, ...notes, params };
  const declaration = cursor.isWord("match") ? parseRead(cursor, head) : parseMutation(cursor, head);
  cursor.expectPunct("}", `at the end of query '${name}'`);
  return declaration;
}

type Head = Pick<QueryDeclaration, "name" | "description" | "instruction" | "params">;

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
    params.push({ name, type: parseType(cursor) });
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
    notes[note] = cursor.expect("string", `a string in @${note}(…)`).value;
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
  do clauses.push(cursor.placed(() => parseClause(cursor, depth)));
  while (!cursor.acceptPunct("}"));
  return clauses;
}

function parseClause(cursor: TokenCursor, depth: number): MatchClause {
  if (cursor.isWord("not") && cursor.isPunct("{", 1)) {
    if (depth >= NEGATION_DEPTH_MAX) cursor.fail(`'not' blocks nest deeper than ${NEGATION_DEPTH_MAX}`);
    cursor.take();
    return { kind: "not", clauses: parseClauses(cursor, "not", depth + 1) };
  }
  if (cursor.peek().kind === "variable") {
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
  const next = cursor.peek(1);
  if (next.kind === "variable") return true;
  if (cursor.isPunct("<", 1)) return cursor.peek(2).kind === "name" && cursor.isPunct(">", 3);
  if (next.kind !== "name") return false;
  if (!isWordOperator(next.text) || cursor.isPunct("{", 2)) return true;
  return cursor.peek(2).kind === "variable" && !cursor.isPunct(".", 3);
}

function parseBinding(cursor: TokenCursor): BindingClause {
  const variable = cursor.take().text;
  cursor.take();
  if (cursor.peek().kind === "name") {
    cursor.failExpected(`a node type after '$${variable}:' (an edge binding stands between its two ends)`);
  }
  const type = cursor.expect("type", `a node type after '$${variable}:'`).text;
  return { kind: "binding", variable, type, matches: parseInlineMatches(cursor) };
}

function parseInlineMatches(cursor: TokenCursor): InlineMatch[] {
  const matches: InlineMatch[] = [];
  if (!cursor.acceptPunct("{")) return matches;
  while (!cursor.acceptPunct("}")) {
    const property = cursor.expect("name", "a property name or '}' in the inline match").text;
    cursor.expectPunct(":", `after '${property}'`);
    matches.push({ property, value: parseValue(cursor) });
    if (!cursor.acceptPunct(",") && !cursor.isPunct("}")) cursor.failExpected("',' or '}'");
  }
  return matches;
}

function parseTraversal(cursor: TokenCursor): TraversalClause {
  const left = cursor.take().text;
  const edgeVariable = cursor.peek().kind === "variable" ? cursor.take().text : null;
  if (edgeVariable !== null) cursor.expectPunct(":", `after '$${edgeVariable}' (an edge binding)`);
  const undirected = cursor.acceptPunct("<");
  const edge = parseEdgeName(cursor);
  if (undirected) cursor.expectPunct(">", `after '<${edge}'`);
  const hops = cursor.isPunct("{") ? parseHops(cursor) : null;
  const right = cursor.expect("variable", `a variable at the right end of '${edge}'`).text;
  return { kind: "traversal", left, right, edge, edgeVariable, undirected, hops };
}

function parseEdgeName(cursor: TokenCursor): string {
  if (cursor.peek().kind === "type") {
    cursor.failExpected("an edge name with a lower-case first letter (edge Knows is traversed as knows)");
  }
  const token = cursor.expect("name", "an edge name");
  if (token.text === "not") cursor.fail("expected an edge name, found the keyword 'not'", token);
  return token.text;
}

function parseHops(cursor: TokenCursor): { min: number; max: number | null } {
  cursor.take();
  const min = parseHopBound(cursor, "the least number of hops");
  cursor.expectPunct(",", "in hop bounds such as {1,3}");
  const max = cursor.isPunct("}") ? null : parseHopBound(cursor, "the greatest number of hops");
  cursor.expectPunct("}", "after hop bounds");
  return { min, max };
}

function parseHopBound(cursor: TokenCursor, what: string): number {
  const token = cursor.expect("int", what);
  const value = parseDigits(token.text);
  if (value === null || value > HOPS_MAX) cursor.fail(`invalid integer: at most ${HOPS_MAX} hops`, token);
  return Number(value);
}

function parseFilter(cursor: TokenCursor, call: FilterClause["left"] | null): FilterClause {
  const left = call ?? parseExpression(cursor);
  const operator = parseOperator(cursor);
  return { kind: "filter", left, operator, right: parseExpression(cursor) };
}

const SYMBOL_OPERATORS: ReadonlySet<string> = new Set(["=", "!=", "<", "<=", ">", ">="]);
const isWordOperator = (text: string) => text === "contains" || text === "starts_with";

function startsOperator(cursor: TokenCursor): boolean {
  const token = cursor.peek();
  return (
    (token.kind === "punct" && SYMBOL_OPERATORS.has(token.text)) ||
    (token.kind === "name" && isWordOperator(token.text))
  );
}

function parseOperator(cursor: TokenCursor): ComparisonOperator {
  if (!startsOperator(cursor)) {
    cursor.failExpected("a comparison (= != < <= > >= contains starts_with)");
  }
  return cursor.take().text as ComparisonOperator;
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
    items.push(cursor.placed(() => parseItem(cursor)));
    cursor.acceptPunct(",");
  } while (!cursor.acceptPunct("}"));
  return items;
}

function parseOrder(cursor: TokenCursor): OrderClauseKey[] {
  cursor.expectPunct("{", "after 'order'");
  const keys: OrderClauseKey[] = [];
  do keys.push(cursor.placed(() => parseOrderKey(cursor)));
  while (cursor.acceptPunct(","));
  cursor.expectPunct("}", "or ',' after an order key");
  return keys;
}

function parseOrderKey(cursor: TokenCursor): OrderClauseKey {
  const expression = parseExpression(cursor);
  const direction = cursor.peek();
  if (!cursor.isWord("asc") && !cursor.isWord("desc")) return { expression, descending: false };
  if (expression.kind === "nearest") {
    cursor.fail(`nearest takes no '${direction.text}': the nearest always come first`, direction);
  }
  cursor.take();
  return { expression, descending: direction.text === "desc" };
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
  do statements.push(cursor.placed(() => parseStatement(cursor, statements.length === 0)));
  while (!cursor.isPunct("}"));
  return { kind: "mutation", ...head, statements };
}

function parseStatement(cursor: TokenCursor, isFirst: boolean): StatementClause {
  const word = cursor.peek();
  if (cursor.acceptWord("insert")) {
    return {
      kind: "insert",
      type: parseTarget(cursor, word),
      assignments: parseAssignments(cursor, "insert"),
    };
  }
  if (cursor.acceptWord("update")) {
    const type = parseTarget(cursor, word);
    cursor.expectWord("set", `after 'update ${type}'`);
    const assignments = parseAssignments(cursor, "set");
    return { kind: "update", type, assignments, predicate: parsePredicate(cursor, word) };
  }
  if (cursor.acceptWord("delete")) {
    return { kind: "delete", type: parseTarget(cursor, word), predicate: parsePredicate(cursor, word) };
  }
  return cursor.failExpected(`${isFirst ? "'match', " : ""}'insert', 'update' or 'delete'`);
}

function parseTarget(cursor: TokenCursor, statement: Token): string {
  return cursor.expect("type", `a type name after '${statement.text}'`).text;
}

function parseAssignments(cursor: TokenCursor, where: string): AssignmentClause[] {
  cursor.expectPunct("{", `before the assignments of '${where}'`);
  const assignments: AssignmentClause[] = [];
  while (!cursor.acceptPunct("}")) {
    const property = cursor.expect("name", "a property name or '}'").text;
    cursor.expectPunct(":", `after '${property}'`);
    assignments.push({ property, value: parseAssigned(cursor) });
    cursor.acceptPunct(",");
  }
  return assignments;
}

function parseAssigned(cursor: TokenCursor): AssignmentClause["value"] {
  return cursor.acceptWord("null") ? { kind: "null" } : parseValue(cursor);
}

function parsePredicate(cursor: TokenCursor, statement: Token): PredicateClause {
  cursor.expectWord("where", `with a predicate: '${statement.text}' never touches a whole type`);
  const property = cursor.expect("name", "a property name after 'where'").text;
  const token = cursor.peek();
  if (token.kind !== "punct" || !SYMBOL_OPERATORS.has(token.text)) {
    cursor.failExpected("a comparison (= != < <= > >=)");
  }
  const operator = cursor.take().text as PredicateClause["operator"];
  return { property, operator, value: parseValue(cursor) };
}
