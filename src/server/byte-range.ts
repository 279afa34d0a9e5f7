// The `Range` header (RFC 9110, section 14) for one range of bytes.

/** `ignored`: the whole value is the answer. Ends are exclusive. */
export type RangeReading =
  | { readonly kind: "ignored" }
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "unsatisfiable"; readonly start: number | bigint; readonly end: number | bigint };

const RANGE = /^bytes=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i;
const U64_MAX = 2n ** 64n - 1n;
/** Digits of the greatest 64-bit number. */
const U64_DIGITS = 20;
const IGNORED: RangeReading = { kind: "ignored" };

/** What the header asks of a value of `length` bytes; what cannot be read, or is several ranges, is ignored. */
export function readRange(header: string | null, length: number): RangeReading {
  const match = header === null ? null : RANGE.exec(header.trim());
  if (match === null) return IGNORED;
  const [, firstText, lastText, suffixText] = match;
  if (suffixText !== undefined) return readSuffix(parseU64(suffixText), length);
  const first = parseU64(firstText);
  const last = lastText === "" ? null : parseU64(lastText);
  if (first === undefined || last === undefined || (last !== null && first > last)) return IGNORED;
  const end = last === null ? BigInt(length) : last === U64_MAX ? last : last + 1n;
  if (first >= BigInt(length)) return { kind: "unsatisfiable", start: exact(first), end: exact(end) };
  return { kind: "part", start: Number(first), end: Math.min(Number(end), length) };
}

/** The last bytes of the value. */
function readSuffix(count: bigint | undefined, length: number): RangeReading {
  if (count === undefined) return IGNORED;
  if (count === 0n || length === 0) return { kind: "unsatisfiable", start: length, end: length };
  return { kind: "part", start: Math.max(0, length - Number(count)), end: length };
}

function parseU64(digits: string): bigint | undefined {
  const significant = digits.replace(/^0+(?=\d)/, "");
  if (significant.length > U64_DIGITS) return undefined;
  const value = BigInt(significant);
  return value > U64_MAX ? undefined : value;
}

/** A number where it is one without loss. */
const exact = (value: bigint): number | bigint =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
