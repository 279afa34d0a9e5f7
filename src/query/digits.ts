import { INTEGER_DIGITS_MAX } from "./limits.ts";

/** Digits of numbers that doubles hold exactly: most there are, and read much faster. */
const DOUBLE_DIGITS_MAX = 15;

/** The number that decimal digits spell, or null where they are more than any 64-bit integer has. */
export function parseDigits(digits: string): bigint | null {
  if (digits.length <= DOUBLE_DIGITS_MAX) return BigInt(Number(digits));
  let start = 0;
  while (start < digits.length - 1 && digits[start] === "0") start++;
  return digits.length - start > INTEGER_DIGITS_MAX ? null : BigInt(digits.slice(start));
}
