// From one state to the next: what a commit does to the value that stands for a branch.

import type { Catalog, StableId } from "../schema/catalog.ts";
import { damaged } from "./stored-json.ts";
import type { BranchRef, BranchState, Checkpoint, LoggedCommit } from "./types.ts";

/** The state at a checkpoint itself. */
export function checkpointState(ref: BranchRef, checkpoint: Checkpoint, catalog: Catalog): BranchState {
  return { ref, position: checkpoint.position, head: checkpoint.head, catalog, checkpoint, tail: [] };
}

/** The state after one more commit, which must follow the head; `catalog` is that of the commit's schema. */
export function afterCommit(
  state: BranchState,
  commit: LoggedCommit,
  catalog: Catalog,
  object: string,
): BranchState {
  const { record } = commit;
  if (record.parent !== state.head.id || record.version !== state.head.version + 1) {
    throw damaged(
      object,
      `commit ${record.id} (version ${record.version}) does not follow ${state.head.id} (version ${state.head.version})`,
    );
  }
  return { ...state, position: record.position, head: record, catalog, tail: [...state.tail, commit] };
}

/** The same state with less to replay. The checkpoint is of this history, and not beyond the state. */
export function onCheckpoint(state: BranchState, checkpoint: Checkpoint): BranchState {
  const tail = state.tail.filter(({ record }) => record.version > checkpoint.head.version);
  return { ...state, checkpoint, tail };
}

/** `version` of the last commit that changed a type; 1 for never. */
export function changedAt(state: BranchState, type: StableId): number {
  for (let i = state.tail.length - 1; i >= 0; i--) {
    const { record, changes } = state.tail[i];
    if (changes.some((change) => change.type === type)) return record.version;
  }
  return state.checkpoint.types.get(type)?.changedAt ?? 1;
}
