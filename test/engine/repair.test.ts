import { beforeAll, describe, expect, it } from "bun:test";
import type { Graph } from "../../src/engine/graph.ts";
import { initGraph, openGraph, openMaintenance } from "../../src/engine/index.ts";
import type { RepairOutput } from "../../src/engine/maintenance/outputs.ts";
import { MemoryBucket, memoryStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { quickPorts } from "../store/support.ts";
import { over, refusal, text } from "./support.ts";

const SCHEMA = `
node Ship { imo: String @key  name: String?  photo: Blob? }
node Port { code: String @key }
edge CallsAt: Ship -> Port
`;
const WIDER = SCHEMA.replace("code: String @key", "code: String @key  note: String?");
const HOURS_MS = 2 * 60 * 60_000;

const ports = quickPorts(77);
const BRANCHES = ["main", "draft"] as const;

/** A graph with every kind of object, and all that its types ever held. */
interface Original {
  readonly bucket: MemoryBucket;
  /** Lines of a type's export, at some commit each. */
  readonly known: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Each time by a name that nothing in this process remembers. */
let readings = 0;
const storageOf = (bucket: MemoryBucket): StorageAdapter =>
  memoryStorage(ports, { bucket, uri: `memory://reading-${++readings}` });

const openAt = (bucket: MemoryBucket): Promise<Graph> => openGraph({ storage: storageOf(bucket), ports });

async function repair(bucket: MemoryBucket, mode: "preview" | "confirm" | "force"): Promise<RepairOutput> {
  const graph = await openMaintenance({ storage: storageOf(bucket), ports });
  try {
    return await graph.repair({ confirm: mode !== "preview", force: mode === "force" });
  } finally {
    await graph.close();
  }
}

const TYPES = ["Ship", "Port", "CallsAt"];

async function linesOf(graph: Graph, branch: string, type: string): Promise<string> {
  return text(await graph.export({ branch, typeNames: [type] }));
}

async function makeOriginal(): Promise<Original> {
  const bucket = new MemoryBucket();
  const storage = storageOf(bucket);
  await initGraph({ storage, ports, schemaSource: SCHEMA });
  const graph = await openGraph({ storage, ports });
  const { load, mutate } = over(storage, graph);
  const known = new Map(TYPES.map((type) => [type, new Set([""])]));
  const note = async (branch = "main") => {
    for (const type of TYPES) known.get(type)?.add(await linesOf(graph, branch, type));
  };
  const photo = `base64:${Buffer.from("hull").toString("base64")}`;
  const steps: (() => Promise<unknown>)[] = [
    () => load(Array.from({ length: 3_000 }, (_, i) => ({ type: "Ship", data: { imo: `S${i}` } }))),
    () =>
      load([
        { type: "Port", data: { code: "NL" } },
        { type: "Ship", data: { imo: "P", photo } },
        { edge: "CallsAt", from: "S1", to: "NL", data: { id: "c1" } },
      ]),
    () => mutate('delete Ship where imo > "S2"'),
    ...Array.from({ length: 18 }, (_, i) => () => load([{ type: "Ship", data: { imo: `A${i}` } }])),
    () => graph.applySchema({ source: WIDER, actor: null }),
  ];
  for (const step of steps) {
    await step();
    await note();
  }
  await graph.createBranch({ name: "draft", actor: null });
  for (const [branch, imo] of [
    ["draft", "D0"],
    ["draft", "D1"],
    ["main", "B0"],
    ["main", "B1"],
  ]) {
    await load([{ type: "Ship", data: { imo } }], "merge", branch);
    await note(branch);
  }
  await graph.close();
  ports.advance(HOURS_MS);
  const maintained = await openMaintenance({ storage: storageOf(bucket), ports });
  await maintained.cleanup({ keep: 21 });
  await maintained.close();
  return { bucket, known };
}

let original: Original;
beforeAll(async () => {
  original = await makeOriginal();
});

const DAMAGES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array | null>> = {
  missing: () => null,
  truncated: (bytes) => bytes.slice(0, bytes.length >> 1),
  flipped: (bytes) => bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 4 : byte)),
  empty: () => new Uint8Array(0),
};

