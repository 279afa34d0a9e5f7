import { beforeAll, describe, expect, it } from "bun:test";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createWorld, type Outcome, type World } from "./support.ts";

const FILES: Readonly<Record<string, string>> = {
  "cluster.yaml": `version: 1
metadata: { name: prod }
graphs:
  atlas: { schema: fleet.pg, queries: queries/ }
policies:
  crew: { file: crew.yaml, applies_to: [atlas] }
  topology: { file: server.yaml, applies_to: [cluster] }
`,
  "fleet.pg": "node Ship { name: String @key  age: I32? }\n",
  "queries/ships.gq": `query all() @description("Every ship\\nthat we know.") {
  match { $s: Ship } return { $s.name }
}
query by_name($name: String, $age: I32?) { match { $s: Ship { name: $name } } return { $s.name } }
query grow($name: String) { update Ship set { age: 1 } where name = $name }
`,
  "crew.yaml": `version: 1
groups: { crew: [act-nina, act-omar] }
rules:
  - id: crew-reads
    allow: { actors: { group: crew }, actions: [read] }
`,
  "server.yaml": `version: 1
groups: { crew: [act-nina] }
rules:
  - id: crew-lists
    allow: { actors: { group: crew }, actions: [graph_list] }
`,
};

let applied: World;

