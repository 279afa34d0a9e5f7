// A set of texts that is asked for bytes as they stand in a column: no JavaScript string is made for a row.

import { encodeUtf8 } from "../lib/utf8.ts";
import type { Utf8Column } from "../store/index.ts";
import { IdHash } from "./id-hash.ts";

export class WantedTexts {
  private readonly hash: IdHash;

  constructor(texts: readonly string[]) {
    this.hash = new IdHash(columnOf(texts), texts.length);
  }

  has(text: string): boolean {
    return this.hash.findText(text) >= 0;
  }

  hasBytes(bytes: Uint8Array, start: number, end: number): boolean {
    return this.hash.find(bytes, start, end) >= 0;
  }
}

function columnOf(texts: readonly string[]): Utf8Column {
  const offsets = new Int32Array(texts.length + 1);
  const parts = texts.map(encodeUtf8);
  for (const [i, part] of parts.entries()) offsets[i + 1] = offsets[i] + part.length;
  return { kind: "utf8", offsets, bytes: Buffer.concat(parts), valid: null };
}
