// Makes the golden graph of the current storage format, with the answers that it must give for ever:
// test/fixtures/golden/format-<n>/. Run by hand, once for each format: what was released is never made again, because every
// later program must open what this one wrote. (Read the answers before they are committed: they are the oracle.)

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Graph } from "../src/engine/graph.ts";
import { initGraph, openGraph } from "../src/engine/index.ts";
import type { CommitOutput, LoadMode } from "../src/engine/outputs.ts";
import { type JsonObject, stringifyJson } from "../src/lib/json.ts";
import type { Ports } from "../src/lib/ports.ts";
import { decodeUtf8, encodeUtf8 } from "../src/lib/utf8.ts";
import { STORAGE_FORMAT_VERSION } from "../src/lib/version.ts";
import { seededUnit } from "../src/storage/faults.ts";
import { fileStorage } from "../src/storage/index.ts";
import { GOLDEN, type GoldenAnswers, type GoldenQuery } from "../test/support/golden.ts";

const SCHEMA = `// Everything that a property can be.
node Person {
  handle: String @key
  name: String
  active: Bool?
  small: I32?
  big: I64?
  count: U32?
  huge: U64?
  ratio: F32?
  exact: F64?
  born: Date?
  seen: DateTime?
  mood: enum(calm, glad)?
  tags: [String]?
  numbers: [I64]?
  scores: [F64]?
  switches: [Bool]?
  days: [Date]?
  place: Vector(3)?
  photo: Blob?
  mail: String? @unique
  passing: String?
}
node Slot { zone: String  bin: I32  note: String?  @key(zone, bin) }
node Day { date: Date @key  label: String? }
node Memo { text: String }
node Row { key: String @key  n: I32 }
edge Knows: Person -> Person @card(0..5) { since: Date?  weight: F64? }
edge At: Person -> Slot
`;

/** Adds, renames and drops; extends an enum. */
const SCHEMA_LATER = SCHEMA.replace("calm, glad", "calm, glad, sad")
  .replace("  passing: String?\n", "  nick: String?\n")
  .replace("exact: F64?", 'precise: F64? @rename_from("exact")')
  .replace("node Memo {", 'node Remark @rename_from("Memo") {');

/** Rows of a load whose ids are too many for a log entry when they are deleted. */
const ROWS = 3_500;
const ROWS_DELETED = 3_000;
/** Writes after which there are checkpoints, and segments that were merged. */
const SMALL_WRITES = 40;

const PEOPLE: readonly JsonObject[] = [
  {
    handle: "ada",
    name: "Ada Lovelace",
    active: true,
    small: -2_147_483_648,
    big: -9_223_372_036_854_775_808n,
    count: 4_294_967_295,
    huge: 9_223_372_036_854_775_807n,
    ratio: 0.1,
    exact: 0.1,
    born: "1815-12-10",
    seen: "2026-01-01T12:34:56.789Z",
    mood: "calm",
    tags: ["math", "", "é 🚢"],
    numbers: [1, -9_007_199_254_740_993n],
    scores: [0.5, -0, 1e300],
    switches: [true, false],
    days: ["2024-02-29"],
    place: [1, -0.5, 3.25],
    photo: `base64:${Buffer.from("a photograph of Ada").toString("base64")}`,
    mail: "ada@golden",
    passing: "soon gone",
  },
  { handle: "bob", name: "", tags: [], numbers: [], photo: "base64:", mail: null, exact: -0 },
  {
    handle: "çelik",
    name: 'Çelik "quoted" \\ \u0001',
    small: 7,
    mood: "glad",
    seen: "1969-12-31T23:59:59.999Z",
  },
];

