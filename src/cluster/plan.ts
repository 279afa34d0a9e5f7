// `cluster plan`: what apply would do, shown under the lock and without writing anything else.

import type { JsonObject } from "../lib/json.ts";
import type { StorageAdapter } from "../storage/index.ts";
import { parseAddress } from "./addresses.ts";
import type { Desired } from "./desired.ts";
import { messageOf, warningAt } from "./diagnostics.ts";
import { changeJson, type PlannedChange } from "./dispositions.ts";
import { gateJson } from "./gates.ts";
import { previewSchema } from "./graphs.ts";
import { graphRootKey } from "./layout.ts";
import { EMPTY_LEDGER } from "./ledger.ts";
import { withLiveSchemas } from "./live.ts";
import { type Outlook, outlook } from "./outlook.ts";
import { pendingFileWarnings, readPending } from "./recovery-files.ts";
import { type ClusterOptions, Session } from "./session.ts";

interface Plan extends Outlook {
  /** Previews of schema updates, by address. */
  readonly migrations: ReadonlyMap<string, JsonObject>;
}

/** Compares the declared revision with the applied one. */
export async function planCluster(options: ClusterOptions): Promise<JsonObject> {
  const session = new Session(options);
  const loaded = await session.loadAll();
  const storage = loaded !== null && session.ok ? await session.openStorage() : null;
  const plan =
    loaded === null || storage === null
      ? null
      : await session.locked(storage, loaded.config, "plan", () =>
          makePlan(session, storage, loaded.desired),
        );
  const changes = plan?.changes ?? [];
  return {
    ok: session.ok,
    config_dir: options.configDir,
    desired_revision: desiredRevision(loaded?.desired),
    resource_digests: Object.fromEntries(loaded?.desired.digests ?? []),
    dependencies: (loaded?.desired.dependencies ?? []).map(({ from, to }) => ({ from, to })),
    state_observations: session.observations(),
    changes: changes.map((change) => changeJson(change, plan?.migrations.get(change.resource) ?? null)),
    blast_radius: loaded === null ? [] : blastRadius(changes, loaded.desired),
    approvals_required: (plan?.gates ?? []).map(gateJson),
    diagnostics: session.diagnosticsJson(),
  };
}

export const desiredRevision = (desired: Desired | undefined): JsonObject =>
  desired === undefined ? {} : { config_digest: desired.configDigest };

async function makePlan(session: Session, storage: StorageAdapter, desired: Desired): Promise<Plan | null> {
  const read = await session.readLedger(storage);
  if (read.kind === "broken") {
    session.report(read.diagnostic);
    return null;
  }
  session.report(...(await pendingFileWarnings(storage)));
  const { graphs: pending } = await readPending(storage);
  const recorded = read.kind === "present" ? read.ledger : EMPTY_LEDGER;
  const ledger = await withLiveSchemas(session, storage, desired, recorded, pending);
  const view = await outlook(session, storage, desired, ledger, pending);
  return { ...view, migrations: await previews(session, storage, desired, view.changes) };
}

async function previews(
  session: Session,
  storage: StorageAdapter,
  desired: Desired,
  changes: readonly PlannedChange[],
): Promise<ReadonlyMap<string, JsonObject>> {
  const migrations = new Map<string, JsonObject>();
  for (const { resource, operation } of changes) {
    const address = parseAddress(resource);
    if (address?.kind !== "schema" || operation !== "update") continue;
    const source = desired.graphs.get(address.graph)?.schema?.file.text;
    if (source === undefined) continue;
    try {
      const root = { storage: storage.under(graphRootKey(address.graph)), ports: session.ports };
      const { supported, steps } = await previewSchema(root, source);
      migrations.set(resource, { supported, steps });
    } catch (thrown) {
      const message = `the migration of graph '${address.graph}' cannot be shown: ${messageOf(thrown)}`;
      session.report(warningAt("schema_preview_unavailable", resource, message));
    }
  }
  return migrations;
}

/** For each change, what is declared to depend directly on it. */
function blastRadius(changes: readonly PlannedChange[], { dependencies }: Desired): JsonObject[] {
  return changes.flatMap(({ resource }) => {
    const affected = dependencies.filter(({ to }) => to === resource).map(({ from }) => from);
    return affected.length === 0 ? [] : [{ resource, affected }];
  });
}
