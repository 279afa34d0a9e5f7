import { beforeAll, describe, expect, it } from "bun:test";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createWorld, type Outcome, type Settings, type World } from "./support.ts";

const SCHEMA = `node Ship {
  name: String @key
  age: I32?
}
node Port {
  name: String @key
}
edge DocksAt: Ship -> Port
`;

const DATA = `{"type":"Ship","data":{"name":"Aurora","age":3}}
{"type":"Ship","data":{"name":"Boreas"}}
{"type":"Port","data":{"name":"Oslo"}}
{"edge":"DocksAt","from":"Aurora","to":"Oslo"}
`;

const ALL = "query ships() { match { $s: Ship } return { $s.name } order { $s.name } }";
const INSERT = "query add($n: String) { insert Ship { name: $n } }";

/** A directory with a fresh graph `g`, its schema and some data; made once and copied. */
let template: World;

beforeAll(async () => {
  template = createWorld();
  template.file("s.pg", SCHEMA);
  template.file("d.ndjson", DATA);
  expect((await template.run(["init", "--schema", "s.pg", "g"])).stderr).toBe(
    "omnigraph init → g (direct, local)\n",
  );
  await template.json(["load", "g", "--data", "d.ndjson", "--mode", "append", "--json"]);
});

function fleet(): World {
  const world = createWorld();
  cpSync(template.directory, world.directory, { recursive: true });
  return world;
}

interface CommitJson {
  readonly graph_commit_id: string;
  readonly parent_commit_id: string | null;
  readonly actor_id: string | null;
}

async function commits(world: World, branch = "main"): Promise<readonly CommitJson[]> {
  const output = (await world.json(["commit", "list", "g", "--branch", branch, "--json"])) as {
    commits: CommitJson[];
  };
  return output.commits;
}

async function ships(world: World, more: readonly string[] = [], settings?: Settings): Promise<string> {
  const words = ["query", "-e", ALL, "--format", "csv", ...more];
  return (await world.run(words, settings)).stdout;
}

function refused(outcome: Outcome, ...phrases: string[]): void {
  expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
  for (const phrase of phrases) expect(outcome.stderr).toContain(phrase);
}

describe("init", () => {
  it("makes parent directories and says where the graph is", async () => {
    const world = createWorld();
    world.file("s.pg", SCHEMA);
    const outcome = await world.run(["init", "--schema", "s.pg", "deep/er/g"]);
    expect([outcome.code, outcome.stdout]).toEqual([0, "initialized deep/er/g\n"]);
    expect(await world.json(["init", "--schema", "s.pg", "h", "--json"])).toEqual({
      uri: "h",
      graph_commit_id: expect.stringMatching(/^[0-9A-Z]{26}$/),
    });
    expect(existsSync(join(world.directory, "omnigraph.yaml"))).toBe(false);
  });

  it("refuses a place that already is a graph, with and without --force", async () => {
    const world = fleet();
    const init = ["init", "--schema", "s.pg", "g"];
    refused(await world.run(init), "already initialized");
    refused(await world.run([...init, "--force"]), "force init refuses graph root");
    expect(await ships(world, ["--store", "g"])).toBe("s.name\nAurora\nBoreas\n");
  });

  it("writes nothing for a bad schema or a missing file", async () => {
    const world = createWorld();
    world.file("s.pg", "node Ship {\n  name: Strin @key\n}\n");
    refused(await world.run(["init", "--schema", "s.pg", "g"]), "line 2");
    refused(
      await world.run(["init", "--schema", "no.pg", "g"]),
      "could not read --schema no.pg: no such file",
    );
    refused(await world.run(["init", "--schema", ".", "g"]), "it is a directory");
    expect(existsSync(join(world.directory, "g"))).toBe(false);
  });

  it("refuses a place inside a cluster", async () => {
    const world = createWorld();
    world.file("s.pg", SCHEMA);
    mkdirSync(join(world.directory, "d", "__cluster"), { recursive: true });
    writeFileSync(join(world.directory, "d", "__cluster", "state.json"), "{}");
    for (const uri of ["d/graphs/x.omni", join(world.directory, "d/graphs/x.omni")]) {
      refused(await world.run(["init", "--schema", "s.pg", uri]), "is inside cluster", "cluster apply");
    }
    expect((await world.run(["init", "--schema", "s.pg", "d/x.omni"])).code).toBe(0);
  });
});

