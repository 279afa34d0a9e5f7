import { describe, expect, it } from "bun:test";
import type { BlobCell, BlobSelector, Graph } from "../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { sha256Hex } from "../../src/lib/digest.ts";
import { memoryStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { expectRefused, over, ports, refusal, type TestGraph, testGraph, text } from "./support.ts";

const SCHEMA = `
node Ship { imo: String @key  name: String?  photo: Blob?  plan: Blob? }
node Paper { title: String @key  scan: Blob }
edge Tows: Ship -> Ship { contract: Blob? }
`;
const MIB = 1_048_576;

const base64 = (data: Uint8Array | string) => `base64:${Buffer.from(data).toString("base64")}`;

/** Bytes that differ everywhere, from a seed. */
function bytesOf(length: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

function managed(cell: BlobCell): Extract<BlobCell, { kind: "managed" }> {
  if (cell.kind !== "managed") throw new Error("expected managed bytes");
  return cell;
}

const photo = (id: string, more: Partial<BlobSelector> = {}): BlobSelector => ({
  entity: "node",
  type: "Ship",
  id,
  property: "photo",
  ...more,
});

const read = async (graph: Graph, selector: BlobSelector, range?: { start: number; end?: number }) =>
  collect(managed(await graph.openBlob(selector)).read(range));

const exported = async (graph: Graph) => text(await graph.export({}));

async function blobKeys(storage: StorageAdapter): Promise<string[]> {
  return (await storage.list("blobs/")).objects.map(({ key }) => key);
}

async function fleet(...photos: readonly (string | null)[]): Promise<TestGraph> {
  const graph = await testGraph(SCHEMA);
  await graph.load(photos.map((value, i) => ({ type: "Ship", data: { imo: `S${i}`, photo: value } })));
  return graph;
}

describe("a managed Blob", () => {
  it("is kept by content: equal bytes are one object, and have one tag", async () => {
    const g = await fleet(base64("hull"), base64("hull"), base64("keel"));
    expect(await blobKeys(g.storage)).toEqual(
      [`blobs/${sha256Hex("hull")}`, `blobs/${sha256Hex("keel")}`].sort(),
    );
    const [a, b, c] = await Promise.all(
      ["S0", "S1", "S2"].map(async (id) => managed(await g.graph.openBlob(photo(id)))),
    );
    expect(a.etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(a.etag).toBe(b.etag);
    expect(a.etag).not.toBe(c.etag);
    expect((await collect(c.read())).toString()).toBe("keel");
  });

  it("tells null, the empty value and one of 5 MiB apart", async () => {
    const large = bytesOf(5 * MIB);
    const g = await fleet(null, base64(""), base64(large));
    await expectRefused(g.graph.openBlob(photo("S0")), 404, "is null for id 'S0'");
    expect(managed(await g.graph.openBlob(photo("S1"))).size).toBe(0);
    expect(await read(g.graph, photo("S1"))).toHaveLength(0);
    expect(managed(await g.graph.openBlob(photo("S2"))).size).toBe(large.length);
    expect(Buffer.compare(await read(g.graph, photo("S2")), large)).toBe(0);
  });

  it("is read by range, across the chunks that storage is asked for", async () => {
    const large = bytesOf(9 * MIB);
    const g = await fleet(base64(large));
    for (const [start, end] of [
      [0, 1],
      [4 * MIB - 3, 4 * MIB + 3],
      [3, 8 * MIB + 1],
      [9 * MIB - 1, 9 * MIB],
      [1, undefined],
    ] as const) {
      const range = end === undefined ? { start } : { start, end };
      expect(Buffer.compare(await read(g.graph, photo("S0"), range), large.subarray(start, end))).toBe(0);
    }
    expect(await read(g.graph, photo("S0"), { start: 9 * MIB - 2, end: 99 * MIB })).toHaveLength(2);
    const sizes: number[] = [];
    for await (const chunk of managed(await g.graph.openBlob(photo("S0"))).read()) sizes.push(chunk.length);
    expect(sizes).toEqual([4 * MIB, 4 * MIB, MIB]);
  });

  it("refuses a range that begins at its end or past it", async () => {
    const g = await fleet(base64("hull"), base64(""));
    const error = await refusal(read(g.graph, photo("S0"), { start: 4, end: 9 }));
    expect(error.status).toBe(416);
    expect(error.message).toBe("blob range [4, 9) is not satisfiable for a value of length 4");
    expect(error.details).toEqual({ blob_range: { start: 4, end: 9, length: 4 } });
    await expectRefused(read(g.graph, photo("S1"), { start: 0 }), 416, "is not satisfiable");
  });

  it("that is damaged or gone is never taken for the value", async () => {
    const g = await fleet(base64("hull"), base64("keel"), base64("mast"));
    await g.storage.put(`blobs/${sha256Hex("hull")}`, Buffer.from("HULL"));
    await g.storage.put(`blobs/${sha256Hex("keel")}`, Buffer.from("ke"));
    await g.storage.delete(`blobs/${sha256Hex("mast")}`);
    await expectRefused(read(g.graph, photo("S0")), 500, "is damaged");
    await expectRefused(read(g.graph, photo("S1")), 500, "is damaged");
    await expectRefused(read(g.graph, photo("S1"), { start: 1, end: 3 }), 500, "is damaged");
    await expectRefused(read(g.graph, photo("S2")), 500, "is damaged");
    await expectRefused(exported(g.graph), 500, "is damaged");
  });

  it("never travels in log entries or segments", async () => {
    const secret = bytesOf(2000, 7);
    const g = await fleet(base64(secret));
    const needle = Buffer.from(secret).toString("base64").slice(0, 40);
    for (const prefix of ["branches/", "segments/"]) {
      for (const { key } of (await g.storage.list(prefix)).objects) {
        const bytes = Buffer.from((await g.storage.get(key))?.bytes ?? []);
        expect(bytes.includes(needle)).toBe(false);
        expect(bytes.includes(Buffer.from(secret.subarray(0, 30)))).toBe(false);
      }
    }
  });
});

describe("a Blob cell", () => {
  it("belongs to an edge as well", async () => {
    const g = await fleet(null, null);
    await g.load([{ edge: "Tows", from: "S0", to: "S1", data: { id: "t1", contract: base64("signed") } }]);
    const cell = { entity: "edge", type: "Tows", id: "t1", property: "contract" } as const;
    expect((await read(g.graph, cell)).toString()).toBe("signed");
    await expectRefused(g.graph.openBlob({ ...cell, id: "t2" }), 404, "no edge 'Tows' with id 't2' found");
  });

  it("is refused by name where there is none", async () => {
    const g = await fleet(base64("x"));
    await expectRefused(g.graph.openBlob(photo("S9")), 404, "no node 'Ship' with id 'S9' found");
    await expectRefused(g.graph.openBlob(photo("S0", { type: "Boat" })), 400, "unknown node type 'Boat'");
    await expectRefused(g.graph.openBlob(photo("S0", { entity: "edge" })), 400, "unknown edge type 'Ship'");
    await expectRefused(g.graph.openBlob(photo("S0", { property: "foto" })), 400, "no property 'foto'");
    await expectRefused(g.graph.openBlob(photo("S0", { property: "name" })), 400, "not a Blob property");
    const branch = await refusal(g.graph.openBlob(photo("S0", { branch: "b" })));
    expect(branch.status).toBe(404);
    await expectRefused(
      g.graph.openBlob(photo("S0", { branch: "main", snapshot: "x" })),
      400,
      "branch or snapshot, not both",
    );
  });

  it("is read as of a snapshot, and says which commit it was read at", async () => {
    const g = await fleet(base64("old"));
    const before = managed(await g.graph.openBlob(photo("S0"))).snapshot;
    await g.load([{ type: "Ship", data: { imo: "S0", photo: base64("new") } }]);
    const now = managed(await g.graph.openBlob(photo("S0")));
    expect(now.snapshot).not.toBe(before);
    expect((await collect(now.read())).toString()).toBe("new");
    expect((await read(g.graph, photo("S0", { snapshot: before }))).toString()).toBe("old");
  });
});

describe("a Blob value in a load", () => {
  it("is refused with its line when it is no such value, and nothing is written", async () => {
    const g = await testGraph(SCHEMA);
    const bad: readonly (readonly [unknown, string])[] = [
      ["base64:aGk", "invalid base64 blob data"],
      ["base64:aG k=", "invalid base64 blob data"],
      ["base64:aGk=\n", "invalid base64 blob data"],
      ["base64:aGl=", "invalid base64 blob data"],
      ["base64:_-_-", "invalid base64 blob data"],
      ["base64:=", "invalid base64 blob data"],
      ["", "must be a URI string or base64: prefixed data"],
      [7, "must be a URI string or base64: prefixed data, got"],
      [["base64:aGk="], "must be a URI string or base64: prefixed data, got"],
    ];
    for (const [value, phrase] of bad) {
      const lines = [
        { type: "Ship", data: { imo: "S0", photo: base64("fine") } },
        { type: "Ship", data: { imo: "S1", photo: value } },
      ];
      const error = await refusal(g.load(lines));
      expect(error.message).toStartWith("line 2: ");
      expect([error.status, error.message]).toEqual([400, expect.stringContaining(phrase)]);
    }
    expect(await g.graph.commits()).toHaveLength(1);
    expect(await blobKeys(g.storage)).toEqual([]);
  });

  it("may be missing only where the property is nullable", async () => {
    const g = await testGraph(SCHEMA);
    for (const data of [{ title: "a" }, { title: "a", scan: null }]) {
      await expectRefused(
        g.load([{ type: "Paper", data }]),
        400,
        "non-nullable blob property 'scan' has null or invalid values",
      );
    }
  });

  it("is uploaded once for each content, whatever the number of cells", async () => {
    const g = await testGraph(SCHEMA);
    g.storage.resetCounts();
    await g.load([]);
    const empty = g.storage.counts().put;
    g.storage.resetCounts();
    const lines = Array.from({ length: 50 }, (_, i) => ({
      type: "Ship",
      data: { imo: `S${i}`, photo: base64(i % 2 === 0 ? "even" : "odd") },
    }));
    await g.load(lines);
    expect(g.storage.counts().put).toBe(empty + 2);
  });

  it("may come with more bytes than a write holds at a time", async () => {
    const g = await testGraph(SCHEMA);
    const values = Array.from({ length: 6 }, (_, i) => bytesOf(8 * MIB, i + 1));
    const lines = async function* () {
      for (const [i, value] of values.entries()) {
        const line = JSON.stringify({ type: "Ship", data: { imo: `S${i}`, photo: base64(value) } });
        yield Buffer.from(`${line}\n`);
      }
    };
    await g.graph.load({ data: lines, mode: "append", actor: null });
    for (const [i, value] of values.entries()) {
      expect(Buffer.compare(await read(g.graph, photo(`S${i}`)), value)).toBe(0);
    }
  });
});

describe("a Blob value in a mutation", () => {
  const INSERT = "query i($n: String, $p: Blob) { insert Ship { imo: $n, photo: $p } }";

  it("comes as a Blob or a String parameter", async () => {
    const g = await testGraph(SCHEMA);
    await g.mutate(INSERT, { n: "A", p: base64("a") });
    await g.mutate(INSERT.replace("Blob", "String"), { n: "B", p: base64("b") });
    expect((await read(g.graph, photo("A"))).toString()).toBe("a");
    expect((await read(g.graph, photo("B"))).toString()).toBe("b");
    await expectRefused(g.mutate(INSERT, { n: "C", p: "base64:*" }), 400, "invalid base64 blob data");
    await expectRefused(g.mutate(INSERT, { n: "C", p: "" }), 400, "must be a URI string or base64");
    await expectRefused(g.mutate(INSERT, { n: "C", p: 7 }), 400, "expected blob URI string");
    expect(await g.graph.commits()).toHaveLength(3);
  });

  it("stays through an update of other properties, and is replaced or cleared by its own", async () => {
    const g = await fleet(base64("hull"));
    await g.mutate('update Ship set { name: "Aurora" } where imo = "S0"');
    expect((await read(g.graph, photo("S0"))).toString()).toBe("hull");
    await g.mutate('query u($p: Blob) { update Ship set { photo: $p } where imo = "S0" }', {
      p: base64("keel"),
    });
    expect((await read(g.graph, photo("S0"))).toString()).toBe("keel");
    await g.mutate('query u($p: Blob?) { update Ship set { photo: $p } where imo = "S0" }', { p: null });
    await expectRefused(g.graph.openBlob(photo("S0")), 404, "is null for id");
  });

  it("of more than 32 MiB is refused before it is decoded", async () => {
    const g = await testGraph(SCHEMA);
    const error = await refusal(g.mutate(INSERT, { n: "A", p: `base64:${"A".repeat(4 * 11_184_811 + 4)}` }));
    expect(error.status).toBe(413);
    expect(error.details.resource_limit).toMatchObject({
      resource: "decoded blob input bytes",
      limit: 33_554_432,
    });
  });

  it("has no place in reads", async () => {
    const g = await fleet(base64("hull"));
    for (const body of [
      "match { $s: Ship } return { $s.photo }",
      "match { $s: Ship } return { $s.imo } order { $s.photo }",
      "match { $s: Ship } return { count($s.photo) }",
      'match { $s: Ship  $s.photo = "x" } return { $s.imo }',
    ]) {
      await expectRefused(g.rows(body), 400, "T24");
    }
    await expectRefused(g.rows('match { $s: Ship { photo: "x" } } return { $s.imo }'), 400, "T3");
    await expectRefused(g.mutate('delete Ship where photo = "x"'), 400, "T11");
    await expectRefused(g.mutate('insert Ship { imo: "A", photo: "base64:" }'), 400, "T3");
  });
});

describe("a merge", () => {
  it("sees bytes of equal length that differ, and carries Blobs without reading them", async () => {
    const g = await fleet(base64("aaaa"), base64("bbbb"));
    await g.graph.createBranch({ name: "work", actor: null });
    await g.load([{ type: "Ship", data: { imo: "S0", photo: base64("cccc") } }], "merge", "work");
    const conflicting = [{ type: "Ship", data: { imo: "S1", photo: base64("dddd") } }];
    await g.load(conflicting, "merge", "work");
    await g.load(conflicting);
    // Were a payload read, its absence would show.
    await g.storage.delete(`blobs/${sha256Hex("cccc")}`);
    expect((await g.graph.merge({ source: "work", actor: null })).outcome).toBe("merged");
    const merged = managed(await g.graph.openBlob(photo("S0")));
    expect(merged.etag).toBe(`"${sha256Hex("cccc").slice(0, 32)}"`);
    expect((await read(g.graph, photo("S1"))).toString()).toBe("dddd");

    await g.graph.createBranch({ name: "other", actor: null });
    await g.load([{ type: "Ship", data: { imo: "S0", photo: base64("eeee") } }], "merge", "other");
    await g.load([{ type: "Ship", data: { imo: "S0", photo: base64("ffff") } }]);
    const error = await refusal(g.graph.merge({ source: "other", actor: null }));
    expect(error.details.merge_conflicts?.map(({ kind }) => kind)).toEqual(["divergent_update"]);
  });
});

describe("an export with Blobs", () => {
  it("loads into an equal graph, and exports the same bytes again", async () => {
    const g = await fleet(null, base64(""), base64(bytesOf(70_000)), base64("plain"));
    await g.load([{ edge: "Tows", from: "S0", to: "S1", data: { id: "t", contract: base64("signed") } }]);
    const first = await exported(g.graph);
    expect(first).toContain('"photo":null');
    expect(first).toContain('"photo":"base64:"');
    expect(first).toContain('"contract":"base64:c2lnbmVk"');
    const storage = memoryStorage(ports);
    await initGraph({ storage, ports, schemaSource: SCHEMA });
    const rebuilt = over(storage, await openGraph({ storage, ports }));
    await rebuilt.load(first.trimEnd().split("\n"), "overwrite");
    expect(await exported(rebuilt.graph)).toBe(first);
    const tags = await Promise.all(
      [g.graph, rebuilt.graph].map(async (graph) => managed(await graph.openBlob(photo("S2"))).etag),
    );
    expect(tags[0]).toBe(tags[1]);
  });
});
