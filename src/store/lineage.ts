// A branch inherits the logs that it was forked from, each up to a position; positions go on along the lineage.

import { assert } from "../lib/assert.ts";
import type { BranchId, BranchRef, CommitRecord } from "./types.ts";

/** The log that holds a position of a branch's history. Position 0 is main's genesis. */
export function logOwner(ref: BranchRef, position: number): BranchId {
  for (const { branch, until } of ref.lineage) {
    if (position <= until) return branch;
  }
  return ref.id;
}

/** The last inherited position; a branch's own entries come after it. 0 for main. */
export const forkPosition = (ref: BranchRef): number => ref.lineage.at(-1)?.until ?? 0;

/** The name of the branch that a commit landed on; `ref` is a branch whose first-parent chain holds it. */
export function landedOn(ref: BranchRef, record: CommitRecord): string {
  if (ref.id === record.branch) return ref.name;
  const inherited = ref.lineage.find(({ branch }) => branch === record.branch);
  assert(inherited !== undefined, `the history of branch ${ref.name} holds commit ${record.id}`);
  return inherited.name;
}
