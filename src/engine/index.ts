// What a graph can do: read, mutate, load, merge, export, evolve. The door is `Graph`.

import { OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import {
  acceptedDigest,
  admitSchema,
  decodeAccepted,
  encodeAccepted,
  ignoredHints,
} from "../schema/index.ts";
import { ensureConditionalWrites, type StorageAdapter } from "../storage/index.ts";
import { initStore, openStore, storeExists } from "../store/index.ts";
import type { Graph, GraphOptions } from "./graph.ts";
import { GraphEngine } from "./graph-engine.ts";

export type * from "./graph.ts";
export * from "./maintenance/index.ts";
export type * from "./outputs.ts";

export interface InitRequest {
  readonly storage: StorageAdapter;
  readonly ports: Ports;
  readonly schemaSource: string;
  /** Takes a stray schema file for residue instead of refusing it. Never touches a graph. */
  readonly force?: boolean;
  /** Told, once the graph is there, of rename hints: a new graph has nothing that they could name. */
  readonly onWarning?: (message: string) => void;
}

/** Creates an empty graph: one conditional put, so there is a whole graph afterwards or none. */
export async function initGraph(request: InitRequest): Promise<void> {
  const { storage, ports, schemaSource, force = false, onWarning } = request;
  const catalog = admitSchema(schemaSource, null);
  await ensureConditionalWrites(storage, ports);
  const accepted = encodeAccepted(catalog);
  try {
    await initStore(storage, ports, { digest: acceptedDigest(accepted), acceptedSchema: accepted });
  } catch (error) {
    if (!(error instanceof OmnigraphError) || error.kind !== "conflict" || !force) throw error;
    throw new OmnigraphError(
      "conflict",
      `force init refuses graph root ${storage.uri}: a graph exists there`,
    );
  }
  if (onWarning !== undefined) for (const warning of ignoredHints(schemaSource)) onWarning(warning);
}

/** Opens a graph. Throws not_found where there is none. */
export async function openGraph(options: GraphOptions): Promise<Graph> {
  const { storage, ports, branch, readStalenessMs, forWriting } = options;
  const opening = openStore(storage, ports, {
    decodeSchema: decodeAccepted,
    ...(branch === undefined ? {} : { branch }),
    ...(readStalenessMs === undefined ? {} : { readStalenessMs }),
  });
  // A root that holds no graph is not written to.
  const writable = forWriting ? ensureConditionalWrites(storage, ports, opening) : null;
  // Awaited before the first write; until then its failure must not count as unhandled.
  writable?.catch(() => undefined);
  return new GraphEngine(await opening, options, writable);
}

/** Is there a graph at this root? Throws where that cannot be learned. */
export function graphExists(storage: StorageAdapter): Promise<boolean> {
  return storeExists(storage);
}
