import { describe, expect, it } from "bun:test";
import type { LoadMode, LoadOutput } from "../../../src/engine/outputs.ts";
import { encodeUtf8 } from "../../../src/lib/utf8.ts";
import { expectRefused, HARBOUR, refusal, type TestGraph, testGraph, text } from "../support.ts";

const CALENDAR = `
node Day { day: Date @key  mood: String?  rank: I32?  tags: [String]?  vec: Vector(2)?  kind: enum(work, rest)?  blob: Blob? }
node Slot { day: Date  no: U32  @key(day, no)  name: String? }
node Lamp { no: U32 @key }
node Note { text: String }
edge Next: Day -> Day { weight: F64? }
edge Lights: Lamp -> Slot
edge Marks: Note -> Day
`;

/** Loads text permissively, in chunks that cut it anywhere. */
function ingest(
  { graph }: TestGraph,
  source: string,
  mode: LoadMode = "merge",
  chunk = 7,
): Promise<LoadOutput> {
  const bytes = encodeUtf8(source);
  const data = async function* () {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.slice(at, at + chunk);
  };
  return graph.load({ data, mode, reader: "permissive", actor: null });
}

const lines = (...records: object[]) => records.map((record) => JSON.stringify(record)).join("\n");

describe("the records of a permissive load", () => {
  it("are JSON values one after the other, pretty-printed or not", async () => {
    const fixture = await testGraph(HARBOUR);
    const source = `
      {"type": "Port", "data": {
          "code": "NLRTM", "name": "Rot\\"ter{dam"
      }}{"type":"Port","data":{"code":"BEANR","name":"Antwerp é \\\\"}}\t
      [1]`;
    await expectRefused(ingest(fixture, source), 400, "record 3: expected 'type' or 'edge' field");
    const loaded = await ingest(fixture, source.slice(0, source.indexOf("[1]")));
    expect(loaded.total_entities).toBe(2);
    expect(await fixture.rows("match { $p: Port } return { $p.name } order { $p.name }")).toEqual([
      { "p.name": "Antwerp é \\" },
      { "p.name": 'Rot"ter{dam' },
    ]);
    expect((await ingest(fixture, " \n ")).total_entities).toBe(0);
  });

  it("may say more than is known, and twice: the last member counts", async () => {
    const fixture = await testGraph(HARBOUR);
    const loaded = await ingest(
      fixture,
      '{"type":"Nope","type":"Port","edge":"CallsAt","_rowid":1,"data":{"code":"A","code":"B","name":"x","src":1,"_tombstone":2}}' +
        '{"type":"Ship","data":{"imo":"IMO1","name":"Aurora"}}' +
        '{"type":5,"edge":"callsAT","from":"IMO1","to":"B","data":{"src":"x","id":7}}',
    );
    expect([loaded.nodes, loaded.edges]).toEqual([
      [
        { name: "Port", entities_loaded: 1 },
        { name: "Ship", entities_loaded: 1 },
      ],
      [{ name: "CallsAt", entities_loaded: 1 }],
    ]);
    expect(await fixture.rows("match { $s: Ship $s callsAt $p } return { $p }")).toEqual([{ p: "B" }]);
  });

  it.each([
    ["not-json", "invalid JSON at record 2: "],
    ['{"type":"Port"', "invalid JSON at record 2: "],
    ['"text', "invalid JSON at record 2: "],
    ["}", "invalid JSON at record 2: "],
    ['{"type":"Port" "data":{}}', "invalid JSON at record 2: "],
    ['"type"', "record 2: expected 'type' or 'edge' field"],
    ["{}", "record 2: expected 'type' or 'edge' field"],
    ['{"type":null,"edge":4}', "record 2: expected 'type' or 'edge' field"],
    ['{"edge":"CallsAt","to":"NLRTM"}', "record 2: edge missing 'from'"],
    ['{"edge":"CallsAt","from":"IMO9","to":7}', "record 2: edge missing 'to'"],
    ['{"type":"Port","data":null}', "record 2: field 'data' must be an object, got null"],
    ['{"type":"Boat"}', "record 2: unknown node type 'Boat'"],
    ['{"edge":"Sails","from":"a","to":"b"}', "record 2: unknown edge type 'Sails'"],
    [
      '{"type":"Port","data":{"code":"X"}}',
      "record 2: non-nullable property 'name' has null or invalid values",
    ],
  ])("are refused by number: %s", async (record, phrase) => {
    const fixture = await testGraph(HARBOUR);
    const first = '{"type":"Port","data":{"code":"NLRTM","name":"Rotterdam"}}';
    await expectRefused(ingest(fixture, `${first}\n${record}`), 400, phrase);
    expect(await fixture.graph.commits()).toHaveLength(1);
  });

  it("must be UTF-8", async () => {
    const { graph } = await testGraph(HARBOUR);
    const data = async function* () {
      yield new Uint8Array([0x20, 0xff]);
    };
    await expectRefused(
      graph.load({ data, mode: "merge", reader: "permissive", actor: null }),
      400,
      "invalid JSON at record 1: the text is not UTF-8",
    );
  });
});

