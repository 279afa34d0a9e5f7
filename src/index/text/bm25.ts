// The formula of bm25 (spec 02 §10.3), in pieces that are computed once for many texts.

const K1 = 1.2;
const B = 0.75;

/** The most that a token's frequency counts, however often it occurs. */
const SATURATION_MAX = K1 + 1;

/** How much a token says that `holders` of `texts` have. */
export function rarity(texts: number, holders: number): number {
  return Math.log(1 + (texts - holders + 0.5) / (holders + 0.5));
}

/** What the length of a text takes from its tokens. */
export function lengthNorm(length: number, meanLength: number): number {
  return K1 * (1 - B + (B * length) / meanLength);
}

/** Doubles between 256 and 512 are multiples of 2^-44; a token is worth less than 128, however many texts there are. */
const GRADE = 384;

/**
 * What a token of this weight adds to a text of this norm: a multiple of 2^-44, so that sums are exact, and texts that are
 * equally good score the same in whatever order their tokens are added up.
 */
export function worth(weight: number, frequency: number, norm: number): number {
  return (weight * (frequency * SATURATION_MAX)) / (frequency + norm) + GRADE - GRADE;
}
