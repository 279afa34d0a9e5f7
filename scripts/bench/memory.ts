// What the server holds in memory after it has served the other groups.

import type { Bench } from "./bench.ts";
import { mebibytes } from "./measure.ts";
import type { BenchRow } from "./table.ts";

const REACH_MIB = 500;
/** For what goes on in the background after the last answer. */
const CALM_MS = 2_000;

export async function memory(bench: Bench): Promise<BenchRow[]> {
  const server = await bench.server();
  await Bun.sleep(CALM_MS);
  const held = server.memory();
  return [
    {
      work: "resident memory of the server after all this",
      measured:
        held === null
          ? "not told by this system"
          : `${mebibytes(held.residentBytes)} (at most ${mebibytes(held.peakBytes)})`,
      reach: `${REACH_MIB} MiB`,
      peer: "758 MiB",
      reached: held !== null && held.residentBytes <= REACH_MIB * 2 ** 20,
    },
  ];
}
