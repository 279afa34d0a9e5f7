// From text to the tokens that are compared: one pipeline for property texts and queries (spec 02 §10.2).

import { encodeUtf8 } from "../../lib/utf8.ts";
import { foldToAscii } from "./fold.ts";
import { stem } from "./stemmer.ts";
import { STOP_WORDS } from "./stop-words.ts";

/** Tokens of this many UTF-8 bytes or more are no words and are dropped. */
export const TOKEN_BYTES_MAX = 40;

const WORD = /[\p{Alphabetic}\p{N}]+/gu;
/** UTF-8 needs at most three bytes for each UTF-16 code unit. */
const SURELY_SHORT = Math.floor((TOKEN_BYTES_MAX - 1) / 3);

/** The token that a word stands for, or null where the word is dropped. */
export function tokenOf(word: string): string | null {
  if (word.length > SURELY_SHORT && encodeUtf8(word).length >= TOKEN_BYTES_MAX) return null;
  const stemmed = stem(word.toLowerCase());
  return STOP_WORDS.has(stemmed) ? null : foldToAscii(stemmed);
}

/** The runs of letters and digits in a text; a letter and the mark on it, written apart, are one letter. */
export function wordsOf(text: string): string[] {
  return text.normalize("NFC").match(WORD) ?? [];
}

/** All tokens of a text, in order, repetitions included. */
export function analyze(text: string): string[] {
  const tokens: string[] = [];
  for (const word of wordsOf(text)) {
    const token = tokenOf(word);
    if (token !== null) tokens.push(token);
  }
  return tokens;
}

/** The distinct tokens of a query, in order of first appearance. */
export function queryTokens(text: string): string[] {
  return [...new Set(analyze(text))];
}

/** How often each token occurs in a text, and how many there are. */
export interface TextProfile {
  readonly frequencies: ReadonlyMap<string, number>;
  readonly length: number;
}

export function profileOf(text: string): TextProfile {
  const tokens = analyze(text);
  const frequencies = new Map<string, number>();
  for (const token of tokens) frequencies.set(token, (frequencies.get(token) ?? 0) + 1);
  return { frequencies, length: tokens.length };
}
