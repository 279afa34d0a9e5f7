import { describe, expect, it } from "bun:test";
import { executeRead } from "../../../src/engine/read/index.ts";
import type { JsonValue } from "../../../src/lib/json.ts";
import { decodeParams } from "../../../src/query/index.ts";
import { History } from "../../index/history.ts";
import { NOW_MS, planRead } from "./run.ts";

const SCHEMA = `
node Doc { name: String @key
  kind: String?
  n: I32?
  v: Vector(4)?
  text: String? }
edge Cites: Doc -> Doc { page: I32? }
`;

const vector = (...values: number[]) => Float32Array.from(values);

/** Five documents with vectors, ascending but for the last. */
function library(): History {
  const history = new History(SCHEMA);
  const type = history.node("Doc");
  const docs: [string, Float32Array | null, string, string][] = [
    ["d1", vector(0.1, 0.2, 0.3, 0.4), "a", "apple"],
    ["d2", vector(0.2, 0.3, 0.4, 0.5), "a", "apple pie"],
    ["d3", vector(0.3, 0.4, 0.5, 0.6), "b", "banana"],
    ["d4", vector(0.5, 0.6, 0.7, 0.8), "b", "cherry apple"],
    ["d5", vector(0.8, 0.7, 0.6, 0.5), "b", "date"],
    ["d6", null, "b", "apple apple"],
  ];
  const rows = docs.map(([name, v, kind, text], i) => history.row(type, name, { name, v, kind, text, n: i }));
  history.commit({ type, rows });
  return history;
}

async function names(
  history: History,
  body: string,
  params: Record<string, JsonValue> = {},
  declared = "$q: Vector(4)",
  embed?: (text: string) => Promise<Float32Array>,
) {
  const answers: unknown[][] = [];
  for (const checkpointed of [0, history.commits.length]) {
    const view = history.cache().view(history.state({ checkpointed }));
    const plan = planRead(`query q(${declared}) { ${body} }`, history.catalog);
    const parameters = decodeParams(plan.parameters, { q: [0.1, 0.2, 0.3, 0.4], ...params });
    const result = await executeRead(plan, parameters, view, { nowMs: NOW_MS, embed });
    answers.push(
      result
        .rows()
        .map((row) => Object.values(row))
        .map((row) => (row.length === 1 ? row[0] : row)),
    );
  }
  expect(answers[1]).toEqual(answers[0]);
  return answers[0];
}

describe("nearest", () => {
  it("puts the closest first and leaves out what has no vector", async () => {
    const body = "match { $d: Doc } return { $d } order { nearest($d.v, $q) } limit 9";
    expect(await names(library(), body)).toEqual(["d1", "d2", "d3", "d4", "d5"]);
  });

  it("39: ranks the matching rows, not what is left of the nearest of all", async () => {
    for (const clause of ['$d: Doc { kind: "b" }', '$d: Doc $d.kind = "b"', "$d: Doc $d.n >= 2"]) {
      const body = `match { ${clause} } return { $d } order { nearest($d.v, $q) } limit 3`;
      expect(await names(library(), body)).toEqual(["d3", "d4", "d5"]);
    }
  });

  it("breaks ties by further keys, then by id", async () => {
    const history = library();
    const type = history.node("Doc");
    const v = vector(0.1, 0.2, 0.3, 0.4);
    history.commit({
      type,
      rows: ["x", "w"].map((name, i) => history.row(type, name, { name, v, n: 9 - i })),
    });
    const by = (keys: string) => names(history, `match { $d: Doc } return { $d } order { ${keys} } limit 3`);
    expect(await by("nearest($d.v, $q)")).toEqual(["d1", "w", "x"]);
    expect(await by("nearest($d.v, $q), $d.n desc")).toEqual(["x", "w", "d1"]);
  });

  it("lets further keys choose between all that are as near as the last", async () => {
    const history = new History(SCHEMA);
    const type = history.node("Doc");
    const v = vector(1, 1, 1, 1);
    const rows = ["a", "b", "c"].map((name, n) => history.row(type, name, { name, v, n }));
    history.commit({ type, rows });
    const by = (keys: string, items = "$d") =>
      names(history, `match { $d: Doc } return { ${items} } order { ${keys} } limit 2`);
    expect(await by("nearest($d.v, $q)")).toEqual(["a", "b"]);
    expect(await by("nearest($d.v, $q), $d.n desc")).toEqual(["c", "b"]);
    expect(await by("nearest($d.v, $q), $d.n desc", "$d.kind, $d.n, count($d) as c")).toEqual([
      [null, 1, 1],
      [null, 0, 1],
    ]);
  });

  it("chooses as many entities as the limit says before they are counted", async () => {
    const body = "match { $d: Doc } return { count($d) as n } order { nearest($d.v, $q) } limit 2";
    expect(await names(library(), body)).toEqual([2]);
  });

  it("takes a text only where there is an embedding, and never null", async () => {
    const body = "match { $d: Doc } return { $d } order { nearest($d.v, $t) } limit 1";
    const embed = async (text: string) => (text === "last" ? vector(0.8, 0.7, 0.6, 0.5) : vector(0, 0, 0, 0));
    const ask = (t: string | null, by?: typeof embed) => names(library(), body, { t }, "$t: String?", by);
    expect(await ask("last", embed)).toEqual(["d5"]);
    expect(ask(null, embed)).rejects.toThrow("nearest query must be a string or list of floats");
  });

  it("43: keeps the rows of a document together, parallel edges by their ids", async () => {
    const history = library();
    const type = history.edge("Cites");
    const cite = (id: string, src: string, dst: string) => history.row(type, id, {}, src, dst);
    history.commit({
      type,
      rows: [cite("e4", "d2", "d1"), cite("e3", "d2", "d1"), cite("e2", "d1", "d5"), cite("e1", "d1", "d3")],
    });
    const body = (rank: string) =>
      `match { $d: Doc $d $w:cites $a } return { $d, $a } order { ${rank} } limit 4`;
    const expected = [
      ["d1", "d3"],
      ["d1", "d5"],
      ["d2", "d1"],
      ["d2", "d1"],
    ];
    expect(await names(history, body("nearest($d.v, $q)"))).toEqual(expected);
    expect(await names(history, body("rrf(nearest($d.v, $q), nearest($d.v, $q))"))).toEqual(expected);
  });
});

