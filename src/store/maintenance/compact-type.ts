// One type in fewer, larger segments: small ones are merged, dead rows are left out, and rows of log entries move in. What
// is large and mostly alive stays as it is, so that compacting again finds nothing to do.

import type { EntityType, StableId } from "../../schema/catalog.ts";
import type { GraphContext } from "../context.ts";
import { rewriteRows } from "../merge-rows.ts";
import {
  holdsPurged,
  keptSegment,
  type LiveSource,
  liveRowsOf,
  type Pending,
  tailChanges,
} from "../type-state.ts";
import type { BranchState, TypeState } from "../types.ts";
import type { Unpublished } from "../unpublished.ts";
import { COMPACT_DEAD_SHARE, COMPACT_SEGMENT_BYTES, COMPACT_SMALL_BYTES } from "./limits.ts";

export interface CompactedType {
  /** Null where the type never had rows. */
  readonly state: TypeState | null;
  /** Segments that went, and segments that came in their place; both 0 where there was nothing to do. */
  readonly removed: number;
  readonly added: number;
}

export async function compactType(
  context: GraphContext,
  type: EntityType,
  state: Pick<BranchState, "catalog" | "checkpoint" | "tail" | "position">,
  unpublished: Unpublished,
): Promise<CompactedType> {
  const base = state.checkpoint.types.get(type.id) ?? null;
  const changes = tailChanges(state, type.id);
  if (base === null && changes.length === 0) return { state: null, removed: 0, added: 0 };
  const { sources, pending } = await liveRowsOf(context, base, changes);
  const { rewritten, kept } = divide(sources, pending, state.catalog.purged);
  const live = rewritten.filter(({ segment, allDead }) => allDead.length < segment.rows);
  const written = await rewriteRows(context, type, live, pending, rowsPerSegment(live, pending), unpublished);
  const segments = [
    ...(await Promise.all(kept.map((source) => keptSegment(context, source, state.position)))),
    ...written.map((segment) => ({ segment, dead: { kind: "none" as const } })),
  ];
  const compacted: TypeState = {
    type: type.id,
    count:
      kept.reduce((sum, { segment, allDead }) => sum + segment.rows - allDead.length, 0) + rowsOf(written),
    changedAt: changes.at(-1)?.version ?? base?.changedAt ?? 1,
    segments,
  };
  return { state: compacted, removed: rewritten.length, added: written.length };
}

/** What is worth rewriting. A single small segment without dead rows is as good as it gets. */
function divide(
  sources: readonly LiveSource[],
  pending: readonly Pending[],
  purged: ReadonlySet<StableId>,
): { rewritten: readonly LiveSource[]; kept: readonly LiveSource[] } {
  const rewritten = sources.filter(
    ({ segment, allDead }) =>
      segment.bytes < COMPACT_SMALL_BYTES ||
      allDead.length * COMPACT_DEAD_SHARE >= segment.rows ||
      holdsPurged(segment, purged),
  );
  const isSettled =
    pending.length === 0 &&
    rewritten.length === 1 &&
    rewritten[0].allDead.length === 0 &&
    !holdsPurged(rewritten[0].segment, purged);
  if (isSettled) return { rewritten: [], kept: sources };
  const chosen = new Set(rewritten);
  return { rewritten, kept: sources.filter((source) => !chosen.has(source)) };
}

/** Splits evenly, so that nothing small is left over. */
export function rowsPerSegment(live: readonly LiveSource[], pending: readonly Pending[]): number {
  let rows = pending.length;
  let bytes = 0;
  for (const { segment, allDead } of live) {
    rows += segment.rows - allDead.length;
    bytes += (segment.bytes * (segment.rows - allDead.length)) / segment.rows;
  }
  return Math.max(1, Math.ceil(rows / Math.max(1, Math.ceil(bytes / COMPACT_SEGMENT_BYTES))));
}

const rowsOf = (segments: readonly { readonly rows: number }[]): number =>
  segments.reduce((sum, { rows }) => sum + rows, 0);
