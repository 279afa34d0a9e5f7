// Many texts in little memory: their UTF-8 side by side in pages, so that a text takes its bytes and four more, and the
// garbage collector has nothing to look at.

import { assert } from "./assert.ts";
import { Uint32List } from "./uint32-list.ts";

/** Pages begin small, for most lists are short, and end large enough that there are few. */
const FIRST_PAGE_BYTES = 512;
/** A page's number and a place in it share 32 bits: 4,096 pages of a mebibyte. */
const PLACE_BITS = 20;
const PAGE_BYTES_MAX = 2 ** PLACE_BITS;
const PAGES_MAX = 2 ** (32 - PLACE_BITS);
const FIRST_SCRATCH_BYTES = 64;
/** A UTF-16 code unit takes at most three bytes. */
const BYTES_PER_UNIT_MAX = 3;
/** Texts up to this many bytes are read by hand when they are ASCII: a call of the decoder costs more. */
const SHORT_TEXT_BYTES_MAX = 32;

const encoder = new TextEncoder();
/** U+FEFF at the start of a text is text like any other. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The UTF-8 of one text at a time, without a new array for each. */
export class TextBytes {
  bytes = new Uint8Array(FIRST_SCRATCH_BYTES);
  length = 0;

  set(text: string): void {
    const room = text.length * BYTES_PER_UNIT_MAX;
    if (room > this.bytes.length) this.bytes = new Uint8Array(room * 2);
    const { bytes } = this;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.length = encoder.encodeInto(text, bytes).written;
        return;
      }
      bytes[i] = code;
    }
    this.length = text.length;
  }
}

export class TextList {
  private readonly pages: Uint8Array[] = [new Uint8Array(FIRST_PAGE_BYTES)];
  /** How much of each page is taken. */
  private readonly taken: number[] = [0];
  /** Page and place of each text; it ends where the next begins, or with what is taken of its page. */
  private readonly starts = new Uint32List();
  private readonly scratch = new TextBytes();

  get length(): number {
    return this.starts.length;
  }

  /** Appends a text; answers its number, which counts from 0. */
  append(text: string): number {
    this.scratch.set(text);
    return this.appendBytes(this.scratch);
  }

  appendBytes({ bytes, length }: TextBytes): number {
    const number = this.pageWithRoom(length);
    const page = this.pages[number];
    const start = this.taken[number];
    for (let i = 0; i < length; i++) page[start + i] = bytes[i];
    this.taken[number] = start + length;
    this.starts.push(number * PAGE_BYTES_MAX + start);
    return this.length - 1;
  }

  at(number: number): string {
    const page = this.pages[this.starts.at(number) >>> PLACE_BITS];
    const start = this.startOf(number);
    const end = this.endOf(number);
    if (end - start <= SHORT_TEXT_BYTES_MAX) {
      let text = "";
      let at = start;
      for (; at < end && page[at] < 0x80; at++) text += String.fromCharCode(page[at]);
      if (at === end) return text;
    }
    return decoder.decode(page.subarray(start, end));
  }

  /** Are bytes [from, to) the text with this number? */
  isAt(number: number, bytes: Uint8Array, from: number, to: number): boolean {
    const page = this.pages[this.starts.at(number) >>> PLACE_BITS];
    const start = this.startOf(number);
    if (this.endOf(number) - start !== to - from) return false;
    for (let at = start, i = from; i < to; at++, i++) if (page[at] !== bytes[i]) return false;
    return true;
  }

  *[Symbol.iterator](): IterableIterator<string> {
    for (let number = 0; number < this.length; number++) yield this.at(number);
  }

  private startOf(number: number): number {
    return this.starts.at(number) & (PAGE_BYTES_MAX - 1);
  }

  private endOf(number: number): number {
    const page = this.starts.at(number) >>> PLACE_BITS;
    const isLastOfPage = number + 1 === this.length || this.starts.at(number + 1) >>> PLACE_BITS !== page;
    return isLastOfPage ? this.taken[page] : this.startOf(number + 1);
  }

  /** The number of a page with room for so many bytes. A text longer than pages are gets one of its own. */
  private pageWithRoom(bytes: number): number {
    const last = this.pages.length - 1;
    const room = this.pages[last].length;
    if (this.taken[last] + bytes <= room && this.taken[last] < PAGE_BYTES_MAX) return last;
    assert(this.pages.length < PAGES_MAX, "a list holds less than 4 GiB of texts");
    this.pages.push(new Uint8Array(Math.max(bytes, Math.min(room * 4, PAGE_BYTES_MAX))));
    this.taken.push(0);
    return last + 1;
  }
}
