// The head of cluster.yaml: version, name, state backend, and where everything is stored.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClusterConfig } from "./config.ts";
import { type Diagnostic, errorAt } from "./diagnostics.ts";

const VERSION = 1;
const BACKEND = "cluster";

/** The storage root of a `storage:` value: an absolute path or `s3://bucket[/prefix]`; null where it names none. */
export function storageRoot(storage: string | null, configDir: string): string | null {
  if (storage === null) return resolve(configDir);
  const text = storage.trim();
  if (text === "") return null;
  if (text.startsWith("s3://")) {
    const rest = text.slice("s3://".length);
    return rest === "" || rest.startsWith("/") ? null : text.replace(/\/+$/, "");
  }
  if (!text.includes("://")) return resolve(configDir, text);
  if (!text.startsWith("file:///")) return null;
  try {
    return resolve(fileURLToPath(text));
  } catch {
    return null;
  }
}

/** What is wrong with the head; each fault by itself, so that one run shows them all. */
export function headerFaults(config: ClusterConfig, configDir: string): readonly Diagnostic[] {
  const faults: Diagnostic[] = [];
  if (config.version !== VERSION) {
    faults.push(
      errorAt(
        "unsupported_cluster_config_version",
        "version",
        `cluster.yaml version ${config.version} is not supported; expected ${VERSION}`,
      ),
    );
  }
  if (config.metadataName !== null && config.metadataName.trim() === "") {
    faults.push(errorAt("empty_metadata_name", "metadata.name", "metadata.name must not be blank"));
  }
  if (config.stateBackend !== null && config.stateBackend !== BACKEND) {
    faults.push(
      errorAt(
        "unsupported_state_backend",
        "state.backend",
        `state backend '${config.stateBackend}' is not supported; expected '${BACKEND}' (use \`storage:\` to place the state elsewhere)`,
      ),
    );
  }
  if (storageRoot(config.storage, configDir) === null) {
    faults.push(
      errorAt(
        "invalid_storage_root",
        "storage",
        `storage '${config.storage}' is not a storage root; expected s3://bucket[/prefix], file:///absolute/directory or a path`,
      ),
    );
  }
  return faults;
}
