// Places in a source text, and errors that name them.

/** Offsets in UTF-16 code units; never empty: `end >= start + 1`, at the end of the text beyond it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The place of a token or a node, without the rest of it. */
export const spanOf = ({ start, end }: Span): Span => ({ start, end });

const BYTE_ORDER_MARK = 0xfeff;

/** Some editors begin a file with a mark that is no part of its text. */
export const textStart = (source: string): number => (source.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0);

/** Both count from 1; the column counts characters (code points). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where an offset is. Lines end with LF. */
export function positionOf(source: string, offset: number): Position {
  const at = Math.min(Math.max(offset, 0), source.length);
  let line = 1;
  let lineStart = Math.min(textStart(source), at);
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

/** Something is wrong at a place of a source text. The message says what, without the place. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly span: Span;

  constructor(message: string, { start, end }: Span) {
    super(message);
    this.span = { start, end: Math.max(end, start + 1) };
  }
}
