// `cluster import`: the first ledger of a storage root, made from the declared graphs that live there already.

import type { JsonObject } from "../lib/json.ts";
import type { StorageAdapter } from "../storage/index.ts";
import { graphAddress, schemaAddress } from "./addresses.ts";
import type { Desired, DesiredGraph } from "./desired.ts";
import { errorAt, messageOf } from "./diagnostics.ts";
import { type GraphRoot, type LiveGraph, observeGraph, rootExists } from "./graphs.ts";
import { graphRootKey, LEDGER_KEY } from "./layout.ts";
import {
  EMPTY_LEDGER,
  type Ledger,
  type LedgerResource,
  type StatusRecord,
  withComposites,
} from "./ledger.ts";
import { writeLedger } from "./ledger-store.ts";
import { readPending } from "./recovery-files.ts";
import { type ClusterOptions, Session } from "./session.ts";
import { stateOutput } from "./status.ts";

/** Writes revision 1, or nothing when anything is wrong. */
export async function importCluster(options: ClusterOptions): Promise<JsonObject> {
  const session = new Session(options);
  const loaded = await session.loadAll();
  const storage = loaded !== null && session.ok ? await session.openStorageForWriting() : null;
  const ledger =
    loaded === null || storage === null
      ? null
      : await session.locked(storage, loaded.config, "import", () =>
          runImport(session, storage, loaded.desired),
        );
  return { ok: session.ok, operation: "import", ...stateOutput(session, ledger ?? EMPTY_LEDGER) };
}

async function runImport(session: Session, storage: StorageAdapter, desired: Desired): Promise<Ledger> {
  const read = await session.readLedger(storage);
  if (read.kind === "broken") session.report(read.diagnostic);
  if (read.kind === "present") {
    session.report(
      errorAt("state_already_exists", LEDGER_KEY, "there is a ledger already; run `omnigraph cluster apply`"),
    );
    return read.ledger;
  }
  if (read.kind === "broken") return EMPTY_LEDGER;
  session.report(...(await readPending(storage)).diagnostics);
  const ledger = await observeAll(session, storage, desired);
  if (!session.ok) return ledger;
  const write = await writeLedger(storage, ledger, null);
  if (!write.ok) {
    session.report(write.diagnostic);
    return EMPTY_LEDGER;
  }
  session.ledgerWritten(ledger, write.cas);
  return ledger;
}

/** What is seen at the root of a declared graph. */
type Sight =
  | { readonly kind: "absent" }
  | { readonly kind: "live"; readonly live: LiveGraph }
  | { readonly kind: "unknown"; readonly message: string };

async function observeAll(session: Session, storage: StorageAdapter, desired: Desired): Promise<Ledger> {
  const resources = new Map<string, LedgerResource>();
  const statuses = new Map<string, StatusRecord>();
  const observations = new Map<string, JsonObject>();
  const failed: string[] = [];
  for (const graph of desired.graphs.values()) {
    const root: GraphRoot = { storage: storage.under(graphRootKey(graph.id)), ports: session.ports };
    const sight = await look(root);
    const [address, schema] = [graphAddress(graph.id), schemaAddress(graph.id)];
    if (sight.kind === "unknown") failed.push(`${graph.id} (${sight.message})`);
    if (sight.kind === "live") {
      resources.set(address, { digest: "" });
      resources.set(schema, { digest: sight.live.schemaDigest });
    }
    const status = statusOf(sight, graph);
    statuses.set(address, status).set(schema, status);
    observations.set(address, observationJson(sight, graph, root));
  }
  if (failed.length > 0) {
    session.report(
      errorAt(
        "graph_observation_error",
        "graphs",
        `${failed.length} of ${desired.graphs.size} graph(s) could not be observed: ${failed.join("; ")}`,
      ),
    );
  }
  return { ...EMPTY_LEDGER, stateRevision: 1, resources: withComposites(resources), statuses, observations };
}

async function look(root: GraphRoot): Promise<Sight> {
  try {
    if (!(await rootExists(root))) return { kind: "absent" };
    return { kind: "live", live: await observeGraph(root) };
  } catch (thrown) {
    return { kind: "unknown", message: messageOf(thrown) };
  }
}

const desiredSchema = (graph: DesiredGraph): string => graph.schema?.file.digest ?? "";

function statusOf(sight: Sight, graph: DesiredGraph): StatusRecord {
  switch (sight.kind) {
    case "absent":
      return { status: "drifted", conditions: ["graph_missing"] };
    case "unknown":
      return { status: "error", conditions: ["graph_observation_error"], message: sight.message };
    case "live":
      return sight.live.schemaDigest === desiredSchema(graph)
        ? { status: "applied" }
        : { status: "drifted", conditions: ["schema_mismatch"] };
  }
}

function observationJson(sight: Sight, graph: DesiredGraph, { storage, ports }: GraphRoot): JsonObject {
  const live = sight.kind === "live" ? sight.live : null;
  return {
    kind: "graph",
    address: graphAddress(graph.id),
    graph_uri: storage.uri,
    observed_at: new Date(ports.now()).toISOString(),
    desired_schema_digest: desiredSchema(graph),
    exists: sight.kind !== "absent",
    graph_manifest_version: live?.manifestVersion ?? null,
    schema_digest: live?.schemaDigest ?? null,
    schema_matches_desired: sight.kind === "unknown" ? null : live?.schemaDigest === desiredSchema(graph),
    error: sight.kind === "unknown" ? sight.message : null,
  };
}
