// How a schema says that it is wrong: a bad request whose text names the places.

import { OmnigraphError } from "../lib/errors.ts";
import { SourceError, type Span } from "../lib/lexer.ts";
import { PROBLEMS_MAX } from "./limits.ts";

/** `parse`: syntax and one declaration by itself; `catalog`: names across declarations; `identity`: rename hints. */
export type SchemaErrorStage = "parse" | "catalog" | "identity";

const PREFIXES: Readonly<Record<SchemaErrorStage, string>> = {
  parse: "parse error: ",
  catalog: "catalog error: ",
  identity: "schema identity resolution failed: ",
};

/**
 * What one step of checking found, in the order of the text, at most one problem for each declaration: what follows from
 * another problem would be noise. The message has a line for each, with line and column; `cause` is the first.
 */
export class SchemaError extends OmnigraphError {
  override readonly cause: SourceError;
  readonly span: Span;
  readonly line: number;
  readonly column: number;

  constructor(
    readonly stage: SchemaErrorStage,
    readonly problems: readonly [SourceError, ...SourceError[]],
  ) {
    const [cause] = problems;
    const lines = problems.map(
      ({ message, line, column }) => `${PREFIXES[stage]}${message} (line ${line}, column ${column})`,
    );
    super("bad_request", lines.join("\n"), {}, { cause });
    this.cause = cause;
    this.span = cause.span;
    this.line = cause.line;
    this.column = cause.column;
  }
}

/** Reports a problem at a place of one source. */
export type Fail = (span: Span, message: string) => never;

/** The reporter of one stage for one source. */
export function failIn(stage: SchemaErrorStage, source: string): Fail {
  return (span, message) => {
    throw new SchemaError(stage, [new SourceError(message, source, span)]);
  };
}

/** The problems of one step of checking, which goes on to the next declaration after each. */
export class Problems {
  private readonly found: SourceError[] = [];

  constructor(private readonly stage: SchemaErrorStage) {}

  add(...problems: readonly SourceError[]): void {
    this.found.push(...problems);
    if (this.found.length >= PROBLEMS_MAX) this.throwFound();
  }

  /** Throws SchemaError where there are any. */
  throwFound(): void {
    // What an interface says wrongly is wrong in every node that implements it, and told once.
    const byPlace = new Map(this.found.toReversed().map((problem) => [problem.span.start, problem]));
    const [first, ...others] = [...byPlace.values()]
      .sort((a, b) => a.span.start - b.span.start)
      .slice(0, PROBLEMS_MAX);
    if (first !== undefined) throw new SchemaError(this.stage, [first, ...others]);
  }
}

/** Results of one step of checking for each item; its problems are thrown together. */
export function checkEach<T, R>(items: readonly T[], check: (item: T) => R): R[] {
  const problems = new Problems("parse");
  const results: R[] = [];
  for (const item of items) {
    try {
      results.push(check(item));
    } catch (thrown) {
      if (!(thrown instanceof SchemaError)) throw thrown;
      problems.add(...thrown.problems);
    }
  }
  problems.throwFound();
  return results;
}
