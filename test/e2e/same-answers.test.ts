// The same command gives the same output and the same exit code wherever the graph is kept, and what it prints as JSON is
// JSON. What this build does not do it refuses by name, the same everywhere.

import { afterAll, beforeAll, describe, expect, it, setDefaultTimeout } from "bun:test";
import {
  bucketPlace,
  directoryPlace,
  FLEET,
  file,
  type Place,
  placeAt,
  type ServedPlace,
  SHIPS,
  serverPlace,
  succeed,
  TEST_MS_MAX,
} from "./places.ts";
import { BUILD_MS_MAX, binary, type Finished, finish, temporaryDirectory } from "./support.ts";

setDefaultTimeout(TEST_MS_MAX);

let places: readonly Place[];
let served: ServedPlace;

beforeAll(async () => {
  served = await serverPlace();
  places = [await directoryPlace(), await bucketPlace(), served];
}, BUILD_MS_MAX);
afterAll(() => served.server.stop());

/** Ids and times are every graph's own. */
function withoutIdentity(text: string): string {
  return text
    .replace(/\b01[0-9A-HJKMNP-TV-Z]{24}\b/g, "<id>")
    .replace(/("created_at": )\d+/g, "$1<time>")
    .replace(/("(?:uri|dataset_path)": )"[^"]*"/g, '$1"<place>"');
}

/** Runs the words everywhere; answers what they all printed, and fails where they differ. */
async function everywhere(...words: readonly string[]): Promise<Finished> {
  const outcomes = await Promise.all(places.map((place) => place.on(...words)));
  const [first, ...others] = outcomes.map(({ code, stdout, stderr }) => ({
    code,
    stdout: withoutIdentity(stdout),
    // The line that says where a write goes.
    stderr: stderr.replace(/^omnigraph .* → .*\n/, ""),
  }));
  for (const other of others) expect(other).toEqual(first);
  return outcomes[0];
}

const read = (body: string, params = "") => `query q(${params}) { ${body} }`;

/** Every construct of the language that reads, with what it answers. */
const READS: readonly (readonly [
  body: string,
  rows: readonly unknown[],
  declared?: string,
  params?: object,
])[] = [
  ['match { $s: Ship { name: "Aurora" } } return { $s.age }', [{ "s.age": 3 }]],
  ["match { $s: Ship { } } return { $s } order { $s.name desc } limit 1", [{ s: "Boreas" }]],
  [
    "match { $s: Ship $s docksAt $p } return { $s, $p.title } order { $s.name }",
    [
      { s: "Aurora", "p.title": "Oslo" },
      { s: "Boreas", "p.title": "Oslo" },
    ],
  ],
  ["match { $p: Port $p docksAt $s } return { $s } order { $s.name }", [{ s: "Aurora" }, { s: "Boreas" }]],
  ["match { $p: Port $p near{1,3} $q } return { $p, $q }", [{ p: "OSL", q: "BGO" }]],
  [
    "match { $p: Port $p <near>{1,2} $q } return { $p, $q } order { $p.code }",
    [
      { p: "BGO", q: "OSL" },
      { p: "OSL", q: "BGO" },
    ],
  ],
  [
    "match { $s: Ship $s $d:docksAt $p } return { $s, $d.since } order { $d.since }",
    [
      { s: "Boreas", "d.since": null },
      { s: "Aurora", "d.since": "2020-05-05" },
    ],
  ],
  ["match { $p: Port not { $_ docksAt $p } } return { $p }", [{ p: "BGO" }]],
  ["match { $p: Port not { $s docksAt $p  $s.age > 3 } } return { $p }", [{ p: "BGO" }]],
  [
    "match { $s: Ship } return { count($s) as n, sum($s.age) as sum, avg($s.age) as avg, min($s.name) as min, max($s.big) as max }",
    [{ n: 2, sum: 12, avg: 6, min: "Aurora", max: 9007199254740993n }],
  ],
  [
    "match { $s: Ship $s docksAt $p } return { $p.title, count($s) as n } order { n desc }",
    [{ "p.title": "Oslo", n: 2 }],
  ],
  ['match { $s: Ship { name: "none" } } return { count($s) as n }', [{ n: 0 }]],
  ["match { $s: Ship } return { $s } limit 0", []],
  ['match { $s: Ship  $s.name starts_with "Au"  $s.age <= 3  $s.age != 4 } return { $s }', [{ s: "Aurora" }]],
  [
    'match { $s: Ship  $s.tags contains "b"  ["Aurora", "x"] contains $s.name } return { $s }',
    [{ s: "Aurora" }],
  ],
  [
    'match { $s: Ship  $s.built = date("2001-02-03")  $s.seen >= datetime("2019-01-01")  $s.seen < now() } return { $s.built, $s.seen }',
    [{ "s.built": "2001-02-03", "s.seen": "2020-01-01T00:00:00.000Z" }],
  ],
  ["match { $a: Ship $b: Ship  $a.name < $b.name } return { $a, $b }", [{ a: "Aurora", b: "Boreas" }]],
  ['match { $s: Ship search($s.note, "ships") } return { $s }', [{ s: "Aurora" }]],
  [
    'match { $s: Ship } return { $s, search($s.note, "fast") as hit } order { $s.name }',
    [
      { s: "Aurora", hit: true },
      { s: "Boreas", hit: false },
    ],
  ],
  ['match { $s: Ship fuzzy($s.note, "fsat", 2) } return { $s }', [{ s: "Aurora" }]],
  ['match { $s: Ship } return { $s } order { bm25($s.note, "fast") } limit 3', [{ s: "Aurora" }]],
  [
    "match { $s: Ship } return { $s, $s.pose } order { nearest($s.pose, [1.0, 2.0, 3.0]) } limit 1",
    [{ s: "Aurora", "s.pose": [1, 2, 3] }],
  ],
  [
    "match { $s: Ship  $s.big = $n } return { $s, $n as n, $s.huge }",
    [{ s: "Aurora", n: 9007199254740993n, "s.huge": 18446744073709551615n }],
    "$n: I64",
    { n: "9007199254740993" },
  ],
  [
    "match { $s: Ship  $l contains $s.name } return { $s.tags }",
    [{ "s.tags": ["a", "b"] }],
    "$l: [String]",
    { l: ["Aurora"] },
  ],
];

