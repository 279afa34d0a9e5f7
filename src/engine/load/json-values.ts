// Bytes in chunks of any size -> the texts of JSON values that stand one after the other, white space between them or not.

import { badRequest, tooLarge } from "../../lib/errors.ts";
import { RECORD_CHARACTERS_MAX } from "./limits.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Calls `onValue` with the text of each value, which may be no JSON at all, and its number from 1. */
export async function readJsonValues(
  data: AsyncIterable<Uint8Array>,
  onValue: (text: string, number: number) => void,
): Promise<void> {
  const splitter = new Splitter(onValue);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw badRequest(`invalid JSON at record ${splitter.records + 1}: the text is not UTF-8`);
    }
  };
  for await (const chunk of data) splitter.take(decode(chunk));
  splitter.take(decode());
  splitter.finish();
}

class Splitter {
  /** Values handed on. */
  records = 0;
  /** What a value is made of: brackets that close, a string, or anything else up to the next white space. */
  private within: "nothing" | "brackets" | "string" | "word" = "nothing";
  private depth = 0;
  /** Of `brackets`: inside a string. */
  private isQuoted = false;
  private isEscaped = false;
  /** Parts of the value at hand that came with earlier chunks. */
  private held: string[] = [];
  private heldCharacters = 0;

  constructor(private readonly onValue: (text: string, number: number) => void) {}

  take(chunk: string): void {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk.charCodeAt(i);
      if (this.within === "nothing") {
        if (isBlank(code)) continue;
        start = i;
        this.open(code);
      } else if (this.isEscaped) {
        this.isEscaped = false;
      } else if (this.closes(code)) {
        // A word ends before what ends it; brackets and strings end with it.
        const end = this.within === "word" ? i : i + 1;
        this.emit(chunk.slice(start, end));
      }
    }
    if (this.within !== "nothing") this.hold(chunk.slice(start));
  }

  /** Whatever is left is a value, or the beginning of one that never ended. */
  finish(): void {
    if (this.within !== "nothing") this.emit("");
  }

  private open(code: number): void {
    this.depth = 0;
    this.isQuoted = false;
    if (isOpening(code)) {
      this.within = "brackets";
      this.depth = 1;
    } else {
      this.within = code === QUOTE ? "string" : "word";
    }
  }

  private closes(code: number): boolean {
    if (this.within === "word") return isBlank(code);
    if (this.within === "string" || this.isQuoted) {
      if (code === BACKSLASH) this.isEscaped = true;
      if (code !== QUOTE) return false;
      this.isQuoted = false;
      return this.within === "string";
    }
    if (code === QUOTE) this.isQuoted = true;
    else if (isOpening(code)) this.depth++;
    else if (isClosing(code)) this.depth--;
    return this.depth === 0;
  }

  private hold(part: string): void {
    this.held.push(part);
    this.heldCharacters += part.length;
    if (this.heldCharacters > RECORD_CHARACTERS_MAX) {
      throw tooLarge("graph_batch_record_characters", RECORD_CHARACTERS_MAX, this.heldCharacters);
    }
  }

  private emit(last: string): void {
    const text = this.held.length === 0 ? last : this.held.join("") + last;
    this.held = [];
    this.heldCharacters = 0;
    this.within = "nothing";
    this.onValue(text, ++this.records);
  }
}

const isBlank = (code: number) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
const isOpening = (code: number) => code === 0x7b || code === 0x5b;
const isClosing = (code: number) => code === 0x7d || code === 0x5d;
