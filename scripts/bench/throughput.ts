// How much a server answers when several connections ask without a pause.

import { connect } from "./connection.ts";
import type { RunningServer } from "./processes.ts";

const WARMUP_MS = 1_000;
const MEASURED_MS = 4_000;

/** Answers a second over so many connections; `request` makes the nth request. */
export async function throughput(
  { host, port }: Pick<RunningServer, "host" | "port">,
  connections: number,
  request: (n: number) => Uint8Array,
): Promise<number> {
  const open = await Promise.all(Array.from({ length: connections }, () => connect(host, port)));
  const begin = performance.now() + WARMUP_MS;
  const end = begin + MEASURED_MS;
  let asked = 0;
  let answered = 0;
  await Promise.all(
    open.map(async (connection) => {
      for (;;) {
        await connection.ask(request(asked++));
        const now = performance.now();
        if (now >= end) break;
        if (now >= begin) answered++;
      }
      connection.close();
    }),
  );
  return (answered * 1_000) / MEASURED_MS;
}
