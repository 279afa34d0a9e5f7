// The offline provider: a vector that depends on nothing but the text, the same on every machine, for tests and demos.

import { encodeUtf8 } from "../lib/utf8.ts";
import { normalized } from "./normalize.ts";

const FNV_OFFSET = 14695981039346656037n;
const FNV_PRIME = 1099511628211n;
const WORD_BITS = 64;
const WORD_RANGE = 2 ** WORD_BITS;

const wrap = (value: bigint): bigint => BigInt.asUintN(WORD_BITS, value);

function fnv1a(text: string): bigint {
  let hash = FNV_OFFSET;
  for (const byte of encodeUtf8(text)) hash = wrap((hash ^ BigInt(byte)) * FNV_PRIME);
  return hash;
}

function xorshift(state: bigint): bigint {
  let next = state ^ wrap(state << 13n);
  next ^= next >> 7n;
  return next ^ wrap(next << 17n);
}

/** The mock embedding of a text: `width` float32 components of unit length. */
export function mockVector(text: string, width: number): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(width);
  let state = fnv1a(text);
  for (let i = 0; i < width; i++) {
    state = xorshift(state);
    vector[i] = 2 * Math.fround(Number(state) / WORD_RANGE) - 1;
  }
  return normalized(vector) ?? vector;
}