describe("load", () => {
  it("answers what it loaded with exactly the commit that it made", async () => {
    const world = fleet();
    const loaded = (await world.json([
      "load",
      "--store",
      "g",
      "--data",
      "d.ndjson",
      "--mode",
      "merge",
      "--json",
    ])) as { commit: CommitJson };
    expect(loaded).toMatchObject({
      uri: "g",
      branch: "main",
      mode: "merge",
      branch_created: false,
      nodes: [
        { name: "Port", entities_loaded: 1 },
        { name: "Ship", entities_loaded: 2 },
      ],
      edges: [{ name: "DocksAt", entities_loaded: 1 }],
      total_entities: 4,
    });
    expect(loaded).not.toHaveProperty("base_branch");
    expect(loaded.commit).toEqual((await commits(world))[0]);
  });

  it("says what it did, and echoes where on stderr unless --quiet", async () => {
    const world = fleet();
    const words = ["load", "--mode", "merge", "g", "--data", "d.ndjson"];
    const loud = await world.run(words);
    expect(loud.stdout).toBe(
      "loaded g on branch main with merge: 4 entities across 2 node types and 1 edge types\n",
    );
    expect(loud.stderr).toBe("omnigraph load → g (direct, local)\n");
    expect((await world.run([...words, "--quiet"])).stderr).toBe("");
  });

  it("reads stdin for -", async () => {
    const world = fleet();
    const words = ["load", "g", "--data", "-", "--mode", "append", "--quiet"];
    const { stdout } = await world.run(words, { stdin: '{"type":"Port","data":{"name":"Bergen"}}\n' });
    expect(stdout).toContain("1 entities");
  });

  it("reads a pipe that has a name, once", async () => {
    const world = fleet();
    const pipe = join(world.directory, "pipe");
    const words = ["load", "g", "--data", pipe, "--mode", "append"];
    for (const [line, code, said] of [
      ['{"type":"Port","data":{"name":"Bergen"}}', 0, "1 entities across 1 node types"],
      ['{"edge":"DocksAt","from":"Aurora","to":"Nowhere"}', 1, "line 1: dst 'Nowhere' not found in Port"],
    ] as const) {
      rmSync(pipe, { force: true });
      expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
      const writer = Bun.spawn(["sh", "-c", `echo '${line}' > '${pipe}'`]);
      const outcome = await world.run(words);
      expect(outcome.code).toBe(code);
      expect(outcome.stdout + outcome.stderr).toContain(said);
      expect(await writer.exited).toBe(0);
    }
  });

  it("forks the branch with --from, and refuses a missing one without", async () => {
    const world = fleet();
    const words = ["load", "g", "--data", "d.ndjson", "--mode", "merge", "--branch", "intake"];
    refused(await world.run([...words, "--quiet"]), "intake");
    expect(await world.json(["branch", "list", "--store", "g", "--json"])).toEqual({ branches: ["main"] });
    expect(await world.json([...words, "--from", "main", "--json"])).toMatchObject({
      base_branch: "main",
      branch_created: true,
    });
    expect(await world.json([...words, "--from", "main", "--json"])).toMatchObject({
      base_branch: "main",
      branch_created: false,
    });
    const other = await world.run([...words.slice(0, -1), "other", "--from", "main"]);
    expect(other.stdout).toContain("branch other created from main\n");
  });

  it("does nothing at all when a line is wrong", async () => {
    const world = fleet();
    const before = await commits(world);
    world.file("dangling.ndjson", '{"edge":"DocksAt","from":"Nobody","to":"Oslo"}\n');
    world.file("torn.ndjson", `${DATA.split("\n").slice(0, 2).join("\n")}\n{"type":"Ship",\n`);
    const load = (file: string) => world.run(["load", "g", "--data", file, "--mode", "merge", "--quiet"]);
    refused(await load("dangling.ndjson"), "Nobody");
    refused(await load("torn.ndjson"), "line 3");
    refused(await load("no.ndjson"), "could not read --data no.ndjson: no such file");
    expect(await commits(world)).toEqual(before);
  });

  it("is refused on a bucket without consent before anything is asked", async () => {
    const words = ["load", "--mode", "overwrite", "--store", "s3://nope/g", "--data", "d.ndjson"];
    refused(await fleet().run(words), "refusing destructive `load --mode overwrite`", "--yes");
    refused(
      await fleet().run(["branch", "delete", "x", "--store", "s3://nope/g", "--json"]),
      "refusing destructive `branch delete`",
    );
  });
});

