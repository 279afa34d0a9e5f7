// Sums over the lanes of a vector.

import { type F32, f32, f32x4, type I32, i32, i32x4, type V128 } from "./assembler.ts";

const LANES_OF_FOUR = [0, 1, 2, 3];

/** The first two and the last two first. */
export function sumOfFloats(vector: V128): F32 {
  const [a, b, c, d] = LANES_OF_FOUR.map((lane) => f32x4.lane(vector, lane));
  return f32.add(f32.add(a, b), f32.add(c, d));
}

export function sumOfIntegers(vector: V128): I32 {
  const [a, b, c, d] = LANES_OF_FOUR.map((lane) => i32x4.lane(vector, lane));
  return i32.add(i32.add(a, b), i32.add(c, d));
}

export function greatestFloat(vector: V128): F32 {
  const [a, b, c, d] = LANES_OF_FOUR.map((lane) => f32x4.lane(vector, lane));
  return f32.max(f32.max(a, b), f32.max(c, d));
}
