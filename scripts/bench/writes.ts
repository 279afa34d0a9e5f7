// Inserts over HTTP, each a commit of its own on a local directory: one caller at a time, and many on one branch.

import type { Bench } from "./bench.ts";
import { connect } from "./connection.ts";
import { digits, timed } from "./measure.ts";
import { invoke } from "./queries.ts";
import { within } from "./serve.ts";
import type { BenchRow } from "./table.ts";
import { throughput } from "./throughput.ts";

const WRITERS = 16;

export async function writes(bench: Bench): Promise<BenchRow[]> {
  const server = await bench.server();
  bench.say("inserts over HTTP");
  const connection = await connect(server.host, server.port);
  const alone = await timed({ warmup: 200, runs: 1_000 }, (run) => connection.ask(insert("alone", run)));
  connection.close();
  const rate = await throughput(server, WRITERS, (request) => insert("together", request));
  return [
    within("insert over HTTP, local, median", alone, 2, "57 ms"),
    {
      work: `insert over HTTP, local, ${WRITERS} writers on one branch`,
      measured: `${digits(rate)} commits/s`,
      reach: "1,000 commits/s",
      peer: "5.75 commits/s",
      reached: rate >= 1_000,
    },
  ];
}

const insert = (series: string, number: number) =>
  invoke("add_synset", { name: `${series}.bench.${number}`, gloss: "something that was measured" });
