// Queries at a snapshot after the schema changed (spec 03 §5, decision 31).

import { describe, expect, it } from "bun:test";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { openMaintenance } from "../../src/engine/maintenance/index.ts";
import { decodeAccepted } from "../../src/schema/index.ts";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { openStore } from "../../src/store/index.ts";
import { quickPorts } from "../store/support.ts";
import { expectRefused, over, ports, testGraph, text } from "./support.ts";

const FLEET = `node Ship { imo: String @key  flag: String?  state: enum(laid_up, trading)? }
node Port { code: String @key }
edge CallsAt: Ship -> Port { berth: String? }
`;

/** A fleet, and the commit that it had before its schema changed. */
async function fleet() {
  const fixture = await testGraph(FLEET);
  await fixture.load([
    { type: "Ship", data: { imo: "IMO1", flag: "NO", state: "trading" } },
    { type: "Ship", data: { imo: "IMO2" } },
    { type: "Port", data: { code: "NLRTM" } },
    { edge: "CallsAt", from: "IMO1", to: "NLRTM", data: { berth: "7" } },
  ]);
  const [{ graph_commit_id: snapshot }] = await fixture.graph.commits();
  const apply = (source: string, allowDataLoss = false) =>
    fixture.graph.applySchema({ source, actor: null, allowDataLoss });
  const past = (query: string, params = {}) => fixture.rows(query, params, { snapshot });
  return { ...fixture, snapshot, apply, past };
}

