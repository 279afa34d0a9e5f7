import { describe, expect, it } from "bun:test";
import { mockVector } from "../../src/embedding/index.ts";

describe("the mock provider", () => {
  const reference: readonly [string, readonly number[]][] = [
    ["alpha", [-0.5420488119125366, -0.47179943323135376, 0.16090507805347443, 0.6765337586402893]],
    ["beta", [0.6659632921218872, -0.562219500541687, -0.4163675308227539, 0.25892114639282227]],
    ["", [-0.4928906261920929, -0.8700912594795227]],
    ["héllo", [0.26030808687210083, 0.8347876071929932, -0.48514866828918457]],
  ];
  for (const [text, vector] of reference) {
    it(`embeds '${text}' bit for bit`, () => {
      expect([...mockVector(text, vector.length)]).toEqual([...vector]);
    });
  }
});
