// `cluster status`: what the ledger says, without the lock, the sources or the graphs.

import type { JsonObject } from "../lib/json.ts";
import type { StorageAdapter } from "../storage/index.ts";
import { verifyBlobs } from "./catalog.ts";
import { warningAt } from "./diagnostics.ts";
import { byKey } from "./digests.ts";
import { LEDGER_KEY } from "./layout.ts";
import { EMPTY_LEDGER, encodeObservations, encodeStatuses, type Ledger, ledgerDigests } from "./ledger.ts";
import { readLock } from "./lock.ts";
import { pendingFileWarnings } from "./recovery-files.ts";
import { type ClusterOptions, Session } from "./session.ts";

/** Reports ledger, lock, unfinished recoveries and damage of the catalog. */
export async function clusterStatus(options: ClusterOptions): Promise<JsonObject> {
  const session = new Session(options);
  await session.loadHead();
  const storage = session.ok ? await session.openStorage() : null;
  const ledger = storage === null ? EMPTY_LEDGER : await inspect(session, storage);
  return { ok: session.ok, ...stateOutput(session, ledger) };
}

async function inspect(session: Session, storage: StorageAdapter): Promise<Ledger> {
  const lock = await readLock(storage, "warning");
  session.sawLock(lock);
  if (lock.kind === "broken") session.report(lock.diagnostic);
  const read = await session.readLedger(storage);
  session.report(...(await pendingFileWarnings(storage)));
  if (read.kind === "broken") session.report(read.diagnostic);
  if (read.kind === "missing") {
    session.report(
      warningAt("state_missing", LEDGER_KEY, "there is no ledger yet; run `omnigraph cluster import`"),
    );
  }
  if (read.kind !== "present") return EMPTY_LEDGER;
  session.report(...(await verifyBlobs(storage, read.ledger)));
  return read.ledger;
}

/** What status, refresh and import print alike. */
export function stateOutput(session: Session, ledger: Ledger): JsonObject {
  return {
    config_dir: session.options.configDir,
    state_observations: session.observations(),
    resource_digests: Object.fromEntries(byKey(ledgerDigests(ledger))),
    resource_statuses: encodeStatuses(ledger.statuses),
    observations: encodeObservations(ledger.observations),
    diagnostics: session.diagnosticsJson(),
  };
}
