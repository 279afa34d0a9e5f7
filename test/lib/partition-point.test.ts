import { describe, expect, it } from "bun:test";
import { partitionPoint } from "../../src/lib/partition-point.ts";

describe("partitionPoint", () => {
  it("finds every boundary of every short range", () => {
    for (let low = 0; low < 4; low++) {
      for (let high = low; high < 20; high++) {
        for (let point = low; point <= high; point++) {
          expect(partitionPoint(low, high, (place) => place < point)).toBe(point);
        }
      }
    }
  });

  it("asks nothing of an empty range, and little of a long one", () => {
    let asked = 0;
    const count = (place: number) => {
      asked++;
      return place < 2 ** 30 - 7;
    };
    expect(partitionPoint(5, 5, count)).toBe(5);
    expect(asked).toBe(0);
    expect(partitionPoint(0, 2 ** 30, count)).toBe(2 ** 30 - 7);
    expect(asked).toBeLessThanOrEqual(31);
  });
});
