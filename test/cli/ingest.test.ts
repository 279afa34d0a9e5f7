import { afterEach, beforeEach, describe, expect, it } from "bun:test";
import { createWorld, type FakeServer, fakeServer, type World } from "./support.ts";

const SCHEMA = `node Day { day: Date @key  mood: String? }
node Note { text: String }
edge Next: Day -> Day
`;

/** Records that only the permissive reader takes: spread over lines, with more than the schema knows. */
const DATA = `{
  "type": "Day", "weather": "fair",
  "data": {"id": "2024-02-29", "day": "2024-02-29", "mood": 5, "colour": "blue"}
} {"type":"Day","data":{"day":19783}}
{"edge":"next","from":"2024-02-29","to":"19783"}
`;

const WARNING = "warning: `omnigraph ingest` is a deprecated loader command; prefer `omnigraph load`\n";

let world: World;
const servers: FakeServer[] = [];

beforeEach(async () => {
  world = createWorld();
  world.file("s.pg", SCHEMA);
  world.file("d.json", DATA);
  await world.run(["init", "--schema", "s.pg", "g"]);
});
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

describe("ingest", () => {
  it("loads permissively into main in merge mode, and says so with a warning", async () => {
    const { code, stdout, stderr } = await world.run(["ingest", "g", "--data", "d.json", "--as", "ann"]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      "ingested 3 entities from g into branch main from main with merge (branch exists)\n" +
        "node type 'Day': 2 entities loaded\n" +
        "edge type 'Next': 1 entities loaded\n" +
        "actor_id: ann\n",
    );
    expect(stderr).toBe(`${WARNING}omnigraph ingest → g (direct, local)\n`);
    expect((await world.run(["export", "g", "--type", "Next"])).stdout).toContain(
      '{"edge":"Next","from":"19782","to":"19783"',
    );
  });

  it("forks a missing branch from main without being told, and prints every field with --json", async () => {
    const words = ["ingest", "g", "--data", "d.json", "--branch", "intake", "--mode", "append", "--json"];
    const output = (await world.json(words)) as { commit: unknown };
    expect(Object.keys(output)).toEqual([
      "uri",
      "branch",
      "base_branch",
      "branch_created",
      "mode",
      "nodes",
      "edges",
      "total_entities",
      "actor_id",
      "commit",
    ]);
    expect(output).toMatchObject({
      uri: "g",
      branch: "intake",
      base_branch: "main",
      branch_created: true,
      mode: "append",
      nodes: [{ name: "Day", entities_loaded: 2 }],
      edges: [{ name: "Next", entities_loaded: 1 }],
      total_entities: 3,
      actor_id: null,
      commit: { graph_branch: "intake" },
    });
  });

  it("names the record that is wrong, and leaves no branch", async () => {
    world.file("bad.json", '{"type":"Day","data":{"day":1}}\n{"edge":"Next","from":"1"}');
    const { code, stderr } = await world.run(["ingest", "g", "--data", "bad.json", "--branch", "intake"]);
    expect(code).toBe(1);
    expect(stderr).toContain("record 2: edge missing 'to'");
    expect((await world.run(["branch", "list", "--uri", "g"])).stdout).toBe("main\n");
  });

  it("posts an envelope to a server's route of that name", async () => {
    const answer = { branch: "main", base_branch: "main", branch_created: false, mode: "merge" };
    const server = fakeServer(() =>
      Response.json({
        uri: "s3://b/a.omni",
        ...answer,
        nodes: [],
        edges: [],
        total_entities: 0,
        actor_id: "ops",
        commit: null,
      }),
    );
    servers.push(server);
    const words = ["ingest", "--server", server.url, "--graph", "a", "--data", "d.json", "--quiet"];
    const { code, stdout } = await world.run(words);
    expect([code, stdout]).toEqual([
      0,
      `ingested 0 entities from ${server.url}/graphs/a into branch main from main with merge (branch exists)\nactor_id: ops\n`,
    ]);
    const [asked] = server.asked;
    expect([asked.method, asked.target]).toEqual(["POST", "/graphs/a/ingest"]);
    expect(JSON.parse(asked.body)).toEqual({ data: DATA, mode: "merge", branch: "main", from: "main" });
  });
});
