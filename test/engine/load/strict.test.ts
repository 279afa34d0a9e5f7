import { describe, expect, it } from "bun:test";
import { expectRefused, HARBOUR, refusal, testGraph, text } from "../support.ts";

const SHIP = { type: "Ship", data: { imo: "IMO9", name: "Aurora", flag: "NO", tonnage: 100 } };
const PORT = { type: "Port", data: { code: "NLRTM", name: "Rotterdam" } };
const CALL = { edge: "CallsAt", from: "IMO9", to: "NLRTM" };

describe("a load", () => {
  it("is one commit whatever it mixes, and edges may precede their ends", async () => {
    const { load, graph } = await testGraph(HARBOUR);
    const result = await load([CALL, "", SHIP, PORT]);
    expect(result.nodes).toEqual([
      { name: "Port", entities_loaded: 1 },
      { name: "Ship", entities_loaded: 1 },
    ]);
    expect(result.edges).toEqual([{ name: "CallsAt", entities_loaded: 1 }]);
    expect(result.total_entities).toBe(3);
    const commits = await graph.commits();
    expect(commits.map((commit) => commit.graph_manifest_version)).toEqual([2, 1]);
    expect(result.commit).toEqual(commits[0]);
  });

  it("takes CRLF, blank lines and an edge's name in any case", async () => {
    const { graph, rows } = await testGraph(HARBOUR);
    const source = `${JSON.stringify({ ...CALL, edge: "callsat" })}\r\n\r\n  \r\n${JSON.stringify(SHIP)}\r\n${JSON.stringify(PORT)}`;
    const result = await graph.load({
      data: async function* () {
        // Chunks cut lines, and characters, anywhere.
        const bytes = new TextEncoder().encode(source);
        for (let at = 0; at < bytes.length; at += 7) yield bytes.slice(at, at + 7);
      },
      mode: "append",
      actor: "harbour-bot",
    });
    expect(result.edges).toEqual([{ name: "CallsAt", entities_loaded: 1 }]);
    expect(result.commit?.actor_id).toBe("harbour-bot");
    expect(await rows("match { $s: Ship $s callsAt $p } return { $s.name, $p.name }")).toEqual([
      { "s.name": "Aurora", "p.name": "Rotterdam" },
    ]);
  });

  it("counts an empty batch as a success with one commit", async () => {
    const { load, graph } = await testGraph(HARBOUR);
    const result = await load([]);
    expect(result.total_entities).toBe(0);
    expect(await graph.commits()).toHaveLength(2);
  });

  const badLines: [string, object | string, string][] = [
    [
      "text that is not JSON",
      "not-json",
      "invalid strict JSON at line 2: unexpected character 'n' at column 1",
    ],
    [
      "half of a surrogate pair, which would be stored as another text",
      '{"type":"Note","data":{"text":"\\ud83d"}}',
      "invalid strict JSON at line 2: a string with half of a surrogate pair",
    ],
    ["two objects on a line", '{"type":"Port"} {"type":"Port"}', "invalid strict JSON at line 2"],
    [
      "a duplicate member at depth",
      '{"type":"Port","data":{"code":"A","code":"B","name":"x"}}',
      "duplicate JSON member 'code'",
    ],
    ["a line that is no object", "[1]", "line 2: graph batch record must be one JSON object"],
    ["both type and edge", { type: "Ship", edge: "CallsAt" }, "exactly one of 'type' or 'edge'"],
    ["neither type nor edge", { data: {} }, "exactly one of 'type' or 'edge'"],
    ["another member", { ...PORT, extra: 1 }, "line 2: unknown top-level graph batch field 'extra'"],
    ["a reserved member", { type: "Port", _tombstone: true }, "reserved physical state"],
    ["a reserved field in data", { type: "Port", data: { _rowid: 1 } }, "reserved physical state"],
    [
      "an edge without from",
      { edge: "CallsAt", to: "NLRTM" },
      "line 2: graph batch record requires field 'from'",
    ],
    [
      "an end that is no string",
      { ...CALL, to: 5 },
      "line 2: graph batch field 'to' must be a string, got number",
    ],
    ["data that is null", { type: "Port", data: null }, "line 2: graph batch field 'data' must be an object"],
    ["an unknown node type", { type: "Boat", data: {} }, "line 2: unknown node type 'Boat'"],
    ["an unknown edge type", { edge: "SailsTo", from: "a", to: "b" }, "line 2: unknown edge type 'SailsTo'"],
    [
      "src in an edge's data",
      { ...CALL, data: { src: "x" } },
      "line 2: edge data field 'src' is reserved structural state",
    ],
    [
      "an unknown field",
      { type: "Port", data: { code: "A", name: "x", depth: 1 } },
      "unknown input field 'depth' for 'node:Port'",
    ],
    [
      "an id that is no string",
      { type: "Note", data: { id: null, text: "x" } },
      "field 'id' must be a string",
    ],
    [
      "an id that is not the key's",
      { type: "Port", data: { id: "B", code: "A", name: "x" } },
      "node Port explicit id 'B' does not match its canonical @key id 'A'",
    ],
    [
      "a missing key",
      { type: "Port", data: { name: "x" } },
      "non-nullable property 'code' has null or invalid values",
    ],
    [
      "a missing required property",
      { type: "Port", data: { code: "A" } },
      "non-nullable property 'name' has null or invalid values",
    ],
    [
      "a wrong JSON type",
      { type: "Ship", data: { imo: "IMO1", name: "x", tonnage: "heavy" } },
      "strict property 'tonnage' expects Int32, got \"heavy\"",
    ],
    [
      "an integer out of range",
      { type: "Ship", data: { imo: "IMO1", name: "x", tonnage: 2147483648 } },
      "exceeds Int32 range",
    ],
    [
      "a range violation",
      { type: "Ship", data: { imo: "IMO1", name: "x", tonnage: 5 } },
      "@range violation on Ship.tonnage: value 5 < min 10",
    ],
    [
      "a pattern violation",
      { type: "Ship", data: { imo: "9", name: "x" } },
      "@check violation on Ship.imo: value '9' does not match pattern",
    ],
    ["an edge without its ends", CALL, "src 'IMO9' not found in Ship"],
    ["an edge from nowhere", { ...CALL, from: "ZZZ" }, "src 'ZZZ' not found in Ship"],
    ["the same key twice", PORT, "@unique violation on Port.code: value 'NLRTM'"],
  ];
  for (const [what, line, phrase] of badLines) {
    it(`refuses ${what} and writes nothing`, async () => {
      const { load, graph } = await testGraph(HARBOUR);
      await expectRefused(load([PORT, line]), 400, phrase);
      expect(await graph.commits()).toHaveLength(1);
      expect((await graph.snapshot({})).datasets.every(({ entity_count }) => entity_count === 0)).toBe(true);
    });
  }

  it("names the line of a record error, blank lines counted", async () => {
    const { load } = await testGraph(HARBOUR);
    const error = await refusal(load([PORT, "", "  ", { type: "Port", data: { code: "A" } }]));
    expect(error.message).toStartWith("line 4: ");
  });

  it("reports a line that is no envelope before an earlier record error", async () => {
    const { load } = await testGraph(HARBOUR);
    const error = await refusal(load([{ type: "Port", data: { code: "A" } }, "{"]));
    expect(error.message).toStartWith("invalid strict JSON at line 2");
  });

  it("refuses a line of too many JSON slots before parsing it", async () => {
    const { load } = await testGraph(HARBOUR);
    const error = await refusal(load([`{"type":"Note","data":{"text":[${"1,".repeat(140_000)}1]}}`]));
    expect(error.status).toBe(413);
    expect(error.details.resource_limit?.resource).toBe("graph_batch_json_structural_slots");
  });

  it.each(["", "\n", "\r\n"])("takes a line of 32 MiB and no byte more, however it ends: %j", async (end) => {
    const { graph } = await testGraph(HARBOUR);
    const load = (bytes: number, chunkBytes: number) => {
      const [head, tail] = ['{"type":"Note","data":{"text":"', '"}}'];
      const line = `${head}${"x".repeat(bytes - head.length - tail.length)}${tail}${end}`;
      const data = async function* () {
        const encoded = new TextEncoder().encode(line);
        for (let at = 0; at < encoded.length; at += chunkBytes) yield encoded.subarray(at, at + chunkBytes);
      };
      return graph.load({ data, mode: "append", actor: null });
    };
    // The first is read in two parts where it has an end, the second in one.
    expect((await load(2 ** 25, 2 ** 25)).total_entities).toBe(1);
    const { status, details } = await refusal(load(2 ** 25 + 1, 2 ** 26));
    expect([status, details.resource_limit?.resource]).toEqual([413, "graph_batch_line_bytes"]);
  });

  it("refuses bytes that are not UTF-8, naming the line", async () => {
    const { graph } = await testGraph(HARBOUR);
    const data = async function* () {
      yield new TextEncoder().encode(`${JSON.stringify(PORT)}\n`);
      yield new Uint8Array([0x7b, 0xff, 0x0a]);
    };
    await expectRefused(graph.load({ data, mode: "merge", actor: null }), 400, "line 2");
  });

  it("passes over a byte order mark before the first line, and takes it for what it is anywhere else", async () => {
    const { graph, rows } = await testGraph(HARBOUR);
    const mark = "\uFEFF";
    const note = (text: string) => `${JSON.stringify({ type: "Note", data: { text } })}\n`;
    const chunks = (...texts: readonly string[]) =>
      graph.load({
        data: async function* () {
          for (const each of texts) yield new TextEncoder().encode(each);
        },
        mode: "append",
        actor: null,
      });
    await chunks(`${mark}${note("a")}`, note(`${mark}b`));
    expect(await rows("match { $n: Note } return { $n.text } order { $n.text }")).toEqual([
      { "n.text": "a" },
      { "n.text": `${mark}b` },
    ]);
    // Wherever the chunks of the input happen to end.
    await expectRefused(chunks(note("c"), `${mark}${note("d")}`), 400, "invalid strict JSON at line 2");
    await expectRefused(chunks(`${note("c")}${mark}${note("d")}`), 400, "invalid strict JSON at line 2");
  });
});

