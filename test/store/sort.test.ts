import { describe, expect, it } from "bun:test";
import { compareUtf8 } from "../../src/lib/utf8.ts";
import { seededUnit } from "../../src/storage/faults.ts";
import { utf8ColumnOf } from "../../src/store/column-builder.ts";
import { textAt } from "../../src/store/column-value.ts";
import { isSorted, sortRows } from "../../src/store/sort.ts";

/** The rows' numbers in the order that comparing whole texts gives. */
function plainOrder(columns: readonly (readonly string[])[]): number[] {
  const rows = Array.from(columns[0], (_, row) => row);
  return rows.sort((a, b) => {
    for (const column of columns) {
      const order = compareUtf8(column[a], column[b]);
      if (order !== 0) return order;
    }
    return a - b;
  });
}

function orderOf(columns: readonly (readonly string[])[]): number[] {
  const { order } = sortRows(columns.map(utf8ColumnOf), columns[0].length);
  return order === null ? Array.from(columns[0], (_, row) => row) : [...order];
}

const random = seededUnit(7);
const ALPHABETS = ["ab", "a\0", "aé\u{10ffff}\ufffd", "0123456789"];

function randomText(alphabet: string, lengthMax: number): string {
  const characters = [...alphabet];
  const length = Math.floor(random() * (lengthMax + 1));
  return Array.from({ length }, () => characters[Math.floor(random() * characters.length)]).join("");
}

describe("sorting rows", () => {
  it.each(ALPHABETS)("orders texts of %j by their UTF-8 bytes, equal ones as they came", (alphabet) => {
    for (const lengthMax of [2, 9, 40]) {
      const texts = Array.from({ length: 500 }, () => randomText(alphabet, lengthMax));
      expect(orderOf([texts])).toEqual(plainOrder([texts]));
    }
  });

  it("orders by further columns where the first are equal", () => {
    const column = (lengthMax: number) => Array.from({ length: 600 }, () => randomText("ab\0", lengthMax));
    const columns = [column(2), column(3), column(5)];
    expect(orderOf(columns)).toEqual(plainOrder(columns));
  });

  it("handles long shared prefixes, and runs of one text", () => {
    const texts = Array.from({ length: 300 }, (_, i) => `https://example.org/things/${(i * 7919) % 150}`);
    expect(orderOf([texts])).toEqual(plainOrder([texts]));
    expect(orderOf([Array.from({ length: 100 }, () => "same")])).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  it("names the rows that repeat the one before", () => {
    const { order, repeats } = sortRows([utf8ColumnOf(["b", "a", "b", "a", "b"])], 5);
    expect([...(order ?? [])]).toEqual([1, 3, 0, 2, 4]);
    expect([...repeats]).toEqual([1, 3, 4]);
  });

  it("leaves rows alone that stand in order", () => {
    const { order, repeats } = sortRows([utf8ColumnOf(["", "a", "a", "b"])], 4);
    expect(order).toBeNull();
    expect([...repeats]).toEqual([2]);
    expect(isSorted([utf8ColumnOf(["a", ""])], 2)).toBe(false);
  });
});

describe("texts in a column", () => {
  it("come back as they were, whatever they hold", () => {
    const texts = ["", "ascii", "naïve", "日本語", "🚢 at sea", "a\0b", "x".repeat(10_000), "é".repeat(40)];
    const column = utf8ColumnOf(texts);
    expect(texts.map((_, row) => textAt(column, row))).toEqual(texts);
  });
});
