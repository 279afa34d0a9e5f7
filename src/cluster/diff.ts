// What separates the ledger from the desired revision, as a sorted list of changes. Pure: no storage, no graphs.

import { compareUtf8 } from "../lib/utf8.ts";
import { policyAddress } from "./addresses.ts";
import type { Desired } from "./desired.ts";
import { profileJson } from "./digests.ts";
import type { Ledger } from "./ledger.ts";

export type Operation = "create" | "update" | "delete";

export interface Change {
  readonly resource: string;
  readonly operation: Operation;
  readonly beforeDigest: string | null;
  readonly afterDigest: string | null;
  /** What changes beside the file: a policy's bindings, or a provider's recorded profile. */
  readonly metadata: "policy_bindings" | "embedding_profile" | null;
}

/** Every change, by address. */
export function diff(desired: Desired, ledger: Ledger): readonly Change[] {
  const addresses = new Set([...desired.digests.keys(), ...ledger.resources.keys()]);
  return [...addresses].sort(compareUtf8).flatMap((address) => changeOf(address, desired, ledger) ?? []);
}

function changeOf(resource: string, desired: Desired, ledger: Ledger): Change | null {
  const beforeDigest = ledger.resources.get(resource)?.digest ?? null;
  const afterDigest = desired.digests.get(resource) ?? null;
  const change = (operation: Operation, metadata: Change["metadata"] = null): Change => ({
    resource,
    operation,
    beforeDigest,
    afterDigest,
    metadata,
  });
  if (beforeDigest === null) return change("create");
  if (afterDigest === null) return change("delete");
  if (beforeDigest !== afterDigest) return change("update");
  const metadata = metadataChange(resource, desired, ledger);
  return metadata === null ? null : change("update", metadata);
}

function metadataChange(address: string, desired: Desired, ledger: Ledger): Change["metadata"] {
  const recorded = ledger.resources.get(address);
  const scopes = scopesOf(desired, address);
  if (scopes !== null) {
    return JSON.stringify(recorded?.appliesTo) === JSON.stringify(scopes) ? null : "policy_bindings";
  }
  const profile = desired.providers.get(address);
  if (profile === undefined) return null;
  const known = recorded?.embeddingProfile;
  const same =
    known !== undefined && JSON.stringify(profileJson(known)) === JSON.stringify(profileJson(profile));
  return same ? null : "embedding_profile";
}

/** The declared scopes of the policy at an address, or null where there is none. */
export function scopesOf(desired: Desired, address: string): readonly string[] | null {
  for (const policy of desired.policies.values()) {
    if (policyAddress(policy.name) === address) return policy.scopes;
  }
  return null;
}
