// What the graphs themselves say. An apply that is killed between the change of a schema and the ledger leaves a graph that
// is ahead of the ledger, and a source that is taken back to the recorded one before the next run hides that from a
// comparison with the ledger. So plan and apply ask the graphs that they would leave alone.

import type { StorageAdapter } from "../storage/index.ts";
import { graphAddress, schemaAddress } from "./addresses.ts";
import type { Desired } from "./desired.ts";
import { liveSchemaDigest } from "./graphs.ts";
import { graphRootKey } from "./layout.ts";
import { type Ledger, type StatusRecord, withComposites } from "./ledger.ts";
import type { Session } from "./session.ts";
import { windowed } from "./windowed.ts";

const DRIFTED: StatusRecord = { status: "drifted", conditions: ["schema_mismatch"] };

/**
 * The ledger with the live schema in the place of a recorded one where the recorded is the declared and the live is not.
 * A graph that does not open tells nothing: its entry stays. `pending` graphs are somebody else's business.
 */
export async function withLiveSchemas(
  session: Session,
  storage: StorageAdapter,
  desired: Desired,
  ledger: Ledger,
  pending: ReadonlySet<string>,
): Promise<Ledger> {
  const resources = new Map(ledger.resources);
  const statuses = new Map(ledger.statuses);
  const settled = [...desired.graphs.values()].filter(({ id, schema }) => {
    const recorded = ledger.resources.get(schemaAddress(id))?.digest;
    return !pending.has(id) && recorded !== undefined && recorded === schema?.file.digest;
  });
  await windowed(settled, async ({ id, schema }) => {
    const root = { storage: storage.under(graphRootKey(id)), ports: session.ports };
    const live = await liveSchemaDigest(root).catch(() => null);
    if (live === null || live === schema?.file.digest) return;
    resources.set(schemaAddress(id), { digest: live });
    statuses.set(graphAddress(id), DRIFTED).set(schemaAddress(id), DRIFTED);
  });
  return { ...ledger, resources: withComposites(resources), statuses };
}
