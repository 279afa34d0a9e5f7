// Compaction as processes of its own: right after a load, and beside writers that do not wait for it.

import { beforeAll, describe, expect, it, setDefaultTimeout } from "bun:test";
import { bucketRoot, file, placeAt, succeed, TEST_MS_MAX } from "./places.ts";
import { BUILD_MS_MAX, binary, type Environment, temporaryDirectory } from "./support.ts";

setDefaultTimeout(TEST_MS_MAX);

beforeAll(async () => {
  await binary();
}, BUILD_MS_MAX);

const SCHEMA = `node Ship { name: String @key  age: I32 }
edge Tows: Ship -> Ship
`;
const ROWS = 300;
const ROUNDS = 10;

const STORAGES = [
  ["a directory", async () => ({ root: temporaryDirectory(), env: {} })],
  ["a bucket", bucketRoot],
] as const satisfies readonly (readonly [string, () => Promise<{ root: string; env: Environment }>])[];

interface Optimized {
  readonly datasets: readonly { readonly type_key: string; readonly committed: boolean }[];
}

describe.each(STORAGES)("optimize in %s", (_, storage) => {
  it("succeeds every time, right after a load and beside two others, and loses none of them", async () => {
    const { root, env } = await storage();
    const uri = `${root}/fleet.omni`;
    const place = await placeAt(["--store", uri], { env });
    await succeed(place.run("init", "--schema", await file("fleet.pg", SCHEMA), uri));
    const load = async (prefix: string) => {
      const lines = Array.from({ length: ROWS }, (_, i) =>
        JSON.stringify({ type: "Ship", data: { name: `${prefix}-${i}`, age: i } }),
      );
      lines.push(JSON.stringify({ edge: "Tows", from: `${prefix}-0`, to: `${prefix}-1` }));
      const data = await file(`${prefix}.ndjson`, lines.join("\n"));
      await succeed(place.on("load", "--mode", "append", "--data", data, "--quiet"));
    };
    let compactions = 0;
    for (let round = 0; round < ROUNDS; round++) {
      await load(`first${round}`);
      const [optimized] = await Promise.all([
        succeed(place.on("optimize", "--json")),
        load(`left${round}`),
        load(`right${round}`),
      ]);
      const { datasets } = JSON.parse(optimized) as Optimized;
      expect(datasets.map(({ type_key }) => type_key)).toEqual(["edge:Tows", "node:Ship"]);
      if (datasets.some(({ committed }) => committed)) compactions++;
    }
    expect(compactions).toBeGreaterThan(0);
    const exported = (await succeed(place.on("export"))).trimEnd().split("\n");
    expect(exported).toHaveLength(3 * ROUNDS * (ROWS + 1));
    expect(new Set(exported).size).toBe(exported.length);
    const { commits } = JSON.parse(await succeed(place.on("commit", "list", "--json"))) as {
      commits: unknown[];
    };
    expect(commits).toHaveLength(1 + 3 * ROUNDS + compactions);
    const checked = await succeed(place.on("repair", "--json"));
    expect(new Set(checked.match(/"classification": "\w+"/g))).toEqual(
      new Set(['"classification": "no_drift"']),
    );
    await succeed(place.on("optimize"));
    expect(await succeed(place.on("optimize"))).not.toContain("✓");
    expect((await succeed(place.on("export"))).trimEnd().split("\n")).toEqual(exported);
  });
});
