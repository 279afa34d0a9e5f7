// What another graph store was seen to fail at in queries and mutations. Each is done here as its user would: by requests
// to a server of the built binary, or by its commands.

import { afterAll, beforeAll, describe, expect, it, setDefaultTimeout } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TEST_MS_MAX } from "./places.ts";
import { BUILD_MS_MAX, binary, finish, type Server, startServer, temporaryDirectory } from "./support.ts";

setDefaultTimeout(TEST_MS_MAX);

const SCHEMA = `
node User {
  handle: String @key
  age: I32?
  joined: DateTime?
  born: Date?
  src: String?
  from: String?
}
node Team { code: String @key }
node Part { name: String @key  small: I32?  @range(small, ..5) }
node Doc { slug: String @key  title: String  body: String? }
edge Follows: User -> User
edge MemberOf: User -> Team
`;

const USERS = [
  { handle: "ana", age: 30, joined: "2024-01-01T00:00:00Z" },
  { handle: "ben", age: 25, joined: "2024-02-01T00:00:00Z" },
  { handle: "cy", age: 35 },
];
const DOCS = [
  { slug: "a", title: "Introduction to Neural Networks", body: "layers of neurons" },
  { slug: "b", title: "Cooking with layers", body: "a cake has layers, layers and more layers" },
  { slug: "c", title: "Gardens", body: "neural nothing" },
];

let omnigraph: string;
let directory: string;
let served: Server;

const run = (...words: readonly string[]) => finish([omnigraph, ...words], { cwd: directory });

beforeAll(async () => {
  omnigraph = await binary();
  directory = temporaryDirectory();
  writeFileSync(join(directory, "cluster.yaml"), "version: 1\ngraphs:\n  people: { schema: people.pg }\n");
  writeFileSync(join(directory, "people.pg"), SCHEMA);
  for (const step of ["import", "apply"]) {
    const { code, stderr } = await run("cluster", step, "--config", ".");
    if (code !== 0) throw new Error(stderr);
  }
  served = await startServer(
    [omnigraph, "server", "--cluster", ".", "--bind", "127.0.0.1:0", "--unauthenticated"],
    { cwd: directory },
  );
  const lines = [
    ...USERS.map((data) => ({ type: "User", data })),
    ...["red", "blue"].map((code) => ({ type: "Team", data: { code } })),
    ...DOCS.map((data) => ({ type: "Doc", data })),
    { edge: "Follows", from: "ana", to: "ben" },
    { edge: "MemberOf", from: "ana", to: "red" },
    { edge: "MemberOf", from: "ben", to: "blue" },
  ];
  const loaded = await fetch(`${served.url}/graphs/people/load/ndjson`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: lines.map((line) => JSON.stringify(line)).join("\n"),
  });
  if (!loaded.ok) throw new Error(await loaded.text());
}, BUILD_MS_MAX);
afterAll(() => served.stop());

interface Answer {
  readonly status: number;
  readonly error?: string;
  readonly code?: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly affected_nodes?: number;
}

