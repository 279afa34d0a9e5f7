import { describe, expect, it } from "bun:test";
import type { GraphView } from "../../src/index/index.ts";
import { TextSet } from "../../src/lib/text-set.ts";
import type { Row } from "../../src/store/index.ts";
import { Dice } from "../support/dice.ts";
import { type History, keyOf, type Layout, replay } from "./history.ts";
import { RandomHistory } from "./random-history.ts";

const byKey = (a: Row, b: Row) => (keyOf(a) < keyOf(b) ? -1 : 1);

function byId(numbers: readonly number[], table: { id(number: number): string }): number[] {
  const bytes = (number: number) => Buffer.from(table.id(number));
  return numbers.toSorted((a, b) => Buffer.compare(bytes(a), bytes(b)));
}

/** Everything that the resident readers say, spelled out. */
async function dump(view: GraphView): Promise<unknown> {
  await view.load(view.catalog.typeById.values());
  const nodes = [...view.catalog.nodes.values()].map((type) => {
    const table = view.nodes(type);
    const live = [...table.all()];
    expect(table.count).toBe(live.length);
    for (const number of live) expect(table.find(table.id(number))).toBe(number);
    expect([...table.allById()]).toEqual(byId(live, table));
    return live.map((number) => table.row(number)).sort(byKey);
  });
  const edges = [...view.catalog.edges.values()].map((type) => {
    const table = view.edges(type);
    const live = [...table.all()];
    expect(table.count).toBe(live.length);
    expect([...table.allById()]).toEqual(byId(live, table));
    const rows = live.map((number) => {
      const row = table.row(number);
      expect(table.sources.id(table.source(number))).toBe(row.src ?? "");
      expect(table.targets.id(table.target(number))).toBe(row.dst ?? "");
      return row;
    });
    const out = [...table.sources.all()].flatMap((node) => table.out(node).edges);
    const into = [...table.targets.all()].flatMap((node) => table.in(node).edges);
    expect(out.toSorted((a, b) => a - b)).toEqual(live);
    expect(into.toSorted((a, b) => a - b)).toEqual(live);
    return rows.sort(byKey);
  });
  return [...nodes, ...edges];
}

function expected(history: History, commits: number): unknown {
  const types = replay(history.commits.slice(0, commits));
  const all = [...history.catalog.nodes.values(), ...history.catalog.edges.values()];
  return all.map((type) => [...(types.get(type.id)?.values() ?? [])].sort(byKey));
}

const COMMITS = 12;

function layoutOf(dice: Dice, commits: number): Partial<Layout> {
  return {
    checkpointed: dice.below(commits + 1),
    commitsPerSegment: 1 + dice.below(4),
    tailSegments: dice.chance(0.3),
    rowsPerBatch: 1 + dice.below(4),
  };
}