function write(world: World, files: Readonly<Record<string, string>>): string {
  const directory = join(world.directory, "prod");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

const at = (world: World) => join(world.directory, "prod");

function site(): World {
  const world = createWorld();
  cpSync(at(applied), at(world), { recursive: true });
  return world;
}

beforeAll(async () => {
  applied = createWorld();
  write(applied, FILES);
  await applied.json(["cluster", "import", "--config", at(applied), "--json"]);
  await applied.json(["cluster", "apply", "--config", at(applied), "--json"]);
});

function refused(outcome: Outcome, ...phrases: string[]): void {
  expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
  for (const phrase of phrases) expect(outcome.stderr).toContain(phrase);
}

describe("cluster", () => {
  it("goes from a folder to an applied revision, in words or JSON", async () => {
    const world = createWorld();
    const config = ["--config", write(world, FILES)];
    const first = async (...words: string[]) =>
      (await world.run(["cluster", ...words, ...config])).stdout.split("\n")[0];
    expect(await first("status")).toBe("cluster state missing");
    expect(await first("validate")).toMatch(
      /^cluster config valid: \d+ resource\(s\), \d+ dependency edge\(s\)$/,
    );
    expect(await first("import")).toMatch(/^cluster import: revision 1, /);
    expect(await first("plan")).toMatch(/^cluster plan: \d+ change\(s\), 0 approval gate\(s\)$/);
    expect(await first("apply")).toMatch(/^cluster apply: \d+ applied, 0 deferred\/blocked$/);
    expect(await first("status")).toMatch(/^cluster state: revision \d+, \d+ resource\(s\)$/);
    expect(await world.json(["cluster", "plan", ...config, "--json"])).toMatchObject({
      ok: true,
      config_dir: at(world),
      changes: [],
    });
  });

  it("prints the failure on stdout and ends with 1", async () => {
    const world = createWorld();
    const config = [
      "--config",
      write(world, { "cluster.yaml": "version: 1\ngraphs: {a: {schema: no.pg}}\n" }),
    ];
    const human = await world.run(["cluster", "validate", ...config]);
    expect(human.code).toBe(1);
    expect(human.stdout).toStartWith("cluster config invalid\nERROR ");
    const json = await world.run(["cluster", "apply", ...config, "--json"]);
    expect([json.code, JSON.parse(json.stdout).ok]).toEqual([1, false]);
  });

  it("applies as --as, else operator.actor, else the actor of an old project file", async () => {
    const world = site();
    const actor = async (...words: string[]) =>
      (
        (await world.json(["cluster", "apply", "--config", at(world), "--json", ...words])) as {
          actor?: string;
        }
      ).actor;
    expect(await actor()).toBeUndefined();
    world.file("omnigraph.yaml", "cli: { actor: act-legacy }\nnonsense: [1]\n");
    expect(await actor()).toBe("act-legacy");
    world.config("operator: { actor: act-nina }\ndefaults: { server: a, store: b }");
    expect(await actor()).toBe("act-nina");
    world.file("omnigraph.yaml", "][ garbage");
    expect(await actor("--as", "act-omar")).toBe("act-omar");
    expect(await actor()).toBe("act-nina");
    refused(
      await world.run(["cluster", "apply", "--config", at(world), "--as", "omnigraph:repair"]),
      "actor 'omnigraph:repair' is reserved",
    );
    world.config("");
    refused(
      await world.run(["cluster", "apply", "--config", at(world)]),
      "could not parse legacy project file",
      "omnigraph.yaml",
    );
    expect((await world.run(["cluster", "plan", "--config", at(world)])).code).toBe(0);
    world.config("operator: [");
    refused(await world.run(["cluster", "apply", "--config", at(world)]), "could not parse operator config");
    expect((await world.run(["cluster", "status", "--config", at(world)])).code).toBe(0);
  });

  it("removes a lock by its id only", async () => {
    const world = site();
    const { code, stdout } = await world.run(["cluster", "force-unlock", "--config", at(world), "01X"]);
    expect(code).toBe(1);
    expect(stdout).toContain("cluster force-unlock failed");
  });
});

describe("queries", () => {
  it("lists the stored queries with their parameters and notes", async () => {
    const { stdout } = await site().run(["queries", "list", "--cluster", at(applied)]);
    expect(stdout).toBe(`read  all() [mcp: all]
    description: Every ship
                 that we know.
read  by_name($name: String, $age: I32?) [mcp: by_name]
mutation  grow($name: String) [mcp: grow]
`);
  });

  it("lists them as JSON, with notes only where they are declared", async () => {
    const { queries } = (await site().json(["queries", "list", "--cluster", at(applied), "--json"])) as {
      queries: object[];
    };
    expect(queries[1]).toEqual({
      name: "by_name",
      graph_id: "atlas",
      mcp_expose: true,
      tool_name: "by_name",
      mutation: false,
      params: [
        { name: "name", type: "String", nullable: false },
        { name: "age", type: "I32", nullable: true },
      ],
    });
    expect(queries[0]).toMatchObject({ description: "Every ship\nthat we know." });
  });

  it("checks them against the live schema", async () => {
    const world = site();
    world.config(`profiles: { admin: { cluster: "${at(world)}", default_graph: atlas } }`);
    const { code, stdout } = await world.run(["queries", "validate", "--profile", "admin"]);
    expect([code, stdout]).toEqual([0, "OK  3 stored queries type-check against the schema\n"]);
    expect(await world.json(["queries", "validate", "--cluster", at(world), "--json"])).toEqual({
      ok: true,
      breakages: [],
      warnings: [],
    });
  });

  it("needs a cluster that can be served, and a graph in it", async () => {
    const world = site();
    world.config("profiles: { s: { store: g } }\ndefaults: { store: g }");
    refused(await world.run(["queries", "validate"]), "needs a cluster");
    refused(await world.run(["queries", "list", "--profile", "s"]), "needs a cluster");
    refused(
      await world.run(["queries", "list", "--cluster", at(world), "--graph", "nope"]),
      "is not applied in cluster",
      "atlas",
    );
    rmSync(join(at(world), "__cluster", "state.json"));
    refused(
      await world.run(["queries", "list", "--cluster", at(world)]),
      "is not servable",
      "[cluster_state_missing]",
    );
  });
});

describe("policy", () => {
  const run = (...words: string[]) => site().run(["policy", ...words, "--cluster", at(applied)]);

  it("checks the graph's own bundle, else the cluster's", async () => {
    expect((await run("validate", "--graph", "atlas")).stdout).toBe(
      "policy valid: bundle 'crew' [2 actors]\n",
    );
    expect((await run("validate", "--graph", "other")).stdout).toBe(
      "policy valid: bundle 'topology' [1 actors]\n",
    );
    refused(
      await run("validate"),
      "matches 2 policy bundles",
      "crew",
      "topology",
      "pass --graph <id> to select one",
    );
  });

  it("explains a decision, and denies with exit 0", async () => {
    const denied = await run(
      ...["explain", "--graph", "atlas", "--actor", "act-nina", "--action", "change", "--branch", "main"],
    );
    expect(denied.code).toBe(0);
    expect(denied.stdout).toBe(
      "decision: deny\nactor: act-nina\naction: change\nbranch: main\nmessage: policy denied action 'change' on branch 'main' for actor 'act-nina'\n",
    );
    const allowed = await run(
      "explain",
      "--graph",
      "atlas",
      "--actor",
      "act-omar",
      "--action",
      "read",
      "--json",
    );
    expect(JSON.parse(allowed.stdout)).toMatchObject({ decision: "allow", matched_rule: "crew-reads" });
    const hyphen = await run("explain", "--graph", "atlas", "--actor", "x", "--action", "branch-create");
    expect(hyphen.stdout).toContain("action: branch_create\n");
    expect(hyphen.stdout).toContain("for unknown actor 'x'");
    expect((await run("explain", "--actor", "x", "--action", "fly")).code).toBe(2);
  });

  it("compares with expectations and names the case that differs", async () => {
    const world = site();
    const test = (cases: string, version = 1) => {
      world.file("t.yaml", `version: ${version}\ncases:\n${cases}`);
      return world.run(["policy", "test", "--tests", "t.yaml", "--cluster", at(applied), "--graph", "atlas"]);
    };
    const right = "  - { id: a, actor: act-nina, action: read, branch: main, expect: allow }\n";
    const wrong = "  - { id: b, actor: act-nina, action: change, expect: allow }\n";
    expect((await test(right)).stdout).toBe("policy tests passed: 1 cases\n");
    refused(await test(right + wrong), "policy tests failed:", "b: expected allow but got deny");
    refused(await test(right, 2), "policy test version must be 1");
    refused(await test("  - { id: a, acter: x }\n"), "acter");
    refused(
      await world.run(["policy", "test", "--tests", "no.yaml", "--cluster", at(applied), "--graph", "atlas"]),
      "could not read --tests no.yaml",
    );
  });

  it("says so where there is no bundle", async () => {
    const world = createWorld();
    const config = write(world, {
      "cluster.yaml": "version: 1\ngraphs: { atlas: { schema: fleet.pg } }\n",
      "fleet.pg": FILES["fleet.pg"],
    });
    await world.json(["cluster", "import", "--config", config, "--json"]);
    await world.json(["cluster", "apply", "--config", config, "--json"]);
    refused(await world.run(["policy", "validate", "--cluster", config]), "has no applied policy bundles");
    expect((await world.run(["queries", "list", "--cluster", config])).stdout).toBe(
      "(no stored queries registered)\n",
    );
  });
});

describe("a graph of a cluster", () => {
  it("is found for direct commands: the only one, or the named one", async () => {
    const world = site();
    world.file("q.gq", "query q() { match { $s: Ship } return { $s.name } }");
    const lint = (...words: string[]) =>
      world.run(["lint", "--query", "q.gq", "--cluster", at(world), ...words]);
    expect((await lint()).code).toBe(0);
    expect((await lint("--graph", "atlas")).code).toBe(0);
    refused(await lint("--graph", "nope"), "is not applied in cluster", "atlas", "cluster apply");
    rmSync(join(at(world), "__cluster", "resources"), { recursive: true });
    expect((await lint()).code).toBe(0);
    rmSync(join(at(world), "__cluster", "state.json"));
    refused(await lint(), "has no applied state");
  });

  it("has to be named where there are several", async () => {
    const world = createWorld();
    const config = write(world, {
      "cluster.yaml": "version: 1\ngraphs: { b: { schema: fleet.pg }, a: { schema: fleet.pg } }\n",
      "fleet.pg": FILES["fleet.pg"],
    });
    await world.json(["cluster", "import", "--config", config, "--json"]);
    await world.json(["cluster", "apply", "--config", config, "--json"]);
    world.file("q.gq", "query q() { match { $s: Ship } return { $s.name } }");
    world.config(`clusters: { fleet: { root: "${config}" } }`);
    refused(
      await world.run(["lint", "--query", "q.gq", "--cluster", "fleet"]),
      "2 graphs",
      "a, b",
      "pass --graph <id>",
    );
    expect(existsSync(join(config, "graphs", "a.omni"))).toBe(true);
  });
});
