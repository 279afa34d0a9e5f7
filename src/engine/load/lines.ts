// Bytes in chunks of any size -> lines of text with their numbers.

import { badRequest, tooLarge } from "../../lib/errors.ts";
import { lineOfBadUtf8, tryDecodeUtf8, tryDecodeUtf8Part } from "../../lib/utf8.ts";
import { LINE_BYTES_MAX } from "./limits.ts";

const LF = 0x0a;
const CR = 0x0d;

/** Calls `onLine` with each line that is not blank, without its line end; numbers count blank lines too, from 1. */
export async function readLines(
  data: AsyncIterable<Uint8Array>,
  onLine: (text: string, line: number) => void,
): Promise<void> {
  let carried: Uint8Array[] = [];
  let carriedBytes = 0;
  let line = 0;

  const emitBlock = (bytes: Uint8Array) => {
    // Only the input as a whole may begin with a byte order mark.
    const text = line === 0 ? tryDecodeUtf8(bytes) : tryDecodeUtf8Part(bytes);
    if (text === null) throw badRequest(`line ${line + lineOfBadUtf8(bytes)}: the text is not UTF-8`);
    let start = 0;
    while (start < text.length) {
      const feed = text.indexOf("\n", start);
      let end = feed === -1 ? text.length : feed;
      const next = end + 1;
      if (end > start && text.charCodeAt(end - 1) === CR) end -= 1;
      line += 1;
      const content = text.slice(start, end);
      if (!isBlank(content)) onLine(content, line);
      start = next;
    }
  };

  for await (const chunk of data) {
    const last = chunk.lastIndexOf(LF);
    if (last === -1) {
      carried.push(chunk);
      carriedBytes += chunk.length;
      // The last byte may turn out to belong to the line's end.
      refuseLongLine(carriedBytes - 1);
      continue;
    }
    const feed = chunk.indexOf(LF);
    const before = feed > 0 ? chunk[feed - 1] : carried.at(-1)?.at(-1);
    refuseLongLine(carriedBytes + feed - (before === CR ? 1 : 0));
    emitBlock(joined(carried, carriedBytes, chunk.subarray(0, last + 1)));
    carried = last + 1 < chunk.length ? [chunk.slice(last + 1)] : [];
    carriedBytes = chunk.length - last - 1;
  }
  if (carriedBytes === 0) return;
  refuseLongLine(carriedBytes - (carried.at(-1)?.at(-1) === CR ? 1 : 0));
  emitBlock(joined(carried, carriedBytes, new Uint8Array(0)));
}

function refuseLongLine(bytes: number): void {
  if (bytes > LINE_BYTES_MAX) throw tooLarge("graph_batch_line_bytes", LINE_BYTES_MAX, bytes);
}

function joined(parts: readonly Uint8Array[], partsBytes: number, last: Uint8Array): Uint8Array {
  if (parts.length === 0) return last;
  const whole = new Uint8Array(partsBytes + last.length);
  let at = 0;
  for (const part of [...parts, last]) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function isBlank(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== 0x20 && (code < 0x09 || code > 0x0d)) return false;
  }
  return true;
}
