// The ledger after a run: what was carried out is recorded, what was held back leaves its status. Pure.

import { graphAddress, parseAddress, policyAddress } from "./addresses.ts";
import type { Desired } from "./desired.ts";
import { diff } from "./diff.ts";
import { keepsBindings, type PlannedChange } from "./dispositions.ts";
import {
  encodeLedger,
  type Ledger,
  type LedgerResource,
  type StatusRecord,
  withComposites,
} from "./ledger.ts";

/** True where nothing separates the ledger from the desired revision any more. */
export const isConverged = (desired: Desired, ledger: Ledger): boolean => diff(desired, ledger).length === 0;

/** The ledger that follows from carrying out `changes`; its revision is one more where anything differs. */
export function recordRun(before: Ledger, desired: Desired, changes: readonly PlannedChange[]): Ledger {
  const resources = withComposites(recordResources(before, desired, changes));
  const recorded: Ledger = {
    ...before,
    resources,
    statuses: recordStatuses(before, desired, changes, resources),
  };
  const after: Ledger = isConverged(desired, recorded)
    ? { ...recorded, configDigest: desired.configDigest }
    : recorded;
  return sameLedger(before, after) ? before : { ...after, stateRevision: before.stateRevision + 1 };
}

const sameLedger = (a: Ledger, b: Ledger): boolean => Buffer.compare(encodeLedger(a), encodeLedger(b)) === 0;

function recordResources(
  before: Ledger,
  desired: Desired,
  changes: readonly PlannedChange[],
): Map<string, LedgerResource> {
  const resources = new Map(before.resources);
  for (const change of changes) {
    if (change.disposition.kind !== "applied") continue;
    if (change.operation === "delete") resources.delete(change.resource);
    else resources.set(change.resource, entryOf(change, desired));
  }
  const byAddress = new Map(changes.map((change) => [change.resource, change]));
  for (const { id, provider, blobPolicy } of desired.graphs.values()) {
    const entry = resources.get(graphAddress(id));
    if (entry === undefined || keepsBindings(id, byAddress)) continue;
    resources.set(graphAddress(id), {
      digest: entry.digest,
      ...(provider === null ? {} : { embeddingProvider: provider }),
      ...(blobPolicy === null ? {} : { externalBlobPolicy: blobPolicy }),
    });
  }
  return resources;
}

function entryOf({ resource, afterDigest }: PlannedChange, desired: Desired): LedgerResource {
  const digest = afterDigest ?? "";
  const address = parseAddress(resource);
  if (address?.kind === "embedding_provider") {
    const profile = desired.providers.get(resource);
    return profile === undefined ? { digest } : { digest, embeddingProfile: profile };
  }
  if (address?.kind === "policy") {
    const policy = [...desired.policies.values()].find(({ name }) => policyAddress(name) === resource);
    return { digest, appliesTo: policy?.scopes ?? [] };
  }
  return { digest };
}

function recordStatuses(
  before: Ledger,
  desired: Desired,
  changes: readonly PlannedChange[],
  resources: Ledger["resources"],
): Map<string, StatusRecord> {
  const statuses = new Map(before.statuses);
  for (const { resource, operation, disposition } of changes) {
    switch (disposition.kind) {
      case "applied":
        if (operation === "delete") statuses.delete(resource);
        else statuses.set(resource, { status: "applied" });
        break;
      case "derived":
        if (resources.get(resource)?.digest === desired.digests.get(resource)) {
          statuses.set(resource, { status: "applied" });
        }
        break;
      case "blocked":
        // An unfinished recovery has a status of its own, which says more.
        if (disposition.reason !== "cluster_recovery_pending") {
          statuses.set(resource, { status: "blocked", conditions: [disposition.reason] });
        }
        break;
      case "deferred":
        break;
    }
  }
  return withoutStaleBlocks(statuses, changes, resources);
}

/** What was held back once, and is as declared now that nothing asks for a change of it, is held back no longer. */
function withoutStaleBlocks(
  statuses: Map<string, StatusRecord>,
  changes: readonly PlannedChange[],
  resources: Ledger["resources"],
): Map<string, StatusRecord> {
  const changed = new Set(changes.map(({ resource }) => resource));
  for (const [address, { status }] of statuses) {
    if (status !== "blocked" || changed.has(address)) continue;
    if (resources.has(address)) statuses.set(address, { status: "applied" });
    else statuses.delete(address);
  }
  return statuses;
}
