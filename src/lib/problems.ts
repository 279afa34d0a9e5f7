// What is wrong with one source, collected in one pass: who repairs a file wants all of it, not the first of it.

import { assert } from "./assert.ts";
import { type ErrorDetails, OmnigraphError, type SourceProblem } from "./errors.ts";
import { positionOf, SourceError } from "./source.ts";
import { encodeUtf8 } from "./utf8.ts";

/** Problems told of one source; a file with more of them is not mended in one go, and each costs a search for its line. */
export const PROBLEMS_MAX = 20;

/** Thrown instead of a second problem about what a first one left unknown: it ends the work and says nothing. */
export const ALREADY_TOLD = new Error("a consequence of a problem that was told");

type Found = readonly [SourceError, ...SourceError[]];

export class Problems {
  private readonly found: SourceError[] = [];
  private failures = 0;

  /** `toError` makes the error that stands for all of them; whether there are more than it is given is its second word. */
  constructor(private readonly toError: (problems: Found, hasMore: boolean) => Error) {}

  /** How much has failed so far, told or not. */
  get count(): number {
    return this.failures;
  }

  /** What `work` answers; null where it failed. Throws once there are more problems than are told. */
  attempt<T>(work: () => T): T | null {
    try {
      return work();
    } catch (thrown) {
      if (thrown === ALREADY_TOLD) this.failures++;
      else if (thrown instanceof SourceError) this.add(thrown);
      else throw thrown;
      return null;
    }
  }

  /** Both answers; where either fails, the other is looked at as well. */
  both<A, B>(first: () => A, second: () => B): readonly [A, B] {
    const a = this.attempt(first);
    const b = this.attempt(second);
    if (a === null || b === null) throw ALREADY_TOLD;
    return [a, b];
  }

  add(problem: SourceError): void {
    if (this.found.length === PROBLEMS_MAX) this.fail(true);
    this.found.push(problem);
    this.failures++;
  }

  /** Throws where anything was wrong. */
  settle(): void {
    if (this.found.length > 0) this.fail(false);
    assert(this.failures === 0, "what failed was told");
  }

  private fail(hasMore: boolean): never {
    const [first, ...others] = this.found;
    throw this.toError([first, ...others], hasMore);
  }
}

/** A bad request that tells what is wrong with a source; `prefix` stands before each message: `parse error: `. */
export function badSource(source: string, prefix: string) {
  return (problems: Found, hasMore: boolean): OmnigraphError => {
    const { message, details } = tellProblems(source, problems, prefix, hasMore);
    return new OmnigraphError("bad_request", message, details, { cause: problems[0] });
  };
}

/** The text and the members of an error that stands for problems: each a line of its own, with its place. */
export function tellProblems(
  source: string,
  problems: readonly Pick<SourceError, "message" | "span">[],
  prefix: string,
  hasMore = false,
): { readonly message: string; readonly details: ErrorDetails } {
  const told = problems.map((problem) => tellProblem(source, problem, prefix));
  const lines = told.map(placedText);
  if (hasMore) lines.push(`there are more; these are the first ${problems.length}`);
  return { message: lines.join("\n"), details: { source_errors: told } };
}

function tellProblem(
  source: string,
  { message, span }: Pick<SourceError, "message" | "span">,
  prefix: string,
): SourceProblem {
  const start = encodeUtf8(source.slice(0, span.start)).length;
  const end = start + Math.max(1, encodeUtf8(source.slice(span.start, span.end)).length);
  return { message: prefix + message, ...positionOf(source, span.start), start, end };
}

/** A part of what an error says, and the problem that it tells; null where it tells of no place in a source. */
export interface ToldProblem {
  readonly text: string;
  readonly problem: SourceProblem | null;
}

/** What an error says, problem by problem: all of it at once where it is about no source. */
export function toldProblems({ message, details }: OmnigraphError): ToldProblem[] {
  const told: ToldProblem[] = [];
  let rest = message;
  for (const problem of details.source_errors ?? []) {
    const text = placedText(problem);
    if (!rest.startsWith(text)) break;
    told.push({ text, problem });
    rest = rest.slice(text.length).replace(/^\n/, "");
  }
  return rest === "" ? told : [...told, { text: rest, problem: null }];
}

const placedText = ({ message, line, column }: SourceProblem) =>
  `${message} (line ${line}, column ${column})`;
