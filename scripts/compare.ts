// Compares the engine with the evaluator of test/oracle by hand: one seed again, or as many as time allows.
//
//   bun scripts/compare.ts reads --seed 7             the questions of one seed
//   bun scripts/compare.ts reads --seeds 100000       a night's worth, from --seed on (1 without)
//   bun scripts/compare.ts stories --seeds 10000      the same for writes, branches and maintenance between the questions

import { parseArgs } from "node:util";
import { compareReads } from "../test/oracle/reads.ts";
import { compareStory } from "../test/oracle/stories.ts";

/** Seeds between two lines of progress. */
const PROGRESS_SEEDS = 1_000;
/** What can be compared. */
const KINDS: Readonly<Record<string, (seed: number) => Promise<unknown>>> = {
  reads: (seed) => compareReads(seed),
  stories: (seed) => compareStory(seed),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
  },
});

async function main(): Promise<number> {
  const compare = KINDS[positionals[0] ?? ""];
  if (compare === undefined) {
    console.error(`name what to compare: ${Object.keys(KINDS).join(", ")}`);
    return 2;
  }
  const [first, count] = [wholeNumber("seed", values.seed), wholeNumber("seeds", values.seeds)];
  let failures = 0;
  for (let seed = first; seed < first + count; seed++) {
    try {
      const report = await compare(seed);
      if (count === 1) console.log(report);
    } catch (error) {
      failures++;
      console.error(error instanceof Error ? error.message : error);
    }
    const done = seed - first + 1;
    if (done % PROGRESS_SEEDS === 0 || done === count)
      console.log(`${done} of ${count} seeds, ${failures} failures`);
  }
  return failures === 0 ? 0 : 1;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--${name} takes a whole number from 1 on, got '${text}'`);
  return value;
}

process.exitCode = await main();