/** JSON text of rows, whose whole numbers may be larger than a double holds. */
const rowsText = (rows: readonly unknown[]) =>
  JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? `bigint:${value}` : value)).replace(
    /"bigint:(-?\d+)"/g,
    "$1",
  );

describe("a read", () => {
  for (const [body, rows, declared = "", params = {}] of READS) {
    it(`answers the same everywhere: ${body}`, async () => {
      const { code, stdout } = await everywhere(
        "query",
        "-e",
        read(body, declared),
        "--params",
        JSON.stringify(params),
        "--json",
      );
      expect(code).toBe(0);
      const compact = stdout.replace(/\n\s*/g, "").replace(/": /g, '":');
      expect(compact).toContain(`"row_count":${rows.length},`);
      expect(compact).toContain(`"rows":${rowsText(rows)},`);
    });
  }

  it("prints every format the same everywhere", async () => {
    for (const format of ["table", "kv", "csv", "jsonl", "json"]) {
      const all = read(
        "match { $s: Ship } return { $s, $s.big, $s.huge, $s.tags, $s.note } order { $s.name }",
      );
      expect((await everywhere("query", "-e", all, "--format", format)).code).toBe(0);
    }
  });

  it.each([
    [
      'match { $s: Ship } return { $s } order { nearest($s.pose, "text") } limit 1',
      "OPENROUTER_API_KEY or OPENAI_API_KEY is required",
    ],
    ["match { $p: Port $p near{1,} $q } return { $q }", "T15"],
    ["match { $s: Ship } return { $s } order { nearest($s.pose, [1.0, 2.0, 3.0]) }", "T17"],
    ["match { $s: Ship } return { $s.* }", "unexpected character '*'"],
    ["match { $s: Ship } return { $s } limit 1 offset 1", "found 'offset'"],
    ["match { $s: Ship  $s.note is null } return { $s }", "found 'is'"],
    ["match { $s: Ship } return distinct { $s }", "found 'distinct'"],
  ])("of what is not there is refused by name: %s", async (body, phrase) => {
    const { code, stdout, stderr } = await everywhere("query", "-e", read(body));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(phrase);
  });
});

const SHOWING: readonly (readonly string[])[] = [
  ["snapshot"],
  ["snapshot", "--json"],
  ["branch", "list"],
  ["branch", "list", "--json"],
  ["schema", "show"],
  ["schema", "show", "--json"],
  ["export"],
  ["export", "--type", "Ship"],
  ["export", "--type", "Ship", "--type", "Near"],
];

describe("commands that show a graph", () => {
  for (const words of SHOWING) {
    it(`print the same everywhere: ${words.join(" ")}`, async () => {
      const { code, stderr } = await everywhere(...words);
      expect([code, stderr]).toEqual([0, ""]);
    });
  }

  it("print the same everywhere at a commit of the past, and page by page", async () => {
    const commitsOf = async (place: Place, ...words: readonly string[]) =>
      JSON.parse(await succeed(place.on("commit", "list", "--json", ...words))) as {
        commits: { graph_commit_id: string }[];
        next_page_token?: string;
      };
    for (const words of [["snapshot", "--json"], ["export"], ["schema", "show"]]) {
      const outcomes = await Promise.all(
        places.map(async (place) => {
          const genesis = (await commitsOf(place)).commits.at(-1)?.graph_commit_id ?? "";
          return withoutIdentity(await succeed(place.on(...words, "--snapshot", genesis)));
        }),
      );
      expect(new Set(outcomes).size).toBe(1);
    }
    for (const place of places) {
      const whole = await commitsOf(place);
      const first = await commitsOf(place, "--limit", "1");
      const rest = await commitsOf(place, "--page-token", first.next_page_token ?? "");
      expect([...first.commits, ...rest.commits]).toEqual(whole.commits);
      expect(rest.next_page_token).toBeUndefined();
    }
  });

  it("print what --json promises", async () => {
    for (const words of [["snapshot"], ["branch", "list"], ["schema", "show"], ["commit", "list"]]) {
      for (const place of places)
        expect(JSON.parse(await succeed(place.on(...words, "--json")))).toBeObject();
    }
  });
});

describe("a write", () => {
  const ODD_NAMES = ["review/é.1_-", "MAIN", "日本/語", "é".repeat(256)];

  it("works the same everywhere on branches of odd names", async () => {
    for (const name of ODD_NAMES) {
      expect((await everywhere("branch", "create", name)).code).toBe(0);
      const insert = 'query m() { insert Log { text: "odd" } }';
      expect((await everywhere("mutate", "-e", insert, "--branch", ` ${name} `, "--json")).code).toBe(0);
      const count = read("match { $l: Log } return { count($l) as n }");
      expect((await everywhere("query", "-e", count, "--branch", name, "--format", "csv")).stdout).toBe(
        "n\n2\n",
      );
      expect((await everywhere("branch", "delete", name, "--yes", "--json")).code).toBe(0);
    }
    expect((await everywhere("branch", "list")).stdout).toBe("main\n");
  });

  it("branches, merges and deletes with the same words and outcomes", async () => {
    const insert = (text: string, branch: string) => [
      "mutate",
      "-e",
      `query m() { insert Log { text: "${text}" } }`,
      "--branch",
      branch,
    ];
    await everywhere("branch", "create", "draft", "--json");
    expect((await everywhere("branch", "create", "draft")).stderr).toContain("branch 'draft' already exists");
    expect((await everywhere("branch", "merge", "draft", "--json")).stdout).toContain("already_up_to_date");
    await everywhere(...insert("one", "draft"));
    expect((await everywhere("branch", "merge", "draft", "--json")).stdout).toContain("fast_forward");
    await everywhere(...insert("two", "draft"));
    await everywhere(...insert("three", "main"));
    expect((await everywhere("branch", "merge", "draft")).stdout).toBe("merged draft into main: merged\n");
    const rename = (title: string, branch: string) => [
      "mutate",
      "-e",
      `query m() { update Port set { title: "${title}" } where code = "OSL" }`,
      "--branch",
      branch,
    ];
    await everywhere(...rename("Oslo by the sea", "draft"));
    await everywhere(...rename("Oslo in the woods", "main"));
    const conflict = await everywhere("branch", "merge", "draft");
    expect([conflict.code, conflict.stderr]).toEqual([
      1,
      expect.stringContaining("node type 'Port', entity id 'OSL' (divergent_update)"),
    ]);
    expect((await everywhere("branch", "delete", "draft", "--yes")).stdout).toBe("deleted branch draft\n");
  });

  it("that matches nothing makes no commit, and one that matches tells it", async () => {
    const update = (code: string) => [
      "mutate",
      "-e",
      `query m() { update Port set { title: "x" } where code = "${code}" }`,
      "--json",
    ];
    expect(JSON.parse((await everywhere(...update("nowhere"))).stdout)).toMatchObject({
      affected_nodes: 0,
      commit: null,
    });
    expect(JSON.parse((await everywhere(...update("BGO"))).stdout)).toMatchObject({
      affected_nodes: 1,
      commit: expect.any(Object),
    });
  });

  it("says who wrote: --as on storage, the token on a server", async () => {
    const [directory, bucket] = places;
    for (const place of [directory, bucket]) {
      const written = await place.on(
        "mutate",
        "-e",
        'query m() { insert Log { text: "signed" } }',
        "--as",
        " nina ",
        "--json",
      );
      expect(JSON.parse(written.stdout)).toMatchObject({ actor_id: "nina", commit: { actor_id: "nina" } });
      expect((await place.on("mutate", "-e", "query m() { }", "--as", " ")).stderr).toContain(
        "actor cannot be empty",
      );
    }
    const refused = await served.on("mutate", "-e", 'query m() { insert Log { text: "x" } }', "--as", "nina");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("`--as` is not allowed on a served write"),
    ]);
    const ignored = await everywhere("branch", "list", "--as", "nina");
    expect(ignored.stderr).toBe("warning: --as has no effect on branch\n");
  });
});

