import { describe, expect, it } from "bun:test";
import { executeRead } from "../../../src/engine/read/index.ts";
import type { GraphView } from "../../../src/index/index.ts";
import { analyze } from "../../../src/index/text/analyze.ts";
import type { Value } from "../../../src/query/plan.ts";
import { History, replay } from "../../index/history.ts";
import { Dice } from "../../support/dice.ts";
import { NOW_MS, planRead } from "./run.ts";

const SCHEMA = `
node Doc { name: String @key
  shelf: I32
  text: String? }
`;
const DOCUMENTS = 700;
const WORDS = [
  "harbour",
  "harbours",
  "ship",
  "sailing",
  "of",
  "storm",
  "stormy",
  "lamp",
  "rope",
  "tide",
  "gull",
  "café",
];

interface Doc {
  readonly name: string;
  readonly shelf: number;
  readonly tokens: readonly string[];
}

/** Many documents in the base; then some are written anew, go away or come. */
function library(seed: number): History {
  const dice = new Dice(seed);
  const history = new History(SCHEMA);
  const type = history.node("Doc");
  const text = () =>
    dice.chance(0.1)
      ? null
      : Array.from({ length: dice.below(9) }, () => WORDS[dice.below(1 + dice.below(12))]).join(" ");
  const doc = (number: number) => {
    const name = `d${String(number).padStart(5, "0")}`;
    return history.row(type, name, { name, shelf: number % 50, text: text() });
  };
  history.commit({ type, rows: Array.from({ length: DOCUMENTS }, (_, i) => doc(2 * i)) });
  for (let commit = 0; commit < 5; commit++) {
    const some = [...new Set(Array.from({ length: 40 }, () => dice.below(2 * DOCUMENTS)))];
    const gone = `d${String(2 * dice.below(DOCUMENTS)).padStart(5, "0")}`;
    history.commit({ type, rows: some.map(doc), deletedNodes: [gone] });
  }
  return history;
}

