// Loads that may hold next to nothing in memory: what they write is what a load with room enough writes.

import { describe, expect, it } from "bun:test";
import { BlobIntake, externalPolicy } from "../../../src/engine/blob/index.ts";
import { CommitWriter } from "../../../src/engine/commit-writer.ts";
import type { LoadReader } from "../../../src/engine/graph.ts";
import { load } from "../../../src/engine/load/load.ts";
import type { MemoryLimits } from "../../../src/engine/load/row-memory.ts";
import type { LoadMode } from "../../../src/engine/outputs.ts";
import { ImageCache } from "../../../src/index/index.ts";
import { canonicalKeyText, decodeAccepted } from "../../../src/schema/index.ts";
import { openStore } from "../../../src/store/index.ts";
import { expectRefused, ndjson, ports, refusal, type TestGraph, testGraph, text } from "../support.ts";

const SCHEMA = `
node City { name: String @key  size: I32? }
node Note { text: String  mail: String?  @unique(mail) }
node Day { day: Date @key }
edge Road: City -> City @card(0..3) { lanes: I32? }
edge Seen: Day -> City { by: String? }
`;

const TIGHT: MemoryLimits = { rows: 4, bytes: 1 << 30 };

/** Loads into a graph, as a process would that may hold no more than the limits. */
async function tightLoad(
  { storage }: TestGraph,
  lines: readonly (object | string)[],
  mode: LoadMode,
  { limits = TIGHT, reader = "strict" as LoadReader } = {},
) {
  const store = await openStore(storage, ports, { decodeSchema: decodeAccepted });
  const images = new ImageCache(store, { resident: false, keyText: canonicalKeyText });
  const blobs = new BlobIntake({ storage, ports, policy: externalPolicy([]), probe: async () => {} });
  const writer = new CommitWriter(store, images, ports, async () => {});
  const engine = { store, ports, writer, blobs, authorize: () => {}, limits };
  // Many small chunks, so that rows are written out while more come in.
  const data = async function* () {
    for (const line of lines) yield* ndjson([line]);
  };
  const output = await load({ data, mode, reader, actor: null }, engine);
  const state = await store.branch("main").head();
  const changes = state.tail.at(-1)?.changes ?? [];
  const segments = (type: string) => {
    const { nodes, edges } = state.catalog;
    const id = (nodes.get(type) ?? edges.get(type))?.id;
    return changes.find((change) => change.type === id)?.segments ?? [];
  };
  return { output, segments };
}

const city = (name: string, size: number | null = null) => ({ type: "City", data: { name, size } });
const road = (id: string, from: string, to: string, lanes: number) => ({
  edge: "Road",
  from,
  to,
  data: { id, lanes },
});

async function roadsOf({ graph }: TestGraph): Promise<string[]> {
  const exported = await text(await graph.export({ typeNames: ["Road"] }));
  return exported
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map(({ from, to, data }) => `${data.id} ${from} ${to}`);
}

