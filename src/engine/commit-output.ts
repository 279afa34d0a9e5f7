import type { BranchId, CommitRecord } from "../store/types.ts";
import type { CommitOutput } from "./outputs.ts";

/** `branchName` gives the name of a live branch, or null for main. */
export function commitOutput(
  record: CommitRecord,
  branchName: (branch: BranchId) => string | null,
): CommitOutput {
  return {
    graph_commit_id: record.id,
    graph_branch: branchName(record.branch),
    graph_manifest_version: record.version,
    parent_commit_id: record.parent,
    merged_parent_commit_id: record.mergedParent,
    actor_id: record.actor,
    created_at: record.authoredAt,
    operation: record.operation,
  };
}
