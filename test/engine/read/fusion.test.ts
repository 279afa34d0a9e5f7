import { describe, expect, it } from "bun:test";
import { executeRead } from "../../../src/engine/read/index.ts";
import type { Value } from "../../../src/query/plan.ts";
import { History, replay } from "../../index/history.ts";
import { Dice } from "../../support/dice.ts";
import { NOW_MS, planRead } from "./run.ts";

const SCHEMA = `
node Doc { name: String @key
  shelf: I32
  text: String?
  v: Vector(3)? }
`;
const DOCUMENTS = 600;
const WORDS = ["harbour", "ship", "storm", "lamp"];

function library(seed: number): History {
  const dice = new Dice(seed);
  const history = new History(SCHEMA);
  const type = history.node("Doc");
  const doc = (number: number) => {
    const name = `d${String(number).padStart(5, "0")}`;
    const text = Array.from({ length: dice.below(4) }, () => dice.pick(WORDS)).join(" ");
    const v = dice.chance(0.2) ? null : Float32Array.from([dice.below(4), dice.below(4), dice.below(4)]);
    return history.row(type, name, { name, shelf: number % 10, text, v });
  };
  history.commit({ type, rows: Array.from({ length: DOCUMENTS }, (_, i) => doc(2 * i)) });
  history.commit({ type, rows: Array.from({ length: 40 }, (_, i) => doc(29 * i)), deletedNodes: ["d00002"] });
  return history;
}

type Ask = (clause: string, rank: string, limit: number | null) => Promise<[string, number][]>;

/** Names and the scores of a rank function, in its order. */
function asker(history: History, vector: Float32Array): Ask {
  const view = history.cache().view(history.state({ checkpointed: 1, rowsPerBatch: 500 }));
  return async (clause, rank, limit) => {
    const tail = limit === null ? "" : `limit ${limit}`;
    const body = `match { ${clause} } return { $d.name as name, ${rank} as s } order { ${rank} } ${tail}`;
    const plan = planRead(`query q($q: Vector(3)) { ${body} }`, history.catalog);
    const result = await executeRead(plan, new Map<string, Value>([["q", vector]]), view, { nowMs: NOW_MS });
    return result.rows().map(({ name, s }) => [name as string, s as number]);
  };
}

/** The definition: places in either arm, then the sum of their reciprocals; at equal sums the first arm's order decides. */
function fuse(first: readonly string[], second: readonly string[], limit: number): [string, number][] {
  const scores = new Map<string, number>();
  for (const arm of [first, second]) {
    arm.forEach((name, place) => {
      scores.set(name, (scores.get(name) ?? 0) + 1 / (60 + place + 1));
    });
  }
  return [...scores].sort((a, b) => b[1] - a[1]).slice(0, limit);
}

describe("rrf over many documents", () => {
  it("is the fusion of what its arms answer by themselves", async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const history = library(seed);
      const dice = new Dice(seed);
      const ask = asker(history, Float32Array.from([dice.below(4), dice.below(4), dice.below(4)]));
      const count = replay(history.commits).get(history.node("Doc").id)?.size ?? 0;
      for (const clause of ["$d: Doc", "$d: Doc $d.shelf < 4"]) {
        for (const limit of [1, 7, 90]) {
          const names = (answer: [string, number][]) => answer.map(([name]) => name);
          const near = "nearest($d.v, $q)";
          const storm = '"storm ship"';
          const nearest = names(await ask(clause, near, limit));
          const texts = names(await ask(clause, `bm25($d.text, ${storm})`, null));
          const lamps = names(await ask(clause, 'bm25($d.text, "lamp")', count));
          const cases: [string, string, readonly string[], readonly string[]][] = [
            [near, `bm25($d.text, ${storm})`, nearest, texts],
            [`bm25($d.text, ${storm})`, near, texts, nearest],
            [`bm25($d.text, ${storm})`, 'bm25($d.text, "lamp")', texts, lamps],
            [near, near, nearest, nearest],
          ];
          for (const [first, second, one, other] of cases) {
            expect(await ask(clause, `rrf(${first}, ${second})`, limit)).toEqual(fuse(one, other, limit));
          }
        }
      }
    }
  });
});
