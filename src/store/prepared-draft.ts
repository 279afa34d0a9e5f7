// Everything that a commit names is durable before the commit is: its schema, and deleted ids too many for the entry.

import { stringifyJson } from "../lib/json.ts";
import { ulid, ulidTime } from "../lib/ulid.ts";
import type { GraphContext } from "./context.ts";
import { encodeDeletedIds } from "./deleted-ids.ts";
import type { DeletesObject } from "./entry.ts";
import { putSchema } from "./graph-record.ts";
import { inlineBytes } from "./inline-rows.ts";
import { deletesKey, segmentKey } from "./layout.ts";
import { INLINE_DELETES_BYTES_MAX } from "./limits.ts";
import type { BranchState, CommitRecord, Draft, MergedFrom, TypeChanges } from "./types.ts";
import { renewOld } from "./unpublished.ts";

export interface PreparedDraft {
  readonly draft: Draft;
  readonly deletesObjects: ReadonlyMap<TypeChanges, DeletesObject>;
  /** What its rows and ids take in an entry, about. */
  readonly bytes: number;
  /** Objects that it names were there, and young enough to stay, at this time in ms. */
  readonly begunAt: number;
}

export async function prepareDraft(context: GraphContext, draft: Draft): Promise<PreparedDraft> {
  if (draft.schema !== null) {
    await putSchema(context.objects.storage, draft.schema.digest, draft.schema.accepted);
  }
  const begunAt = context.ports.now();
  const deletesObjects = new Map<TypeChanges, DeletesObject>();
  let bytes = 0;
  for (const change of draft.changes) {
    const deletes = deletesBytes(change);
    if (deletes > INLINE_DELETES_BYTES_MAX) deletesObjects.set(change, await putDeletes(context, change));
    else bytes += deletes;
    if (change.rows !== null) bytes += inlineBytes(change.rows);
    for (const { type, id } of change.segments) await renewOld(context, segmentKey(type, id), ulidTime(id));
  }
  return { draft, deletesObjects, bytes, begunAt };
}

/** Where a draft lands when it follows `parent` at a place of a log. */
export function recordOf(draft: Draft, parent: CommitRecord, branch: string, position: number): CommitRecord {
  const merged = draft.mergedFrom ?? null;
  return {
    id: draft.id,
    parent: parent.id,
    mergedParent: draft.mergedParent,
    mergedFrom: merged === null ? null : placeOf(merged),
    actor: draft.actor,
    authoredAt: draft.authoredAt,
    operation: draft.operation,
    version: parent.version + 1,
    generation: Math.max(parent.generation, merged?.head.generation ?? 0) + 1,
    branch,
    position,
    schemaDigest: draft.schema?.digest ?? parent.schemaDigest,
  };
}

const placeOf = ({ ref, head }: Pick<BranchState, "ref" | "head">): MergedFrom => ({
  branch: head.branch,
  position: head.position,
  ref,
});

function deletesBytes({ deletedNodes, deletedEdges }: TypeChanges): number {
  let bytes = 0;
  for (const id of deletedNodes) bytes += Buffer.byteLength(stringifyJson(id)) + 1;
  for (const { src, dst, id } of deletedEdges) bytes += Buffer.byteLength(stringifyJson([src, dst, id])) + 1;
  return bytes;
}

async function putDeletes({ objects, ports }: GraphContext, change: TypeChanges): Promise<DeletesObject> {
  const id = ulid(ports);
  await objects.storage.put(deletesKey(change.type, id), await encodeDeletedIds(change));
  return { id, rows: change.deletedNodes.length + change.deletedEdges.length };
}