async function post(route: "query" | "mutate", query: string, params?: object): Promise<Answer> {
  const response = await fetch(`${served.url}/graphs/people/${route}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, params }),
  });
  return { status: response.status, ...((await response.json()) as Omit<Answer, "status">) };
}

const read = (body: string, params = "", values?: object) =>
  post("query", `query q(${params}) { ${body} }`, values);
const write = (body: string, params = "", values?: object) =>
  post("mutate", `query m(${params}) { ${body} }`, values);

/** The values of the one column that a read returns. */
async function column(body: string, params?: string, values?: object): Promise<unknown[]> {
  const answer = await read(body, params, values);
  expect([answer.status, answer.error]).toEqual([200, undefined]);
  return answer.rows.flatMap((row) => Object.values(row));
}

function expectRefused({ status, code, error, rows }: Answer, ...phrases: readonly string[]): void {
  expect([status, code, rows]).toEqual([400, "bad_request", undefined as never]);
  for (const phrase of phrases) expect(error).toContain(phrase);
}

const ALL_USERS = ["ana", "ben", "cy"];
const users = (clauses: string, order = "order { $u.handle }") =>
  `match { $u: User ${clauses} } return { $u.handle } ${order}`;

describe("a parameter", () => {
  it("that is required and left out is refused by name", async () => {
    for (const clauses of [
      "$u.handle = $h",
      "$u.handle contains $h",
      "not { $u follows $v $v.handle = $h }",
    ]) {
      expectRefused(await read(users(clauses), "$h: String"), "parameter 'h' not provided");
    }
    const inline = "match { $u: User { handle: $h } } return { $u.handle }";
    expectRefused(await read(inline, "$h: String"), "parameter 'h' not provided");
    expectRefused(await read(inline, "$h: String", { other: 1 }), "parameter 'h' not provided");
    expectRefused(await write("delete User where handle = $h", "$h: String"), "parameter 'h' not provided");
    expect(await column(users(""))).toEqual(ALL_USERS);
  });

  it("that is used and not declared is refused by name", async () => {
    expectRefused(await read("match { $u: User { handle: $h } } return { $u.handle }"), "T6", "`$h`");
    expectRefused(await read(users("$u.handle = $h")), "variable `$h` is not bound");
    expectRefused(await read(users("search($u.handle, $h)")), "variable `$h` is not bound");
    expectRefused(await write("delete User where handle = $h"), "T14", "`$h`");
    expect(await column(users(""))).toEqual(ALL_USERS);
  });
});

describe("now() in an inline match", () => {
  it("matches nobody who joined at another time", async () => {
    expect(await column("match { $u: User { joined: now() } } return { $u.handle }")).toEqual([]);
  });

  it("is the time of the request, as in a filter", async () => {
    expect(await column(users("$u.joined < now()"))).toEqual(["ana", "ben"]);
  });
});

const docs = (clauses: string) => `match { $d: Doc ${clauses} } return { $d.slug } order { $d.slug }`;
const ranked = (query: string) =>
  column(`match { $d: Doc } return { $d.slug } order { bm25($d.body, $q) }`, "$q: String", { q: query });

/** What text search answers, whether or not indexes were made. */
async function expectTextSearch(): Promise<void> {
  expect(await column(docs('search($d.title, "NEURAL")'))).toEqual(["a"]);
  expect(await column(docs('search($d.title, "Layers gardens")'))).toEqual(["b", "c"]);
  expect(await column(docs('match_text($d.body, "LAYERS")'))).toEqual(["a", "b"]);
  expect(await column(docs('fuzzy($d.title, "NURAL")'))).toEqual(["a"]);
  expect(await column(docs('fuzzy($d.title, "Introductio", 2)'))).toEqual(["a"]);
  expect(await ranked("Layers")).toEqual(["b", "a"]);
  expect(await ranked("layers neural")).toEqual(["c", "b", "a"]);
}

describe("text search", () => {
  it("conjoins two calls on one variable", async () => {
    expect(await column(docs('search($d.title, "layers neural") search($d.body, "neurons")'))).toEqual(["a"]);
    expect(await column(docs('search($d.body, "neurons") search($d.title, "cooking")'))).toEqual([]);
    expect(await column(docs('search($d.title, "layers networks gardens") fuzzy($d.body, "nural")'))).toEqual(
      ["c"],
    );
  });

  it("negates with = false", async () => {
    expect(await column(docs('search($d.title, "layers") = false'))).toEqual(["a", "c"]);
    expect(await column(docs('search($d.title, "layers") = true'))).toEqual(["b"]);
    expect(await column(docs('search($d.title, "layers") != false'))).toEqual(["b"]);
    expect(await column(docs('false = search($d.title, "layers") search($d.body, "neural")'))).toEqual(["c"]);
  });

  it("answers the same before optimize and after, in any case", async () => {
    await expectTextSearch();
    const optimized = await run("optimize", "--cluster", ".", "--graph", "people");
    expect([optimized.code, optimized.stderr]).toEqual([0, expect.any(String)]);
    await expectTextSearch();
  });
});

describe("not with both ends of an edge bound outside", () => {
  it("looks along the edge, whichever end stands first", async () => {
    const pairs = (inner: string) =>
      read(
        `match { $u: User $t: Team not { ${inner} } } return { $u.handle as u, $t.code as t } order { u, t }`,
      );
    const unrelated = [
      { u: "ana", t: "blue" },
      { u: "ben", t: "red" },
      { u: "cy", t: "blue" },
      { u: "cy", t: "red" },
    ];
    expect((await pairs("$u memberOf $t")).rows).toEqual(unrelated);
    expect((await pairs("$t memberOf $u")).rows).toEqual(unrelated);
  });
});

describe("@range(a, ..5)", () => {
  it("accepts 4 and 5, and refuses 6", async () => {
    for (const [name, small] of [
      ["four", 4],
      ["five", 5],
    ] as const) {
      const { status, error } = await write(`insert Part { name: "${name}", small: ${small} }`);
      expect([status, error]).toEqual([200, undefined]);
    }
    expectRefused(
      await write('insert Part { name: "six", small: 6 }'),
      "@range violation",
      "value 6 > max 5",
    );
  });
});

describe("properties called src and from", () => {
  it("of one node keep their own values", async () => {
    await write('insert User { handle: "dee", src: "left", from: "right" }');
    const answer = await read('match { $u: User { handle: "dee" } } return { $u.src, $u.from }');
    expect(answer.rows).toEqual([{ "u.src": "left", "u.from": "right" }]);
    await write('delete User where handle = "dee"');
  });

  it("of an edge are refused, and leave nothing of the graph behind", async () => {
    for (const name of ["src", "dst", "from", "to"]) {
      writeFileSync(
        join(directory, "bad.pg"),
        `node A { k: String @key }\nedge E: A -> A { ${name}: String? }\n`,
      );
      const { code, stderr } = await run("init", "--schema", "bad.pg", "bad.omni");
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(`property name '${name}' is reserved on edges`),
      ]);
      expect(existsSync(join(directory, "bad.omni")) ? readdirSync(join(directory, "bad.omni")) : []).toEqual(
        [],
      );
    }
  });
});

describe("a value that cannot be what it should", () => {
  it("is a bad request as a date", async () => {
    expectRefused(await read(users('$u.born = date("nope")')), "invalid Date literal 'nope'");
    expectRefused(await read(users('$u.joined > datetime("nope")')), "invalid DateTime literal 'nope'");
    expectRefused(
      await read('match { $u: User { born: date("nope") } } return { $u }'),
      "invalid Date literal",
    );
    expectRefused(await write('insert User { handle: "x", born: date("nope") }'), "invalid Date literal");
    expectRefused(await write('delete User where born = date("nope")'), "invalid Date literal");
    const params = await read(users("$u.born = $d"), "$d: Date", { d: "nope" });
    expectRefused(params, "param 'd': invalid Date literal 'nope'");
  });

  it("matches no integer as a fraction", async () => {
    expect(await write("delete User where age = 2.5")).toMatchObject({ status: 200, affected_nodes: 0 });
    expect(await write("update User set { age: 1 } where age = 30.5")).toMatchObject({ affected_nodes: 0 });
    expect(await column(users("$u.age = 30.5"))).toEqual([]);
    expect(await column(users(""))).toEqual(ALL_USERS);
  });

  it("is a bad request as null of a required property", async () => {
    expectRefused(await write('insert Doc { slug: "n", title: null }'), "T3", "cannot be null");
    const params = "$t: String?";
    expectRefused(
      await write('insert Doc { slug: "n", title: $t }', params, { t: null }),
      "'title' of Doc cannot be null",
    );
    expectRefused(await write('update Doc set { title: $t } where slug = "a"', params), "cannot be null");
    expectRefused(await write('insert Doc { slug: $t, title: "x" }', params), "cannot contain null");
    expect(await column(docs(""))).toEqual(["a", "b", "c"]);
  });
});
