// The errors of the checker.

import { SourceError, type Span } from "../lib/source.ts";
import type { Expression } from "./ast.ts";

/** Codes that clients match on; what each stands for is said where it is raised. */
export type TypeErrorCode = `T${
  | 1
  | 2
  | 3
  | 4
  | 5
  | 6
  | 7
  | 8
  | 9
  | 10
  | 11
  | 12
  | 13
  | 14
  | 15
  | 16
  | 17
  | 18
  | 19
  | 20
  | 21
  | 22
  | 23
  | 24}`;

/** What stands before the message of every error of the checker: `type error: T7: …`, without a code `type error: …`. */
export const TYPE_ERROR_PREFIX = "type error: ";

/** Something at `at` does not check. */
export function typeError(at: Span, code: TypeErrorCode | null, message: string): SourceError {
  return new SourceError(code === null ? message : `${code}: ${message}`, at);
}

/** An expression as a message names it. */
export function describeOperand(expression: Expression): string {
  switch (expression.kind) {
    case "literal":
      return "the literal";
    case "variable":
      return `\`$${expression.name}\``;
    case "property":
      return `\`$${expression.variable}.${expression.property}\``;
    case "alias":
      return `alias '${expression.name}'`;
    case "aggregate":
    case "text":
      return `${expression.function}(…)`;
    default:
      return `${expression.kind}(…)`;
  }
}

/** Names that a message lists before it only counts. */
const LISTED_MAX = 20;

/** What there is, for a message about what there is not. */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const listed = names.slice(0, LISTED_MAX).join(", ");
  return names.length > LISTED_MAX ? `${listed} and ${names.length - LISTED_MAX} more` : listed;
}