describe("query", () => {
  it("reads the same rows however the graph is addressed, --store first", async () => {
    const world = fleet();
    world.config("profiles: { p: { store: g } }\ndefaults: { store: g }");
    const rows = "s.name\nAurora\nBoreas\n";
    expect(await ships(world)).toBe(rows);
    expect(await ships(world, ["--store", "g"])).toBe(rows);
    expect(await ships(world, ["--profile", "p"])).toBe(rows);
    expect(await ships(world, [], { env: { OMNIGRAPH_PROFILE: "p" } })).toBe(rows);
    world.config("profiles: { p: { store: nowhere } }\ndefaults: { store: nowhere }");
    expect(await ships(world, ["--store", "g", "--profile", "p"])).toBe(rows);
    refused(await world.run(["query", "-e", ALL, "--graph", "a"]), "already a single graph");
  });

  it("takes the query by name from a file in the working directory", async () => {
    const world = fleet();
    world.file("q.gq", `${ALL}\n${INSERT}\nquery ports() { match { $p: Port } return { $p.name } }`);
    const words = ["query", "--query", "q.gq", "--store", "g", "--format", "csv"];
    refused(await world.run(words), "multiple queries");
    refused(await world.run([...words, "nope"]), "query 'nope' not found");
    expect((await world.run([...words, "ports"])).stdout).toBe("p.name\nOslo\n");
    refused(await world.run([...words, "add", "--params", '{"n":"x"}']), "add");
  });

  it("refuses an empty source, a missing file and a stored name on storage", async () => {
    const world = fleet();
    refused(await world.run(["query", "-e", " ", "--store", "g"]), "must not be empty");
    refused(await world.run(["query", "--store", "g"]), "provide a query name");
    refused(await world.run(["mutate", "--store", "g"]), "provide a mutation name");
    refused(await world.run(["query", "ships", "--store", "g"]), "needs a server");
    refused(await world.run(["query", "--query", "no.gq", "--store", "g"]), "could not read --query no.gq");
    refused(await world.run(["query", "-e", "query q( {", "--store", "g"]), "line 1");
    refused(await world.run(["query", "-e", ALL, "--store", "nowhere"]), "nowhere");
    refused(await world.run(["mutate", "-e", ALL, "--store", "g"]));
  });

  it("reads a branch or a commit", async () => {
    const world = fleet();
    const [head, genesis] = await commits(world);
    await world.json(["branch", "create", "refit", "--store", "g", "--json"]);
    const insert = ["mutate", "-e", INSERT, "--params", '{"n":"Ceres"}', "--store", "g"];
    await world.json([...insert, "--branch", "refit", "--json"]);
    expect(await ships(world, ["--store", "g", "--branch", "refit"])).toContain("Ceres");
    expect(await ships(world, ["--store", "g"])).not.toContain("Ceres");
    expect(await ships(world, ["--store", "g", "--snapshot", genesis.graph_commit_id])).toBe("s.name\n");
    expect(
      await world.json(["query", "-e", ALL, "--store", "g", "--snapshot", head.graph_commit_id, "--json"]),
    ).toMatchObject({ target: { branch: null, snapshot: head.graph_commit_id }, row_count: 2 });
  });

  it("takes parameters from a file, and refuses what does not fit", async () => {
    const world = fleet();
    world.file("p.json", '{"n":"Ceres"}');
    const words = ["mutate", "-e", INSERT, "--store", "g", "--quiet"];
    expect((await world.run([...words, "--params-file", "p.json"])).code).toBe(0);
    refused(await world.run([...words, "--params", "[1]"]), "params must be a JSON object");
    refused(await world.run([...words, "--params", "{}"]), "n");
    refused(await world.run([...words, "--params", '{"n":null}']), "null");
    refused(await world.run([...words, "--params", '{"n":5}']), "n");
  });

  it("stops quietly when nobody reads its output any more", async () => {
    const world = fleet();
    const outcome = await world.run(["export", "g"], { readsLines: 1 });
    expect(outcome.code).toBe(141);
    expect(outcome.stderr).toBe("");
  });
});

