// Places in a source text, and errors that name them.

/** Offsets in UTF-16 code units; never empty: `end >= start + 1`, at the end of the text beyond it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Both count from 1; the column counts characters (code points). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where an offset is. Lines end with LF. */
export function positionOf(source: string, offset: number): Position {
  const at = Math.min(Math.max(offset, 0), source.length);
  let line = 1;
  let lineStart = 0;
  for (let end = source.indexOf("\n"); end !== -1 && end < at; end = source.indexOf("\n", lineStart)) {
    line++;
    lineStart = end + 1;
  }
  return { line, column: codePointCount(source, lineStart, at) + 1 };
}

function codePointCount(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    const isLowSurrogate = code >= 0xdc00 && code <= 0xdfff;
    if (!isLowSurrogate || at === start) count++;
  }
  return count;
}

/** Something is wrong with a source text, at a place. The message says what, without the place. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly span: Span;
  readonly line: number;
  readonly column: number;

  constructor(message: string, source: string, span: Span) {
    super(message);
    this.span = { start: span.start, end: Math.max(span.end, span.start + 1) };
    const { line, column } = positionOf(source, span.start);
    this.line = line;
    this.column = column;
  }
}

/** Longer lines are cut around the place, so that a message stays readable. */
const SHOWN_LINE_LENGTH_MAX = 120;

/** What a person sees: the message, the place, and the line with a caret under it. */
export function renderSourceError(source: string, error: SourceError): string {
  const at = Math.min(error.span.start, source.length);
  const lineStart = at === 0 ? 0 : source.lastIndexOf("\n", at - 1) + 1;
  const newline = source.indexOf("\n", at);
  const lineEnd = newline === -1 ? source.length : newline;
  const from = Math.max(lineStart, at - SHOWN_LINE_LENGTH_MAX / 2);
  const to = Math.min(lineEnd, from + SHOWN_LINE_LENGTH_MAX);
  const shown = source.slice(from, to).replace(/\r$/, "");
  const indent = Array.from(source.slice(from, at), (character) => (character === "\t" ? "\t" : " ")).join(
    "",
  );
  const width = Math.max(1, Math.min(error.span.end, to) - at);
  const gutter = String(error.line);
  const margin = " ".repeat(gutter.length);
  return [
    `${error.message} (line ${error.line}, column ${error.column})`,
    `${margin} |`,
    `${gutter} | ${shown}`,
    `${margin} | ${indent}${"^".repeat(width)}`,
  ].join("\n");
}
