// Changes that need somebody's leave before they are carried out, and the approvals that give it.

import type { JsonObject } from "../lib/json.ts";
import { parseAddress } from "./addresses.ts";
import { type Diagnostic, warningAt } from "./diagnostics.ts";
import type { Change } from "./diff.ts";
import type { Approval } from "./recovery-files.ts";

export interface Gate {
  readonly resource: string;
  readonly reason: string;
  /** A matching approval exists. */
  readonly satisfied: boolean;
}

/** The gated changes of a plan: graph deletes, and a schema delete that stands alone. */
export function gatesOf(
  changes: readonly Change[],
  approvals: readonly Approval[],
  configDigest: string,
): readonly Gate[] {
  const deletes = changes.filter(({ operation }) => operation === "delete");
  const deletedGraphs = new Set(
    deletes.flatMap(({ resource }) => {
      const address = parseAddress(resource);
      return address?.kind === "graph" ? [address.graph] : [];
    }),
  );
  return deletes.flatMap((change) => {
    const address = parseAddress(change.resource);
    const isGate =
      address?.kind === "graph" || (address?.kind === "schema" && !deletedGraphs.has(address.graph));
    if (!isGate) return [];
    const satisfied = approvals.some((approval) => authorises(approval, change, configDigest));
    return [{ resource: change.resource, reason: "removes a deployed graph", satisfied }];
  });
}

/** Unconsumed, for this very change, and nothing that it was bound to has moved since. */
function authorises(approval: Approval, change: Change, configDigest: string): boolean {
  return (
    isFor(approval, change.resource) &&
    approval.boundConfigDigest === configDigest &&
    approval.boundBeforeDigest === change.beforeDigest &&
    approval.boundAfterDigest === change.afterDigest
  );
}

const isFor = (approval: Approval, resource: string): boolean =>
  approval.consumedAt === null && approval.resource === resource && approval.operation === "delete";

/** One warning for each gate whose approvals have all gone stale. */
export function staleApprovals(
  gates: readonly Gate[],
  approvals: readonly Approval[],
): readonly Diagnostic[] {
  return gates
    .filter(
      ({ resource, satisfied }) => !satisfied && approvals.some((approval) => isFor(approval, resource)),
    )
    .map(({ resource }) =>
      warningAt(
        "approval_stale",
        resource,
        `${resource} was approved for another revision; approve it again`,
      ),
    );
}

export const gateJson = ({ resource, reason, satisfied }: Gate): JsonObject => ({
  resource,
  reason,
  satisfied,
});
