// What somebody's files and words get wrong: each mistake is refused in words that name the place, with the right exit code,
// and leaves everything as it was.

import { afterAll, beforeAll, describe, expect, it, setDefaultTimeout } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  ALL,
  FILES,
  fiveLines,
  INSERT_LOG,
  MISSING,
  type Mistake,
  MUTATIONS,
  QUERIES,
  TARGETS,
  THIRD_LINES,
} from "./mistakes.ts";
import {
  bucketPlace,
  clusterFolder,
  directoryPlace,
  FLEET,
  file,
  type Place,
  picture,
  placeAt,
  type ServedPlace,
  SHIPS,
  serverPlace,
  succeed,
  TEST_MS_MAX,
} from "./places.ts";
import { BUILD_MS_MAX, binary, temporaryDirectory } from "./support.ts";

setDefaultTimeout(TEST_MS_MAX);

beforeAll(async () => {
  await binary();
}, BUILD_MS_MAX);

describe.each([
  ["a directory", directoryPlace],
  ["a bucket", bucketPlace],
  ["a server", serverPlace],
] as const)("a graph on %s", (_, makePlace) => {
  let place: Place;
  let before: readonly string[];

  beforeAll(async () => {
    place = await makePlace();
    before = await picture(place);
  }, BUILD_MS_MAX);
  afterAll(async () => {
    await (place as Partial<ServedPlace>).server?.stop();
  });

  async function expectRefused({ words, says, code = 1 }: Omit<Mistake, "called">): Promise<void> {
    const outcome = await place.on(...words);
    for (const phrase of says) expect(outcome.stderr).toContain(phrase);
    expect([outcome.code, outcome.stdout]).toEqual([code, ""]);
    expect(outcome.stderr).not.toMatch(/\bat .*\.ts:|internal error|undefined|\[object/);
  }

  for (const mistake of [...FILES, ...QUERIES, ...TARGETS, ...MUTATIONS]) {
    it.concurrent(`refuses ${mistake.called}`, () => expectRefused(mistake));
  }

  for (const [called, line, ...says] of THIRD_LINES) {
    it.concurrent(`refuses a load of five lines where the third is ${called}`, async () => {
      const path = join(temporaryDirectory(), "five.ndjson");
      await Bun.write(path, Buffer.from(fiveLines(line), "latin1"));
      await expectRefused({ words: ["load", "--mode", "append", "--data", path], says });
    });
  }

  it("refuses a load into an unknown branch, and makes none", async () => {
    const data = await file("ships.ndjson", SHIPS.join("\n"));
    const load = ["load", "--mode", "merge", "--data", data, "--branch", "b"];
    await expectRefused({ words: load, says: ["branch 'b' not found"] });
    await expectRefused({ words: [...load, "--from", "a"], says: ["branch 'a' not found"] });
  });

  it("leaves no branch behind when a load that was to fork it fails", async () => {
    const data = await file("bad.ndjson", '{"type":"Boat","data":{}}');
    await expectRefused({
      words: ["load", "--mode", "merge", "--data", data, "--branch", "b", "--from", "main"],
      says: ["line 1: unknown node type 'Boat'"],
    });
  });

  it("says what is wrong as one JSON object where JSON was asked for", async () => {
    const { code, stdout, stderr } = await place.on("query", "-e", ALL.replace("Ship", "Boat"), "--json");
    expect([code, stdout]).toEqual([1, ""]);
    const error = JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "");
    expect(error).toMatchObject({ code: "bad_request", error: expect.stringContaining("'Boat'") });
  });

  it("is as it was after all of that, and takes the next write", async () => {
    expect(await picture(place)).toEqual(before);
    await succeed(place.on("mutate", "-e", INSERT_LOG));
    expect((await picture(place))[1]).not.toEqual(before[1]);
  });
});

const SCHEMAS: readonly (readonly [called: string, text: string | null, ...says: string[]])[] = [
  ["that is missing", null, "could not read --schema", "no such file"],
  ["that does not parse", "node Ship {\n  name: Sring\n}\n", "parse error: ", "(line 2, column 9)"],
  ["that stops early", "node Ship {\n", "parse error: ", "(line 2, column 1)"],
  ["that does not add up", "node Ship { name: String }\nedge To: Ship -> Boat\n", "catalog error: ", "Boat"],
];

