// Runs the simulation of test/sim by hand: one seed again, or as many as time allows.
//
//   npm run sim -- --seed 7 --steps 200            one run
//   npm run sim -- --seed 7 --steps 200 --trace    the same, with every request and call
//   npm run sim -- --seeds 100000 --steps 200      a day's worth, from --seed on (1 without)

import { parseArgs } from "node:util";
import {
  replayCommand,
  type SimulationOptions,
  type SimulationResult,
  simulate,
} from "../test/sim/simulate.ts";

const STEPS_DEFAULT = 200;
/** Runs between two lines of progress. */
const PROGRESS_RUNS = 1_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string", default: String(STEPS_DEFAULT) },
    trace: { type: "boolean", default: false },
  },
});

async function main(): Promise<number> {
  const first = wholeNumber("seed", values.seed);
  const runs = wholeNumber("seeds", values.seeds);
  const steps = wholeNumber("steps", values.steps);
  let failures = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const options = { seed, steps, ...(values.trace ? { trace: (line: string) => console.log(line) } : {}) };
    const result = await attempt(options);
    if (result === null) failures++;
    else if (runs === 1) console.log(`${replayCommand(options)}: ${describe(result)}`);
    const done = seed - first + 1;
    if (done % PROGRESS_RUNS === 0) console.log(`${done} of ${runs} runs, ${failures} failures`);
  }
  if (runs > 1) console.log(`${runs} runs of ${steps} steps, ${failures} failures`);
  return failures === 0 ? 0 : 1;
}

async function attempt(options: SimulationOptions): Promise<SimulationResult | null> {
  try {
    return await simulate(options);
  } catch (thrown) {
    console.error(`seed ${options.seed}: ${thrown instanceof Error ? thrown.message : thrown}`);
    return null;
  }
}

function describe({
  commits,
  branches,
  requests,
  crashes,
  events,
  elapsedMs,
  digest,
}: SimulationResult): string {
  const seconds = Math.round(elapsedMs / 1_000);
  return (
    `${commits} commits on ${branches} branches, ${requests} requests, ${crashes} crashes, ` +
    `${events} events in ${seconds} simulated seconds, trace ${digest.slice(0, 12)}`
  );
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  console.error(`--${option} must be a whole number, got '${text}'`);
  process.exit(2);
}

process.exit(await main());
