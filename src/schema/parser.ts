// `.pg` text -> AST, by recursive descent. The grammar has no recursion deeper than one list, so no text overflows.

import { Lexicon, type Token, tokenValue } from "../lib/lexer.ts";
import { SourceError, type Span, spanOf } from "../lib/source.ts";
import { TokenCursor } from "../lib/token-cursor.ts";
import {
  type AnnotationAst,
  type CardinalityAst,
  type DeclarationAst,
  type EdgeAst,
  type InterfaceAst,
  type NodeAst,
  type NumberAst,
  type PropertyAst,
  RULE_NAMES,
  type RuleArgument,
  type RuleAst,
  type RuleName,
  type SchemaAst,
  type TypeAst,
  type Word,
} from "./ast.ts";
import type { ScalarName } from "./catalog.ts";
import { Problems, SchemaError } from "./errors.ts";

const LEXICON = new Lexicon("-> .. { } ( ) [ ] : , ? @ = -".split(" "), false);

const SCALARS: Readonly<Record<string, ScalarName>> = {
  String: "String",
  Bool: "Bool",
  I32: "I32",
  I64: "I64",
  U32: "U32",
  U64: "U64",
  F32: "F32",
  F64: "F64",
  Date: "Date",
  DateTime: "DateTime",
  Blob: "Blob",
};
const TYPE_HINT =
  "String, Bool, I32, I64, U32, U64, F32, F64, Date, DateTime, Blob, Vector(N), enum(...) or a list such as [String]";

/** Reads a whole schema. Throws SchemaError (`parse error: ...`) with the first thing that is wrong in each declaration. */
export function parseSchema(source: string): SchemaAst {
  return parserOf(source).schema();
}

/** Half of a character ends the reading at once. */
function parserOf(source: string): Parser {
  try {
    return new Parser(source);
  } catch (thrown) {
    if (thrown instanceof SourceError) throw new SchemaError("parse", source, [thrown]);
    throw thrown;
  }
}

/** A keyword and a name with a capital: nothing inside a declaration looks like that. */
function looksLikeDeclaration(cursor: TokenCursor): boolean {
  return cursor.is("type", 1) && KEYWORDS.some((word) => cursor.isWord(word));
}

const KEYWORDS: readonly DeclarationAst["kind"][] = ["interface", "node", "edge"];

const wordOf = (token: Token): Word => ({ text: token.text, span: spanOf(token) });

function describe(token: Token): string {
  return token.kind === "end" ? "the end of the file" : `'${shorten(token.text)}'`;
}

const SHOWN_TEXT_LENGTH_MAX = 40;
const shorten = (text: string) =>
  text.length <= SHOWN_TEXT_LENGTH_MAX ? text : `${text.slice(0, SHOWN_TEXT_LENGTH_MAX)}...`;

class Parser {
  private readonly cursor: TokenCursor;

  constructor(private readonly source: string) {
    this.cursor = new TokenCursor(source, LEXICON, describe);
  }

  schema(): SchemaAst {
    const problems = new Problems("parse", this.source);
    const declarations = this.cursor.declarations(
      () => this.declaration(),
      () => looksLikeDeclaration(this.cursor),
      (problem) => problems.add(problem),
    );
    problems.throwFound();
    return { source: this.source, declarations };
  }

  // --- tokens ---------------------------------------------------------------------------------------------------

  private get token(): Token {
    return this.peek(0);
  }

  private peek(ahead: number): Token {
    return this.cursor.peek(ahead);
  }

  private take(): Token {
    return this.cursor.take();
  }

  private fail(expected: string): never {
    this.cursor.failExpected(expected);
  }

  private refuse(span: Span, message: string): never {
    this.cursor.fail(message, span);
  }

  private isPunct(text: string, ahead = 0): boolean {
    return this.cursor.isPunct(text, ahead);
  }

  private isKeyword(text: string): boolean {
    return this.cursor.isWord(text);
  }

  private punct(text: string, where: string): Token {
    return this.isPunct(text) ? this.take() : this.fail(`'${text}' ${where}`);
  }

  private name(what: string): Word {
    return this.cursor.is("name") ? wordOf(this.take()) : this.fail(what);
  }

  private typeName(what: string): Word {
    return this.cursor.is("type")
      ? wordOf(this.take())
      : this.fail(`${what} (a name that starts with an upper-case letter)`);
  }

  private integer(what: string): Word {
    return this.cursor.is("int") ? wordOf(this.take()) : this.fail(what);
  }

  /** `item { "," item }`, at least one, no trailing comma. */
  private separated<T>(item: () => T): T[] {
    const items = [item()];
    while (this.isPunct(",")) {
      this.take();
      items.push(item());
    }
    return items;
  }

  // --- declarations ---------------------------------------------------------------------------------------------