describe("a schema", () => {
  for (const [called, text, ...says] of SCHEMAS) {
    it(`${called} makes no graph`, async () => {
      const directory = temporaryDirectory();
      const schema = text === null ? join(directory, "nope.pg") : await file("s.pg", text);
      const root = join(directory, "g");
      const { run } = await placeAt([]);
      const { code, stdout, stderr } = await run("init", "--schema", schema, root);
      for (const phrase of says) expect(stderr).toContain(phrase);
      expect([code, stdout, readdirSync(directory)]).toEqual([1, "", []]);
      expect(await succeed(run("init", "--schema", await file("fleet.pg", FLEET), root))).toBe(
        `initialized ${root}\n`,
      );
    });
  }

  it("does not replace that of a graph, with or without --force", async () => {
    const place = await directoryPlace();
    const before = await picture(place);
    const other = await file("other.pg", "node Other { x: String }\n");
    const again = await place.run("init", "--schema", other, place.graph[1]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("already initialized")]);
    const forced = await place.run("init", "--force", "--schema", other, place.graph[1]);
    expect([forced.code, forced.stderr]).toEqual([
      1,
      expect.stringContaining("force init refuses graph root"),
    ]);
    expect(await picture(place)).toEqual(before);
  });
});

/** Files as they are instead; null for none. */
type Changed = Readonly<Record<string, string | null>>;

const FOLDERS: readonly (readonly [called: string, changed: Changed, ...says: string[]])[] = [
  ["without cluster.yaml", { "cluster.yaml": null }, "cluster_config_read_error", "cluster.yaml"],
  [
    "with malformed YAML",
    { "cluster.yaml": "version: 1\ngraphs:\n  atlas: { schema: fleet.pg\n" },
    "invalid_cluster_yaml cluster.yaml",
    "at line 4 column 1",
  ],
  [
    "with an unknown key",
    { "cluster.yaml": "version: 1\ncolour: red\n" },
    "unknown field `colour`",
    "line 2 column 1",
  ],
  ["without its schema", { "fleet.pg": null }, "schema_file_missing graphs.atlas.schema", "fleet.pg"],
  [
    "with a malformed schema",
    { "fleet.pg": "node {" },
    "schema_parse_error graphs.atlas.schema",
    "(line 1, column 6)",
  ],
  [
    "with a malformed query",
    { "queries/b.gq": "query b( {" },
    "query_parse_error",
    "b.gq'",
    "(line 1, column 10)",
  ],
  [
    "with a query of an unknown type",
    { "queries/b.gq": ALL.replace("Ship", "Boat").replace("q()", "b()") },
    "query_typecheck_error graphs.atlas.queries.b",
    "'Boat'",
  ],
];

describe("a cluster's folder", () => {
  /** Everything below a directory but the sources. */
  const state = (directory: string) =>
    readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((path) =>
      /^(__cluster|graphs)/.test(path),
    );

  for (const [called, changed, ...says] of FOLDERS) {
    it(`${called} is refused, and nothing is made`, async () => {
      const { directory, run } = await clusterFolder();
      for (const [name, text] of Object.entries(changed)) {
        if (text === null) await Bun.file(join(directory, name)).delete();
        else await file(name, text, directory);
      }
      for (const command of ["validate", "import", "plan", "apply"]) {
        const { code, stdout } = await run("cluster", command);
        for (const phrase of says) expect(stdout).toContain(phrase);
        expect([command, code]).toEqual([command, 1]);
      }
      expect(state(directory)).toEqual([]);
    });
  }

  it("that is not there is named", async () => {
    const { run } = await placeAt([]);
    for (const words of [
      ["cluster", "validate", "--config", MISSING],
      ["cluster", "apply", "--config", MISSING],
    ]) {
      const { code, stdout } = await run(...words);
      expect([code, stdout]).toEqual([1, expect.stringContaining(`config_dir_not_found ${MISSING}`)]);
    }
  });

  it("is refused after a good apply, which stays in force", async () => {
    const { directory, run } = await clusterFolder();
    await succeed(run("cluster", "import"));
    await succeed(run("cluster", "apply"));
    const before = state(directory);
    const good = readFileSync(join(directory, "fleet.pg"), "utf8");
    await file("fleet.pg", good.replace("age: I32?", "age: String?"), directory);
    const refused = await run("cluster", "apply");
    expect([refused.code, refused.stdout]).toEqual([
      1,
      expect.stringContaining("schema_apply_failed schema.atlas"),
    ]);
    const place = await placeAt(["--store", join(directory, "graphs/atlas.omni")]);
    expect(await succeed(place.on("schema", "show"))).toContain("age: I32?");
    await file("fleet.pg", good, directory);
    expect(await succeed(run("cluster", "plan"))).toContain("no changes");
    expect(await succeed(run("cluster", "apply"))).toContain("converged: true");
    expect(state(directory)).toEqual(before);
  });
});