describe("an export", () => {
  it("loaded into a new graph is the same graph, digit for digit", async () => {
    for (const place of places) {
      const exported = await succeed(place.on("export"));
      expect(exported).toContain('"big":9007199254740993');
      expect(exported).toContain('"huge":18446744073709551615');
      const copy = await placeAt(["--store", `${temporaryDirectory()}/copy.omni`]);
      await succeed(copy.run("init", "--schema", await file("fleet.pg", FLEET), copy.graph[1]));
      for (const mode of ["append", "overwrite", "merge"]) {
        await succeed(copy.on("load", "--mode", mode, "--data", await file("all.ndjson", exported)));
        expect(await succeed(copy.on("export"))).toBe(exported);
      }
    }
  });

  it("goes through a pipe into a load", async () => {
    const copy = await placeAt(["--store", `${temporaryDirectory()}/copy.omni`]);
    await succeed(copy.run("init", "--schema", await file("fleet.pg", FLEET), copy.graph[1]));
    const exported = await succeed(places[0].on("export"));
    const load = [await binary(), "load", ...copy.graph, "--mode", "append", "--data", "-"];
    const { code, stderr } = await finish(load, { stdin: exported });
    expect([code, stderr]).toEqual([0, expect.stringContaining("omnigraph load → ")]);
    expect(await succeed(copy.on("export"))).toBe(exported);
  });
});

describe("ten processes that init one root at once", () => {
  it.each([
    ["on a directory", directoryPlace],
    ["on a bucket", bucketPlace],
  ])("%s make one graph", async (_, makePlace) => {
    const { graph, run } = await makePlace();
    const uri = `${graph[1]}-race`;
    const schema = await file("fleet.pg", FLEET);
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => run("init", "--schema", schema, uri)),
    );
    expect(outcomes.filter(({ code }) => code === 0)).toHaveLength(1);
    for (const { code, stderr } of outcomes) {
      if (code !== 0) expect([code, stderr]).toEqual([1, expect.stringContaining("already initialized")]);
    }
    const at = ["--store", uri];
    await succeed(
      run("load", "--mode", "append", "--data", await file("ships.ndjson", SHIPS.join("\n")), ...at),
    );
    expect(JSON.parse(await succeed(run("commit", "list", "--json", ...at))).commits).toHaveLength(2);
  });
});