function damagedBucket(key: string, how: string): MemoryBucket {
  const bucket = new MemoryBucket();
  for (const [name, object] of original.bucket.objects) {
    const bytes = name === key ? DAMAGES[how](object.bytes) : object.bytes;
    if (bytes !== null) bucket.objects.set(name, { ...object, bytes: new Uint8Array(bytes) });
  }
  return bucket;
}

/** One object of a kind: the only one, or the one at a place among those that there are. */
function keyOf(pattern: RegExp, at = 0): string {
  const keys = [...original.bucket.objects.keys()].sort().filter((key) => pattern.test(key));
  const key = keys.at(at);
  if (key === undefined) throw new Error(`nothing is called ${pattern}`);
  return key;
}

/** Commits add large segments; what they add in little, checkpoints gather. */
function largestSegment(): string {
  const segments = [...original.bucket.objects].filter(([key]) => key.startsWith("segments/"));
  return segments.sort(([, a], [, b]) => b.bytes.length - a.bytes.length)[0][0];
}

/** Entries of the log that begins at 1, and those of the other. */
function entryOf(branch: (typeof BRANCHES)[number], position: number): string {
  const first = keyOf(/log\/0+1\.json$/);
  const name = `log/${String(position).padStart(20, "0")}.json`;
  const all = [...original.bucket.objects.keys()].filter((key) => key.endsWith(name));
  const own = all.filter((key) => (key.split("/")[1] === first.split("/")[1]) === (branch === "main"));
  if (own.length !== 1) throw new Error(`${own.length} entries of ${branch} at ${position}`);
  return own[0];
}

