// A commit beside the state that it changed: what is needed to tell its changes, or the reason why they cannot be told.

import { ImageCache, type View } from "../../index/index.ts";
import { conflict, OmnigraphError } from "../../lib/errors.ts";
import type { Catalog } from "../../schema/catalog.ts";
import { canonicalKeyText } from "../../schema/index.ts";
import { type GraphStore, landedOn } from "../../store/index.ts";
import type { BranchRef, BranchState, CommitId, CommitRecord, TypeChanges } from "../../store/types.ts";
import type { ChangeCause } from "../outputs.ts";
import { schemaBoundary } from "./schema-boundary.ts";

export interface CommitBlock {
  readonly cause: ChangeCause;
  /** The schema as the commit left it. */
  readonly catalog: Catalog;
  readonly changes: readonly TypeChanges[];
  /** The state at the first parent. */
  readonly parent: View;
}

/**
 * The block of a commit on the first-parent chain of `head`. Throws 409 for what is no change of entities, and 410 where
 * cleanup reclaimed one of the two states; `cursor` is the one that the caller came with.
 */
export async function commitBlock(
  store: GraphStore,
  head: BranchState,
  record: CommitRecord,
  cursor?: string,
): Promise<CommitBlock> {
  if (record.parent === null) throw parentless(record.id);
  const { state, parentState } = await statesAround(store, head, record.id, record.parent, cursor);
  const parent = pastView(store, parentState);
  const changed = await schemaBoundary(parent, state.catalog);
  if (changed !== null) throw schemaChanged(record.id, changed);
  const logged = await store.commitsAfter(state, parentState);
  return {
    cause: causeOf(record, head.ref),
    catalog: state.catalog,
    changes: logged.flatMap(({ changes }) => changes),
    parent,
  };
}

async function statesAround(
  store: GraphStore,
  head: BranchState,
  commit: CommitId,
  parent: CommitId,
  cursor: string | undefined,
): Promise<{ state: BranchState; parentState: BranchState }> {
  try {
    // The later state first: what it takes to find it is most of what the earlier one takes.
    const state = await store.stateAt(commit, [head]);
    return { state, parentState: await store.stateAt(parent, [head]) };
  } catch (thrown) {
    if (thrown instanceof OmnigraphError && thrown.kind === "gone") throw gapAt(commit, cursor);
    throw thrown;
  }
}

/** A view that looks single entities up, also in a server: the past must not push the present out of memory. */
function pastView(store: GraphStore, state: BranchState): View {
  return new ImageCache(store, { resident: false, keyText: canonicalKeyText }).view(state);
}

function causeOf(record: CommitRecord, ref: BranchRef): ChangeCause {
  return {
    graph_commit_id: record.id,
    ...(record.parent === null ? {} : { parent_commit_id: record.parent }),
    ...(record.mergedParent === null ? {} : { merged_parent_commit_id: record.mergedParent }),
    authored_branch: landedOn(ref, record),
    ...(record.actor === null ? {} : { actor_id: record.actor }),
    authored_at: record.authoredAt,
  };
}

/** Whether an error says that a commit cannot be delivered, whoever asks. */
export function isUndeliverable(thrown: unknown): boolean {
  if (!(thrown instanceof OmnigraphError)) return false;
  return thrown.details.change_feed_gap !== undefined || thrown.details.change_diff_refusal !== undefined;
}

const gapAt = (commit: CommitId, cursor: string | undefined) =>
  new OmnigraphError("gone", `change feed gap at commit '${commit}'`, {
    change_feed_gap: { ...(cursor === undefined ? {} : { cursor }), first_unreadable_commit_id: commit },
  });

const parentless = (commit: CommitId) =>
  conflict(`commit '${commit}' has no parent to compare it with`, {
    change_diff_refusal: { reason: "parentless_commit", graph_commit_id: commit },
  });

const schemaChanged = (commit: CommitId, typeName: string) =>
  conflict(
    `commit '${commit}' changed the schema of type '${typeName}': entities before and after it cannot be compared`,
    { change_diff_refusal: { reason: "schema_boundary", graph_commit_id: commit, type_name: typeName } },
  );
