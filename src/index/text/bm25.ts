// The formula of bm25 (spec 02 §10.3), in pieces that are computed once for many texts.

const K1 = 1.2;
const B = 0.75;

/** The most that a token's frequency is worth, however often it occurs. */
export const SATURATION_MAX = K1 + 1;

/** How much a token says that `holders` of `texts` have. */
export function rarity(texts: number, holders: number): number {
  return Math.log(1 + (texts - holders + 0.5) / (holders + 0.5));
}

/** What the length of a text takes from its tokens. */
export function lengthNorm(length: number, meanLength: number): number {
  return K1 * (1 - B + (B * length) / meanLength);
}

/** What a token's frequency is worth in a text of this norm. */
export function saturation(frequency: number, norm: number): number {
  return (frequency * SATURATION_MAX) / (frequency + norm);
}
