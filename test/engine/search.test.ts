// Search through the engine's door: the same answers from every process, before and after maintenance, on branches and in
// the past.

import { describe, expect, it } from "bun:test";
import type { Graph, ReadSelector } from "../../src/engine/graph.ts";
import { openGraph, openMaintenance } from "../../src/engine/index.ts";
import type { JsonValue } from "../../src/lib/json.ts";
import { expectRefused, ports, type TestGraph, testGraph } from "./support.ts";

const SCHEMA = `
node Note { slug: String @key  title: String @index  body: String?  mood: enum(calm, stormy)?  spot: Vector(2)? @index }
edge Cites: Note -> Note
`;

const NOTES = [
  {
    slug: "n1",
    title: "Introduction to GRAPH Networks",
    body: "Neural networks learn in layers.",
    mood: "calm",
    spot: [0, 0],
  },
  {
    slug: "n2",
    title: "Storms over the harbour",
    body: "The CAFÉ by the harbour: storm, storm, storm!",
    mood: "stormy",
    spot: [1, 0],
  },
  { slug: "n3", title: "graphing calculators", body: null, mood: null, spot: null },
  { slug: "n4", title: "ÜBER den Wolken", body: "Stürme und der Hafen", mood: "calm", spot: [3, 3] },
] as const;

async function library(): Promise<TestGraph> {
  const fixture = await testGraph(SCHEMA);
  await fixture.load(NOTES.map((data) => ({ type: "Note", data })));
  await fixture.load([{ edge: "Cites", from: "n1", to: "n2", data: {} }]);
  return fixture;
}

/** Slugs that a clause or an order leaves, from whatever graph. */
async function ask(
  graph: Graph,
  clause: string,
  tail = "order { $d.slug }",
  params: JsonValue = {},
  at: ReadSelector = {},
) {
  const declared = Object.keys(params ?? {})
    .map((name) => `$${name}: String?`)
    .join(", ");
  const source = `query q(${declared}) { match { $d: Note ${clause} } return { $d.slug as slug } ${tail} }`;
  const result = await graph.query({ source, params, ...at });
  return result.rows().map(({ slug }) => slug);
}

const SEARCHES: readonly (readonly [string, readonly string[]])[] = [
  ['search($d.title, "graph")', ["n1", "n3"]],
  ['search($d.title, "GRAPHS")', ["n1", "n3"]],
  ['search($d.title, "graph unheard")', ["n1", "n3"]],
  ['search($d.title, "unheard")', []],
  ['search($d.title, "to the of")', []],
  ['search($d.title, "")', []],
  ['search($d.title, "uber wolken")', ["n4"]],
  ['search($d.body, "cafe")', ["n2"]],
  ['search($d.body, "Cafe\u0301")', ["n2"]],
  ['search($d.mood, "STORMY seas")', ["n2"]],
  ['match_text($d.body, "layers networks")', ["n1"]],
  ['fuzzy($d.title, "Introductio", 2)', ["n1"]],
  ['fuzzy($d.title, "INTRODUCTIO")', ["n1"]],
  ['fuzzy($d.body, "nural", 1)', ["n1"]],
  ['fuzzy($d.body, "nural", 0)', []],
  ['search($d.title, "graph") search($d.body, "layers")', ["n1"]],
  ['search($d.title, "graph") = false', ["n2", "n4"]],
  ['false != search($d.title, "graph")', ["n1", "n3"]],
  ['not { search($d.body, "harbour") }', ["n1", "n3", "n4"]],
  ['$d cites $e search($e.title, "STORM")', ["n1"]],
  ['not { $e cites $d search($e.title, "graph") }', ["n1", "n3", "n4"]],
];
const RANKED: readonly (readonly [string, string, readonly string[]])[] = [
  ["", 'order { bm25($d.body, "HARBOUR storms") }', ["n2"]],
  ["", 'order { bm25($d.title, "graph storm") asc }', ["n2", "n3", "n1"]],
  ["", 'order { bm25($d.title, "graph storm") desc } limit 2', ["n2", "n3"]],
  ['search($d.body, "layers")', 'order { bm25($d.title, "graphs") }', ["n1"]],
  ["", "order { nearest($d.spot, [1.0, 0.0]) } limit 9", ["n2", "n1", "n4"]],
  ['$d.mood = "calm"', "order { nearest($d.spot, [1.0, 0.0]) } limit 1", ["n1"]],
  ["", "order { nearest($d.spot, [1.0, 0.0]) } limit 0", []],
  ["", 'order { rrf(nearest($d.spot, [3.0, 3.0]), bm25($d.title, "graph")) } limit 3', ["n1", "n4", "n3"]],
];

async function expectAll(graph: Graph, at: ReadSelector = {}): Promise<void> {
  for (const [clause, expected] of SEARCHES) {
    expect<unknown>([clause, await ask(graph, clause, "order { $d.slug }", {}, at)]).toEqual([
      clause,
      expected,
    ]);
  }
  for (const [clause, order, expected] of RANKED) {
    expect<unknown>([clause, order, await ask(graph, clause, order, {}, at)]).toEqual([
      clause,
      order,
      expected,
    ]);
  }
}

