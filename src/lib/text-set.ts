// Distinct texts in little memory, numbered in the order in which they came: a list of them and a hash table over it.

import { TextBytes, TextList } from "./text-list.ts";
import { Uint32List } from "./uint32-list.ts";

/** Texts that can be gone through and asked for; a Set of strings is such a thing. */
export interface Texts extends Iterable<string> {
  readonly size: number;
  has(text: string): boolean;
}

const FIRST_SLOTS = 32;
/** Slots for each text at least: one in four is free, so that a search soon ends. */
const SLOTS_PER_TEXT = 4 / 3;
const SLICE_TEXTS = 65_536;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class TextSet implements Texts {
  private readonly texts = new TextList();
  private readonly hashes = new Uint32List();
  /** The number of a text and one, or 0. A text stands in the slot of its hash, or in the next that was free. */
  private slots = new Uint32Array(FIRST_SLOTS);
  private readonly scratch = new TextBytes();

  constructor(texts: Iterable<string> = []) {
    for (const text of texts) this.add(text);
  }

  get size(): number {
    return this.texts.length;
  }

  has(text: string): boolean {
    return this.numberOf(text) >= 0;
  }

  /** The same for a text as it stands in a column, bytes [from, to). */
  hasBytes(bytes: Uint8Array, from: number, to: number): boolean {
    return this.slots[this.find(hashOf(bytes, from, to), bytes, from, to)] > 0;
  }

  /** The number of a text, or -1. */
  numberOf(text: string): number {
    const { scratch } = this;
    scratch.set(text);
    const { bytes, length } = scratch;
    return this.slots[this.find(hashOf(bytes, 0, length), bytes, 0, length)] - 1;
  }

  /** The number of a text, which is added where it is new: then the number is what the size was before. */
  add(text: string): number {
    const { scratch } = this;
    scratch.set(text);
    const { bytes, length } = scratch;
    const hash = hashOf(bytes, 0, length);
    const slot = this.find(hash, bytes, 0, length);
    if (this.slots[slot] > 0) return this.slots[slot] - 1;
    const number = this.texts.appendBytes(scratch);
    this.hashes.push(hash);
    this.slots[slot] = number + 1;
    if ((number + 1) * SLOTS_PER_TEXT > this.slots.length) this.spread();
    return number;
  }

  at(number: number): string {
    return this.texts.at(number);
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.texts[Symbol.iterator]();
  }

  /** The slot of a text, or the free one where it would stand. */
  private find(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const { slots, hashes } = this;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (; slots[slot] > 0; slot = (slot + 1) & mask) {
      const number = slots[slot] - 1;
      if (hashes.at(number) === hash && this.texts.isAt(number, bytes, from, to)) break;
    }
    return slot;
  }

  /** Twice the slots. */
  private spread(): void {
    const slots = new Uint32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.texts.length; number++) {
      let slot = this.hashes.at(number) & mask;
      while (slots[slot] > 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.slots = slots;
  }
}

/** FNV-1a, mixed at the end, because the table takes the low bits. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = FNV_OFFSET;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i], FNV_PRIME);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Texts in arrays of at most so many: where others want arrays, and all of the texts are too many for one. */
export function* slicesOf(texts: Iterable<string>, most = SLICE_TEXTS): IterableIterator<string[]> {
  let slice: string[] = [];
  for (const text of texts) {
    slice.push(text);
    if (slice.length < most) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

/** What is in any of several; what is in two of them is counted and gone through twice. */
export function textsOfAll(parts: readonly Texts[]): Texts {
  if (parts.length === 1) return parts[0];
  return {
    size: parts.reduce((sum, { size }) => sum + size, 0),
    has: (text) => parts.some((part) => part.has(text)),
    *[Symbol.iterator]() {
      for (const part of parts) yield* part;
    },
  };
}
