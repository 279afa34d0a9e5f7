// How a schema says that it is wrong: a bad request whose text names the places.

import { OmnigraphError } from "../lib/errors.ts";
import { PROBLEMS_MAX, tellProblems } from "../lib/problems.ts";
import { type Position, positionOf, SourceError, type Span } from "../lib/source.ts";

/** `parse`: syntax and one declaration by itself; `catalog`: names across declarations; `identity`: rename hints. */
export type SchemaErrorStage = "parse" | "catalog" | "identity";

const PREFIXES: Readonly<Record<SchemaErrorStage, string>> = {
  parse: "parse error: ",
  catalog: "catalog error: ",
  identity: "schema identity resolution failed: ",
};

/** One thing that is wrong, and where. */
type Problem = Pick<SourceError, "message" | "span">;

/**
 * What one step of checking found, in the order of the text, at most one problem for each declaration: what follows from
 * another problem would be noise. The message has a line for each, with line and column; `cause` is the first.
 */
export class SchemaError extends OmnigraphError {
  readonly problems: readonly (Problem & Position)[];
  readonly span: Span;
  readonly line: number;
  readonly column: number;

  constructor(
    readonly stage: SchemaErrorStage,
    readonly source: string,
    problems: readonly [Problem, ...Problem[]],
  ) {
    const { message, details } = tellProblems(source, problems, PREFIXES[stage]);
    super("bad_request", message, details, { cause: problems[0] });
    const placed = problems.map((problem) => ({
      message: problem.message,
      span: problem.span,
      ...positionOf(source, problem.span.start),
    }));
    this.problems = placed;
    const [{ span, line, column }] = placed;
    this.span = span;
    this.line = line;
    this.column = column;
  }
}

/** Reports a problem at a place of one source. */
export type Fail = (span: Span, message: string) => never;

/** The reporter of one stage for one source. */
export function failIn(stage: SchemaErrorStage, source: string): Fail {
  return (span, message) => {
    throw new SchemaError(stage, source, [new SourceError(message, span)]);
  };
}

/** The problems of one step of checking, which goes on to the next declaration after each. */
export class Problems {
  private readonly found: Problem[] = [];

  constructor(
    private readonly stage: SchemaErrorStage,
    private readonly source: string,
  ) {}

  add(...problems: readonly Problem[]): void {
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
    if (first !== undefined) throw new SchemaError(this.stage, this.source, [first, ...others]);
  }
}

/** Results of one step of checking for each item; its problems are thrown together. */
export function checkEach<T, R>(items: readonly T[], check: (item: T) => R): R[] {
  let problems: Problems | null = null;
  const results: R[] = [];
  for (const item of items) {
    try {
      results.push(check(item));
    } catch (thrown) {
      if (!(thrown instanceof SchemaError)) throw thrown;
      problems ??= new Problems("parse", thrown.source);
      problems.add(...thrown.problems);
    }
  }
  problems?.throwFound();
  return results;
}
