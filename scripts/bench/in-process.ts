// A graph opened by the benchmark itself, as a program that embeds the engine would.

import type { Graph } from "../../src/engine/graph.ts";
import { openGraph } from "../../src/engine/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { openStorage } from "../../src/storage/index.ts";

/** A known head is good for so long, so that a read is not the price of a look at the directory. */
const STALENESS_MS = 100;

export async function openInProcess(directory: string): Promise<Graph> {
  const ports = systemPorts();
  const storage = await openStorage(directory, ports);
  return openGraph({ storage, ports, resident: true, readStalenessMs: STALENESS_MS });
}