  private declaration(): DeclarationAst {
    if (this.isKeyword("interface")) return this.interface();
    if (this.isKeyword("node")) return this.node();
    if (this.isKeyword("edge")) return this.edge();
    return this.fail("'interface', 'node' or 'edge'");
  }

  private interface(): InterfaceAst {
    this.take();
    const name = this.typeName("an interface name");
    if (this.isPunct("@")) {
      this.refuse(spanOf(this.token), "expected '{': an interface takes no annotations of its own");
    }
    this.punct("{", "to open the interface body");
    const properties: PropertyAst[] = [];
    while (!this.isPunct("}")) {
      if (this.isRuleAhead()) this.refuseRule("in the body of an interface");
      properties.push(this.property("'}'"));
    }
    this.take();
    return { kind: "interface", name, properties };
  }

  private node(): NodeAst {
    this.take();
    const name = this.typeName("a node type name");
    const annotations = this.headerAnnotations();
    let implemented: Word[] = [];
    if (this.isKeyword("implements")) {
      this.take();
      implemented = this.separated(() => this.typeName("an interface name"));
      if (this.isPunct("@")) {
        this.refuse(spanOf(this.token), "expected '{': annotations of a node stand before 'implements'");
      }
    }
    this.punct("{", "to open the node body");
    return { kind: "node", name, annotations, implements: implemented, ...this.body() };
  }

  private edge(): EdgeAst {
    this.take();
    const name = this.typeName("an edge type name");
    this.punct(":", "before the edge's source type");
    const source = this.typeName("the edge's source type");
    this.punct("->", "before the edge's target type");
    const target = this.typeName("the edge's target type");
    const cardinality = this.cardinality();
    const annotations = this.headerAnnotations();
    const header = { kind: "edge", name, source, target, cardinality, annotations } as const;
    if (!this.isPunct("{")) return { ...header, properties: [], rules: [] };
    this.take();
    return { ...header, ...this.body() };
  }

  private cardinality(): CardinalityAst | null {
    if (!(this.isPunct("@") && this.cursor.isWord("card", 1))) return null;
    this.take();
    this.take();
    this.punct("(", "with the bounds of @card, as in @card(0..1)");
    const min = this.integer("the least number of edges, as in @card(0..1)");
    this.punct("..", "between the bounds of @card, as in @card(0..1) or @card(1..)");
    const max = this.cursor.is("int") ? wordOf(this.take()) : null;
    this.punct(")", "to close @card");
    return { min, max };
  }

  /** Members of a node or edge up to the closing brace. */
  private body(): { properties: PropertyAst[]; rules: RuleAst[] } {
    const properties: PropertyAst[] = [];
    const rules: RuleAst[] = [];
    while (!this.isPunct("}")) {
      if (this.isRuleAhead()) rules.push(this.rule());
      else properties.push(this.property("a rule such as @key(...) or '}'"));
    }
    this.take();
    return { properties, rules };
  }

  private property(orElse: string): PropertyAst {
    const name = this.name(`a property name (it starts with a-z or '_'), ${orElse}`);
    this.punct(":", `between property '${shorten(name.text)}' and its type`);
    const type = this.type();
    return { name, type, annotations: this.annotations() };
  }

  // --- types ----------------------------------------------------------------------------------------------------

  private type(): TypeAst {
    const { start } = this.cursor;
    const list = this.isPunct("[");
    if (list) this.take();
    const base = list ? this.scalar("a base type such as String: lists hold base types only") : this.base();
    if (list) this.punct("]", "to close the list type");
    const nullable = this.isPunct("?");
    if (nullable) this.take();
    return { base, list, nullable, span: { start, end: this.cursor.lastEnd } };
  }

  private base(): TypeAst["base"] {
    if (this.isKeyword("enum")) return this.enum();
    if (this.cursor.is("type") && this.token.text === "Vector") {
      this.take();
      this.punct("(", "with the dimension of the vector, as in Vector(768)");
      const dimension = this.integer("the dimension of the vector, as in Vector(768)");
      this.punct(")", "to close the vector type");
      return { kind: "vector", dimension };
    }
    return this.scalar(`a type: ${TYPE_HINT}`);
  }

  private scalar(expected: string): TypeAst["base"] {
    const { kind, text } = this.token;
    if (kind !== "type" || !Object.hasOwn(SCALARS, text)) this.fail(expected);
    this.take();
    return { kind: "scalar", name: SCALARS[text] };
  }

  private enum(): TypeAst["base"] {
    this.take();
    this.punct("(", "with the values of the enum, as in enum(open, closed)");
    const values = this.separated(() => this.enumValue());
    this.punct(")", "to close the enum");
    return { kind: "enum", values };
  }

