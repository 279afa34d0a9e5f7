import { describe, expect, it } from "bun:test";
import { ColumnIndexes } from "../../../src/index/values/column-indexes.ts";
import { ValueIndex } from "../../../src/index/values/value-index.ts";
import { ZoneMap } from "../../../src/index/values/zone-map.ts";
import type { Column, RowBatch } from "../../../src/store/index.ts";
import { Dice } from "../../support/dice.ts";

const FIELD = 7;
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));

function batch(column: Column, length: number): RowBatch {
  const ids = {
    kind: "utf8",
    offsets: new Int32Array(length + 1),
    bytes: new Uint8Array(0),
    valid: null,
  } as const;
  return { length, ids, src: null, dst: null, columns: new Map([[FIELD, column]]) };
}

/** Every third row is null. */
function withNulls(length: number): Uint8Array {
  const valid = new Uint8Array((length + 7) >> 3).fill(0xff);
  for (let row = 0; row < length; row += 3) valid[row >> 3] &= ~(1 << (row & 7));
  return valid;
}

const LENGTH = 3_000;
const dice = new Dice(11);
const valid = withNulls(LENGTH);
const from = <T>(valueAt: () => T) => Array.from({ length: LENGTH }, valueAt);
const sign = () => (dice.chance(0.5) ? 1 : -1);
const COLUMNS: Readonly<Record<string, { column: Column; values: readonly (number | bigint)[] }>> = (() => {
  const i32 = Int32Array.from(from(() => sign() * dice.below(50)));
  const u32 = Uint32Array.from(from(() => 2 ** 32 - 1 - dice.below(2 ** 20)));
  const f32 = Float32Array.from(from(() => (sign() * dice.below(1_000)) / 7));
  const f64 = Float64Array.from(from(() => sign() * dice.below(100) * 10 ** (dice.below(600) - 300)));
  const i64 = BigInt64Array.from(
    from(() => BigInt(sign() * dice.below(1_000)) * 2n ** BigInt(dice.below(53))),
  );
  const u64 = BigUint64Array.from(from(() => 2n ** 64n - 1n - BigInt(dice.below(1_000))));
  return {
    i32: { column: { kind: "i32", values: i32, valid }, values: [...i32] },
    u32: { column: { kind: "u32", values: u32, valid }, values: [...u32] },
    f32: { column: { kind: "f32", values: f32, valid }, values: [...f32] },
    f64: { column: { kind: "f64", values: f64, valid }, values: [...f64] },
    date: { column: { kind: "date", values: i32, valid }, values: [...i32] },
    i64: { column: { kind: "i64", values: i64, valid }, values: [...i64] },
    u64: { column: { kind: "u64", values: u64, valid }, values: [...u64] },
  };
})();

/** Rows with a value whose double lies within bounds. */
function within(values: readonly (number | bigint)[], least: number, greatest: number): number[] {
  return [...values.keys()].filter((row) => {
    const rank = Number(values[row]);
    return row % 3 !== 0 && rank >= least && rank <= greatest;
  });
}

describe("an index of values", () => {
  for (const [kind, { column, values }] of Object.entries(COLUMNS)) {
    it(`finds the rows of any range of ${kind}, and never a null`, async () => {
      const index = await ValueIndex.build(column, LENGTH, breathe);
      for (let i = 0; i < 50; i++) {
        const [a, b] = [dice.below(LENGTH), dice.below(LENGTH)].map((row) => Number(values[row]));
        for (const [least, greatest] of [
          [a, a],
          [Math.min(a, b), Math.max(a, b)],
          [Number.NEGATIVE_INFINITY, a],
          [a, Number.POSITIVE_INFINITY],
        ]) {
          const found = index?.find({ least, greatest }) ?? new Int32Array(0);
          const wanted = within(values, least, greatest);
          expect([...found].sort((x, y) => x - y)).toEqual(wanted);
          expect(index?.count({ least, greatest })).toBe(wanted.length);
        }
      }
      expect(index?.count({ least: 1, greatest: 0 })).toBe(0);
    });
  }
});

describe("zones", () => {
  for (const [kind, { column, values }] of Object.entries(COLUMNS)) {
    it(`leave out no row of a range of ${kind}`, () => {
      const zones = ZoneMap.of(column, LENGTH);
      for (let i = 0; i < 50; i++) {
        const [a, b] = [dice.below(LENGTH), dice.below(LENGTH)].map((row) => Number(values[row]));
        const range = { least: Math.min(a, b), greatest: Math.max(a, b) };
        const stretches = zones?.within([100, 2_900], range) ?? [];
        const rows = within(values, range.least, range.greatest).filter((row) => row >= 100 && row < 2_900);
        const isIn = (row: number) =>
          stretches.some((start, at) => at % 2 === 0 && start <= row && row < stretches[at + 1]);
        expect(rows.filter((row) => !isIn(row))).toEqual([]);
      }
      expect(zones?.within([0, LENGTH], { least: 1, greatest: 0 })).toEqual([]);
    });
  }
});

describe("the indexes of a table", () => {
  const numbers = (length: number) =>
    new ColumnIndexes(
      batch({ kind: "i32", values: Int32Array.from({ length }, (_, row) => row), valid: null }, length),
    );

  it("are made when scans have been in vain: at once for few rows, in the background for many", async () => {
    const few = numbers(5_000);
    expect(await few.valuesWhenDue(FIELD, true, breathe)).toBeNull();
    few.scanned(FIELD, 5_000, 1);
    expect(await few.valuesWhenDue(FIELD, true, breathe)).not.toBeNull();
    const many = numbers(70_000);
    many.scanned(FIELD, 70_000, 1);
    expect(await many.valuesWhenDue(FIELD, true, breathe)).toBeNull();
    expect(await many.build(FIELD, breathe)).not.toBeNull();
    expect(await many.valuesWhenDue(FIELD, true, breathe)).not.toBeNull();
  });

  it("are not made for small tables, nor for scans that find what they go through", async () => {
    const small = numbers(1_000);
    for (let i = 0; i < 100; i++) small.scanned(FIELD, 1_000, 1);
    expect(await small.valuesWhenDue(FIELD, true, breathe)).toBeNull();
    const full = numbers(5_000);
    for (let i = 0; i < 100; i++) full.scanned(FIELD, 5_000, 2_000);
    expect(await full.valuesWhenDue(FIELD, true, breathe)).toBeNull();
  });

  it("are begun anew when their making was stopped", async () => {
    const indexes = numbers(5_000);
    const stopped = indexes.build(FIELD, async () => {
      throw new Error("stopped");
    });
    await expect(stopped).rejects.toThrow("stopped");
    expect(indexes.values(FIELD)).toBeNull();
    expect(await indexes.build(FIELD, breathe)).not.toBeNull();
  });

  it("have no order to offer for lists, vectors and absent columns", async () => {
    const vector: Column = { kind: "vector", width: 1, values: new Float32Array(4), valid: null };
    const indexes = new ColumnIndexes(batch(vector, 4));
    indexes.scanned(FIELD, 4, 0);
    expect([indexes.zones(FIELD), await indexes.build(FIELD, breathe)]).toEqual([null, null]);
    expect([indexes.zones(8), await indexes.build(8, breathe)]).toEqual([null, null]);
  });
});
