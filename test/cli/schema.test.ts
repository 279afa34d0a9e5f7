import { beforeAll, describe, expect, it } from "bun:test";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createWorld, type Outcome, type World } from "./support.ts";

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

/** A directory with a fresh graph `g`, its schema and some data; made once and copied. */
let template: World;

beforeAll(async () => {
  template = createWorld();
  template.file("s.pg", SCHEMA);
  template.file("d.ndjson", DATA);
  await template.run(["init", "--schema", "s.pg", "g"]);
  await template.json(["load", "g", "--data", "d.ndjson", "--mode", "append", "--json"]);
});

function fleet(): World {
  const world = createWorld();
  cpSync(template.directory, world.directory, { recursive: true });
  return world;
}

function refused(outcome: Outcome, ...phrases: string[]): void {
  expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
  for (const phrase of phrases) expect(outcome.stderr).toContain(phrase);
}

async function headOf(world: World): Promise<string> {
  const listed = (await world.json(["commit", "list", "g", "--json"])) as {
    commits: { graph_commit_id: string }[];
  };
  return listed.commits[0].graph_commit_id;
}

describe("schema", () => {
  const WIDER = SCHEMA.replace("age: I32?", "age: I32?\n  flag: String?");

  it("shows the source as it was accepted", async () => {
    const world = fleet();
    expect((await world.run(["schema", "show", "g"])).stdout).toBe(SCHEMA);
    expect(await world.json(["schema", "get", "--store", "g", "--json"])).toEqual({ schema_source: SCHEMA });
    // The last line ends, whether or not the file's did.
    world.file("short.pg", "node A {}");
    await world.run(["init", "--schema", "short.pg", "short"]);
    expect((await world.run(["schema", "show", "short"])).stdout).toBe("node A {}\n");
    expect(await world.json(["schema", "show", "short", "--json"])).toEqual({ schema_source: "node A {}" });
  });

  it("plans without changing anything, supported or not", async () => {
    const world = fleet();
    world.file("wider.pg", WIDER);
    world.file("other.pg", SCHEMA.replace("age: I32?", "age: Bool?"));
    world.file("less.pg", SCHEMA.replace("  age: I32?\n", ""));
    const plan = (file: string, ...more: string[]) =>
      world.json(["schema", "plan", "g", "--schema", file, "--json", ...more]);
    expect(await plan("wider.pg")).toMatchObject({
      uri: "g",
      supported: true,
      step_count: 1,
      steps: [{ kind: "add_property", property_name: "flag" }],
    });
    expect(await plan("other.pg")).toMatchObject({ supported: false });
    expect(await plan("less.pg")).toMatchObject({ steps: [{ kind: "drop_property", mode: "soft" }] });
    expect(await plan("less.pg", "--allow-data-loss")).toMatchObject({ steps: [{ mode: "hard" }] });
    expect((await world.run(["schema", "plan", "--store", "g", "--schema", "wider.pg"])).stdout).toBe(
      "schema plan for g\nsupported: yes\n- add property 'Ship.flag' (String?) on node 'Ship'\n",
    );
    expect((await world.run(["schema", "show", "g"])).stdout).toBe(SCHEMA);
  });

  it("applies what is supported and refuses the rest", async () => {
    const world = fleet();
    world.file("wider.pg", WIDER);
    world.file("other.pg", SCHEMA.replace("age: I32?", "age: Bool?"));
    expect(await world.json(["schema", "apply", "g", "--schema", "wider.pg", "--json"])).toMatchObject({
      uri: "g",
      supported: true,
      applied: true,
      step_count: 1,
    });
    const again = await world.run(["schema", "apply", "g", "--schema", "wider.pg", "--quiet"]);
    expect(again.stdout).toContain("applied: no\n");
    expect(again.stdout).toContain("no schema changes\n");
    refused(await world.run(["schema", "apply", "g", "--schema", "other.pg", "--quiet"]), "age");
    expect((await world.run(["schema", "show", "g"])).stdout).toBe(WIDER);
  });

  it("does not undo what landed while the command was starting", async () => {
    const world = fleet();
    world.file("wider.pg", WIDER);
    world.file("other.pg", SCHEMA.replace("age: I32?", "age: I32?\n  mail: String?"));
    const startedAt = Date.now();
    expect((await world.run(["schema", "apply", "g", "--schema", "wider.pg", "--quiet"])).code).toBe(0);
    const apply = ["schema", "apply", "g", "--schema", "other.pg", "--quiet"];
    refused(
      await world.run(apply, { startedAt }),
      "another schema change landed first",
      "add property 'Ship.flag'",
      "also mean: drop property 'Ship.flag' of node 'Ship' (soft mode)",
    );
    expect((await world.run(["schema", "show", "g"])).stdout).toBe(WIDER);
    // Who sets out now knows of it.
    expect((await world.run(apply)).stdout).toContain(
      "- drop property 'Ship.flag' of node 'Ship' (soft mode)",
    );
  });

  it("warns of rename hints without effect, which may stay in the file", async () => {
    const world = fleet();
    world.file("renamed.pg", SCHEMA.replace("age: I32?", 'years: I32? @rename_from("age")'));
    const apply = ["schema", "apply", "g", "--schema", "renamed.pg", "--json", "--quiet"];
    const first = await world.run(apply);
    expect([first.stderr, JSON.parse(first.stdout).steps]).toEqual([
      "",
      [{ kind: "rename_property", type_kind: "node", type_name: "Ship", from: "age", to: "years" }],
    ]);
    const warning =
      'warning: property Ship.years declares @rename_from("age"), which has no effect: that property exists already\n';
    const plan = await world.run(["schema", "plan", "g", "--schema", "renamed.pg", "--json"]);
    expect([plan.stderr, JSON.parse(plan.stdout).step_count]).toEqual([warning, 0]);
    const second = await world.run(apply);
    expect([second.stderr, JSON.parse(second.stdout).applied]).toEqual([warning, false]);
    const init = await world.run(["init", "--schema", "renamed.pg", "new", "--quiet"]);
    expect([init.code, init.stderr]).toEqual([
      0,
      'warning: @rename_from("age") on property Ship.years has no effect in a new graph\n',
    ]);
  });

  it("drops softly, or with --allow-data-loss for good: neighbours stay readable in the past", async () => {
    const world = fleet();
    const snapshot = await headOf(world);
    const ages = "query a() { match { $s: Ship } return { $s.age } order { $s.name } }";
    const past = (query: string) =>
      world.run(["query", "--store", "g", "--snapshot", snapshot, "-e", query, "--format", "csv"]);
    world.file("soft.pg", SCHEMA.replace("  age: I32?\n", ""));
    const soft = await world.run(["schema", "apply", "g", "--schema", "soft.pg", "--quiet"]);
    expect(soft.stdout).toContain("- drop property 'Ship.age' of node 'Ship' (soft mode)\n");
    expect((await past(ages)).stdout).toBe("s.age\n3\nnull\n");
    expect((await world.run(["schema", "apply", "g", "--schema", "s.pg", "--quiet"])).code).toBe(0);

    world.file("hard.pg", "node Ship {\n  name: String @key\n}\n");
    const words = ["schema", "apply", "g", "--schema", "hard.pg", "--allow-data-loss", "--json"];
    const hard = await world.run(words);
    expect(hard.stderr).toContain("warning: nothing reads what was dropped any more, at no commit;");
    expect(JSON.parse(hard.stdout)).toMatchObject({
      applied: true,
      graph_manifest_version: 5,
      steps: [
        { kind: "drop_property", property_name: "age", mode: "hard" },
        { kind: "drop_type", name: "Port", mode: "hard" },
        { kind: "drop_type", name: "DocksAt", mode: "hard" },
      ],
    });
    refused(await past("query p() { match { $p: Port } return { $p } }"), "node type 'Port' was dropped");
    expect((await past(ALL)).stdout).toBe("s.name\nAurora\nBoreas\n");
    // What the first apply dropped softly is another property than the one dropped for good.
    expect((await past(ages)).stdout).toBe("s.age\n3\nnull\n");
  });

  it("waits for branches to go", async () => {
    const world = fleet();
    await world.run(["branch", "create", "draft", "--uri", "g"]);
    world.file("wider.pg", WIDER);
    expect((await world.run(["schema", "plan", "g", "--schema", "wider.pg"])).code).toBe(0);
    refused(
      await world.run(["schema", "apply", "g", "--schema", "s.pg", "--quiet"]),
      "requires a graph with only main; found non-main branches: draft",
    );
    await world.run(["branch", "delete", "draft", "--uri", "g"]);
    expect((await world.run(["schema", "apply", "g", "--schema", "wider.pg"])).code).toBe(0);
  });

  it("is not applied behind a cluster's back", async () => {
    const world = fleet();
    mkdirSync(join(world.directory, "d", "__cluster"), { recursive: true });
    writeFileSync(join(world.directory, "d", "__cluster", "state.json"), "{}");
    cpSync(join(world.directory, "g"), join(world.directory, "d", "graphs", "atlas.omni"), {
      recursive: true,
    });
    refused(
      await world.run(["schema", "apply", "d/graphs/atlas.omni", "--schema", "s.pg"]),
      "is inside cluster",
      "cluster apply",
    );
  });
});