describe("rrf", () => {
  it("42: fuses two rankings, each cut at the limit", async () => {
    const body =
      "match { $d: Doc } return { $d } order { rrf(nearest($d.v, $q), nearest($d.v, $r)) } limit 3";
    const params = { r: [0.5, 0.6, 0.7, 0.8] };
    expect(await names(library(), body, params, "$q: Vector(4), $r: Vector(4)")).toEqual(["d3", "d1", "d4"]);
  });

  it("fuses a ranking of vectors with one of texts", async () => {
    const body =
      'match { $d: Doc } return { $d } order { rrf(nearest($d.v, $q), bm25($d.text, "apple")) } limit 9';
    // d6 leads the texts, then d1, d2, d4 (the shorter first); d1 leads the vectors.
    expect(await names(library(), body)).toEqual(["d1", "d2", "d4", "d6", "d3", "d5"]);
  });

  it("refuses a k that is no positive integer", async () => {
    const body =
      "match { $d: Doc } return { $d } order { rrf(nearest($d.v, $q), nearest($d.v, $q), $k) } limit 3";
    const ask = (k: number) => names(library(), body, { k }, "$q: Vector(4), $k: I64");
    expect(await ask(1)).toEqual(["d1", "d2", "d3"]);
    expect(ask(0)).rejects.toThrow("rrf k must be an integer greater than 0");
  });
});

describe("rank and text functions as return items", () => {
  it("44: give the scores, and order by their alias", async () => {
    const rrf = "rrf(nearest($d.v, $q), bm25($d.text, $t))";
    const body = `match { $d: Doc } return { $d, ${rrf} as s } order { s desc } limit 5`;
    const rows = await names(library(), body, { t: "apple" }, "$q: Vector(4), $t: String");
    const one = (...places: number[]) => places.reduce((sum, place) => sum + 1 / (60 + place), 0);
    // d1 to d5 by distance; d6, d1, d2, d4 by text.
    expect(rows).toEqual([
      ["d1", one(1, 2)],
      ["d2", one(2, 3)],
      ["d4", one(4, 4)],
      ["d6", one(1)],
      ["d3", one(3)],
    ]);
  });

  it("say the distance and the score beside the order by them", async () => {
    const order = (rank: string) => `match { $d: Doc } return { $d, ${rank} as s } order { ${rank} } limit 2`;
    const far = (await names(library(), order("nearest($d.v, $q)"))) as [string, number][];
    expect(far[0]).toEqual(["d1", 0]);
    expect(far[1][0]).toBe("d2");
    expect(far[1][1]).toBeCloseTo(0.04, 6);
    const good = (await names(library(), order('bm25($d.text, "apple")'))) as [string, number][];
    expect(good.map(([name]) => name)).toEqual(["d6", "d1"]);
    expect(good[0][1]).toBeGreaterThan(good[1][1]);
  });

  it("have a value for every row: no distance is null, no token is 0, no arm is 0", async () => {
    const clause = "match { $d: Doc $d.n >= 4 }";
    const fused = 'rrf(nearest($d.v, $q), bm25($d.text, "cherry"))';
    const items = `$d, bm25($d.text, "cherry"), ${fused} as f, nearest($d.v, $q) as far`;
    const rows = (await names(library(), `${clause} return { ${items} } order { $d.name }`)) as unknown[][];
    expect(rows.map(([name, score, fusion, far]) => [name, score, fusion, far === null])).toEqual([
      ["d5", 0, 1 / 61, false],
      ["d6", 0, 0, true],
    ]);
  });

  it("leave out what has no distance where the alias of one orders", async () => {
    const body = "match { $d: Doc } return { $d, nearest($d.v, $q) as far } order { far } limit 9";
    expect(((await names(library(), body)) as unknown[][]).map(([name]) => name)).toEqual([
      "d1",
      "d2",
      "d3",
      "d4",
      "d5",
    ]);
  });

  it("tell of each row whether its text is found", async () => {
    const items =
      'search($d.text, "PIES") as pie, fuzzy($d.text, "banena") as near, match_text($d.text, $t) as none';
    const body = `match { $d: Doc $d.n <= 2 } return { $d, ${items} } order { $d.name }`;
    expect(await names(library(), body, { t: null }, "$t: String?")).toEqual([
      ["d1", false, false, null],
      ["d2", true, false, null],
      ["d3", false, true, null],
    ]);
  });
});