describe("a query at a snapshot", () => {
  it("reads properties added since as null, wherever it uses them", async () => {
    const { apply, past, mutate, snapshot, rows, reopen } = await fleet();
    await apply(
      FLEET.replace("flag: String?", "flag: String?  crew: I32?  names: [String]?").replace(
        "berth: String?",
        "berth: String?  pilot: String?",
      ),
    );
    await mutate('update Ship set { crew: 12 } where imo = "IMO1"');
    expect(await past('match { $s: Ship { imo: "IMO1" } } return { $s.crew, $s.names, $s.flag }')).toEqual([
      { "s.crew": null, "s.names": null, "s.flag": "NO" },
    ]);
    expect(await past("match { $s: Ship { crew: 12 } } return { $s.imo }")).toEqual([]);
    expect(await past("match { $s: Ship } return { max($s.crew) as m, count($s) as n }")).toEqual([
      { m: null, n: 2 },
    ]);
    expect(await past("match { $s: Ship } return { $s.imo } order { $s.crew desc, $s.imo }")).toEqual([
      { "s.imo": "IMO1" },
      { "s.imo": "IMO2" },
    ]);
    expect(await past("match { $s: Ship $s $c:callsAt $p } return { $c.pilot, $c.berth }")).toEqual([
      { "c.pilot": null, "c.berth": "7" },
    ]);
    expect(await rows("match { $s: Ship { crew: 12 } } return { $s.imo }")).toEqual([{ "s.imo": "IMO1" }]);
    // In another process, whose caches know nothing.
    const source = "query q() { match { $s: Ship { crew: 12 } } return { $s } }";
    expect((await (await reopen()).query({ source, snapshot })).rowCount).toBe(0);
  });

  it("finds types and properties renamed since under their new names, and under those of the snapshot", async () => {
    const { apply, past, rows } = await fleet();
    await apply(`node Vessel @rename_from("Ship") { imo: String @key  colours: String? @rename_from("flag")  state: enum(laid_up, trading)? }
node Port { code: String @key }
edge Visits: Vessel -> Port @rename_from("CallsAt") { berth: String? }
`);
    for (const query of [
      'match { $v: Vessel { colours: "NO" } $v visits $p } return { $v.imo as imo, $p.code as port }',
      'match { $v: Ship { flag: "NO" } $v callsAt $p } return { $v.imo as imo, $p.code as port }',
      'match { $v: Vessel { flag: "NO" } $v callsAt $p } return { $v.imo as imo, $p.code as port }',
    ]) {
      expect(await past(query)).toEqual([{ imo: "IMO1", port: "NLRTM" }]);
    }
    await expectRefused(rows("match { $s: Ship } return { $s }"), 400, "type error");
  });

  it("reads what was dropped since, at snapshots that had it", async () => {
    const { apply, past, rows } = await fleet();
    await apply("node Ship { imo: String @key  state: enum(laid_up, trading)? }\n");
    expect(await past('match { $s: Ship { flag: "NO" } $s callsAt $p } return { $p.code }')).toEqual([
      { "p.code": "NLRTM" },
    ]);
    await expectRefused(rows("match { $p: Port } return { $p }"), 400, "type error");
    // The name again is something else: values that came back are not the old ones.
    await apply("node Ship { imo: String @key  flag: String?  state: enum(laid_up, trading)? }\n");
    expect(await past('match { $s: Ship { imo: "IMO1" } } return { $s.flag }')).toEqual([{ "s.flag": "NO" }]);
    expect(await rows('match { $s: Ship { imo: "IMO1" } } return { $s.flag }')).toEqual([{ "s.flag": null }]);
  });

  it("does not take a type for the one that had its name, nor a new one for an old", async () => {
    const { apply, past, load, rows, graph, snapshot } = await fleet();
    await apply("node Port { code: String @key }\n");
    await apply(`${FLEET}node Crew { name: String @key }\n`);
    await load([{ type: "Ship", data: { imo: "IMO9" } }]);
    await expectRefused(
      past("match { $s: Ship } return { $s.imo }"),
      400,
      "node type 'Ship' does not exist at this snapshot",
    );
    await expectRefused(
      past("match { $p: Port $s callsAt $p } return { $p.code }"),
      400,
      "does not exist at this snapshot",
    );
    await expectRefused(
      past("match { $c: Crew } return { $c }"),
      400,
      "node type 'Crew' does not exist at this snapshot",
    );
    expect(await past("match { $p: Port } return { $p.code }")).toEqual([{ "p.code": "NLRTM" }]);
    expect(await rows("match { $s: Ship } return { $s.imo }")).toEqual([{ "s.imo": "IMO9" }]);
    const exported = await text(await graph.export({ snapshot }));
    expect(exported.trimEnd().split("\n")).toHaveLength(4);
  });

  it("does not take a property for the one that had its name under the very same schema text", async () => {
    const { apply, past, rows, graph, load } = await fleet();
    const flags = 'match { $s: Ship { imo: "IMO1" } } return { $s.flag }';
    await apply(FLEET.replace("flag: String?", ""));
    await apply(FLEET);
    await load([{ type: "Ship", data: { imo: "IMO2", flag: "DK" } }]);
    const [{ graph_commit_id: again }] = await graph.commits();
    await apply(`${FLEET}node Crew { name: String @key }\n`);
    // One process, one text: what was found for one commit must not be what is read at another.
    expect(await past(flags)).toEqual([{ "s.flag": "NO" }]);
    expect(await rows(flags, {}, { snapshot: again })).toEqual([{ "s.flag": null }]);
    expect(await past(flags)).toEqual([{ "s.flag": "NO" }]);
    expect(await rows(flags)).toEqual([{ "s.flag": null }]);
  });

  it("knows an enum as wide as it is now", async () => {
    const { apply, past } = await fleet();
    await apply(FLEET.replace("laid_up, trading", "laid_up, scrapped, trading"));
    expect(await past('match { $s: Ship { state: "trading" } } return { $s.imo }')).toEqual([
      { "s.imo": "IMO1" },
    ]);
    expect(await past('match { $s: Ship { state: "scrapped" } } return { $s.imo }')).toEqual([]);
  });

  it("still says which names mean nothing", async () => {
    const { apply, past } = await fleet();
    await apply(FLEET.replace("flag: String?", "flag: String?  crew: I32?"));
    await expectRefused(past("match { $s: Boat } return { $s }"), 400, "type error: T1");
    await expectRefused(past("match { $s: Ship } return { $s.nope }"), 400, "type error: T6");
  });
});