async function main(): Promise<void> {
  const home = join(GOLDEN, `format-${STORAGE_FORMAT_VERSION}`);
  if (existsSync(home)) throw new Error(`${home} is there already: what it holds is never made again`);
  const ports = steadyPorts();
  const storage = fileStorage(join(home, "graph.omni"), ports);
  await initGraph({ storage, ports, schemaSource: SCHEMA });
  const graph = await openGraph({ storage, ports });
  await build(graph);
  await graph.close();
  await mkdir(home, { recursive: true });
  const answers = await answersOf(await openGraph({ storage, ports }));
  await writeFile(join(home, "answers.json"), `${JSON.stringify(answers, null, 1)}\n`);
  console.log(`made ${home}`);
}

async function build(graph: Graph): Promise<void> {
  await load(graph, "append", [
    ...PEOPLE.map((data) => ({ type: "Person", data })),
    { type: "Slot", data: { zone: "north", bin: 7, note: "first" } },
    { type: "Slot", data: { zone: "a|b", bin: -1 } },
    { type: "Day", data: { date: "2024-02-29", label: "leap" } },
    { type: "Memo", data: { id: "memo-1", text: "given id" } },
    { edge: "Knows", from: "ada", to: "bob", data: { id: "knows-1", since: "1833-06-05", weight: 1.5 } },
    { edge: "Knows", from: "bob", to: "ada", data: { id: "knows-2" } },
    { edge: "At", from: "ada", to: '["7","north"]' },
  ]);
  await load(graph, "append", rows());
  await mutate(graph, `delete Row where n < ${ROWS_DELETED}`);
  for (let i = 0; i < SMALL_WRITES; i++) {
    const handle = `p-${i % 15}`;
    await mutate(graph, `insert Person { handle: "${handle}" name: "round ${i}" small: ${i} }`);
  }
  await mutate(graph, 'update Person set { name: "Bobby" active: false } where handle = "bob"');
  await mutate(graph, 'delete Person where handle = "p-3"');
  // Writes that wait together share an entry.
  await Promise.all(["x", "y", "z"].map((text) => mutate(graph, `insert Memo { text: "together ${text}" }`)));

  await graph.createBranch({ name: "review/été", actor: "maker" });
  await mutate(
    graph,
    'insert Person { handle: "rae" name: "on the branch" mail: "rae@golden" }',
    "review/été",
  );
  await mutate(graph, 'insert Knows { from: "rae" to: "ada" weight: 2.0 }', "review/été");
  await mutate(graph, 'delete Person where handle = "p-4"', "review/été");
  await mutate(graph, 'insert Slot { zone: "south" bin: 1 }');
  await graph.merge({ source: "review/été", actor: "merger" });
  await graph.deleteBranch({ name: "review/été", actor: "maker" });
  await graph.applySchema({ source: SCHEMA_LATER, actor: "designer" });
  await mutate(graph, 'update Person set { nick: "the countess" mood: "sad" } where handle = "ada"');
  await load(graph, "merge", [
    { type: "Person", data: { handle: "p-1", name: "replaced", nick: "one" } },
    { edge: "Knows", from: "bob", to: "p-1", data: { id: "knows-2", weight: 0.25 } },
  ]);
  await load(graph, "overwrite", [{ type: "Day", data: { date: "1969-12-31", label: "before" } }]);

  // One branch lives on, and one that was forked from it.
  await graph.createBranch({ name: "open", actor: "maker" });
  await mutate(graph, 'update Person set { name: "elsewhere" } where small < 20', "open");
  await graph.createBranch({ name: "open-too", from: "open", actor: "maker" });
  await mutate(graph, 'delete Knows where from = "bob"', "open-too");
  await mutate(graph, 'insert Remark { text: "the last commit" }');
}

function rows(): JsonObject[] {
  return Array.from({ length: ROWS }, (_, n) => ({
    type: "Row",
    data: { key: `row-${String(n).padStart(16, "0")}`, n },
  }));
}

async function load(graph: Graph, mode: LoadMode, lines: readonly JsonObject[]): Promise<void> {
  const bytes = encodeUtf8(lines.map((line) => `${stringifyJson(line)}\n`).join(""));
  await graph.load({
    data: async function* () {
      yield bytes;
    },
    mode,
    actor: "loader",
  });
}

