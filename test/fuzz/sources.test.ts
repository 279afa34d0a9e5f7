// Whatever a source says, it ends in an answer or in a refusal that blames the source: never in a crash, in a wait without
// end, or in an error of ours.

import { describe, expect, it } from "bun:test";
import { OmnigraphError } from "../../src/lib/errors.ts";
import type { JsonObject } from "../../src/lib/json.ts";
import { lintQueries } from "../../src/query/index.ts";
import { admitSchema, planMigration } from "../../src/schema/index.ts";
import { type TestGraph, testGraph } from "../engine/support.ts";
import { Dice } from "../support/dice.ts";
import { damage, randomBytes, shorten } from "./damage.ts";
import { randomParams, randomQueries, SCHEMA } from "./query-text.ts";
import { randomSchema } from "./schema-text.ts";

/** One seed alone, to see a failure again; or more of them than a suite has time for. */
const { OMNIGRAPH_FUZZ_SEED: ONE_SEED, OMNIGRAPH_FUZZ_SEEDS: SEEDS } = process.env;
const seeds = (count: number) =>
  ONE_SEED === undefined
    ? Array.from({ length: Number(SEEDS ?? count) }, (_, i) => i + 1)
    : [Number(ONE_SEED)];
const TEST_MS_MAX = SEEDS === undefined ? 120_000 : 3_600_000;

/** `run` on a source, which may refuse it; what else goes wrong is told with the shortest such source. */
async function survive(
  seed: number,
  source: string,
  name: string,
  run: (source: string) => unknown,
): Promise<boolean> {
  const failureOf = async (text: string): Promise<Error | null> => {
    try {
      await run(text);
      return null;
    } catch (thrown) {
      if (thrown instanceof OmnigraphError && thrown.status < 500) return null;
      return thrown instanceof Error ? thrown : new Error(String(thrown));
    }
  };
  const failure = await failureOf(source);
  if (failure === null) return true;
  const shortest = await shorten(source, async (text) => (await failureOf(text)) !== null);
  throw new Error(
    `seed ${seed}: ${JSON.stringify(shortest)}\n${failure.stack}\n` +
      `again: OMNIGRAPH_FUZZ_SEED=${seed} bun test test/fuzz -t "${name}"`,
  );
}

const catalog = admitSchema(SCHEMA, null);
const input = { schema_source: { kind: "file", path: "s" }, query_path: "q" } as const;

async function smallGraph(): Promise<TestGraph> {
  const graph = await testGraph(SCHEMA);
  await graph.load([
    { type: "User", data: { handle: "ana", age: 30, city: "rome", tags: ["x"], vec: [1, 0, 0] } },
    { type: "User", data: { handle: "ben", big: 9, ratio: 0.5, state: "new", flag: true } },
    { type: "User", data: { handle: "cy", joined: "2024-01-01T00:00:00Z", born: "2000-01-01" } },
    { type: "Team", data: { code: "red", title: "The red ones" } },
    { edge: "Follows", from: "ana", to: "ben", data: { since: "2024-01-01", weight: 1.5 } },
    { edge: "Follows", from: "ben", to: "ana" },
    { edge: "MemberOf", from: "ana", to: "red" },
  ]);
  return graph;
}

describe("a query source", () => {
  it(
    "of any kind is planned and run, or refused",
    async () => {
      const { graph } = await smallGraph();
      let answered = 0;
      for (const seed of seeds(2_500)) {
        const dice = new Dice(seed);
        const source = dice.chance(0.1) ? damage(randomBytes(dice), dice) : damage(randomQueries(dice), dice);
        const params = randomParams(dice) as JsonObject;
        await survive(seed, source, "a query source", async (text) => {
          const { output } = lintQueries(text, catalog, input);
          for (const { name, kind } of output.results) {
            if (kind === "read") {
              await (await graph.query({ source: text, name, params })).rows();
            } else {
              // On a branch of its own: a seed meets the same graph alone as after others.
              const branch = `seed-${seed}`;
              await graph.createBranch({ name: branch, actor: null });
              try {
                await graph.mutate({ source: text, name, params, branch, actor: null });
              } finally {
                await graph.deleteBranch({ name: branch, actor: null });
              }
            }
            answered++;
          }
        });
      }
      if (ONE_SEED === undefined) expect(answered).toBeGreaterThan(200);
    },
    TEST_MS_MAX,
  );
});

describe("a schema source", () => {
  it(
    "of any kind is admitted and migrated to, or refused",
    async () => {
      let admitted = 0;
      for (const seed of seeds(4_000)) {
        const dice = new Dice(seed);
        const source = dice.chance(0.1) ? damage(randomBytes(dice), dice) : damage(randomSchema(dice), dice);
        await survive(seed, source, "a schema source", (text) => {
          const other = admitSchema(text, null);
          planMigration(catalog, text, true);
          planMigration(other, SCHEMA, false);
          admitted++;
        });
      }
      if (ONE_SEED === undefined) expect(admitted).toBeGreaterThan(200);
    },
    TEST_MS_MAX,
  );
});

describe("a failure", () => {
  it("is made small and says how to see it again", async () => {
    const failing = survive(7, randomQueries(new Dice(7)), "a query source", (text) => {
      if (text.includes("query")) throw new TypeError("no such thing");
    });
    await expect(failing).rejects.toThrow(/^seed 7: "query"\nTypeError: no such thing/);
    await expect(failing).rejects.toThrow(
      'again: OMNIGRAPH_FUZZ_SEED=7 bun test test/fuzz -t "a query source"',
    );
  });
});