function documents(history: History): Doc[] {
  const rows = [...(replay(history.commits).get(history.node("Doc").id)?.values() ?? [])];
  return rows
    .map(({ values: [name, shelf, text] }) => ({
      name: name as string,
      shelf: shelf as number,
      tokens: analyze((text as string | null) ?? ""),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The formula of bm25 as it stands in books. */
function bm25(docs: readonly Doc[], query: string): Map<Doc, number> {
  const texts = docs.filter(({ tokens }) => tokens.length > 0);
  const mean = texts.reduce((sum, { tokens }) => sum + tokens.length, 0) / texts.length;
  const scores = new Map<Doc, number>();
  for (const token of new Set(analyze(query))) {
    const holders = texts.filter(({ tokens }) => tokens.includes(token));
    const idf = Math.log(1 + (texts.length - holders.length + 0.5) / (holders.length + 0.5));
    for (const doc of holders) {
      const frequency = doc.tokens.filter((other) => other === token).length;
      const norm = 1.2 * (1 - 0.75 + (0.75 * doc.tokens.length) / mean);
      scores.set(doc, (scores.get(doc) ?? 0) + (idf * (frequency * 2.2)) / (frequency + norm));
    }
  }
  return scores;
}

/** Every way to the answer: with the base made at the start or at the end, asked twice each. */
async function ask(history: History, body: string, text: string): Promise<Value[]> {
  const plan = planRead(`query q($q: String) { ${body} }`, history.catalog);
  const answers: Value[][] = [];
  for (const checkpointed of [0, 1, history.commits.length]) {
    const view = history.cache().view(history.state({ checkpointed, rowsPerBatch: 400 }));
    for (const _ of [1, 2]) {
      const result = await executeRead(plan, new Map([["q", text]]), view, { nowMs: NOW_MS });
      answers.push(result.rows().map((row) => row["d.name"] as string));
    }
  }
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  return answers[0];
}

const FILTERS = [
  ["$d: Doc", () => true],
  ["$d: Doc $d.shelf < 30", (shelf: number) => shelf < 30],
  ["$d: Doc { shelf: 4 }", (shelf: number) => shelf === 4],
] as const;

describe("bm25 over many texts", () => {
  it("ranks by the formula over all texts, whatever the filter, the limit and the commits on top", async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const history = library(seed);
      const docs = documents(history);
      const dice = new Dice(50 + seed);
      for (const [clause, isIn] of FILTERS) {
        for (const limit of ["limit 7", "limit 200", ""]) {
          const query = Array.from({ length: 1 + dice.below(4) }, () => dice.pick(WORDS)).join(" ");
          const scores = bm25(docs, query);
          const body = `match { ${clause} } return { $d.name } order { bm25($d.text, $q) } ${limit}`;
          const names = await ask(history, body, query);
          const ranked = docs.filter((doc) => scores.has(doc) && isIn(doc.shelf));
          ranked.sort((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0));
          const wanted = limit === "" ? ranked.length : Number(limit.slice(6));
          expect(names).toEqual(ranked.slice(0, wanted).map(({ name }) => name));
        }
      }
    }
  });

  it("lets further keys decide between texts that are equally good", async () => {
    const history = library(9);
    const docs = documents(history);
    const scores = bm25(docs, "tide");
    const body = "match { $d: Doc } return { $d.name } order { bm25($d.text, $q), $d.shelf desc } limit 12";
    const ranked = docs.filter((doc) => scores.has(doc));
    ranked.sort((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0) || b.shelf - a.shelf);
    expect(await ask(history, body, "tide")).toEqual(ranked.slice(0, 12).map(({ name }) => name));
  });

  it("ties texts that are equally good in whatever order their words add up", async () => {
    const words = ["harbour", "storm", "lamp", "rope"];
    // Each text has one of the words twice: by the formula all score the same, however many others there are.
    const texts = words.map((twice) => [...words, twice].join(" "));
    for (let others = 0; others < 8; others++) {
      const history = new History(SCHEMA);
      const type = history.node("Doc");
      const row = (name: string, text: string) => history.row(type, name, { name, shelf: 1, text });
      const rows = texts.map((text, i) => row(`d${9 - i}`, text));
      for (let i = 0; i < others; i++) rows.push(row(`other${i}`, "gull"));
      history.commit({ type, rows });
      const body = "match { $d: Doc } return { $d.name } order { bm25($d.text, $q) }";
      for (const query of ["harbour storm lamp rope", "rope lamp storm harbour", "storm rope harbour lamp"]) {
        expect(await ask(history, body, query)).toEqual(["d6", "d7", "d8", "d9"]);
      }
    }
  });

  it("counts all that match, not only those within a limit", async () => {
    const history = library(3);
    const docs = documents(history);
    const plan = planRead(
      "query q($q: String) { match { $d: Doc } return { count($d) as n } order { bm25($d.text, $q) } limit 3 }",
      history.catalog,
    );
    const view = history.cache().view(history.state({ checkpointed: 6 }));
    const result = await executeRead(plan, new Map([["q", "storm gull"]]), view, { nowMs: NOW_MS });
    expect(result.rows()).toEqual([{ n: bm25(docs, "storm gull").size }]);
  });
});

describe("search and fuzzy over many texts", () => {
  it("find the texts with a token of the query, or one that is near it", async () => {
    const history = library(5);
    const docs = documents(history);
    for (const [clause, isIn] of FILTERS) {
      for (const [call, tokens] of [
        ["search($d.text, $q)", ["lamp", "storm"]],
        ["search($d.text, $q) = false", null],
        ["fuzzy($d.text, $q, 1)", ["lamp", "storm"]],
      ] as const) {
        const query = call.startsWith("fuzzy") ? "lmp stomr storn" : "Lamps STORM unheard of";
        const body = `match { ${clause} ${call} } return { $d.name } order { $d.name }`;
        const found = (doc: Doc) =>
          tokens === null
            ? !doc.tokens.some((token) => token === "lamp" || token === "storm")
            : doc.tokens.some((token) => tokens.some((one) => one === token));
        const expected = docs.filter((doc) => isIn(doc.shelf) && found(doc)).map(({ name }) => name);
        expect(await ask(history, body, query)).toEqual(expected);
      }
    }
  });

  it("let others run, and stop, where the query is a long text", async () => {
    const history = library(2);
    const view = history.cache().view(history.state({ checkpointed: 1 }));
    const body = "match { $d: Doc fuzzy($d.text, $q) } return { count($d) as n } order { n }";
    const plan = planRead(`query q($q: String) { ${body} }`, history.catalog);
    const words = Array.from({ length: 20_000 }, (_, i) => `w${i.toString(36)}storm`).join(" ");
    const ask = (elapsedMs: () => number) =>
      executeRead(plan, new Map([["q", words]]), view, {
        nowMs: NOW_MS,
        deadline: { limitMs: 1_000, elapsedMs },
      });
    let looks = 0;
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const found = await ask(() => ++looks && 1);
    isDone = true;
    expect(found.rowCount).toBe(1);
    expect(looks).toBeGreaterThan(10_000);
    expect(turns).toBeGreaterThan(2);
    // It ends soon after time is up.
    let left = 100;
    await expect(ask(() => (left-- > 0 ? 1 : 2_000))).rejects.toThrow("the query was stopped");
    expect(left).toBe(-1);
  });
});

describe("texts of a graph whose commits are folded into its base", () => {
  it("are found and scored as by a process that reads them anew", async () => {
    const dice = new Dice(5);
    const history = new History(SCHEMA);
    const type = history.node("Doc");
    const doc = (n: number) => {
      const words = Array.from({ length: dice.below(9) }, () => dice.pick(WORDS));
      const text = dice.chance(0.1) ? null : [...words, `only${n % 50}`].join(" ");
      return history.row(type, `d${n}`, { name: `d${n}`, shelf: n % 5, text });
    };
    history.commit({ type, rows: Array.from({ length: 300 }, (_, n) => doc(n)) });
    const cache = history.cache({ resident: true, deltaRowsMin: 40 });
    const body =
      'match { $d: Doc } return { $d, bm25($d.text, "stormy ship only7") as s } order { bm25($d.text, "stormy ship only7") }';
    const fuzzy = 'match { $d: Doc fuzzy($d.text, "harbuor", 2) } return { $d } order { $d.name }';
    const answers = async (of: GraphView) => {
      const found: string[] = [];
      for (const text of [body, fuzzy]) {
        const plan = planRead(`query q() { ${text} }`, history.catalog);
        found.push((await executeRead(plan, new Map(), of, { nowMs: NOW_MS })).rowsJson());
      }
      return found;
    };
    const bases = new Set<unknown>();
    for (let commit = 0; commit < 6; commit++) {
      const view = cache.view(history.state());
      const fresh = history.cache({ resident: true }).view(history.state());
      expect(await answers(view)).toEqual(await answers(fresh));
      bases.add(view.nodes(type).base);
      const changed = Array.from({ length: 60 }, () => doc(dice.below(400)));
      const byId = new Map(changed.map((row) => [row.id, row]));
      const gone = Array.from({ length: 10 }, () => `d${dice.below(400)}`).filter((id) => !byId.has(id));
      history.commit({ type, rows: [...byId.values()], deletedNodes: [...new Set(gone)] });
    }
    // Every other commit was folded.
    expect(bases.size).toBe(3);
  });
});
