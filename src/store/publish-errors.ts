// How a write that cannot be published is refused (spec 03 §6.3 and §6.4).

import { conflict, type ErrorDetails, OmnigraphError } from "../lib/errors.ts";
import type { StableId } from "../schema/catalog.ts";
import { changedAt } from "./replay.ts";
import type { BranchState, CommitId } from "./types.ts";

const REPREPARE = "reprepare from the current branch state";

/** The branch moved under a write; `type` is to blame where one is known. */
export function raceLost(
  branch: string,
  base: BranchState,
  head: BranchState,
  type: StableId | null,
  isOverwrite: boolean,
): OmnigraphError {
  const message =
    `branch '${branch}' moved from commit ${base.head.id} to ${head.head.id} while this write was being prepared, ` +
    `and it touched what the write relies on; nothing was written: ${REPREPARE}`;
  return conflict(message, {
    read_set_conflict: { member: `graph_head:${branch}`, expected: base.head.id, actual: head.head.id },
    ...typeDetails(base, head, type, isOverwrite),
  });
}

function typeDetails(
  base: BranchState,
  head: BranchState,
  type: StableId | null,
  isOverwrite: boolean,
): ErrorDetails {
  const entity = type === null ? undefined : base.catalog.typeById.get(type);
  if (type === null || entity === undefined) return {};
  const expected = changedAt(base, type);
  const actual = changedAt(head, type);
  const manifest_conflict = { table_key: `${entity.kind}:${entity.name}`, expected, actual };
  if (!isOverwrite) return { manifest_conflict };
  return {
    manifest_conflict,
    published_dataset_version_conflict: {
      entity_kind: entity.kind,
      type_name: entity.name,
      expected_published_dataset_version: expected,
      actual_published_dataset_version: actual,
    },
  };
}

/** The name stands for another branch than the one that the write was prepared on. */
export function branchReplaced(branch: string, expected: CommitId | null): OmnigraphError {
  return conflict(
    `branch '${branch}' was deleted and created again while this write was being prepared; nothing was written: ${REPREPARE}`,
    { read_set_conflict: { member: `branch_identifier:${branch}`, expected, actual: null } },
  );
}

/** The caller's own condition does not hold. */
export function preconditionFailed(branch: string, expected: CommitId, actual: CommitId): OmnigraphError {
  return new OmnigraphError(
    "precondition_failed",
    `precondition failed on branch '${branch}': expected head '${expected}' but current is ${actual}`,
    { precondition_failure: { expected, actual } },
  );
}

/** Storage does not tell whether the commit landed. */
export function recoveryRequired(branch: string, commit: CommitId): OmnigraphError {
  return new OmnigraphError(
    "recovery_required",
    `storage stopped answering while commit ${commit} was being published on branch '${branch}', and it may or may not ` +
      `have landed: look for commit ${commit} before writing again`,
    { recovery_required: { operation_id: commit } },
  );
}

/** The branch went while its entry was on its way: what landed before its end went with it, what came after is nowhere. */
export function deletedMeanwhile(branch: string, commit: CommitId): OmnigraphError {
  return new OmnigraphError(
    "recovery_required",
    `branch '${branch}' was deleted while commit ${commit} was being published on it, which took long: the commit may have ` +
      "landed before the branch was deleted, and can be read no more; write it to another branch if it is still wanted",
    { recovery_required: { operation_id: commit } },
  );
}