describe("load modes", () => {
  it("append refuses an id that exists and keeps the old value", async () => {
    const { load, rows } = await testGraph(HARBOUR);
    await load([PORT]);
    const error = await refusal(load([{ type: "Port", data: { code: "NLRTM", name: "Other" } }], "append"));
    expect(error.status).toBe(409);
    expect(error.message).toBe("line 1: node type 'Port' already has id 'NLRTM'");
    expect(error.details.key_conflict).toEqual({
      entity_kind: "node",
      type_name: "Port",
      entity_id: "NLRTM",
    });
    expect(await rows("match { $p: Port } return { $p.name }")).toEqual([{ "p.name": "Rotterdam" }]);
  });

  it("merge replaces an entity whole: what the line leaves out becomes null", async () => {
    const { load, rows } = await testGraph(HARBOUR);
    await load([SHIP]);
    await load([{ type: "Ship", data: { imo: "IMO9", name: "Borealis" } }]);
    expect(await rows("match { $s: Ship } return { $s.name, $s.flag, $s.tonnage }")).toEqual([
      { "s.name": "Borealis", "s.flag": null, "s.tonnage": null },
    ]);
  });

  it("overwrite replaces the types of the batch and no others", async () => {
    const { load, rows } = await testGraph(HARBOUR);
    await load([SHIP, PORT, { type: "Note", data: { text: "old" } }]);
    await load([{ type: "Ship", data: { imo: "IMO7", name: "Borealis" } }], "overwrite");
    expect(await rows("match { $s: Ship } return { $s.imo }")).toEqual([{ "s.imo": "IMO7" }]);
    expect(await rows("match { $p: Port } return { $p.code }")).toHaveLength(1);
    expect(await rows("match { $n: Note } return { $n.text }")).toHaveLength(1);
  });

  it("overwrite refuses to drop a node that a kept edge touches", async () => {
    const { load, graph } = await testGraph(HARBOUR);
    await load([SHIP, PORT, CALL]);
    const other = { type: "Ship", data: { imo: "IMO7", name: "Borealis" } };
    await expectRefused(load([other], "overwrite"), 400, "src 'IMO9' not found in Ship");
    expect(await graph.commits()).toHaveLength(2);
    const moved = { ...CALL, from: "IMO7" };
    expect((await load([other, moved], "overwrite")).total_entities).toBe(2);
  });

  it("reads the new rows right after an overwrite with another row count", async () => {
    const { load, rows } = await testGraph(HARBOUR);
    await load([SHIP, { type: "Ship", data: { imo: "IMO8", name: "Castor" } }], "append");
    const filtered = 'match { $s: Ship $s.name != "Aurora" } return { $s.imo } order { $s.imo }';
    expect(await rows(filtered)).toEqual([{ "s.imo": "IMO8" }]);
    await load([{ type: "Ship", data: { imo: "IMO1", name: "Deneb" } }], "overwrite");
    expect(await rows(filtered)).toEqual([{ "s.imo": "IMO1" }]);
  });

  it("a repeated explicit id is the last line's in merge, and a conflict otherwise", async () => {
    const { load, rows } = await testGraph(HARBOUR);
    const twice = [
      { type: "Note", data: { id: "n1", text: "first" } },
      { type: "Note", data: { id: "n1", text: "second" } },
    ];
    for (const mode of ["append", "overwrite"] as const) {
      const error = await refusal(load(twice, mode));
      expect(error.status).toBe(409);
      expect(error.details.key_conflict?.entity_id).toBe("n1");
    }
    expect((await load(twice)).total_entities).toBe(2);
    expect(await rows("match { $n: Note } return { $n, $n.text }")).toEqual([
      { n: "n1", "n.text": "second" },
    ]);
  });

  it("merge moves an edge of an explicit id to its new ends", async () => {
    const { load, rows } = await testGraph(HARBOUR);
    const other = { type: "Port", data: { code: "BEANR", name: "Antwerp" } };
    await load([SHIP, PORT, other, { ...CALL, data: { id: "c1" } }]);
    await load([{ ...CALL, to: "BEANR", data: { id: "c1", berth: "7" } }]);
    expect(await rows("match { $s: Ship $s $c:callsAt $p } return { $p.code, $c.berth }")).toEqual([
      { "p.code": "BEANR", "c.berth": "7" },
    ]);
  });

  it("loads more than 8,192 entities of one type in every mode", async () => {
    const { load, graph } = await testGraph(HARBOUR);
    const ports = Array.from({ length: 8_193 }, (_, i) => ({
      type: "Port",
      data: { code: `P${i}`, name: "x" },
    }));
    for (const mode of ["append", "merge", "overwrite"] as const) await load(ports, mode);
    const { datasets } = await graph.snapshot({});
    expect(datasets.find(({ type_name }) => type_name === "Port")?.entity_count).toBe(8_193);
  });
});

