import { beforeAll, describe, expect, it } from "bun:test";
import { createWorld, type World } from "./support.ts";

const ALL = "query ships() { match { $s: Ship } return { $s.name } order { $s.name } }";
const WORDS = ["query", "-e", ALL, "--store", "g"];

let world: World;
beforeAll(async () => {
  world = createWorld();
  world.file("s.pg", "node Ship { name: String @key }");
  world.file(
    "d.ndjson",
    '{"type":"Ship","data":{"name":"Aurora"}}\n{"type":"Ship","data":{"name":"Boreas"}}\n',
  );
  await world.run(["init", "--schema", "s.pg", "g"]);
  await world.json(["load", "g", "--data", "d.ndjson", "--mode", "append", "--json"]);
});

describe("query --explain", () => {
  it("prints how the rows are found instead of the rows", async () => {
    expect((await world.run([...WORDS, "--explain"])).stdout.split("\n")).toEqual([
      "plan of ships, tables in memory",
      "step     detail        access    scanned  estimated  actual",
      "scan     $s: Ship      all rows        2          2       2",
      "sort     $s.name, ids                             2       2",
      "project  s.name                                   2       2",
      "",
    ]);
  });

  it("prints both with --json, and only the rows without --explain", async () => {
    expect(await world.json([...WORDS, "--explain", "--json"])).toMatchObject({
      row_count: 2,
      rows: [{ "s.name": "Aurora" }, { "s.name": "Boreas" }],
      plan: { tables: "in memory", steps: [{ operator: "scan", actual_rows: 2 }, {}, {}] },
    });
    expect(await world.json([...WORDS, "--json"])).not.toHaveProperty("plan");
  });
});

describe("OMNIGRAPH_QUERY_TIMEOUT_MS", () => {
  it("is refused where it is no number of milliseconds", async () => {
    for (const given of ["soon", "-1", "1.5"]) {
      const outcome = await world.run(WORDS, { env: { OMNIGRAPH_QUERY_TIMEOUT_MS: given } });
      expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
      expect(outcome.stderr).toContain(`takes milliseconds, found '${given}'`);
    }
  });

  it("leaves queries alone where it is 0 or ample", async () => {
    for (const given of ["0", "60000", " "]) {
      const outcome = await world.run([...WORDS, "--format", "csv"], {
        env: { OMNIGRAPH_QUERY_TIMEOUT_MS: given },
      });
      expect(outcome.stdout).toBe("s.name\nAurora\nBoreas\n");
    }
  });
});
