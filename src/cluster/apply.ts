// `cluster apply`: brings the applied revision to the declared one. Graphs move first, then catalog blobs are written, and
// one conditional put of the ledger publishes it all. Nothing is acknowledged before that put, and every step before it
// can be done again: a run that dies anywhere is repaired by the next one (graphs.ts tells how for graphs).

import type { JsonObject } from "../lib/json.ts";
import type { StorageAdapter } from "../storage/index.ts";
import { parseAddress } from "./addresses.ts";
import { bindFaults } from "./bind-check.ts";
import { blobKey, publishBlob } from "./catalog.ts";
import type { Desired, DesiredSource } from "./desired.ts";
import { type Diagnostic, errorAt, messageOf } from "./diagnostics.ts";
import { changeJson, demote, heldBackWarnings, type PlannedChange } from "./dispositions.ts";
import { moveGraphs, rereadSource } from "./graph-work.ts";
import { LEDGER_KEY } from "./layout.ts";
import { EMPTY_LEDGER, encodeStatuses, type Ledger } from "./ledger.ts";
import { writeLedger } from "./ledger-store.ts";
import { withLiveSchemas } from "./live.ts";
import { outlook } from "./outlook.ts";
import { desiredRevision } from "./plan.ts";
import { isConverged, recordRun } from "./record.ts";
import { readPending } from "./recovery-files.ts";
import { type ClusterOptions, Session } from "./session.ts";
import { windowed } from "./windowed.ts";

export interface ApplyOptions extends ClusterOptions {
  /** Who is acting; recorded, never checked. */
  readonly actor: string | null;
}

interface Run {
  readonly changes: readonly PlannedChange[];
  /** As on storage when the run ended. */
  readonly ledger: Ledger;
  /** The changes are in the ledger (or there were none). */
  readonly recorded: boolean;
  readonly written: boolean;
  readonly converged: boolean;
}

const NOTHING_DONE: Run = {
  changes: [],
  ledger: EMPTY_LEDGER,
  recorded: false,
  written: false,
  converged: false,
};

/** Converges the applied revision to the declared one, as far as it can. */
export async function applyCluster(options: ApplyOptions): Promise<JsonObject> {
  const session = new Session(options);
  const loaded = await session.loadAll();
  const storage = loaded !== null && session.ok ? await session.openStorageForWriting() : null;
  const run =
    loaded === null || storage === null
      ? null
      : await session.locked(storage, loaded.config, "apply", () =>
          runApply(session, storage, loaded.desired, options.actor),
        );
  const { changes, ledger, recorded, written, converged } = run ?? NOTHING_DONE;
  const count = (...kinds: PlannedChange["disposition"]["kind"][]): number =>
    changes.filter(({ disposition }) => kinds.includes(disposition.kind)).length;
  return {
    ok: session.ok,
    config_dir: options.configDir,
    ...(options.actor === null ? {} : { actor: options.actor }),
    desired_revision: desiredRevision(loaded?.desired),
    state_observations: session.observations(),
    changes: changes.map((change) => changeJson(change, null)),
    applied_count: recorded ? count("applied") : 0,
    deferred_count: count("deferred", "blocked"),
    converged,
    state_written: written,
    resource_statuses: encodeStatuses(ledger.statuses),
    diagnostics: session.diagnosticsJson(),
  };
}

async function runApply(
  session: Session,
  storage: StorageAdapter,
  desired: Desired,
  actor: string | null,
): Promise<Run> {
  const read = await session.readLedger(storage);
  if (read.kind === "broken") session.report(read.diagnostic);
  if (read.kind === "missing") {
    session.report(
      errorAt("state_missing", LEDGER_KEY, "there is no ledger; run `omnigraph cluster import` first"),
    );
  }
  if (read.kind !== "present") return NOTHING_DONE;
  const { cas } = read;
  const unbound = bindFaults(read.ledger);
  session.report(...unbound);
  if (unbound.length > 0) return { ...NOTHING_DONE, ledger: read.ledger };

  const pending = await readPending(storage);
  session.report(...pending.diagnostics);
  const ledger = await withLiveSchemas(session, storage, desired, read.ledger, pending.graphs);
  const { changes: planned, context } = await outlook(session, storage, desired, ledger, pending.graphs);
  const failures = await moveGraphs(session, storage, desired, planned, actor);
  const changes = demote(planned, failures, context);
  session.report(...heldBackWarnings(changes));

  const stopped: Run = { ...NOTHING_DONE, changes, ledger };
  const faults = await publishSources(session, storage, desired, changes);
  session.report(...faults);
  if (faults.length > 0) return stopped;

  const next = recordRun(ledger, desired, changes);
  const done: Run = {
    changes,
    ledger: next,
    recorded: true,
    written: next !== ledger,
    converged: isConverged(desired, next),
  };
  if (!done.written) return done;
  const write = await writeLedger(storage, next, cas);
  if (!write.ok) {
    session.report(write.diagnostic);
    return stopped;
  }
  session.ledgerWritten(next, write.cas);
  return done;
}

/** Writes the catalog blobs of what is applied. Answers what went wrong; the ledger must not move then. */
async function publishSources(
  session: Session,
  storage: StorageAdapter,
  desired: Desired,
  changes: readonly PlannedChange[],
): Promise<readonly Diagnostic[]> {
  const faults = await windowed(changes, (change) => publishSource(session, storage, desired, change));
  return faults.flatMap((fault) => fault ?? []);
}

async function publishSource(
  session: Session,
  storage: StorageAdapter,
  desired: Desired,
  { resource, operation, disposition, afterDigest }: PlannedChange,
): Promise<Diagnostic | null> {
  if (disposition.kind !== "applied" || operation === "delete" || afterDigest === null) return null;
  const key = blobKey(resource, afterDigest);
  const source = sourceOf(resource, desired);
  if (key === null || source === null) return null;
  const now = await rereadSource(session.sources, source);
  if (now.kind === "changed") return errorAt("resource_content_changed", resource, now.message);
  if (now.kind === "unreadable") return errorAt("resource_payload_write_error", resource, now.message);
  try {
    await publishBlob(storage, key, now.file.bytes);
    return null;
  } catch (thrown) {
    return errorAt("resource_payload_write_error", resource, `cannot write '${key}': ${messageOf(thrown)}`);
  }
}

function sourceOf(resource: string, desired: Desired): DesiredSource | null {
  const address = parseAddress(resource);
  if (address?.kind === "query") return desired.graphs.get(address.graph)?.queries.get(address.name) ?? null;
  if (address?.kind === "policy") return desired.policies.get(address.name)?.source ?? null;
  return null;
}
