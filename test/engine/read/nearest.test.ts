import { describe, expect, it } from "bun:test";
import { executeRead } from "../../../src/engine/read/index.ts";
import type { Value } from "../../../src/query/plan.ts";
import { History, replay } from "../../index/history.ts";
import { Dice } from "../../support/dice.ts";
import { NOW_MS, planRead } from "./run.ts";

const SCHEMA = `
node Doc { name: String @key
  shelf: I32
  v: Vector(12)? }
`;
const DOCUMENTS = 2_500;

function vector(dice: Dice): Float32Array {
  return Float32Array.from({ length: 12 }, () => dice.below(5) - 2);
}

/** Many documents in the base; then some are moved, lose their vector, go away or come. */
function library(seed: number): History {
  const dice = new Dice(seed);
  const history = new History(SCHEMA);
  const type = history.node("Doc");
  const doc = (number: number, v: Value) => {
    const name = `d${String(number).padStart(5, "0")}`;
    return history.row(type, name, { name, shelf: number % 50, v });
  };
  const even = Array.from({ length: DOCUMENTS }, (_, i) =>
    doc(2 * i, dice.chance(0.1) ? null : vector(dice)),
  );
  history.commit({ type, rows: even });
  for (let commit = 0; commit < 5; commit++) {
    const some = [...new Set(Array.from({ length: 60 }, () => dice.below(2 * DOCUMENTS)))];
    const rows = some.map((number) => doc(number, dice.chance(0.2) ? null : vector(dice)));
    history.commit({ type, rows, deletedNodes: [`d${String(2 * dice.below(DOCUMENTS)).padStart(5, "0")}`] });
  }
  return history;
}

/** Names of the nearest, by the distance and then the name. */
function nearest(
  history: History,
  query: Float32Array,
  limit: number,
  isIn: (shelf: number) => boolean,
): Value[] {
  const rows = [...(replay(history.commits).get(history.node("Doc").id)?.values() ?? [])];
  return rows
    .flatMap(({ values: [name, shelf, v] }) => {
      if (!(v instanceof Float32Array) || !isIn(shelf as number)) return [];
      return [{ name: name as string, far: v.reduce((sum, x, i) => sum + (x - query[i]) ** 2, 0) }];
    })
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}

describe("nearest over many vectors", () => {
  it("answers the same by comparing all, by the index, and with commits on top of either", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const history = library(seed);
      const dice = new Dice(100 + seed);
      const view = history.cache().view(history.state({ checkpointed: seed % 2 === 0 ? 1 : 6 }));
      for (const [clause, isIn] of [
        ["$d: Doc", () => true],
        ["$d: Doc $d.shelf < 30", (shelf: number) => shelf < 30],
        ["$d: Doc { shelf: 4 }", (shelf: number) => shelf === 4],
      ] as const) {
        for (const limit of [10, 10, 2_000]) {
          const query = vector(dice);
          const body = `match { ${clause} } return { $d.name } order { nearest($d.v, $q) } limit ${limit}`;
          const plan = planRead(`query q($q: Vector(12)) { ${body} }`, history.catalog);
          const result = await executeRead(plan, new Map([["q", query]]), view, { nowMs: NOW_MS });
          const names = result.rows().map((row) => row["d.name"]);
          expect(names).toEqual(nearest(history, query, limit, isIn) as string[]);
        }
      }
    }
  });

  it("takes a query that is farther away than numbers go", async () => {
    const history = library(1);
    const view = history.cache().view(history.state({ checkpointed: 6 }));
    const body = "match { $d: Doc } return { $d.name } order { nearest($d.v, $q) } limit 2";
    const plan = planRead(`query q($q: Vector(12)) { ${body} }`, history.catalog);
    const query = new Float32Array(12).fill(Number.POSITIVE_INFINITY);
    for (const _ of [1, 2]) {
      const result = await executeRead(plan, new Map([["q", query]]), view, { nowMs: NOW_MS });
      expect(result.rowCount).toBe(2);
    }
  });
});