describe("the values of a permissive load", () => {
  const day = (data: object) => lines({ type: "Day", data: { day: 1, ...data } });

  it("become null where the JSON type is wrong and the property nullable", async () => {
    const fixture = await testGraph(CALENDAR);
    await ingest(fixture, `${day({ mood: 5, kind: 7 }).slice(0, -2)},"rank":3.0}}`);
    expect(await fixture.rows("match { $d: Day } return { $d.mood, $d.rank, $d.kind }")).toEqual([
      { "d.mood": null, "d.rank": null, "d.kind": null },
    ]);
    await ingest(fixture, day({ rank: "3", mood: { deep: [1] } }));
    expect(await fixture.rows("match { $d: Day } return { $d.rank, $d.mood }")).toEqual([
      { "d.rank": null, "d.mood": null },
    ]);
  });

  it.each([
    [{ day: true }, "non-nullable property 'day' has null or invalid values"],
    [{ rank: 2_147_483_648 }, "exceeds Int32 range"],
    [{ vec: [1] }, "vector property 'vec' expects 2 dimensions, got 1"],
    [{ vec: [1, null] }, "vector property 'vec' elements must be numeric"],
    [{ vec: "x" }, "vector property 'vec' expects a JSON array"],
    [{ tags: "a" }, "list property 'tags' expects a JSON array"],
    [{ tags: ["a", null] }, "list property 'tags' contains a null or invalid item"],
    [{ tags: [1] }, "list property 'tags' contains a null or invalid item"],
    [{ kind: "party" }, "invalid enum value 'party' for Day.kind"],
    [{ day: "2023-02-29" }, "invalid Date literal '2023-02-29'"],
    [{ blob: 5 }, "must be a URI string or base64: prefixed data"],
    [{ blob: "" }, "must be a URI string or base64: prefixed data"],
    [{ id: 5 }, "explicit id must be a string"],
    [{ id: null }, "explicit id must be a string"],
  ])("are refused all the same: %j", async (data, phrase) => {
    await expectRefused(ingest(await testGraph(CALENDAR), day(data)), 400, `record 1: `);
    const error = await refusal(ingest(await testGraph(CALENDAR), day(data)));
    expect(error.message).toContain(phrase);
  });
});