describe("a load that forks", () => {
  it("creates the branch with its data, leaves an existing one alone, and needs `from` for a missing one", async () => {
    const { graph, load } = await testGraph(HARBOUR);
    const request = { data: () => single(SHIP), mode: "merge", actor: null } as const;
    await expectRefused(
      graph.load({ ...request, branch: "intake" }),
      404,
      "branch 'intake' not found; pass `from`",
    );
    await expectRefused(
      graph.load({ ...request, branch: "intake", from: "nope" }),
      404,
      "branch 'nope' not found",
    );
    expect(await graph.branches()).toEqual(["main"]);
    const created = await graph.load({ ...request, branch: "intake", from: "main" });
    expect([created.branch_created, created.base_branch]).toEqual([true, "main"]);
    const again = await graph.load({ ...request, branch: "intake", from: "nope" });
    expect([again.branch_created, again.base_branch]).toEqual([false, "nope"]);
    expect((await load([], "merge", "intake")).base_branch).toBeNull();
  });

  it("leaves no branch when the load fails", async () => {
    const { graph } = await testGraph(HARBOUR);
    const data = () => single({ ...CALL, from: "nobody" });
    await expectRefused(
      graph.load({ data, mode: "merge", branch: "intake", from: "main", actor: null }),
      400,
      "not found",
    );
    expect(await graph.branches()).toEqual(["main"]);
  });
});

