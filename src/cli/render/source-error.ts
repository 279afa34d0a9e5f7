// Errors about a text that the command line gave: each with the place as editors open it, `file:line:column`, and the
// line with a caret under what is wrong.

import { OmnigraphError, type SourceProblem } from "../../lib/errors.ts";
import { type ToldProblem, toldProblems } from "../../lib/problems.ts";
import { textStart } from "../../lib/source.ts";
import { decodeUtf8, encodeUtf8 } from "../../lib/utf8.ts";

/** A text and what people know it by: a path, `<stdin>`, or the flag that holds it. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** An error that can show what it is about. */
export class SourceTextError extends OmnigraphError {
  constructor(
    error: OmnigraphError,
    readonly source: NamedText,
    readonly told: readonly ToldProblem[],
  ) {
    super(error.kind, error.message, error.details, { cause: error });
  }
}

/** Runs what reads `source`: what is found wrong with it is shown in it. */
export async function aboutText<T>(source: NamedText, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof OmnigraphError) || thrown.details.source_errors === undefined) throw thrown;
    throw new SourceTextError(thrown, source, toldProblems(thrown));
  }
}

/** Each problem with what it is about. */
export function renderSourceError({ source, told }: SourceTextError): string[] {
  return told.flatMap(({ text, problem }) =>
    problem === null ? [text] : [`error: ${text}`, ...excerpt(source, problem)],
  );
}

/** The place and the line that it is in. */
export function excerpt({ name, text }: NamedText, { line, column, start, end }: SourceProblem): string[] {
  const margin = " ".repeat(String(line).length);
  const { shown, indent, width } = cutLine(text, start, end);
  return [
    `${margin}--> ${name}:${line}:${column}`,
    `${margin} |`,
    `${line} | ${shown}`,
    `${margin} | ${indent}${"^".repeat(width)}`,
  ];
}

/** Longer lines are cut around the place, so that a message stays readable. */
const SHOWN_LINE_LENGTH_MAX = 120;

/** Offsets are in UTF-8 bytes. */
function cutLine(text: string, start: number, end: number) {
  const bytes = encodeUtf8(text);
  const at = decodeUtf8(bytes.subarray(0, start)).length;
  const past = at + decodeUtf8(bytes.subarray(start, end)).length;
  const lineStart = Math.max(textStart(text), at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1);
  const newline = text.indexOf("\n", at);
  const lineEnd = newline === -1 ? text.length : newline;
  const from = Math.max(lineStart, Math.min(at - SHOWN_LINE_LENGTH_MAX / 2, lineEnd - SHOWN_LINE_LENGTH_MAX));
  const to = Math.min(lineEnd, from + SHOWN_LINE_LENGTH_MAX);
  const [head, tail] = [from > lineStart ? CUT : "", to < lineEnd ? CUT : ""];
  const before = [...head, ...text.slice(from, at)];
  return {
    shown: head + printable(text.slice(from, to).replace(/\r$/, "")) + tail,
    indent: before.map((character) => (character === "\t" ? "\t" : " ")).join(""),
    width: Math.max(1, [...text.slice(at, Math.min(past, to))].length),
  };
}

const CUT = "…";

/** A terminal obeys control characters; tabs it may. */
const printable = (line: string) => line.replace(/[^\P{C}\t]/gu, "\ufffd");