describe("the ids of a permissive load", () => {
  it("are stored in their canonical spelling, and ends of that type follow", async () => {
    const fixture = await testGraph(CALENDAR);
    await ingest(
      fixture,
      lines(
        // Edges before the nodes that respell them, of a type that does not mean these nodes among them.
        { edge: "Next", from: "2024-02-29", to: "19783", data: { weight: 1.5, id: "e1" } },
        { edge: "Lights", from: "007", to: "2024-03-01" },
        { edge: "Marks", from: "007", to: "19782" },
        { type: "Day", data: { id: "2024-02-29", day: "20240229" } },
        { type: "Day", data: { id: "19783", day: "2024-03-01T05:00:00Z" } },
        { type: "Lamp", data: { id: "007", no: 7 } },
        { type: "Note", data: { id: "007", text: "x" } },
        { type: "Slot", data: { id: "2024-03-01", day: 19783, no: 4 } },
      ),
    );
    const exported = (await text(await fixture.graph.export({}))).trimEnd().split("\n");
    const records = exported.map((line) => JSON.parse(line));
    expect(records.filter(({ edge }) => edge).map(({ edge, from, to }) => [edge, from, to])).toEqual([
      ["Lights", "7", '["19783","4"]'],
      ["Marks", "007", "19782"],
      ["Next", "19782", "19783"],
    ]);
    expect(records.filter(({ type }) => type).map(({ type, data }) => [type, data.id])).toEqual([
      ["Day", "19782"],
      ["Day", "19783"],
      ["Lamp", "7"],
      ["Note", "007"],
      ["Slot", '["19783","4"]'],
    ]);
  });

  it.each([
    ["F64", "0.50", 0.5, "0.5"],
    ["F64", "1e2", 100, "100"],
    ["F64", "-0", 0, "0"],
    ["I64", "-0012", -12, "-12"],
    ["DateTime", "2024-02-29T00:00:00Z", 1709164800000, "1709164800000"],
    ["F32", "0.10", 0.1, "0.1"],
  ])("may spell a key of %s as %s", async (type, spelling, value, id) => {
    const fixture = await testGraph(`node K { k: ${type} @key }`);
    await ingest(fixture, lines({ type: "K", data: { id: spelling, k: value } }));
    expect(await fixture.rows("match { $k: K } return { $k }")).toEqual([{ k: id }]);
  });

  it.each([
    [
      "a spelling of another value",
      { type: "Lamp", data: { id: "08", no: 7 } },
      "@key property 'no' canonical value '7'",
    ],
    [
      "no spelling at all",
      { type: "Day", data: { id: "x", day: 1 } },
      "@key property 'day' canonical value '1'",
    ],
    [
      "no component of a composite key",
      { type: "Slot", data: { id: "5", day: 1, no: 4 } },
      `@key properties (day, no) canonical value '["1","4"]'`,
    ],
  ])("are refused where they are %s", async (_, record, phrase) => {
    await expectRefused(ingest(await testGraph(CALENDAR), lines(record)), 400, `does not match ${phrase}`);
  });

  it("are refused where one spelling stands for two nodes", async () => {
    const fixture = await testGraph(CALENDAR);
    const slot = (no: number) => ({ type: "Slot", data: { id: "1970-01-02", day: 1, no } });
    await expectRefused(
      ingest(fixture, lines(slot(4), slot(5))),
      400,
      "record 2: refusing ambiguous edge endpoint remap",
    );
    const text = await testGraph("node P { a: String  b: String  @key(a, b) }\nedge E: P -> P\n");
    const own = { type: "P", data: { a: "x", b: "y" } };
    const other = { type: "P", data: { id: '["x","y"]', a: '["x","y"]', b: "z" } };
    await expectRefused(ingest(text, lines(own, other)), 400, "refusing ambiguous edge endpoint remap");
  });

  it("meet the same modes and rules as in a strict load", async () => {
    const fixture = await testGraph(CALENDAR);
    const twice = lines(
      { type: "Day", data: { day: 1 } },
      { type: "Day", data: { id: "1970-01-02", day: 1 } },
    );
    for (const mode of ["append", "merge", "overwrite"] as const) {
      await expectRefused(ingest(fixture, twice, mode), 400, "@unique violation on Day.day");
    }
    await expectRefused(
      ingest(fixture, lines({ edge: "Next", from: "1", to: "2" })),
      400,
      "src '1' not found in Day",
    );
    const edges = lines(
      { type: "Day", data: { day: 1 } },
      { edge: "Next", from: "1", to: "1", data: { id: "e" } },
      { edge: "Next", from: "1", to: "1", data: { id: "e", weight: 2 } },
    );
    expect((await refusal(ingest(fixture, edges, "append"))).details.key_conflict).toEqual({
      entity_kind: "edge",
      type_name: "Next",
      entity_id: "e",
    });
    expect((await ingest(fixture, edges)).total_entities).toBe(3);
    expect(await fixture.rows("match { $a: Day $a $e:next $b } return { $e.weight }")).toEqual([
      { "e.weight": 2 },
    ]);
  });
});