  /** `[A-Za-z0-9_-]+`: words, digits and hyphens with nothing between them. */
  private enumValue(): Word {
    const { cursor } = this;
    const isPart = () => cursor.is("name") || cursor.is("type") || cursor.is("int") || cursor.isPunct("-");
    if (!isPart()) this.fail("an enum value (letters, digits, '_' and '-', without quotes)");
    const { start } = this.take();
    while (isPart() && cursor.start === cursor.lastEnd) cursor.skip();
    const end = this.cursor.lastEnd;
    return { text: this.source.slice(start, end), span: { start, end } };
  }

  // --- annotations and rules ------------------------------------------------------------------------------------

  private isRuleAhead(): boolean {
    const { cursor } = this;
    return cursor.isPunct("@") && cursor.isPunct("(", 2) && RULE_NAMES.some((name) => cursor.isWord(name, 1));
  }

  private refuseRule(where: string): never {
    const name = this.peek(1);
    return this.refuse(
      { start: this.token.start, end: name.end },
      `unexpected rule @${name.text}(...) ${where}: rules stand in the body of a node or an edge`,
    );
  }

  private headerAnnotations(): AnnotationAst[] {
    const annotations = this.annotations();
    if (this.isRuleAhead()) this.refuseRule("on the header of a declaration");
    return annotations;
  }

  private annotations(): AnnotationAst[] {
    const annotations: AnnotationAst[] = [];
    while (this.isPunct("@") && !this.isRuleAhead()) annotations.push(this.annotation());
    return annotations;
  }

  private annotation(): AnnotationAst {
    const { start } = this.take();
    const name = this.name("an annotation name right after '@'");
    const kwargs: { name: Word; value: string }[] = [];
    const seen = new Set<string>();
    let value: string | null = null;
    if (name.text === "card") {
      this.refuse(
        { start, end: name.span.end },
        "unexpected @card: it stands once, right after the target type of an edge, as in @card(0..1)",
      );
    }
    if (this.isPunct("(")) {
      this.take();
      const isLiteral = ["string", "int", "float", "name"].includes(this.token.kind);
      if (!isLiteral) this.fail(`a value for @${name.text}: a string, a number, true, false or a name`);
      value = tokenValue(this.take());
      while (this.isPunct(",")) {
        this.take();
        kwargs.push(this.keywordArgument(seen));
      }
      this.punct(")", `to close @${name.text}`);
    }
    return { name: name.text, value, kwargs, span: { start, end: this.cursor.lastEnd } };
  }

  private keywordArgument(seen: Set<string>): { name: Word; value: string } {
    const name = this.name("a keyword argument such as model");
    if (seen.has(name.text)) this.refuse(name.span, `argument '${name.text}=' is given twice`);
    seen.add(name.text);
    this.punct("=", `after the argument name '${name.text}'`);
    const { kind, text } = this.token;
    const isLiteral = kind === "string" || kind === "int" || kind === "float" || isBool(text, kind);
    if (!isLiteral) this.fail(`a literal for '${name.text}=': a string, a number, true or false`);
    return { name, value: tokenValue(this.take()) };
  }

  private rule(): RuleAst {
    const { start } = this.take();
    const name = this.take().text as RuleName;
    this.take();
    const args = this.separated(() => this.ruleArgument());
    const { end } = this.punct(")", `to close @${name}`);
    return { name, arguments: args, span: { start, end } };
  }

  private ruleArgument(): RuleArgument {
    const { kind, text } = this.token;
    const span = spanOf(this.token);
    if (this.isPunct("..")) {
      this.take();
      const max = this.number();
      return { kind: "bounds", min: null, max, span: { start: span.start, end: max.span.end } };
    }
    if (kind === "int" || kind === "float" || this.isPunct("-")) {
      const signed = kind === "punct";
      const min = this.number();
      if (!this.isPunct("..")) {
        if (signed) this.fail("'..' after a bound of @range");
        return { kind: "literal", text: min.text, span: min.span };
      }
      const dots = this.take();
      const hasMax = this.token.kind === "int" || this.token.kind === "float" || this.isPunct("-");
      const max = hasMax ? this.number() : null;
      return { kind: "bounds", min, max, span: { start: span.start, end: max?.span.end ?? dots.end } };
    }
    if (kind === "string") {
      return { kind: "string", text: tokenValue(this.take()), span };
    }
    if (kind !== "name") this.fail("a property name, a string or bounds such as 0..5");
    this.take();
    return { kind: isBool(text, kind) ? "literal" : "name", text, span };
  }

  private number(): NumberAst {
    const { start } = this.token;
    const negative = this.isPunct("-");
    if (negative) this.take();
    const { kind, text, end } = this.token;
    if (kind !== "int" && kind !== "float") return this.fail("a number");
    this.take();
    return { kind, text: negative ? `-${text}` : text, span: { start, end } };
  }
}

const isBool = (text: string, kind: Token["kind"]) =>
  kind === "name" && (text === "true" || text === "false");
