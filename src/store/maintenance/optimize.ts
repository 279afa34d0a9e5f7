// Compaction as an entry that changes nothing, with a checkpoint that has fewer, larger segments. The segments are written
// first; the entry is published like any commit, on top of whatever came meanwhile; then the checkpoint says where the
// rows are now. A crash between any two of these leaves a graph that holds the same and can be compacted again.

import { OmnigraphError } from "../../lib/errors.ts";
import { ulid } from "../../lib/ulid.ts";
import type { EntityType, StableId } from "../../schema/catalog.ts";
import type { BranchLog } from "../branch-log.ts";
import { extendHistory } from "../checkpoint.ts";
import { buildCheckpoint, storeCheckpoint, tookLong } from "../checkpointer.ts";
import type { GraphContext } from "../context.ts";
import { inParallel } from "../parallel.ts";
import type { Publisher } from "../publisher.ts";
import { commitsAfter } from "../time-travel.ts";
import type { BranchState, Checkpoint, Draft, LoggedCommit, TypeState } from "../types.ts";
import { Unpublished } from "../unpublished.ts";
import { type CompactedType, compactType } from "./compact-type.ts";
import { COMPACT_CHECKPOINT_ATTEMPTS_MAX } from "./limits.ts";

export interface Compaction {
  /** The branch afterwards. */
  readonly state: BranchState;
  /** By type; a type without an entry had nothing to do. */
  readonly types: ReadonlyMap<StableId, Pick<CompactedType, "removed" | "added">>;
}

/** Compacts the head of a branch. Publishes one commit, or none where nothing was to do or came of it. */
export async function compactBranch(
  context: GraphContext,
  log: BranchLog,
  publisher: Publisher,
  parallelTypes: number,
): Promise<Compaction> {
  const before = await log.head();
  const types = [...before.catalog.typeById.values()];
  const unpublished = new Unpublished(context);
  const compacted = await inParallel(types, parallelTypes, (type) =>
    compactType(context, type, before, unpublished),
  );
  const changed = new Map(
    types.flatMap((type, i): [StableId, CompactedType][] => {
      const { removed, added } = compacted[i];
      return removed + added > 0 ? [[type.id, compacted[i]]] : [];
    }),
  );
  if (changed.size === 0) return { state: before, types: changed };
  await unpublished.renew();
  const begunAt = context.ports.now();
  const draft = emptyDraft(context);
  const { state } = await publisher.publish({ repeat: "always", prepare: () => Promise.resolve(draft) });
  const result = compactedState(before, types, compacted);
  const isStored = await storeCompacted(context, log, before, result, state, begunAt);
  return { state: log.latest ?? state, types: isStored ? changed : new Map() };
}

function emptyDraft({ ports }: GraphContext): Draft {
  return {
    id: ulid(ports),
    actor: null,
    authoredAt: ports.nowMicros(),
    operation: "optimize",
    mergedParent: null,
    schema: null,
    changes: [],
    reads: { types: new Set(), ids: new Map(), unique: new Map(), incident: new Map() },
  };
}

/** What a checkpoint right after the compacted state would hold. It is never stored: others may have published since. */
function compactedState(
  { ref, position, head, checkpoint, tail }: BranchState,
  types: readonly EntityType[],
  compacted: readonly CompactedType[],
): Checkpoint {
  const states = types.flatMap((type, i): [StableId, TypeState][] => {
    const { state } = compacted[i];
    return state === null ? [] : [[type.id, state]];
  });
  const history = extendHistory(
    checkpoint,
    tail.map(({ record }) => record),
  );
  return { branch: ref.id, position, head, types: new Map(states), history };
}

/**
 * Stores the compacted state, with what was committed since, as the checkpoint of the newest state. Where somebody was
 * faster with a checkpoint of that position, the next position is tried; false where there is none, where history between
 * the two is not whole any more, and where it all took so long that cleanup may have been at the segments.
 */
async function storeCompacted(
  context: GraphContext,
  log: BranchLog,
  before: BranchState,
  compacted: Checkpoint,
  published: BranchState,
  begunAt: number,
): Promise<boolean> {
  let newest = published;
  for (let attempt = 1; ; attempt++) {
    const since = await loggedSince(context, newest, before);
    if (since === null) return false;
    const built = await buildCheckpoint(context, { ...newest, checkpoint: compacted, tail: since });
    const commits = [...before.tail, ...since];
    const records = commits.map(({ record }) => record);
    const checkpoint = { ...built, history: extendHistory(before.checkpoint, records) };
    if (tookLong(context, begunAt)) return false;
    if (await storeCheckpoint(context, log, checkpoint, commits)) return true;
    if (attempt === COMPACT_CHECKPOINT_ATTEMPTS_MAX) return false;
    const tried = newest.position;
    newest = await log.head();
    if (newest.position === tried) return false;
  }
}

/** The commits since a state, one by one as the log has them; null where cleanup expired some of them meanwhile. */
async function loggedSince(
  context: GraphContext,
  newest: BranchState,
  before: BranchState,
): Promise<LoggedCommit[] | null> {
  try {
    const since = await commitsAfter(context, newest, before);
    return since.length === newest.head.version - before.head.version ? since : null;
  } catch (thrown) {
    if (thrown instanceof OmnigraphError && thrown.kind === "gone") return null;
    throw thrown;
  }
}
