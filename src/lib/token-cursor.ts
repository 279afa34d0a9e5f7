// A place in the tokens of a source: looking ahead, taking what must stand there, and failing with what stood there
// instead.

import { CODE, type Lexicon, type Token, type Tokens, tokenAt, tokenize } from "./lexer.ts";
import { SourceError, type Span } from "./source.ts";

export class TokenCursor {
  private readonly tokens: Tokens;
  private index = 0;

  /** `describe` says in messages what stands where something else was wanted. */
  constructor(
    readonly source: string,
    private readonly lexicon: Lexicon,
    private readonly describe: (token: Token) => string,
  ) {
    this.tokens = tokenize(source, lexicon);
  }

  /** Where the next token begins. */
  get start(): number {
    return this.tokens.starts[this.index];
  }

  /** Where the token that was taken last ends. */
  get lastEnd(): number {
    return this.tokens.ends[this.index - 1];
  }

  /** The token `ahead` places on; past the end, the end. Throws SourceError where that is no token. */
  peek(ahead = 0): Token {
    return tokenAt(this.tokens, Math.min(this.index + ahead, this.tokens.count - 1));
  }

  take(): Token {
    const token = this.peek();
    this.skip();
    return token;
  }

  /** Takes a token of which enough is known. */
  skip(): void {
    if (this.index < this.tokens.count - 1) this.index++;
  }

  private code(ahead: number): number {
    return this.tokens.codes[this.index + ahead];
  }

  /** What is no token is of no kind: who wanted one fails, and the failure then tells what is wrong with it. */
  is(kind: Exclude<keyof typeof CODE, "mark">, ahead = 0): boolean {
    return this.code(ahead) === CODE[kind];
  }

  /** The mark that stands there, or the empty text. */
  mark(ahead = 0): string {
    return this.lexicon.markTexts[this.code(ahead)];
  }

  isPunct(text: string, ahead = 0): boolean {
    return this.mark(ahead) === text;
  }

  /** Keywords are ordinary names that stand in the right place. */
  isWord(text: string, ahead = 0): boolean {
    return this.code(ahead) === CODE.name && this.hasText(text, ahead);
  }

  private hasText(text: string, ahead: number): boolean {
    const start = this.tokens.starts[this.index + ahead];
    return (
      this.tokens.ends[this.index + ahead] - start === text.length && this.source.startsWith(text, start)
    );
  }

  acceptPunct(text: string): boolean {
    const found = this.isPunct(text);
    if (found) this.skip();
    return found;
  }

  acceptWord(text: string): boolean {
    const found = this.isWord(text);
    if (found) this.skip();
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
    if (!this.is(kind)) this.failExpected(what);
    return this.take();
  }

  /** In a word such as `nöde` it is the `ö` that is wrong. */
  failExpected(what: string): never {
    const token = this.peek();
    const next = Math.min(this.index + 1, this.tokens.count - 1);
    if (this.tokens.starts[next] === token.end) tokenAt(this.tokens, next);
    this.fail(`expected ${what}, found ${this.describe(token)}`, token);
  }

  fail(message: string, at: Span = this.peek()): never {
    throw new SourceError(message, at);
  }

  /**
   * Parses declarations, which begin with a name, up to the end of the source. Behind a broken one, which `report` is told
   * of, it goes on where the tokens look like the start of another.
   */
  declarations<T>(
    parse: () => T,
    looksLikeStart: () => boolean,
    report: (problem: SourceError) => void,
  ): T[] {
    const parsed: T[] = [];
    while (!this.is("end")) {
      const first = this.index;
      try {
        parsed.push(parse());
      } catch (thrown) {
        if (!(thrown instanceof SourceError)) throw thrown;
        report(thrown);
        // The keyword that begins the next may just have been read as a name.
        this.index = Math.max(first + 1, this.index - 1);
        const { codes } = this.tokens;
        while (codes[this.index] !== CODE.end && !(codes[this.index] === CODE.name && looksLikeStart())) {
          this.index++;
        }
      }
    }
    return parsed;
  }
}
