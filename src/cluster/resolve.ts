// What the value of `--cluster` means: a storage root, a configuration directory (whose `storage:` says where state
// lives), or a directory that is a storage root itself.

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { badRequest, notFound, OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import type { StorageAdapter } from "../storage/index.ts";
import { CONFIG_FILE, readStorageKey } from "./config.ts";
import { type Diagnostic, errorAt } from "./diagnostics.ts";
import { storageRoot } from "./header.ts";
import { graphRootKey, LEDGER_KEY } from "./layout.ts";
import { ledgerGraphs } from "./ledger.ts";
import { readLedger } from "./ledger-store.ts";
import { type ClusterOptions, openRoot } from "./session.ts";

export type ClusterStorage =
  | { readonly ok: true; readonly storage: StorageAdapter }
  | { readonly ok: false; readonly diagnostic: Diagnostic };

/** Opens the storage root that a `--cluster` value stands for. */
export async function resolveClusterStorage(
  value: string,
  ports: Ports,
  open?: ClusterOptions["openStorage"],
): Promise<ClusterStorage> {
  const root = await resolveRoot(value);
  if (typeof root !== "string") return { ok: false, diagnostic: root };
  const storage = await openRoot(root, ports, open);
  return "code" in storage ? { ok: false, diagnostic: storage } : { ok: true, storage };
}

async function resolveRoot(value: string): Promise<string | Diagnostic> {
  if (value.includes("://")) return value;
  const isDirectory = await stat(value).then(
    (info) => info.isDirectory(),
    () => false,
  );
  if (!isDirectory) {
    return errorAt(
      "config_dir_not_found",
      value,
      `'${value}' is not a directory; --cluster takes a configuration directory or a storage root such as s3://bucket/prefix`,
    );
  }
  const hasConfig = await Bun.file(join(value, CONFIG_FILE)).exists();
  if (!hasConfig) return value;
  const read = await readStorageKey(value);
  if (!read.ok) return read.diagnostic;
  return (
    storageRoot(read.storage, value) ??
    errorAt(
      "invalid_storage_root",
      "storage",
      `storage '${read.storage}' of ${CONFIG_FILE} is not a storage root`,
    )
  );
}

/**
 * The root of a graph that a cluster has applied: the named one, or the only one. Reads the ledger and nothing else, so
 * that damage elsewhere does not stand in the way of maintenance.
 */
export async function appliedGraphRoot(value: string, graph: string | null, ports: Ports): Promise<string> {
  const cluster = await resolveClusterStorage(value, ports);
  if (!cluster.ok) throw asError(cluster.diagnostic);
  const { storage } = cluster;
  const read = await readLedger(storage);
  if (read.kind === "broken") throw asError(read.diagnostic);
  if (read.kind === "missing") throw asError(stateMissing(value));
  const ids = ledgerGraphs(read.ledger.resources);
  const id = graph ?? (ids.length === 1 ? ids[0] : null);
  if (id === null) {
    throw badRequest(
      ids.length === 0
        ? `cluster '${value}' has no applied graphs; declare one and run \`omnigraph cluster apply\``
        : `cluster '${value}' has ${ids.length} graphs (${ids.join(", ")}); pass --graph <id>`,
    );
  }
  if (!ids.includes(id)) {
    throw notFound(
      `graph_not_applied: graph '${id}' is not applied in cluster '${value}' (applied: ${
        ids.length === 0 ? "none" : ids.join(", ")
      }); declare it and run \`omnigraph cluster apply\``,
    );
  }
  return `${storage.uri}/${graphRootKey(id)}`;
}

/** No ledger: nothing was ever applied here. */
export const stateMissing = (value: string): Diagnostic =>
  errorAt(
    "cluster_state_missing",
    LEDGER_KEY,
    `the cluster at '${value}' has no applied state; run \`omnigraph cluster import\`, then \`omnigraph cluster apply\``,
  );

const asError = ({ code, message }: Diagnostic): OmnigraphError =>
  new OmnigraphError("bad_request", `${code}: ${message}`);