describe("mutate", () => {
  const insert = ["mutate", "-e", INSERT, "--params", '{"n":"Ceres"}', "--store", "g"];

  it("records the actor of --as, else of the operator config, else nobody", async () => {
    const world = fleet();
    const update = 'query u() { update Ship set { age: 4 } where name = "Aurora" }';
    const words = ["mutate", "-e", update, "--store", "g", "--json"];
    expect(await world.json(words)).toMatchObject({ actor_id: null, commit: { actor_id: null } });
    world.config("operator: { actor: act-nina }");
    expect(await world.json(words)).toMatchObject({ actor_id: "act-nina" });
    expect(await world.json([...words, "--as", "act-omar"])).toMatchObject({ actor_id: "act-omar" });
    const [newest] = await commits(world);
    expect(newest.actor_id).toBe("act-omar");
    const listed = await world.run(["commit", "list", "g"]);
    expect(listed.stdout.split("\n")[0]).toEndWith(" actor=act-omar");
  });

  it.each(["flag", "config"])("refuses an actor of the system's own, from the %s", async (source) => {
    const world = fleet();
    if (source === "config") world.config("operator: { actor: 'omnigraph:repair' }\n");
    const actor = source === "flag" ? ["--as", " omnigraph:repair "] : [];
    const { code, stdout, stderr } = await world.run([...insert, ...actor]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("actor 'omnigraph:repair' is reserved: 'omnigraph:' names the system itself");
    expect(await commits(world)).toHaveLength(2);
  });

  it("makes no commit where nothing matches", async () => {
    const world = fleet();
    const nothing = 'query d() { delete Ship where name = "Nobody" }';
    expect(await world.json(["mutate", "-e", nothing, "--store", "g", "--json"])).toMatchObject({
      affected_nodes: 0,
      affected_edges: 0,
      commit: null,
    });
  });

  it.each(["*", "W/x", '"x"', "a,b", "é"])("refuses --if-commit %p, which no commit has", async (id) => {
    const world = fleet();
    const { code, stdout, stderr } = await world.run([
      "mutate",
      "-e",
      INSERT,
      "--store",
      "g",
      "--if-commit",
      id,
    ]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`--if-commit takes one graph commit id, found '${id}'`);
  });

  it("runs with --if-commit on that head only, and ends with 4 on another", async () => {
    const world = fleet();
    const [{ graph_commit_id: head }] = await commits(world);
    const first = (await world.json([...insert, "--if-commit", head, "--json"])) as { commit: CommitJson };
    expect(first.commit.parent_commit_id).toBe(head);

    const second = ["mutate", "-e", INSERT, "--params", '{"n":"Dione"}', "--store", "g", "--if-commit", head];
    const plain = await world.run(second);
    expect([plain.code, plain.stdout]).toEqual([4, ""]);
    expect(plain.stderr).toContain("precondition failed on branch 'main'");
    const json = await world.run([...second, "--json"]);
    expect(json.code).toBe(4);
    expect(JSON.parse(json.stdout).precondition_failure).toEqual({
      expected: head,
      actual: first.commit.graph_commit_id,
    });
    expect(await ships(world, ["--store", "g"])).not.toContain("Dione");
  });
});

describe("branch", () => {
  it("has one shape on --uri and --store", async () => {
    const world = fleet();
    expect(await world.json(["branch", "create", "a", "--uri", "g", "--json"])).toEqual({
      uri: "g",
      from: "main",
      name: "a",
      actor_id: null,
    });
    expect((await world.run(["branch", "create", "b", "--from", "a", "--store", "g"])).stdout).toBe(
      "created branch b from a\n",
    );
    expect((await world.run(["branch", "list", "--store", "g"])).stdout).toBe("a\nb\nmain\n");
    expect(await world.json(["branch", "delete", "b", "--store", "g", "--json"])).toEqual({
      uri: "g",
      name: "b",
      actor_id: null,
    });
    expect((await world.run(["branch", "delete", "a", "--store", "g"])).stdout).toBe("deleted branch a\n");
  });

  it("warns that --as does nothing where nothing is written", async () => {
    const world = fleet();
    const { code, stderr } = await world.run(["branch", "list", "--store", "g", "--as", "x"]);
    expect([code, stderr]).toEqual([0, "warning: --as has no effect on branch\n"]);
  });

  it("merges, and deletes the source when asked", async () => {
    const world = fleet();
    const insert = (n: string, branch: string) =>
      world.json([
        "mutate",
        "-e",
        INSERT,
        "--params",
        `{"n":"${n}"}`,
        "--store",
        "g",
        "--branch",
        branch,
        "--json",
      ]);
    await world.json(["branch", "create", "etl/run-1", "--store", "g", "--json"]);
    await insert("Ceres", "etl/run-1");
    const merge = ["branch", "merge", "etl/run-1", "--store", "g"];
    expect((await world.run(merge)).stdout).toBe("merged etl/run-1 into main: fast_forward\n");
    const again = await world.json([...merge, "--json"]);
    expect(again).toEqual({
      source: "etl/run-1",
      target: "main",
      outcome: "already_up_to_date",
      actor_id: null,
    });
    expect((await world.run([...merge, "--delete-branch"])).stdout).toEndWith("deleted branch etl/run-1\n");
    expect(await ships(world, ["--store", "g"])).toContain("Ceres");
  });

  it("succeeds where only the deletion is refused", async () => {
    const world = fleet();
    await world.json(["branch", "create", "f", "--store", "g", "--json"]);
    await world.json(["branch", "create", "child", "--from", "f", "--store", "g", "--json"]);
    const outcome = await world.run(["branch", "merge", "f", "--delete-branch", "--store", "g", "--json"]);
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toContain("warning: merged, but could not delete branch 'f': ");
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      branch_deleted: false,
      branch_delete_error: expect.stringContaining("child"),
    });
  });

  it("refuses main, itself and unknown branches by name", async () => {
    const world = fleet();
    const on = ["--store", "g", "--quiet"];
    refused(await world.run(["branch", "delete", "main", ...on]), "cannot delete branch 'main'");
    refused(await world.run(["branch", "merge", "main", ...on]), "distinct source and target");
    refused(await world.run(["branch", "merge", "nope", ...on]), "nope");
    refused(await world.run(["branch", "delete", "nope", ...on]), "nope");
    refused(await world.run(["branch", "create", "x", "--from", "nope", ...on]), "nope");
    await world.json(["branch", "create", "x", "--store", "g", "--json"]);
    refused(await world.run(["branch", "create", "x", ...on]), "already exists");
  });
});

