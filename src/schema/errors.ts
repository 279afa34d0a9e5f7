// How a schema says that it is wrong: a bad request whose text names the place.

import { OmnigraphError } from "../lib/errors.ts";
import { SourceError, type Span } from "../lib/lexer.ts";

/** `parse`: syntax and one declaration by itself; `catalog`: names across declarations; `identity`: rename hints. */
export type SchemaErrorStage = "parse" | "catalog" | "identity";

const PREFIXES: Readonly<Record<SchemaErrorStage, string>> = {
  parse: "parse error: ",
  catalog: "catalog error: ",
  identity: "schema identity resolution failed: ",
};

/** The message carries line and column; `cause` is the SourceError that `renderSourceError` can show with its line. */
export class SchemaError extends OmnigraphError {
  readonly span: Span;
  readonly line: number;
  readonly column: number;

  constructor(
    readonly stage: SchemaErrorStage,
    override readonly cause: SourceError,
  ) {
    const { span, line, column } = cause;
    const message = `${PREFIXES[stage]}${cause.message} (line ${line}, column ${column})`;
    super("bad_request", message, {}, { cause });
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
    throw new SchemaError(stage, new SourceError(message, source, span));
  };
}
