// What a ledger and a desired revision come to together: changes, what holds them back, and who has to agree. `plan` shows
// it, `apply` carries it out.

import type { StorageAdapter } from "../storage/index.ts";
import type { Desired } from "./desired.ts";
import { type Diagnostic, warningAt } from "./diagnostics.ts";
import { diff } from "./diff.ts";
import { type DispositionContext, dispose, type PlannedChange } from "./dispositions.ts";
import { type Gate, gatesOf, staleApprovals } from "./gates.ts";
import type { Ledger } from "./ledger.ts";
import { readApprovals } from "./recovery-files.ts";
import type { Session } from "./session.ts";

export interface Outlook {
  readonly changes: readonly PlannedChange[];
  readonly gates: readonly Gate[];
  readonly context: DispositionContext;
}

/** What is approved and stays undone all the same is said by name. */
const unexecutableGates = (gates: readonly Gate[]): readonly Diagnostic[] =>
  gates
    .filter(({ satisfied }) => satisfied)
    .map(({ resource }) =>
      warningAt(
        "apply_unsupported_change",
        resource,
        `the delete of ${resource} is approved, but carrying it out is not supported by this build`,
      ),
    );

/** Graph deletes are planned and gated; carrying out an approved one is not part of this build, so none counts as approved. */
const NONE_APPROVED: ReadonlySet<string> = new Set();

/** Compares, classifies and reads the approvals; `pending` names the graphs of unfinished recoveries. */
export async function outlook(
  session: Session,
  storage: StorageAdapter,
  desired: Desired,
  ledger: Ledger,
  pending: ReadonlySet<string>,
): Promise<Outlook> {
  const approvals = await readApprovals(storage);
  session.report(...approvals.diagnostics);
  const changes = diff(desired, ledger);
  const context: DispositionContext = { desired, ledger, pending, approved: NONE_APPROVED };
  const gates = gatesOf(changes, approvals.files, desired.configDigest);
  session.report(...staleApprovals(gates, approvals.files), ...unexecutableGates(gates));
  return { changes: dispose(changes, context), gates, context };
}