describe("an export", () => {
  const WIDE = `
node Day { day: Date @key  at: DateTime?  big: I64?  u: U64?  f: F32?  d: F64?  ok: Bool?  tags: [String]?  ns: [I32]?  vec: Vector(2)? }
edge Next: Day -> Day { note: String? }
`;
  const day = {
    type: "Day",
    data: {
      day: "2024-02-29",
      at: "2024-02-29T10:00:00+02:00",
      f: 0.1,
      d: 1e21,
      ok: true,
      tags: ["a", ""],
      ns: [],
      vec: [0.5, 1],
    },
  };

  it("writes edges first, nulls, exact integers and epoch numbers, and loads back to the same bytes", async () => {
    const first = await testGraph(WIDE);
    await first.load([
      day,
      '{"type":"Day","data":{"day":"2024-03-01","big":9007199254740993,"u":18446744073709551615}}',
      { edge: "Next", from: "19782", to: "19783", data: { id: "e1" } },
    ]);
    const exported = await text(await first.graph.export({}));
    expect(exported.split("\n")).toEqual([
      '{"edge":"Next","from":"19782","to":"19783","data":{"id":"e1","note":null}}',
      '{"type":"Day","data":{"id":"19782","at":1709193600000,"big":null,"d":1e+21,"day":19782,"f":0.10000000149011612,"ns":[],"ok":true,"tags":["a",""],"u":null,"vec":[0.5,1]}}',
      '{"type":"Day","data":{"id":"19783","at":null,"big":9007199254740993,"d":null,"day":19783,"f":null,"ns":null,"ok":null,"tags":null,"u":18446744073709551615,"vec":null}}',
      "",
    ]);
    const second = await testGraph(WIDE);
    await second.load(exported.trimEnd().split("\n"), "overwrite");
    expect(await text(await second.graph.export({}))).toBe(exported);
  });

  it("is empty for an empty graph, selects types by name and refuses unknown ones", async () => {
    const { graph, load } = await testGraph(HARBOUR);
    expect(await text(await graph.export({}))).toBe("");
    await load([SHIP, PORT, CALL]);
    expect((await text(await graph.export({ typeNames: ["Port"] }))).trimEnd().split("\n")).toHaveLength(1);
    await expectRefused(graph.export({ typeNames: ["Nope"] }), 400, "unknown export type 'Nope'");
    await expectRefused(graph.export({ branch: "nope" }), 404, "branch 'nope' not found");
  });

  it("shows one snapshot however many commits land meanwhile", async () => {
    const { graph, load } = await testGraph(HARBOUR);
    await load([PORT]);
    const stream = await graph.export({});
    await load([{ type: "Port", data: { code: "BEANR", name: "Antwerp" } }]);
    expect((await text(stream)).trimEnd().split("\n")).toHaveLength(1);
  });
});

async function* single(record: object): AsyncIterable<Uint8Array> {
  yield new TextEncoder().encode(JSON.stringify(record));
}