describe("a hard drop", () => {
  const WITHOUT_FLAG = FLEET.replace("flag: String?", "");

  it("makes a property unreadable at every commit, and nothing else", async () => {
    const { apply, past, graph, snapshot, reopen, rows } = await fleet();
    const applied = await apply(WITHOUT_FLAG, true);
    expect(applied.steps).toEqual([
      {
        kind: "drop_property",
        type_kind: "node",
        type_name: "Ship",
        property_name: "flag",
        mode: "hard",
      },
    ]);
    const read = "match { $s: Ship } return { $s.imo, $s.state } order { $s.imo }";
    const flags = [
      "match { $s: Ship } return { $s.flag }",
      'match { $s: Ship { flag: "NO" } } return { $s.imo }',
      'match { $s: Ship $s.flag != "NO" } return { $s.imo }',
      'match { $s: Ship search($s.flag, "no") } return { $s.imo }',
      'match { $s: Ship not { $s.flag = "NO" } } return { $s.imo }',
      "match { $s: Ship } return { $s.imo } order { $s.flag }",
      'match { $s: Ship } return { $s.imo } order { bm25($s.flag, "no") } limit 1',
      "match { $s: Ship } return { count($s.flag) as n }",
    ];
    for (const reader of [graph, await reopen()]) {
      const at = (query: string) => reader.query({ source: `query q() { ${query} }`, snapshot });
      expect((await at(read)).rows()).toEqual([
        { "s.imo": "IMO1", "s.state": "trading" },
        { "s.imo": "IMO2", "s.state": null },
      ]);
      const exported = await text(await reader.export({ snapshot }));
      expect(exported).toContain('{"type":"Ship","data":{"id":"IMO1","imo":"IMO1","state":"trading"}}');
      expect(exported).not.toContain("flag");
      expect((await reader.snapshot({ snapshot })).datasets).toHaveLength(3);
    }
    for (const query of flags) {
      await expectRefused(past(query), 410, "property 'Ship.flag' was dropped with its data");
    }
    await expectRefused(rows("match { $s: Ship } return { $s.flag }"), 400, "type error: T6");
  });

  it("lasts whatever happens to the name afterwards", async () => {
    const { apply, past, rows, mutate } = await fleet();
    await apply(WITHOUT_FLAG, true);
    await apply(FLEET);
    await mutate('update Ship set { flag: "SE" } where imo = "IMO2"');
    await expectRefused(past("match { $s: Ship } return { $s.flag }"), 410, "reclaimed");
    expect(await rows("match { $s: Ship } return { $s.flag } order { $s.imo }")).toEqual([
      { "s.flag": null },
      { "s.flag": "SE" },
    ]);
    // A soft drop after a hard one leaves what it drops readable.
    await apply(FLEET.replace("state: enum(laid_up, trading)?", ""));
    expect(await past('match { $s: Ship { imo: "IMO1" } } return { $s.state }')).toEqual([
      { "s.state": "trading" },
    ]);
    await expectRefused(past("match { $s: Ship } return { $s.flag }"), 410, "reclaimed");
  });

  it("of a type takes it and its edges from every commit", async () => {
    const { apply, past, graph, snapshot } = await fleet();
    await apply("node Port { code: String @key }\n", true);
    await expectRefused(past("match { $s: Ship } return { $s.imo }"), 410, "node type 'Ship' was dropped");
    await expectRefused(past("match { $s callsAt $p } return { $p.code }"), 410, "was dropped with its data");
    expect(await past("match { $p: Port } return { $p.code }")).toEqual([{ "p.code": "NLRTM" }]);
    expect(await text(await graph.export({ snapshot }))).toBe(
      '{"type":"Port","data":{"id":"NLRTM","code":"NLRTM"}}\n',
    );
    await expectRefused(graph.export({ snapshot, typeNames: ["Ship"] }), 400, "unknown export type 'Ship'");
    expect((await graph.snapshot({ snapshot })).datasets.map((type) => type.type_name)).toEqual(["Port"]);
  });

  it("of a node type whose edges were dropped before takes those edges too", async () => {
    const { apply, past, graph, snapshot } = await fleet();
    await apply(FLEET.split("\n").slice(0, 2).join("\n"));
    expect(await past("match { $s callsAt $p } return { $p.code }")).toEqual([{ "p.code": "NLRTM" }]);
    await apply("node Port { code: String @key }\n", true);
    await expectRefused(past("match { $s callsAt $p } return { $p.code }"), 410, "was dropped with its data");
    expect(await text(await graph.export({ snapshot }))).not.toContain("CallsAt");
  });

  it("takes values written under an older name", async () => {
    const { apply, past } = await fleet();
    await apply(FLEET.replace("flag: String?", 'colours: String? @rename_from("flag")'));
    await apply(WITHOUT_FLAG, true);
    for (const name of ["flag", "colours"]) {
      const error = past(`match { $s: Ship } return { $s.${name} }`);
      await expectRefused(error, name === "flag" ? 410 : 400, name === "flag" ? "reclaimed" : "T6");
    }
  });

  it("leaves the columns of the head's segments without the values", async () => {
    const { apply, graph, storage, load, rows, mutate } = await fleet();
    // Enough rows for a segment.
    const ships = Array.from({ length: 3000 }, (_, i) => ({
      type: "Ship",
      data: { imo: `S${i}`, flag: "a flag that nobody must see again", state: "trading" },
    }));
    await load(ships);
    await mutate('update Ship set { flag: "x" } where imo = "S1"');
    await apply(WITHOUT_FLAG, true);
    expect(await rows("match { $s: Ship } return { count($s) as n }")).toEqual([{ n: 3002 }]);
    const store = await openStore(storage, ports, { decodeSchema: decodeAccepted });
    const { catalog, checkpoint } = await store.branch("main").head();
    const [flag] = catalog.purged;
    const held = [...checkpoint.types.values()].flatMap(({ segments }) => segments);
    expect(held.length).toBeGreaterThan(0);
    for (const { segment } of held) expect(segment.columns).not.toContain(flag);
    await graph.close();
  });

  it("lets cleanup free the bytes, however the values were stored", async () => {
    const bucket = new MemoryBucket();
    const clock = quickPorts(7_000);
    const storage = memoryStorage(clock, { bucket });
    await initGraph({ storage, ports: clock, schemaSource: FLEET });
    const { graph, load, mutate, rows } = over(storage, await openGraph({ storage, ports: clock }));
    const ship = (no: number) => ({ type: "Ship", data: { imo: `S${no}`, flag: `SECRET${no}` } });
    await load(Array.from({ length: 3000 }, (_, no) => ship(no)));
    await mutate('update Ship set { flag: "SECRET-S7" } where imo = "S7"');
    const isSpoken = () =>
      [...bucket.objects.values()].some(({ bytes }) => Buffer.from(bytes).includes("SECRET"));
    await graph.applySchema({ source: WITHOUT_FLAG, allowDataLoss: true, actor: null });
    await mutate('update Ship set { state: "trading" } where imo = "S8"');
    expect(isSpoken()).toBe(true);
    const keeper = await openMaintenance({ storage, ports: clock });
    for (let pass = 0; pass < 2; pass++) {
      clock.advance(3 * 3_600_000);
      await keeper.cleanup({ keep: 1 });
    }
    expect(isSpoken()).toBe(false);
    expect(await rows("match { $s: Ship } return { count($s) as n }")).toEqual([{ n: 3000 }]);
    expect(await rows('match { $s: Ship { imo: "S8" } } return { $s.state }')).toEqual([
      { "s.state": "trading" },
    ]);
  });

  it("tells no changes of what it took", async () => {
    const { apply, graph, mutate } = await fleet();
    await mutate('update Ship set { flag: "SE" } where imo = "IMO1"');
    const [flagged] = await graph.commits();
    await mutate('update Ship set { flag: "DK", state: "laid_up" } where imo = "IMO1"');
    const [both] = await graph.commits();
    await apply(WITHOUT_FLAG, true);
    expect((await graph.commitChanges({ commit: flagged.graph_commit_id })).changes).toEqual([]);
    const { changes } = await graph.commitChanges({ commit: both.graph_commit_id });
    expect(changes).toMatchObject([{ before: { properties: { state: "trading" } }, op: "update" }]);
    expect(JSON.stringify(changes)).not.toContain("flag");
  });
});