describe("commit", () => {
  it("shows one commit as lines or JSON", async () => {
    const world = fleet();
    const [head] = await commits(world);
    const { stdout } = await world.run(["commit", "show", head.graph_commit_id, "--uri", "g"]);
    expect(stdout).toStartWith(`graph_commit_id: ${head.graph_commit_id}\ngraph_branch: main\n`);
    expect(stdout).not.toContain("actor_id");
    expect(await world.json(["commit", "show", head.graph_commit_id, "--store", "g", "--json"])).toEqual(
      head,
    );
    refused(await world.run(["commit", "show", "01JZX0M4T0C1QK8W3N5E7R9B2D", "--store", "g"]), "not found");
  });
});

describe("export and snapshot", () => {
  it("prints what load reads, whole or by type", async () => {
    const world = fleet();
    const { stdout } = await world.run(["export", "g"]);
    world.file("copy.ndjson", stdout);
    await world.run(["init", "--schema", "s.pg", "copy"]);
    expect(
      await world.json(["load", "copy", "--data", "copy.ndjson", "--mode", "append", "--json"]),
    ).toMatchObject({
      total_entities: 4,
    });
    expect((await world.run(["export", "g", "--type", "Port"])).stdout).toBe(
      '{"type":"Port","data":{"id":"Oslo","name":"Oslo"}}\n',
    );
    refused(await world.run(["export", "g", "--type", "Plane"]), "Plane");
    const old = await world.run(["export", "g", "--jsonl"]);
    expect([old.stdout, old.stderr]).toEqual([stdout, expect.stringContaining("--jsonl is deprecated")]);
  });

  it("counts the entities of every type", async () => {
    const world = fleet();
    const { stdout } = await world.run(["snapshot", "g"]);
    expect(stdout.split("\n").slice(0, 3)).toEqual([
      "graph_branch: main",
      "graph_manifest_version: 2",
      "internal_schema_version: 1",
    ]);
    expect(stdout).toMatch(
      /\nnode type 'Ship' published_dataset_version=\d+ native_dataset_branch=main entities=2\n/,
    );
    expect(stdout).not.toContain("node:");
    const version = (await world.run(["version"])).stdout.split("internal-schema ")[1].trim();
    expect(await world.json(["snapshot", "--store", "g", "--json"])).toMatchObject({
      graph_branch: "main",
      internal_schema_version: Number(version),
    });
  });
});

