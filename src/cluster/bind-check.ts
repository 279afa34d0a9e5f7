// The ledger vouches for authority (blob policies, providers) only as long as its digests match the entries beside them.

import { graphAddress } from "./addresses.ts";
import { type Diagnostic, errorAt } from "./diagnostics.ts";
import { compositeOf, type Ledger, ledgerGraphs } from "./ledger.ts";

/** One error for each graph whose digest is not the composite of its entries: what was edited by hand is never signed anew. */
export function bindFaults({ resources }: Ledger): readonly Diagnostic[] {
  return ledgerGraphs(resources)
    .filter((id) => resources.get(graphAddress(id))?.digest !== compositeOf(resources, id))
    .map((id) =>
      errorAt(
        "external_blob_policy_digest_mismatch",
        graphAddress(id),
        `the digest of graph '${id}' does not match the entries beside it: the ledger was edited by hand; restore it from a trusted copy`,
      ),
    );
}