describe("a load that holds few rows", () => {
  it("writes a segment whenever a type has as many as it may hold", async () => {
    const fixture = await testGraph(SCHEMA);
    const cities = Array.from({ length: 19 }, (_, i) => city(`c${(i * 7) % 19}`, i));
    const { output, segments } = await tightLoad(fixture, cities, "overwrite");
    expect(output.total_entities).toBe(19);
    expect(segments("City").map(({ rows }) => rows)).toEqual([4, 4, 4, 4, 3]);
    expect(await fixture.rows("match { $c: City } return { count($c) as n, sum($c.size) as s }")).toEqual([
      { n: 19, s: 171 },
    ]);
    expect(await fixture.rows('match { $c: City { name: "c7" } } return { $c.size }')).toEqual([
      { "c.size": 1 },
    ]);
  });

  it("counts the bytes of all types together, and writes out the largest", async () => {
    const fixture = await testGraph(SCHEMA);
    const long = "x".repeat(1000);
    const lines = Array.from({ length: 8 }, (_, i) => [
      city(`c${i}`),
      { type: "Note", data: { text: long, mail: `m${i}` } },
    ]).flat();
    const limits = { rows: 1000, bytes: 3500 };
    const { segments } = await tightLoad(fixture, lines, "append", { limits });
    expect(segments("Note").map(({ rows }) => rows)).toEqual([4, 4]);
    expect(segments("City")).toEqual([]);
  });

  it("lets the last line of an id win, wherever the others went", async () => {
    const fixture = await testGraph(SCHEMA);
    const note = (id: string, text: string) => ({ type: "Note", data: { id, text } });
    const lines = [
      ...["a", "b", "c", "d"].map((id) => note(id, "first")),
      note("b", "second"),
      ...["e", "f", "g"].map((id) => note(id, "first")),
      { type: "Note", data: { text: "nameless" } },
      note("b", "third"),
      note("e", "second"),
    ];
    const { output, segments } = await tightLoad(fixture, lines, "merge");
    expect(output.total_entities).toBe(11);
    expect(segments("Note").map(({ rows }) => rows)).toEqual([3, 2, 3]);
    expect(await fixture.rows("match { $n: Note } return { $n.text } order { $n.text }")).toEqual(
      ["first", "first", "first", "first", "first", "nameless", "second", "third"].map((text) => ({
        "n.text": text,
      })),
    );
    // A segment of which nothing lasts is not named at all.
    const all = [1, 2, 3].flatMap((round) => ["a", "b", "c", "d"].map((id) => note(id, `${round}`)));
    const again = await tightLoad(fixture, all, "merge");
    expect(again.segments("Note").map(({ rows }) => rows)).toEqual([4]);
    expect(await fixture.rows('match { $n: Note { text: "3" } } return { count($n) as n }')).toEqual([
      { n: 4 },
    ]);
  });

  it("judges edges by where their last line puts them", async () => {
    const fixture = await testGraph(SCHEMA);
    const cities = ["a", "b", "c"].map((name) => city(name));
    // Four roads leave `a` on the way, and one leads nowhere; in the end neither is so.
    const lines = [
      ...cities,
      road("r1", "a", "b", 1),
      road("r2", "a", "b", 1),
      road("r3", "a", "nowhere", 1),
      road("r4", "a", "c", 1),
      road("r5", "b", "c", 1),
      road("r3", "b", "c", 2),
      road("r5", "c", "c", 2),
    ];
    await tightLoad(fixture, lines, "merge");
    expect(await roadsOf(fixture)).toEqual(["r1 a b", "r2 a b", "r3 b c", "r4 a c", "r5 c c"]);
    const tooMany = [...lines, road("r6", "a", "a", 1)];
    await expectRefused(
      tightLoad(fixture, tooMany, "merge"),
      400,
      "@card violation on edge Road: source 'a' has 4 edges (max 3)",
    );
  });

  it("refuses what two lines claim, also where one of them does not last", async () => {
    const fixture = await testGraph(SCHEMA);
    const note = (id: string, mail: string) => ({ type: "Note", data: { id, text: "x", mail } });
    for (const limits of [TIGHT, { rows: 1000, bytes: 1 << 30 }]) {
      const taken = [note("a", "m1"), note("b", "m2"), note("a", "m3"), note("c", "m1")];
      await expectRefused(
        tightLoad(fixture, taken, "merge", { limits }),
        400,
        "@unique violation on Note.mail: value 'm1' held by 'a' and 'c'",
      );
      await expectRefused(
        tightLoad(fixture, [note("a", "m1"), note("a", "m1")], "merge", { limits }),
        400,
        "line 2: @unique violation on Note.mail",
      );
    }
    // What a committed entity holds collides with the lines that last, and with no others.
    await fixture.load([note("old", "m1")]);
    await tightLoad(fixture, [note("a", "m1"), note("a", "m2")], "merge");
    await expectRefused(
      tightLoad(
        fixture,
        [note("b", "m3"), note("b", "m1"), { type: "Note", data: { text: "t", mail: "m9" } }],
        "merge",
      ),
      400,
      "value 'm1' held by 'b' and 'old'",
    );
    await fixture.load([note("nine", "m9")]);
    const folded = [note("b", "m3"), note("b", "m4"), { type: "Note", data: { text: "t", mail: "m9" } }];
    expect((await refusal(tightLoad(fixture, folded, "merge"))).message).toContain("value 'm9' held by");
  });

  it("respells the ends of edges that were written out before", async () => {
    const fixture = await testGraph(SCHEMA);
    const seen = (from: string, to: string) => ({ edge: "Seen", from, to });
    const lines = [
      city("a"),
      ...["2024-02-29", "19783", "2024-02-29", "19782", "19783", "2024-02-29"].map((day) => seen(day, "a")),
      { type: "Day", data: { id: "2024-02-29", day: 19782 } },
      { type: "Day", data: { day: "2024-03-01" } },
    ];
    const { segments } = await tightLoad(fixture, lines, "append", { reader: "permissive" });
    expect(segments("Seen").map(({ rows }) => rows)).toEqual([4, 2]);
    const exported = await text(await fixture.graph.export({ typeNames: ["Seen"] }));
    const days = exported.split("\n").map((line) => (line === "" ? "" : JSON.parse(line).from));
    expect(days.sort()).toEqual(["", "19782", "19782", "19782", "19782", "19783", "19783"]);
  });

  it("writes what a load with room enough writes, for any batch", async () => {
    let seed = 1;
    const next = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let round = 0; round < 12; round++) {
      const batch = Array.from({ length: 40 }, () =>
        next(3) === 0
          ? { type: "Note", data: { id: `n${next(9)}`, text: `t${next(1000)}` } }
          : {
              edge: "Seen",
              from: String(next(3)),
              to: `c${next(3)}`,
              data: { id: `e${next(12)}`, by: `${next(1000)}` },
            },
      );
      const base = [0, 1, 2].flatMap((i) => [city(`c${i}`), { type: "Day", data: { day: i } }]);
      const [tight, roomy] = [await testGraph(SCHEMA), await testGraph(SCHEMA)];
      const counts = [];
      for (const lines of [[...base, ...batch], batch.toReversed()]) {
        counts.push((await tightLoad(tight, lines, "merge")).output.total_entities);
        counts.push((await roomy.load(lines, "merge")).total_entities);
      }
      expect(counts).toEqual([46, 46, 40, 40]);
      expect(await text(await tight.graph.export({}))).toBe(await text(await roomy.graph.export({})));
    }
  });
});
