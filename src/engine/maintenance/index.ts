// Keeping a graph in shape, by whoever has its storage at hand: a door of its own, because no server offers it.

import type { Ports } from "../../lib/ports.ts";
import { decodeAccepted } from "../../schema/index.ts";
import { ensureConditionalWrites, type StorageAdapter } from "../../storage/index.ts";
import { type GraphStore, openStore } from "../../store/index.ts";
import { type CleanupRequest, cleanup } from "./cleanup.ts";
import { optimize } from "./optimize.ts";
import type { CleanupOutput, OptimizeOutput, RepairOutput } from "./outputs.ts";
import { type RepairRequest, repair } from "./repair.ts";

export type { CleanupRequest } from "./cleanup.ts";
export type * from "./outputs.ts";
export type { RepairRequest } from "./repair.ts";

export interface GraphMaintenance {
  /** Where the graph is kept, as shown to people. */
  readonly uri: string;
  /** Merges segments of main. Run twice, the second finds nothing to do. */
  optimize(): Promise<OptimizeOutput>;
  /** Expires history beyond the limits that are given; 400 where none is. */
  cleanup(request: CleanupRequest): Promise<CleanupOutput>;
  /** Checks everything; changes something only where that is asked for. */
  repair(request: RepairRequest): Promise<RepairOutput>;
  /** Waits for work in the background. */
  close(): Promise<void>;
}

/** Types worked on side by side where the environment does not say. */
const PARALLEL_TYPES = 8;

/** Opens a graph to maintain it. Throws not_found where there is none. */
export async function openMaintenance(options: {
  readonly storage: StorageAdapter;
  readonly ports: Ports;
}): Promise<GraphMaintenance> {
  const { storage, ports } = options;
  const store = await openStore(storage, ports, { decodeSchema: decodeAccepted });
  const parallel = parallelTypes(ports);
  const writing = async <T>(work: (store: GraphStore) => Promise<T>): Promise<T> => {
    await ensureConditionalWrites(storage, ports);
    return work(store);
  };
  return {
    uri: storage.uri,
    optimize: () => writing(() => optimize(store, parallel)),
    cleanup: (request) =>
      request.preview ? cleanup(store, request) : writing(() => cleanup(store, request)),
    repair: (request) => (request.confirm ? writing(() => repair(store, request)) : repair(store, request)),
    close: () => store.settle(),
  };
}

function parallelTypes({ env }: Ports): number {
  const given = Number(env.OMNIGRAPH_MAINTENANCE_CONCURRENCY ?? "");
  return Number.isSafeInteger(given) && given > 0 ? given : PARALLEL_TYPES;
}
