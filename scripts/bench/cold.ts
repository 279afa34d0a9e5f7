// What a process takes that has just been started, its start included: files are in the system's cache, nothing else is.

import type { Bench } from "./bench.ts";
import { connect } from "./connection.ts";
import { summarize, timed } from "./measure.ts";
import { omnigraph, startServer } from "./processes.ts";
import { invoke } from "./queries.ts";
import { within } from "./serve.ts";
import type { BenchRow } from "./table.ts";

const LOOKUP = `query lookup($name: String) {
  match { $s: Synset { name: $name } }
  return { $s.name as name, $s.gloss as gloss }
}`;
const BOOTS = 7;

export async function cold(bench: Bench): Promise<BenchRow[]> {
  const { names } = await bench.wordnet();
  const { graph, directory } = await bench.cluster();

  bench.say("start the binary again and again");
  const version = await timed({ warmup: 3, runs: 20 }, () => omnigraph(["version"], bench.env));
  const query = await timed({ warmup: 2, runs: 15 }, async (run) => {
    const params = JSON.stringify({ name: names[run] });
    const args = ["query", "--store", graph, "-e", LOOKUP, "--params", params, "--json"];
    const { stdout } = await omnigraph(args, bench.env);
    const { row_count } = JSON.parse(stdout) as { row_count: number };
    if (row_count !== 1) throw new Error(`${names[run]}: ${row_count} rows`);
  });

  const boots: number[] = [];
  for (let run = 0; run < BOOTS; run++) {
    const started = performance.now();
    const server = await startServer(directory, bench.env);
    const connection = await connect(server.host, server.port);
    await connection.ask(invoke("synset", { name: names[run] }));
    boots.push(performance.now() - started);
    connection.close();
    await server.stop();
  }
  return [
    within("omnigraph version, new process", version, 40, "20 ms"),
    within("omnigraph query, point lookup, new process, no index", query, 150, "60 to 90 ms"),
    within("server boot to its first point lookup answered", summarize(boots), 300, "58 ms"),
  ];
}