describe("a view", () => {
  it("shows the same rows however they are laid out", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const dice = new Dice(seed);
      const history = new RandomHistory(dice, COMMITS);
      const view = history.cache().view(history.state(layoutOf(dice, COMMITS)));
      expect({ seed, rows: await dump(view) }).toEqual({ seed, rows: expected(history, COMMITS) });
    }
  });

  it("keeps its version while the branch moves on, with or without checkpoints between", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const dice = new Dice(seed);
      const history = new RandomHistory(dice, COMMITS);
      const cache = history.cache({ resident: dice.chance(0.5) });
      let checkpointed = 0;
      const views: GraphView[] = [];
      for (let commits = 0; commits <= COMMITS; commits++) {
        if (dice.chance(0.3)) checkpointed = dice.below(commits + 1);
        const view = cache.view(history.state({ ...layoutOf(dice, commits), checkpointed }, commits));
        if (dice.chance(0.7)) await dump(view);
        views.push(view);
      }
      for (const [commits, view] of views.entries()) {
        expect({ seed, commits, rows: await dump(view) }).toEqual({
          seed,
          commits,
          rows: expected(history, commits),
        });
      }
    }
  });

  it("travels to commits that the branch has left behind", async () => {
    const dice = new Dice(7);
    const history = new RandomHistory(dice, COMMITS);
    const cache = history.cache();
    await dump(cache.view(history.state({ checkpointed: COMMITS })));
    for (let commits = COMMITS - 1; commits >= 0; commits--) {
      const past = cache.view(history.state(layoutOf(dice, commits), commits));
      expect(await dump(past)).toEqual(expected(history, commits));
    }
    expect(await dump(cache.view(history.state({ checkpointed: COMMITS })))).toEqual(
      expected(history, COMMITS),
    );
  });

  it("stays what it was while what came after a base is folded into a new one", async () => {
    let folded = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const dice = new Dice(seed);
      const history = new RandomHistory(dice, COMMITS);
      const cache = history.cache({ resident: true, deltaRowsMin: 2 });
      const views = [cache.view(history.state({}, 0))];
      await dump(views[0]);
      for (let count = 1; count <= COMMITS; count++) {
        const view = cache.view(history.state({ checkpointed: dice.below(2) * 3 }, count));
        views.push(view);
        if (dice.chance(0.5)) expect(await dump(view)).toEqual(expected(history, count));
      }
      const type = history.node("A");
      await views[COMMITS].load([type]);
      if (views[COMMITS].nodes(type).base.length > 0) folded++;
      for (const [count, view] of views.entries()) expect(await dump(view)).toEqual(expected(history, count));
    }
    expect(folded).toBeGreaterThan(20);
  });

  it("of a branch that left another one starts from what is in memory", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const dice = new Dice(seed);
      const history = new RandomHistory(dice, COMMITS);
      const cache = history.cache();
      const main = cache.view(history.state({ checkpointed: 4 }, 8));
      await dump(main);
      const reads = history.segments.reads;
      const fork = cache.view(history.state({ checkpointed: 4 }, 8, "fork"));
      expect(await dump(fork)).toEqual(expected(history, 8));
      expect(history.segments.reads).toBe(reads);
      const further = cache.view(history.state({ checkpointed: 4 }, COMMITS, "fork"));
      expect(await dump(further)).toEqual(expected(history, COMMITS));
      expect(await dump(main)).toEqual(expected(history, 8));
    }
  });

  it("looks up entities without making their type resident", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const dice = new Dice(seed);
      const history = new RandomHistory(dice, COMMITS);
      const view = history.cache().view(history.state(layoutOf(dice, COMMITS)));
      const live = replay(history.commits);
      for (const type of history.catalog.nodes.values()) {
        const ids = ["a0", "a1", "a5", "b0", "b3", "nobody", "a1"];
        const rows = ids.map((id) => live.get(type.id)?.get(keyOf({ id, src: null, dst: null })) ?? null);
        expect(await view.lookupNodes(type, ids)).toEqual(rows);
        expect(await view.nodesExist(type, ids)).toEqual(rows.map((row) => row !== null));
        expect(view.changedAt(type)).toBe(
          history.commits.findLastIndex((commit) => commit.some((change) => change.type.id === type.id)) + 2,
        );
      }
      for (const type of history.catalog.edges.values()) {
        const edges = [...(live.get(type.id)?.values() ?? [])];
        const from = edges.filter((row) => row.src === "a1" || row.src === "b1").sort(byKey);
        expect((await view.lookupEdgesFrom(type, ["a1", "b1", "b1"])).sort(byKey)).toEqual(from);
        const triples = edges.map((row) => ({ src: row.src ?? "", dst: row.dst ?? "", id: row.id }));
        expect(
          await view.lookupEdgeTriples(type, [...triples, { src: "a1", dst: "a1", id: "none" }]),
        ).toEqual([...edges, null]);
      }
      for (const type of history.catalog.typeById.values()) expect(view.isResident(type)).toBe(false);
      for (const type of history.catalog.typeById.values()) {
        expect(await view.count(type)).toBe(live.get(type.id)?.size ?? 0);
      }
    }
  });

  it("finds edges by their ends", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const dice = new Dice(seed);
      const history = new RandomHistory(dice, COMMITS);
      const cache = history.cache({ resident: dice.chance(0.5) });
      const view = cache.view(history.state(layoutOf(dice, COMMITS)));
      const live = replay(history.commits);
      for (const type of history.catalog.edges.values()) {
        const edges = [...(live.get(type.id)?.values() ?? [])];
        const into = edges.filter((row) => row.dst === "a2" || row.dst === "b1").sort(byKey);
        expect((await view.lookupEdgesTo(type, ["a2", "b1", "b1"])).sort(byKey)).toEqual(into);
        const from = edges.filter((row) => row.src === "a2" || row.src === "b1").sort(byKey);
        expect((await view.lookupEdgesFrom(type, ["a2", "b1"])).sort(byKey)).toEqual(from);
      }
    }
  });

  it("finds edges by their ids, in what is stored first and then in what is in memory", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const dice = new Dice(seed);
      const history = new RandomHistory(dice, COMMITS);
      const resident = dice.chance(0.3);
      const view = history.cache({ resident }).view(history.state(layoutOf(dice, COMMITS)));
      const live = replay(history.commits);
      for (const type of history.catalog.edges.values()) {
        const edges = [...(live.get(type.id)?.values() ?? [])].filter((_, i) => i % 2 === 0).sort(byKey);
        const ids = new TextSet([...edges.map(({ id }) => id), "none"]);
        const withIds = [...(live.get(type.id)?.values() ?? [])].filter(({ id }) => ids.has(id)).sort(byKey);
        for (let time = 0; time < 2; time++) {
          expect((await view.lookupEdges(type, ids)).sort(byKey)).toEqual(withIds);
          expect(view.isResident(type)).toBe(resident);
        }
        const some = withIds.slice(0, 1);
        expect(await view.lookupEdges(type, new TextSet(some.map(({ id }) => id)))).toEqual(some);
        expect(view.isResident(type)).toBe(resident);
        const others = new TextSet([...ids, "another"]);
        expect((await view.lookupEdges(type, others)).sort(byKey)).toEqual(withIds);
        expect(view.isResident(type)).toBe(true);
      }
    }
  });

  it("reads only the batches that may hold what is sought", async () => {
    const history = new RandomHistory(new Dice(3), 0);
    const type = history.node("A");
    const rows = Array.from({ length: 1_000 }, (_, i) => {
      const k = `key${String(i).padStart(4, "0")}`;
      return history.row(type, k, { k, n: i });
    });
    history.commit({ type, rows });
    const view = history.cache().view(history.state({ checkpointed: 1, rowsPerBatch: 10 }));
    const [row] = await view.lookupNodes(type, ["key0567"]);
    expect(row?.id).toBe("key0567");
    expect(history.segments.reads).toBe(1);
    expect(await view.nodesExist(type, ["key0568", "zzz", ""])).toEqual([true, false, false]);
    expect(history.segments.reads).toBe(1);
    expect(await view.count(type)).toBe(1_000);
    expect(history.segments.reads).toBe(1);
  });

  it("counts what a load left behind without reading it", async () => {
    for (const replaced of [true, false]) {
      const history = new RandomHistory(new Dice(4), 0);
      const type = history.node("A");
      const rowsUpTo = (count: number) =>
        Array.from({ length: count }, (_, i) => history.row(type, `k${i}`, { k: `k${i}`, n: i }));
      history.commit({ type, replaced, rows: rowsUpTo(50) });
      const layout = { checkpointed: 0, tailSegments: true };
      expect(await history.cache().view(history.state(layout)).count(type)).toBe(50);
      history.commit({ type, replaced: true, rows: rowsUpTo(20) });
      const view = history.cache().view(history.state(layout));
      expect(await view.count(type)).toBe(20);
      expect([history.segments.reads, view.isResident(type)]).toEqual([0, false]);
      // What a later one adds may have been there.
      history.commit({ type, rows: rowsUpTo(30) });
      expect(await history.cache().view(history.state(layout)).count(type)).toBe(30);
    }
  });

  it("tells who holds a unique tuple", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const dice = new Dice(seed);
      const history = new RandomHistory(dice, COMMITS);
      const cache = history.cache();
      for (const commits of [5, COMMITS]) {
        const view = cache.view(history.state({ checkpointed: 3 }, commits));
        const live = [
          ...(replay(history.commits.slice(0, commits)).get(history.node("A").id)?.values() ?? []),
        ];
        const type = history.node("A");
        const n = type.properties.findIndex((property) => property.name === "n");
        const holders = await view.uniqueHolders(type, ["n"], ['["1"]', '["77"]', '["-1"]']);
        for (const value of [1, 77, -1]) {
          const ids = live.filter((row) => row.values[n] === value).map((row) => row.id);
          expect((holders.get(`["${value}"]`) ?? []).sort()).toEqual(ids.sort());
        }
      }
    }
  });

  it("lays a delta that has grown into a new base, unseen", async () => {
    const history = new RandomHistory(new Dice(1), 3);
    const a = history.node("A");
    const e = history.edge("E");
    const name = (i: number) => `n${String(i).padStart(5, "0")}`;
    const nodes = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) =>
        history.row(a, name(from + i), { k: name(from + i), n: i }),
      );
    const edges = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) =>
        history.row(e, `x${from + i}`, { w: i }, name(from + i), name(((from + i) * 7) % to)),
      );
    history.commit({ type: a, rows: nodes(0, 6_000) }, { type: e, rows: edges(0, 6_000) });
    history.commit({ type: a, rows: nodes(5_000, 9_000) }, { type: e, rows: edges(5_000, 9_000) });
    history.commit(
      {
        type: a,
        deletedNodes: [name(8_999)],
        rows: [history.row(a, "zz", { k: "zz" })],
      },
      {
        type: e,
        deletedEdges: [...(replay(history.commits).get(e.id)?.values() ?? [])]
          .filter((row) => row.src === name(8_999) || row.dst === name(8_999))
          .map((row) => ({ src: row.src ?? "", dst: row.dst ?? "", id: row.id })),
      },
    );
    const cache = history.cache({ resident: true });
    const views: GraphView[] = [];
    for (let commits = 3; commits <= 6; commits++) {
      const view = cache.view(history.state({}, commits));
      await view.load(history.catalog.typeById.values());
      views.push(view);
    }
    expect(views.map((view) => view.nodes(a).base.length > 6_000)).toEqual([false, false, true, true]);
    for (const [i, view] of views.entries()) expect(await dump(view)).toEqual(expected(history, i + 3));
  });
});