describe("lint", () => {
  const UPDATE = 'query grow($age: I32) { update Ship set { age: $age } where name = "Aurora" }';

  it("checks queries against a schema file, opening no graph", async () => {
    const world = fleet();
    world.file("q.gq", `${ALL}\n${UPDATE}`);
    const { code, stdout } = await world.run(["lint", "--schema", "s.pg", "--query", "q.gq"]);
    expect(code).toBe(0);
    expect(stdout).toContain("OK    query `ships` (read)\n");
    expect(stdout).toContain("INFO  Lint complete: 2 queries processed (0 error(s), ");
    expect(await world.json(["lint", "--schema", "s.pg", "--query", "q.gq", "--json"])).toMatchObject({
      status: "ok",
      schema_source: { kind: "file", path: "s.pg" },
      query_path: "q.gq",
      queries_processed: 2,
    });
    const both = await world.run(["lint", "--schema", "s.pg", "--query", "q.gq", "nowhere"]);
    expect(both.code).toBe(0);
    expect(both.stderr).toContain("warning: ");
  });

  it("checks against the graph's schema without a file", async () => {
    const world = fleet();
    world.file("q.gq", ALL);
    expect(await world.json(["lint", "--query", "q.gq", "g", "--json"])).toMatchObject({
      schema_source: { kind: "graph", uri: "g" },
    });
    const outcome = await world.run(["lint", "--query", "q.gq"]);
    refused(outcome, "lint requires --schema");
  });

  it("fails with the result on stdout where a query is wrong", async () => {
    const world = fleet();
    world.file("bad.gq", "query q() { match { $s: Boat } return { $s.name } }");
    world.file("torn.gq", "query q() {");
    const bad = await world.run(["lint", "--schema", "s.pg", "--query", "bad.gq", "--json"]);
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({ status: "error", results: [{ status: "error" }] });
    expect(JSON.parse(bad.stdout).results[0]).not.toHaveProperty("operation");
    const torn = await world.run(["lint", "--schema", "s.pg", "--query", "torn.gq", "--json"]);
    expect(JSON.parse(torn.stdout)).toMatchObject({
      queries_processed: 0,
      errors: 1,
      findings: [{ code: "Q000" }],
    });
  });

  it("prints the same under its old names, with one warning", async () => {
    const world = fleet();
    world.file("q.gq", ALL);
    const canonical = await world.run(["lint", "--schema", "s.pg", "--query", "q.gq"]);
    for (const words of [["check"], ["query", "lint"], ["query", "check"]]) {
      const { stdout, stderr } = await world.run([...words, "--schema", "s.pg", "--query", "q.gq"]);
      expect(stdout).toBe(canonical.stdout);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(stderr).toContain("is deprecated; use `omnigraph lint`");
    }
  });
});

describe("a project file of old", () => {
  it("is not noticed, however broken", async () => {
    const world = fleet();
    world.file("omnigraph.yaml", "][ garbage");
    expect(await ships(world, ["--store", "g"])).toBe("s.name\nAurora\nBoreas\n");
  });
});
