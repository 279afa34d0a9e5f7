// A commit beside the state that it changed: what is needed to tell its changes, or the reason why they cannot be told.

import { ImageCache, type View } from "../../index/index.ts";
import { conflict, OmnigraphError } from "../../lib/errors.ts";
import type { Catalog } from "../../schema/catalog.ts";
import { canonicalKeyText } from "../../schema/index.ts";
import { type GraphStore, landedOn, type Step } from "../../store/index.ts";
import type { BranchRef, BranchState, CommitId, CommitRecord, TypeChanges } from "../../store/types.ts";
import type { ChangeCause } from "../outputs.ts";
import { schemaBoundary } from "./schema-boundary.ts";
import type { ChainPoint } from "./tokens.ts";

const GENESIS_VERSION = 1;

export interface CommitBlock {
  readonly cause: ChangeCause;
  /** The schema as the commit left it, less what hard drops took since. */
  readonly catalog: Catalog;
  readonly changes: readonly TypeChanges[];
  /** The state at the first parent. */
  readonly parent: View;
}

/**
 * Commits of the chain of `head` with the states around them, from version `first` on and up to `last`; fewer where cleanup
 * reclaimed some. Throws 409 for the genesis, and 410 where the first cannot be read; `cursor` is what the caller came with.
 */
export async function readSteps(
  store: GraphStore,
  head: BranchState,
  first: ChainPoint,
  last: number,
  cursor?: string,
): Promise<Step[]> {
  if (first.version === GENESIS_VERSION) throw parentless(first.id);
  try {
    return await store.steps(head, first.version, last);
  } catch (thrown) {
    if (thrown instanceof OmnigraphError && thrown.kind === "gone") throw gapAt(first.id, cursor);
    throw thrown;
  }
}

/** The block of a commit. Throws 409 where it changed the meaning of entities. */
export async function commitBlock(store: GraphStore, step: Step): Promise<CommitBlock> {
  const { record, changes } = step.commit;
  const parent = pastView(store, step.before);
  const { catalog, ref } = step.after;
  const changed = await schemaBoundary(parent, catalog);
  if (changed !== null) throw schemaChanged(record.id, changed);
  return { cause: causeOf(record, ref), catalog: step.readable, changes, parent };
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