async function mutate(graph: Graph, statement: string, branch = "main"): Promise<void> {
  await graph.mutate({ source: `query m() { ${statement} }`, branch, actor: "writer" });
}

const QUERIES: readonly Omit<GoldenQuery, "rows">[] = [
  {
    source: `query everything() {
      match { $p: Person { handle: "ada" } }
      return {
        $p.name, $p.active, $p.small, $p.big, $p.count, $p.huge, $p.ratio, $p.precise, $p.born, $p.seen, $p.mood,
        $p.tags, $p.numbers, $p.scores, $p.switches, $p.days, $p.place, $p.mail, $p.nick
      }
    }`,
  },
  {
    source:
      "query knows() { match { $a: Person $a $k: knows $b } return { $a.handle, $b.handle, $k.since, $k.weight } order { $a.handle, $b.handle } }",
  },
  { source: "query at() { match { $a: Person $a at $s } return { $a.handle, $s.zone, $s.bin } }" },
  {
    source:
      "query counts() { match { $r: Row } return { count($r) as n, sum($r.n) as total, min($r.n) as least } }",
  },
  { source: "query days() { match { $d: Day } return { $d.date, $d.label } }" },
  {
    source:
      "query sorted() { match { $p: Person $p.small > 30 } return { $p.handle, $p.small } order { $p.small desc } limit 5 }",
  },
];

/** What the graph says of itself now: on every branch, and at commits of every kind. */
async function answersOf(graph: Graph): Promise<GoldenAnswers> {
  const branches = await graph.branches();
  const main = await graph.commits();
  const snapshots = main
    .filter((_, i) => i % 9 === 0 || i < 12)
    .map(({ graph_commit_id }) => graph_commit_id);
  const exports: Record<string, string[]> = {};
  const types = (source: string) => [...source.matchAll(/^(?:node|edge) (\w+)/gm)].map(([, name]) => name);
  const typeNames = types(SCHEMA_LATER).filter((name) => name !== "Row");
  for (const branch of branches) exports[branch] = await linesOf(graph.export({ branch, typeNames }));
  for (const snapshot of snapshots)
    exports[snapshot] = await linesOf(
      graph.export({ snapshot, typeNames: await known(graph, snapshot, typeNames) }),
    );
  const queries: GoldenQuery[] = [];
  for (const query of QUERIES)
    for (const branch of branches)
      queries.push({ ...query, branch, rows: (await graph.query({ ...query, branch })).rowsJson() });
  const commits: Record<string, readonly CommitOutput[]> = {};
  for (const branch of branches) commits[branch] = await graph.commits(branch);
  return { branches, commits, snapshot: await graph.snapshot({}), exports, queries };
}

/** The types that a commit knows: a rename since has another name there. */
async function known(graph: Graph, snapshot: string, typeNames: readonly string[]): Promise<string[]> {
  const { datasets } = await graph.snapshot({ snapshot });
  const there = datasets.map(({ type_name }) => type_name).filter((name) => name !== "Row");
  return there.filter((name) => name === "Memo" || typeNames.includes(name));
}

async function linesOf(chunks: Promise<AsyncIterable<Uint8Array>>): Promise<string[]> {
  const parts: Uint8Array[] = [];
  for await (const chunk of await chunks) parts.push(chunk);
  return decodeUtf8(Buffer.concat(parts))
    .split("\n")
    .filter((line) => line !== "");
}

/** The same ids and times whenever it runs. */
function steadyPorts(): Ports {
  const random = seededUnit(1);
  let micros = Date.UTC(2026, 0, 1) * 1_000;
  const tick = () => {
    micros += 1_000;
    return micros;
  };
  return {
    now: () => Math.floor(tick() / 1_000),
    nowMicros: tick,
    randomBytes: (into) => into.map(() => Math.floor(random() * 256)),
    env: {},
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

await main();
