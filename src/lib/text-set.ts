// Distinct texts in little memory, numbered in the order in which they came: a list of them and a hash table over it.

import { TextBytes, TextList } from "./text-list.ts";

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
  /**
   * Pairs of a hash and the number of a text and one, or 0 for none: side by side, for most of what a search takes is
   * waiting for memory. A text stands in the slot of its hash, or in the next that was free.
   */
  private slots = new Uint32Array(2 * FIRST_SLOTS);
  private readonly scratch = new TextBytes();
  /** What was searched last, with its hash and where it stands or would: who asks for a text often adds it next. */
  private sought = "";
  private hash = 0;
  private slot = -1;

  get size(): number {
    return this.texts.length;
  }

  has(text: string): boolean {
    return this.numberOf(text) >= 0;
  }

  /** The number of a text, or -1. */
  numberOf(text: string): number {
    this.seek(text);
    return this.slots[this.slot + 1] - 1;
  }

  /** The number of a text, which is added where it is new: then the number is what the size was before. */
  add(text: string): number {
    this.seek(text);
    const { slots, slot } = this;
    if (slots[slot + 1] > 0) return slots[slot + 1] - 1;
    const number = this.texts.appendBytes(this.scratch);
    slots[slot] = this.hash;
    slots[slot + 1] = number + 1;
    if (2 * (number + 1) * SLOTS_PER_TEXT > slots.length) this.spread();
    return number;
  }

  at(number: number): string {
    return this.texts.at(number);
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.texts[Symbol.iterator]();
  }

  /** Finds the slot of a text, or the free one where it would stand. */
  private seek(text: string): void {
    if (this.slot >= 0 && text === this.sought) return;
    const { slots, scratch } = this;
    scratch.set(text);
    const hash = hashOf(scratch);
    const mask = slots.length - 1;
    let slot = (2 * hash) & mask;
    for (; slots[slot + 1] > 0; slot = (slot + 2) & mask) {
      if (slots[slot] === hash && this.texts.isAt(slots[slot + 1] - 1, scratch)) break;
    }
    this.sought = text;
    this.hash = hash;
    this.slot = slot;
  }

  /** Twice the slots. */
  private spread(): void {
    const before = this.slots;
    const slots = new Uint32Array(before.length * 2);
    const mask = slots.length - 1;
    for (let from = 0; from < before.length; from += 2) {
      if (before[from + 1] === 0) continue;
      let slot = (2 * before[from]) & mask;
      while (slots[slot + 1] > 0) slot = (slot + 2) & mask;
      slots[slot] = before[from];
      slots[slot + 1] = before[from + 1];
    }
    this.slots = slots;
    this.slot = -1;
  }
}

/** FNV-1a, mixed at the end, because the table takes the low bits. */
function hashOf({ bytes, length }: TextBytes): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[i], FNV_PRIME);
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
