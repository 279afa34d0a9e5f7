import { describe, expect, it } from "bun:test";
import { squaredDistance } from "../../../src/index/index.ts";
import { type VectorColumn, VectorIndex } from "../../../src/index/vector/vector-index.ts";
import { kernelMemory } from "../../../src/kernels/index.ts";
import { BestFew } from "../../../src/lib/best-few.ts";
import { Dice } from "../../support/dice.ts";

const noWait = async () => undefined;

/** How the components of a row come about: each kind is hard in another way. */
const TEMPERS: readonly ((dice: Dice) => number)[] = [
  (dice) => dice.below(2_001) / 1_000 - 1,
  // Many rows at one distance.
  (dice) => dice.below(3) - 1,
  // One component that drowns the others.
  (dice) => (dice.chance(0.02) ? 1e6 : dice.below(1_000) / 1e6),
  (dice) => dice.pick([0, 1e-30, -1e-22, 1e-20, 1e-42]),
  () => 0,
];

function columnOf(dice: Dice, width: number, length: number, nulls: number): VectorColumn {
  const temper = dice.pick(TEMPERS);
  const values = Float32Array.from({ length: width * length }, () => temper(dice));
  const valid = new Uint8Array((length + 7) >> 3);
  for (let row = 0; row < length; row++) {
    if (dice.chance(nulls)) values.fill(0, row * width, (row + 1) * width);
    else valid[row >> 3] |= 1 << (row & 7);
  }
  return { kind: "vector", width, values, valid };
}

const isValid = ({ valid }: VectorColumn, row: number) =>
  valid === null || (valid[row >> 3] & (1 << (row & 7))) !== 0;

describe("a vector index", () => {
  it("finds exactly what comparing all vectors finds", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const dice = new Dice(seed);
      const width = dice.pick([1, 2, 7, 16, 33, 64, 129, 200]);
      const length = 1 + dice.below(3_000);
      const column = columnOf(dice, width, length, dice.pick([0, 0, 0.3]));
      // Where there is no WebAssembly, the same in plain TypeScript; slowly, so of few.
      const plain = seed % 4 === 0 && length * width < 40_000;
      const memory = plain ? (bytes: number) => kernelMemory(bytes, null) : undefined;
      const index = await VectorIndex.build(column, length, noWait, memory);
      if (index === null) throw new Error("no index");
      const own = dice.below(length);
      const query = dice.chance(0.5)
        ? column.values.slice(own * width, (own + 1) * width)
        : Float32Array.from({ length: width }, () => dice.pick(TEMPERS)(dice));
      const wanted = dice.pick([1, 3, 10, 400]);
      const isWanted = dice.chance(0.5) ? () => true : (row: number) => row % 3 !== 1;

      expect(index.accepts(query)).toBe(true);
      const best = new BestFew(wanted, (a, b) => a - b);
      // In slices, as long searches go.
      for (let first = 0; first < length; first += 1_024)
        index.offer(query, best, first, first + 1_024, isWanted);

      const all = Array.from({ length }, (_, row) => row).filter(
        (row) => isValid(column, row) && isWanted(row),
      );
      const distance = all.map((row) => squaredDistance(column.values, row * width, query));
      const expected = all
        .map((row, i) => [row, distance[i]])
        .sort((a, b) => a[1] - b[1] || a[0] - b[0])
        .slice(0, wanted);
      const { numbers, costs } = best.sorted();
      expect(Array.from(numbers, (row, i) => [row, costs[i]])).toEqual(expected);
    }
  });

  it("finds all ten of the nearest ten among vectors like those of texts", async () => {
    const [width, length] = [96, 6_000];
    const dice = new Dice(3);
    const bell = () => dice.below(1_001) + dice.below(1_001) + dice.below(1_001) - 1_500;
    const subjects = Array.from({ length: 60 }, () => Array.from({ length: width }, bell));
    const near = () => {
      const vector = dice.pick(subjects).map((component) => component + 0.7 * bell());
      const size = Math.hypot(...vector);
      return vector.map((component) => component / size);
    };
    const values = Float32Array.from(Array.from({ length }, near).flat());
    const column: VectorColumn = { kind: "vector", width, values, valid: null };
    const index = await VectorIndex.build(column, length, noWait);
    let recalled = 0;
    for (let i = 0; i < 50; i++) {
      const query = Float32Array.from(near());
      const best = new BestFew(10, (a, b) => a - b);
      index?.offer(query, best, 0, length, () => true);
      const rows = Array.from({ length }, (_, row) => row);
      const distances = rows.map((row) => squaredDistance(column.values, row * width, query));
      const exact = new Set(rows.sort((a, b) => distances[a] - distances[b] || a - b).slice(0, 10));
      recalled += [...best.sorted().numbers].filter((row) => exact.has(row)).length;
    }
    // 0.95 would be asked of an approximate index.
    expect(recalled / 500).toBe(1);
  });

  it("looks at few of the vectors themselves", async () => {
    const dice = new Dice(7);
    const width = 64;
    const length = 20_000;
    const column = columnOf(new Dice(1), width, length, 0);
    for (let i = 0; i < column.values.length; i++) column.values[i] = dice.below(2_001) / 1_000 - 1;
    const index = await VectorIndex.build(column, length, noWait);
    let looked = 0;
    const best = new BestFew(10, (a, b) => a - b);
    const query = Float32Array.from({ length: width }, () => dice.below(2_001) / 1_000 - 1);
    index?.offer(query, best, 0, length, () => ++looked > 0);
    expect(looked).toBeLessThan(600);
  });

  it("is not made of rows whose squares are no floats, and takes no such query", async () => {
    const column: VectorColumn = {
      kind: "vector",
      width: 2,
      values: Float32Array.of(1e25, 0, 1, 1),
      valid: null,
    };
    expect(await VectorIndex.build(column, 2, noWait)).toBeNull();
    const sound: VectorColumn = { ...column, values: Float32Array.of(1, 2, 3, 4) };
    const index = await VectorIndex.build(sound, 2, noWait);
    expect(index?.accepts(Float32Array.of(Number.POSITIVE_INFINITY, 0))).toBe(false);
    expect(index?.accepts(Float32Array.of(3e38, 3e38))).toBe(true);
  });

  it("lets other work run while it is made", async () => {
    let breaths = 0;
    const column = columnOf(new Dice(1), 512, 6_000, 0);
    await VectorIndex.build(column, 6_000, async () => {
      breaths++;
    });
    expect(breaths).toBeGreaterThan(1);
  });
});