/** What is lost with the object. */
const LOST: readonly (readonly [string, () => string, readonly string[]])[] = [
  ["a Blob", () => keyOf(/^blobs\//), Object.keys(DAMAGES)],
  ["a segment that a commit added", largestSegment, Object.keys(DAMAGES)],
  ["the first entry", () => entryOf("main", 1), Object.keys(DAMAGES)],
  ["an entry below a checkpoint", () => entryOf("main", 9), Object.keys(DAMAGES)],
  ["an entry that both branches stand on", () => entryOf("main", 20), Object.keys(DAMAGES)],
  ["an entry of a branch", () => entryOf("draft", 23), Object.keys(DAMAGES)],
  // That there was one more entry, nobody knows when it is missing.
  ["the last entry", () => entryOf("main", 24), ["truncated", "flipped", "empty"]],
  ["the last entry of a branch", () => entryOf("draft", 24), ["truncated", "flipped", "empty"]],
  ["an older schema", () => keyOf(/^schema\//, 0), Object.keys(DAMAGES)],
  ["the other schema", () => keyOf(/^schema\//, 1), Object.keys(DAMAGES)],
  // Without one, everything that is there counts.
  ["the floor", () => keyOf(/floor\.json$/), ["truncated", "flipped", "empty"]],
];

/** What can be made again. */
const DERIVED: readonly (readonly [string, () => string, readonly string[]])[] = [
  ["a checkpoint that both branches stand on", () => keyOf(/\/checkpoint\//), Object.keys(DAMAGES)],
  // Written where it pays, so that nobody misses one.
  ["a bundle of entries", () => keyOf(/\/bundle\//), ["truncated", "flipped", "empty"]],
  ["the note of the newest checkpoint", () => keyOf(/hint\.json$/), Object.keys(DAMAGES)],
  // An empty one says that the branch was deleted.
  ["the ref of a branch", () => keyOf(/^refs\//), ["truncated", "flipped"]],
  ["a segment that only checkpoints have", () => keyOf(/^segments\/3\//), Object.keys(DAMAGES)],
];

const cases = (kinds: typeof LOST) =>
  kinds.flatMap(([name, key, hows]) => hows.map((how) => [name, how, key] as const));

const worstOf = ({ datasets }: RepairOutput): string[] =>
  [...new Set(datasets.map(({ classification }) => classification))].filter((word) => word !== "no_drift");

const findingsOf = ({ datasets }: RepairOutput): string[] => [
  ...new Set(datasets.flatMap(({ operations }) => operations)),
];

async function expectWritable(bucket: MemoryBucket): Promise<void> {
  const storage = storageOf(bucket);
  const graph = await openGraph({ storage, ports });
  for (const branch of BRANCHES) {
    const { load } = over(storage, graph);
    const { commit } = await load([{ type: "Ship", data: { imo: "LATER" } }], "append", branch);
    expect(await linesOf(graph, branch, "Ship")).toContain('"id":"LATER"');
    expect((await graph.commits(branch))[0]).toEqual(commit as never);
  }
  await graph.close();
  expect(worstOf(await repair(bucket, "preview"))).toEqual([]);
}

describe("repair of a graph that lost", () => {
  it.each(cases(LOST))(
    "%s (%s) says what it was and what goes with it, and gives up no more",
    async (_, how, key) => {
      const bucket = damagedBucket(key(), how);
      const preview = await repair(bucket, "preview");
      expect(worstOf(preview)).toEqual(["suspicious"]);
      const named = findingsOf(preview).filter((finding) => finding.includes(key()));
      expect(named.length).toBeGreaterThan(0);
      for (const finding of findingsOf(preview).filter((one) => !one.includes("floor.json"))) {
        expect(finding).toMatch(
          /^branch '(main|draft)': object 'memory:.*' is damaged: .+; (affects|its commits)/,
        );
      }

      const refused = await repair(bucket, "confirm");
      expect(refused.graph_manifest_version).toBeNull();
      for (const { classification, action, error } of refused.datasets) {
        if (classification === "suspicious") expect([action, error]).toEqual(["refused", expect.any(String)]);
        else expect(action).toBe("no_op");
      }

      const forced = await repair(bucket, "force");
      expect(forced.datasets.map(({ action }) => action)).toContain("forced");
      const graph = await openAt(bucket);
      for (const branch of BRANCHES) {
        for (const type of ["Ship", "Port"]) {
          expect(original.known.get(type)?.has(await linesOf(graph, branch, type))).toBe(true);
        }
        const calls = await linesOf(graph, branch, "CallsAt");
        expect([...(original.known.get("CallsAt") ?? [])].some((lines) => lines.includes(calls))).toBe(true);
        const [newest] = await graph.commits(branch);
        if (newest.actor_id !== null) expect(newest.actor_id).toBe("omnigraph:repair");
      }
      await graph.close();
      expect(worstOf(await repair(bucket, "preview"))).toEqual([]);
      await expectWritable(bucket);
    },
  );

  it.each(cases(DERIVED))("%s (%s) makes it again, and changes nothing else", async (_, how, key) => {
    const bucket = damagedBucket(key(), how);
    const preview = await repair(bucket, "preview");
    expect(worstOf(preview)).toEqual(["verified_maintenance"]);
    const name = key().endsWith("hint.json") ? "hint.json" : key();
    expect(findingsOf(preview).some((finding) => finding.includes(name))).toBe(true);
    const healed = await repair(bucket, "confirm");
    expect(healed.datasets.map(({ action }) => action)).toContain("healed");
    expect(healed.graph_manifest_version).toBeNull();
    const [before, after] = await Promise.all([openAt(original.bucket), openAt(bucket)]);
    for (const branch of BRANCHES) {
      for (const type of TYPES) {
        expect(await linesOf(after, branch, type)).toBe(await linesOf(before, branch, type));
      }
      expect(await after.commits(branch)).toEqual(await before.commits(branch));
    }
    await Promise.all([before.close(), after.close()]);
    await expectWritable(bucket);
  });

  it.each(Object.keys(DAMAGES))(
    "graph.json (%s) says so, for nothing can be read without it",
    async (how) => {
      const bucket = damagedBucket("graph.json", how);
      const error = await refusal(repair(bucket, "force"));
      expect(error.message).toMatch(
        how === "missing"
          ? /^graph not found at \S+: it has no graph\.json, though it has branches of one/
          : /^object '\S+\/graph\.json' is damaged: /,
      );
    },
  );

  it.each(Object.keys(DAMAGES))("its only schema (%s) says so, and invents none", async (how) => {
    const bucket = new MemoryBucket();
    await initGraph({ storage: storageOf(bucket), ports, schemaSource: SCHEMA });
    const key = [...bucket.objects.keys()].find((candidate) => candidate.startsWith("schema/")) ?? "";
    const object = bucket.objects.get(key);
    const bytes = DAMAGES[how](object?.bytes ?? new Uint8Array(0));
    if (bytes === null) bucket.objects.delete(key);
    else bucket.objects.set(key, { version: "x", modifiedAt: 0, bytes: new Uint8Array(bytes) });
    const error = await refusal(repair(bucket, "force"));
    expect(error.message).toContain(`${key}' is damaged: `);
    expect(error.message).toContain("no commit can be read until it is put back as it was");
  });
});

describe("a process that is at a graph while it is repaired", () => {
  const NAMES = "query q() { match { $s: Ship } return { $s.imo } order { $s.imo } }";
  const EXPECTED = Array.from({ length: 40 }, (_, i) => ({ "s.imo": `S${i + 10}` }));

  /** A graph of 40 small commits, opened by a process that knows its head and no rows; then its segments are lost. */
  async function bereft(resident: boolean): Promise<{ bucket: MemoryBucket; graph: Graph }> {
    const bucket = new MemoryBucket();
    const storage = storageOf(bucket);
    await initGraph({ storage, ports, schemaSource: SCHEMA });
    const writer = await openGraph({ storage, ports });
    const { load } = over(storage, writer);
    for (let i = 10; i < 50; i++) await load([{ type: "Ship", data: { imo: `S${i}` } }]);
    await writer.close();
    const graph = await openGraph({ storage: storageOf(bucket), ports, resident });
    await graph.catalog();
    const segments = [...bucket.objects.keys()].filter((key) => key.startsWith("segments/"));
    expect(segments).not.toBeEmpty();
    for (const key of segments) bucket.objects.delete(key);
    return { bucket, graph };
  }

  const DOINGS: Readonly<Record<string, (graph: Graph) => Promise<unknown>>> = {
    "reads its head": (graph) => graph.query({ source: NAMES }),
    "counts it": (graph) => graph.snapshot({}),
    "updates it": (graph) =>
      graph.mutate({ source: 'query m() { update Ship set { name: "n" } where imo = "S12" }', actor: null }),
  };

  for (const resident of [false, true]) {
    for (const [name, act] of Object.entries(DOINGS)) {
      it(`${name} as it was, ${resident ? "a server" : "a command"} that failed before`, async () => {
        const { bucket, graph } = await bereft(resident);
        expect((await refusal(graph.query({ source: NAMES }))).message).toContain("is damaged");
        expect((await repair(bucket, "confirm")).datasets.every(({ error }) => error === null)).toBeTrue();
        await act(graph);
        expect((await graph.query({ source: NAMES })).rows()).toEqual(EXPECTED);
        await graph.close();
      });
    }
  }

  it("reads a commit of the past, and exports once more after a stream that broke off", async () => {
    const { bucket, graph } = await bereft(true);
    const { commits } = await graph.commitPage({});
    const snapshot = commits[1].graph_commit_id;
    expect((await refusal(graph.query({ source: NAMES, snapshot }))).message).toContain("is damaged");
    await repair(bucket, "confirm");
    expect((await graph.query({ source: NAMES, snapshot })).rows()).toEqual(EXPECTED.slice(0, -1));
    await graph.close();

    const other = await bereft(true);
    await repair(other.bucket, "confirm");
    expect((await refusal(text(await other.graph.export({})).then(() => ""))).message).toContain(
      "is damaged",
    );
    expect((await text(await other.graph.export({}))).split("\n").filter((line) => line !== "").length).toBe(
      40,
    );
    await other.graph.close();
  });

  it("goes on saying what is damaged where nothing was repaired", async () => {
    const { graph } = await bereft(true);
    for (let i = 0; i < 3; i++)
      expect((await refusal(graph.query({ source: NAMES }))).message).toContain("is damaged");
    await graph.close();
  });
});
