// The commits of a branch a page at a time, newest first. A page is a stretch of versions, so that it costs the packs that
// hold it, and later pages stay what they are while new commits land.

import { badRequest } from "../lib/errors.ts";
import { type GraphStore, MAIN } from "../store/index.ts";
import type { BranchRef, BranchState, CommitRecord } from "../store/types.ts";
import {
  branchBinding,
  cursorRejected,
  printToken,
  readToken,
  requireBranchBinding,
} from "./changes/index.ts";
import type { CommitListRequest } from "./graph.ts";

export interface CommitPage {
  /** The branch that was listed. */
  readonly ref: BranchRef;
  readonly records: readonly CommitRecord[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

/** Throws 400 for a cursor of another graph, branch or incarnation, and for a limit below one. */
export async function listCommits(store: GraphStore, request: CommitListRequest): Promise<CommitPage> {
  const { branch = MAIN, limit, cursor } = request;
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw badRequest("commit list limit must be an integer greater than zero");
  }
  const token = cursor === undefined ? null : readToken("commit list cursor", cursor);
  const state = await store.branch(branch).head();
  const { ref } = state;
  const binding = branchBinding(store.graphId, ref);
  let last = state.head.version;
  if (token !== null) {
    requireBranchBinding(token, binding);
    await requireOnChain(store, state, token.after);
    last = token.after.version - 1;
  }
  const first = limit === undefined ? 1 : Math.max(1, last - limit + 1);
  const records = await store.history(state, first, last);
  const oldest = records.at(-1);
  if (oldest === undefined || oldest.version === 1) return { ref, records, nextCursor: null };
  const { id, version } = oldest;
  const nextCursor = printToken({ kind: "commit list cursor", ...binding, after: { id, version } });
  return { ref, records, nextCursor };
}

async function requireOnChain(
  store: GraphStore,
  state: BranchState,
  point: { readonly id: string; readonly version: number },
): Promise<void> {
  const record = await store.commitAt(state, point.version);
  if (record?.id !== point.id) throw cursorRejected(`it names no commit of branch '${state.ref.name}'`);
}
