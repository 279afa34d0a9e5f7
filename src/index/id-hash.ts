// Open addressing over the bytes of a string column: from text to row without one JavaScript string.

import { encodeUtf8 } from "../lib/utf8.ts";
import type { Utf8Column } from "../store/index.ts";

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a, finished with a mix, because the table takes the low bits. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = FNV_OFFSET;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], FNV_PRIME);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

export function equalRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): boolean {
  if (aEnd - aStart !== bEnd - bStart) return false;
  for (let i = aStart, j = bStart; i < aEnd; i++, j++) if (a[i] !== b[j]) return false;
  return true;
}

/** The least power of two that keeps a table of `count` entries at most half full. */
export function tableSize(count: number): number {
  let size = 16;
  while (size < count * 2) size *= 2;
  return size;
}

/** Rows by text; of equal texts the first row. */
export class IdHash {
  private readonly slots: Int32Array;
  private readonly mask: number;
  /** ASCII is encoded here, without a new array. */
  private readonly scratch = new Uint8Array(64);

  constructor(
    private readonly column: Utf8Column,
    length: number,
  ) {
    const size = tableSize(length);
    this.slots = new Int32Array(size);
    this.mask = size - 1;
    const { bytes, offsets } = column;
    for (let row = 0; row < length; row++) {
      let slot = hashBytes(bytes, offsets[row], offsets[row + 1]) & this.mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask;
      this.slots[slot] = row + 1;
    }
  }

  /** The row of a text, or -1. */
  findText(text: string): number {
    if (text.length <= this.scratch.length) {
      let length = 0;
      for (; length < text.length; length++) {
        const code = text.charCodeAt(length);
        if (code >= 0x80) break;
        this.scratch[length] = code;
      }
      if (length === text.length) return this.find(this.scratch, 0, length);
    }
    const bytes = encodeUtf8(text);
    return this.find(bytes, 0, bytes.length);
  }

  /** The row whose text is these bytes, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const { bytes: own, offsets } = this.column;
    let slot = hashBytes(bytes, start, end) & this.mask;
    for (;;) {
      const row = this.slots[slot] - 1;
      if (row < 0) return -1;
      if (equalRanges(own, offsets[row], offsets[row + 1], bytes, start, end)) return row;
      slot = (slot + 1) & this.mask;
    }
  }
}