describe("search", () => {
  it("finds and ranks the same before and after optimize, after a restart, and in a process that lives on", async () => {
    const fixture = await library();
    const { storage } = fixture;
    const resident = await openGraph({ storage, ports, resident: true });
    await expectAll(fixture.graph);
    await expectAll(resident);
    await expectAll(await fixture.reopen());
    const maintenance = await openMaintenance({ storage, ports });
    await maintenance.optimize();
    await maintenance.close();
    await expectAll(fixture.graph);
    await expectAll(resident);
    await expectAll(await fixture.reopen());
  });

  it("sees what was written a moment ago, and no more what was replaced or deleted", async () => {
    const fixture = await library();
    const { graph } = fixture;
    const titles = (text: string, at: ReadSelector = {}) =>
      ask(graph, `search($d.title, "${text}")`, "order { $d.slug }", {}, at);
    expect(await titles("graph")).toEqual(["n1", "n3"]);
    const before = (await graph.commits())[0].graph_commit_id;
    await fixture.mutate('insert Note { slug: "n5", title: "More GRAPHS" }');
    await fixture.mutate('update Note set { title: "Sailing" } where slug = "n1"');
    expect(await titles("graph")).toEqual(["n3", "n5"]);
    expect(await ask(graph, "", 'order { bm25($d.title, "graph sailing") }')).toEqual(["n1", "n5", "n3"]);
    await fixture.mutate('delete Note where slug = "n3"');
    expect(await titles("graph")).toEqual(["n5"]);
    expect(await titles("calculator")).toEqual([]);
    expect(await ask(graph, 'fuzzy($d.title, "calculatr")')).toEqual([]);
    // The past is as it was.
    expect(await titles("graph", { snapshot: before })).toEqual(["n1", "n3"]);
    await expectAll(graph, { snapshot: before });
  });

  it("goes by the statistics of the branch that is read", async () => {
    const fixture = await library();
    const { graph } = fixture;
    await graph.createBranch({ name: "draft", actor: null });
    const draft = { branch: "draft" };
    const order = 'order { bm25($d.title, "graph storm") }';
    expect(await ask(graph, "", order, {}, draft)).toEqual(["n2", "n3", "n1"]);
    // On the branch `storm` becomes common, so that `graph` says more.
    for (const slug of ["s1", "s2", "s3"]) {
      await fixture.mutate(`insert Note { slug: "${slug}", title: "storm storm storm again" }`, {}, "draft");
      await fixture.mutate(`update Note set { title: "calm" } where slug = "${slug}"`, {}, "draft");
      await fixture.mutate(
        `insert Note { slug: "${slug}b", title: "a storm of words, and many of them" }`,
        {},
        "draft",
      );
    }
    const onDraft = await ask(graph, "", order, {}, draft);
    expect(onDraft.slice(0, 2)).toEqual(["n3", "n1"]);
    expect(await ask(await fixture.reopen(), "", order, {}, draft)).toEqual(onDraft);
    await expectAll(graph);
    await graph.merge({ source: "draft", actor: null });
    expect(await ask(graph, "", order)).toEqual(onDraft);
    expect(await ask(await fixture.reopen(), "", order)).toEqual(onDraft);
  });

  it("matches nothing by null, and ranks by nothing but a text", async () => {
    const { graph } = await library();
    for (const call of [
      "search($d.title, $q)",
      "match_text($d.title, $q)",
      "fuzzy($d.title, $q)",
      "search($d.title, $q) = false",
    ]) {
      expect(await ask(graph, call, "", { q: null })).toEqual([]);
    }
    const by = (order: string) => ask(graph, "", `order { ${order} } limit 1`, { q: null });
    await expectRefused(by("bm25($d.title, $q)"), 400, "query must resolve to a string");
    await expectRefused(by("nearest($d.spot, $q)"), 400, "nearest query must be a string or list of floats");
  });

  it("38: refuses nearest without a limit, with another width, and in another direction", async () => {
    const { graph } = await library();
    const by = (order: string) => ask(graph, "", order);
    await expectRefused(by("order { nearest($d.spot, [1.0, 0.0]) }"), 400, "type error: T17");
    await expectRefused(by("order { nearest($d.spot, [1.0]) } limit 1"), 400, "type error: T15");
    await expectRefused(by("order { nearest($d.title, [1.0, 0.0]) } limit 1"), 400, "type error: T15");
    await expectRefused(by("order { nearest($d.spot, [1.0, 0.0]) desc } limit 1"), 400, "parse error: ");
    const source =
      "query q($q: Vector(2)) { match { $d: Note } return { $d } order { nearest($d.spot, $q) } limit 1 }";
    for (const [q, phrase] of [
      [[1], "expected 2 values for Vector(2), got 1"],
      [[1, "x"], "vector element is not numeric"],
      [[1, null], "vector element is not numeric"],
      ["1, 0", "expected array for Vector(2)"],
      [null, "null is not accepted for non-nullable parameter"],
    ] as const) {
      await expectRefused(graph.query({ source, params: { q } }), 400, `param 'q': ${phrase}`);
    }
    await expectRefused(graph.query({ source }), 400, "parameter 'q' not provided");
  });

  it("40: keeps the order of many results, without what has no vector", async () => {
    const fixture = await testGraph(SCHEMA);
    const count = 8_193;
    const slug = (i: number) => `s${String(i).padStart(5, "0")}`;
    // Neighbours in order are far apart in the file.
    const data = Array.from({ length: count }, (_, i) => ({
      slug: slug(i),
      title: "spot",
      spot: [(i * 4_001) % count, 0],
    }));
    const blank = { slug: "none", title: "spot", spot: null };
    await fixture.load([...data, blank].map((note) => ({ type: "Note", data: note })));
    const sorted = data.toSorted((a, b) => a.spot[0] - b.spot[0]).map((note) => note.slug);
    const order = "order { nearest($d.spot, [0.0, 0.0]) }";
    for (const graph of [fixture.graph, fixture.graph, await fixture.reopen()]) {
      expect(await ask(graph, "", `${order} limit 9000`)).toEqual(sorted);
      expect(await ask(graph, "", `${order} limit 8193`)).toEqual(sorted);
      expect(await ask(graph, "", `${order} limit 11`)).toEqual(sorted.slice(0, 11));
    }
  });
});
