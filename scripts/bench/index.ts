// `npm run bench` measures everything, `npm run bench -- serve` one group; both print one table on standard output and
// what they are doing on standard error. Figures of a machine that has other things to do say little.

import { build } from "../build.ts";
import { type Group, openBench } from "./bench.ts";
import { cold } from "./cold.ts";
import { graphs } from "./graphs.ts";
import { history } from "./history.ts";
import { load } from "./load.ts";
import { machineName } from "./machine.ts";
import { memory } from "./memory.ts";
import { million } from "./million.ts";
import { killAll } from "./processes.ts";
import { s3Requests } from "./s3-requests.ts";
import { search } from "./search.ts";
import { serve } from "./serve.ts";
import { sources } from "./sources.ts";
import { type BenchRow, renderTable } from "./table.ts";
import { writes } from "./writes.ts";

/** In the order in which they run: the later ones change the graph and fill the server's memory. */
const GROUPS: Readonly<Record<string, readonly Group[]>> = {
  sources: [sources],
  s3: [s3Requests],
  history,
  load: [load],
  cold: [cold],
  serve: [serve],
  search: [search],
  writes: [writes],
  // Memory after what was served and written is only that when something was.
  memory: [serve, writes, memory],
  graphs: [graphs],
  million: [million],
};
/** Groups that take so long that they run only when they are named. */
const ON_REQUEST: readonly string[] = ["million"];

async function main(words: readonly string[]): Promise<void> {
  const unknown = words.filter((word) => !Object.hasOwn(GROUPS, word));
  if (unknown.length > 0) {
    console.error(`unknown group ${unknown.join(", ")}; there are: ${Object.keys(GROUPS).join(", ")}`);
    process.exit(2);
  }
  const chosen =
    words.length === 0 ? Object.keys(GROUPS).filter((name) => !ON_REQUEST.includes(name)) : words;
  const groups = new Set(chosen.flatMap((word) => GROUPS[word]));

  const say = (text: string) => console.error(`… ${text}`);
  say("build dist/omnigraph");
  await build();
  const bench = await openBench(say);
  const rows: BenchRow[] = [];
  for (const group of groups) rows.push(...(await group(bench)));
  await bench.close();
  console.log(`${machineName()}\n\n${renderTable(rows)}`);
  const missed = rows.filter(({ reached }) => !reached).length;
  if (missed > 0) console.log(`\n${missed} of ${rows.length} not reached`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    killAll();
    process.exit(1);
  });
}
await main(process.argv.slice(2)).catch((error: unknown) => {
  killAll();
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
