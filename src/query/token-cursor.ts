// A place in the tokens of a source: looking ahead, taking what must stand there, and failing with what stood there
// instead.

import { SourceError, type Token, tokenize } from "../lib/lexer.ts";
import { rememberPlace } from "./places.ts";

const PUNCTUATION = "<= >= != { } ( ) [ ] , : . < > = @ ? -".split(" ");

export class TokenCursor {
  private readonly tokens: readonly Token[];
  private readonly end: Token;
  private index = 0;

  constructor(private readonly source: string) {
    this.tokens = tokenize(source, { punctuation: PUNCTUATION, variables: true });
    this.end = this.tokens[this.tokens.length - 1];
  }

  /** The token `ahead` places on; past the end, the end. */
  peek(ahead = 0): Token {
    return this.tokens[this.index + ahead] ?? this.end;
  }

  take(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.index++;
    return token;
  }

  isPunct(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "punct" && token.text === text;
  }

  /** Keywords are ordinary names that stand in the right place. */
  isWord(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "name" && token.text === text;
  }

  acceptPunct(text: string): boolean {
    const found = this.isPunct(text);
    if (found) this.index++;
    return found;
  }

  acceptWord(text: string): boolean {
    const found = this.isWord(text);
    if (found) this.index++;
    return found;
  }

  expectPunct(text: string, where: string): void {
    if (!this.acceptPunct(text)) this.failExpected(`'${text}' ${where}`);
  }

  expectWord(text: string, where: string): void {
    if (!this.acceptWord(text)) this.failExpected(`'${text}' ${where}`);
  }

  /** A token of that kind; `what` says in a message what was wanted. */
  expect(kind: "name" | "type" | "variable" | "int" | "string", what: string): Token {
    if (this.peek().kind !== kind) this.failExpected(what);
    return this.take();
  }

  /** What `parse` reads from here on, with its place remembered. */
  placed<T extends object>(parse: () => T): T {
    const { start } = this.peek();
    return rememberPlace(parse(), this.source, start);
  }

  failExpected(what: string): never {
    this.fail(`expected ${what}, found ${describeToken(this.peek())}`);
  }

  fail(message: string, token: Token = this.peek()): never {
    throw new SourceError(message, this.source, token);
  }
}

const SHOWN_LENGTH_MAX = 40;

function describeToken(token: Token): string {
  if (token.kind === "end") return "the end of the source";
  if (token.kind === "string") return "a string";
  const text = token.kind === "variable" ? `$${token.text}` : token.text;
  return `'${text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text}'`;
}
