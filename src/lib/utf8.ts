const encoder = new TextEncoder();
const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });
const exactDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const encodeUtf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);
export const decodeUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Decodes a whole text, without the byte order mark that may stand before it; null where the bytes are not UTF-8. */
export const tryDecodeUtf8 = (bytes: Uint8Array): string | null => decoded(strictDecoder, bytes);

/** The same for a part of a text, in which a byte order mark is a character like any other. */
export const tryDecodeUtf8Part = (bytes: Uint8Array): string | null => decoded(exactDecoder, bytes);

function decoded(by: TextDecoder, bytes: Uint8Array): string | null {
  try {
    return by.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Orders two strings by their UTF-8 bytes, which is the order of code points. JavaScript's own `<` compares
 * UTF-16 code units and differs where a surrogate meets U+E000..U+FFFF.
 */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const xHigh = x >= 0xd800 && x <= 0xdfff;
      const yHigh = y >= 0xd800 && y <= 0xdfff;
      if (xHigh !== yHigh) return xHigh ? 1 : -1;
      return x - y;
    }
  }
  return a.length - b.length;
}

const LF = 0x0a;

/** Of bytes that do not decode: the line, from 1, at which they first go wrong. */
export function lineOfBadUtf8(bytes: Uint8Array): number {
  for (let line = 1, start = 0; ; line++) {
    const feed = bytes.indexOf(LF, start);
    if (feed === -1 || tryDecodeUtf8(bytes.subarray(start, feed)) === null) return line;
    start = feed + 1;
  }
}
