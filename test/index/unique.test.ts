import { describe, expect, it } from "bun:test";
import type { GraphView } from "../../src/index/index.ts";
import type { Value } from "../../src/query/plan.ts";
import { canonicalKeyText, type KeyValue } from "../../src/schema/index.ts";
import { History } from "./history.ts";

const ROWS = 5_000;
const KINDS: Readonly<Record<string, (n: number) => Value>> = {
  text: (n) => `text ${n}`,
  i32: (n) => n - 2_500,
  u32: (n) => n + 2 ** 31,
  i64: (n) => -9_007_199_254_740_993n - BigInt(n),
  u64: (n) => 18_446_744_073_709_551_615n - BigInt(n),
  f32: (n) => Math.fround(n / 10),
  f64: (n) => n / 7,
  day: (n) => n - 1_000,
  at: (n) => n * 1_000 + 1,
  pair: (n) => `pair ${n % 100}`,
};
const DECLARED =
  "text: String? @unique  i32: I32? @unique  u32: U32? @unique  i64: I64? @unique  u64: U64? @unique  f32: F32? @unique " +
  "f64: F64? @unique  day: Date? @unique  at: DateTime? @unique  pair: String?  no: I32?  @unique(no, pair)";

/** Five thousand rows; of the last ones some were changed since, some are new and one is gone. */
class Rows extends History {
  readonly type = this.node("Row");

  constructor() {
    super(`node Row { key: String @key  ${DECLARED} }`);
    this.commit({ type: this.type, rows: Array.from({ length: ROWS }, (_, n) => this.valued(n, n)) });
    this.commit({
      type: this.type,
      rows: [this.valued(10, ROWS + 10), this.valued(ROWS, ROWS)],
      deletedNodes: ["r20"],
    });
  }

  /** A row with the values of a number; every seventh has none. */
  private valued(row: number, n: number) {
    const values: Record<string, Value> = { key: `r${row}`, no: Math.floor(n / 100) };
    for (const [kind, valued] of Object.entries(KINDS)) values[kind] = n % 7 === 0 ? null : valued(n);
    return this.row(this.type, `r${row}`, values);
  }

  tuple(kind: string, n: number): string {
    const property = this.type.properties.find(({ name }) => name === kind);
    if (property === undefined) throw new Error(`no property ${kind}`);
    return JSON.stringify([canonicalKeyText(KINDS[kind](n) as KeyValue, property.type)]);
  }
}

const rows = new Rows();
const fresh = (): GraphView => rows.cache({ resident: true }).view(rows.state({ checkpointed: 1 }));

/** Who holds the values of some numbers: what was said of them last. */
const wanted = (numbers: readonly number[]) =>
  numbers
    .filter((n) => n % 7 !== 0 && n !== 10 && n !== 20 && n <= ROWS)
    .map((n) => `r${n}`)
    .concat(numbers.includes(ROWS + 10) && (ROWS + 10) % 7 !== 0 ? ["r10"] : [])
    .sort();

describe("the holders of a unique value", () => {
  const few = [1, 2, 10, 20, 21, 77, 4_999, ROWS, ROWS + 10, ROWS + 99];
  const many = Array.from({ length: 1_000 }, (_, i) => i * 5 + 1);

  for (const kind of Object.keys(KINDS).filter((name) => name !== "pair")) {
    it(`are found by ${kind}, with and without an index of the values`, async () => {
      const view = fresh();
      const property = rows.type.properties.find(({ name }) => name === kind);
      const ask = async (numbers: readonly number[]) => {
        const tuples = numbers.map((n) => rows.tuple(kind, n));
        const found = await view.uniqueHolders(rows.type, [kind], tuples);
        for (const tuple of found.keys()) expect(tuples).toContain(tuple);
        return [...found.values()].flat().sort();
      };
      const index = () => view.nodes(rows.type).base.values.values(property?.id ?? -1);
      expect(await ask(few)).toEqual(wanted(few));
      expect(index()).toBeNull();
      expect(await ask(many)).toEqual(wanted(many));
      expect(index()).not.toBeNull();
      expect(await ask(few)).toEqual(wanted(few));
      expect(await ask([])).toEqual([]);
    });
  }

  it("are found by several properties together", async () => {
    const view = fresh();
    const tuple = (no: number, pair: number) => JSON.stringify([String(no), `pair ${pair}`]);
    const found = await view.uniqueHolders(
      rows.type,
      ["no", "pair"],
      [tuple(3, 5), tuple(3, 8), tuple(0, 20)],
    );
    // 308 is a multiple of seven, and row 20 is gone.
    expect([...found]).toEqual([[tuple(3, 5), ["r305"]]]);
  });
});
