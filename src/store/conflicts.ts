// Does a commit that came in between touch what a write relied on? Pure. Where the entry does not name every row (rows in
// segments), the answer leans to yes: preparing again costs time, a missed conflict costs truth.

import type { Texts } from "../lib/text-set.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type { Catalog, StableId } from "../schema/catalog.ts";
import type { RowBatch, Utf8Column } from "./column.ts";
import { textAt } from "./column-value.ts";
import type { DeletedEdge, Draft, LoggedCommit, ReadSet, SegmentRef, TypeChanges } from "./types.ts";
import { uniqueTuples } from "./unique-tuples.ts";

/** The type to blame; null when it is the schema, or another merge. */
export interface Conflict {
  readonly type: StableId | null;
}

/** The first conflict of a draft with commits since the state it was prepared on; `catalog` is that state's. */
export function findConflict(
  draft: Draft,
  since: readonly LoggedCommit[],
  catalog: Catalog,
  schemaDigest: string,
): Conflict | null {
  if (draft.schema !== null && since.length > 0) return { type: null };
  for (const { record, changes } of since) {
    if (record.schemaDigest !== schemaDigest) return { type: null };
    // What a merge has to do follows from what was merged before it, also where the same rows are untouched.
    if (draft.mergedParent !== null && record.mergedParent !== null) return { type: null };
    for (const change of changes) {
      if (touches(change, draft, catalog)) return { type: change.type };
    }
  }
  return null;
}

function touches(change: TypeChanges, draft: Draft, catalog: Catalog): boolean {
  if (isEmpty(change)) return false;
  const { type } = change;
  const { reads } = draft;
  // A write that empties a type would drop rows that it never saw.
  if (reads.types.has(type) || draft.changes.some((own) => own.type === type && own.replaced)) return true;
  const ids = reads.ids.get(type) ?? NONE;
  const incident = reads.incident.get(type) ?? NONE;
  const unique = claimsOf(reads, type);
  if (ids.size === 0 && incident.size === 0 && unique.length === 0) return false;
  if (change.replaced) return true;
  return (
    change.segments.some((segment) => mayTouch(segment, catalog, ids, incident, unique.length > 0)) ||
    change.deletedNodes.some((id) => ids.has(id)) ||
    change.deletedEdges.some((edge) => ids.has(edge.id) || isAt(edge, incident)) ||
    (change.rows !== null && rowsTouch(change.rows, type, catalog, ids, incident, unique))
  );
}

const NONE: Texts = new Set();

function isEmpty({ replaced, deletedNodes, deletedEdges, rows, segments }: TypeChanges): boolean {
  return (
    !replaced &&
    deletedNodes.length === 0 &&
    deletedEdges.length === 0 &&
    (rows === null || rows.length === 0) &&
    segments.length === 0
  );
}

const isAt = (edge: DeletedEdge, nodes: Texts): boolean => nodes.has(edge.src) || nodes.has(edge.dst);

interface Claim {
  readonly properties: readonly string[];
  readonly tuples: Texts;
}

function claimsOf(reads: ReadSet, type: StableId): Claim[] {
  const prefix = `${type}:`;
  const claims: Claim[] = [];
  for (const [key, tuples] of reads.unique) {
    if (key.startsWith(prefix)) claims.push({ properties: key.slice(prefix.length).split("\0"), tuples });
  }
  return claims;
}

/** A node segment tells the range of its ids, an edge segment that of its sources; nothing tells values or targets. */
function mayTouch(
  segment: SegmentRef,
  catalog: Catalog,
  ids: Texts,
  incident: Texts,
  claimsValues: boolean,
): boolean {
  if (claimsValues || incident.size > 0 || catalog.typeById.get(segment.type)?.kind !== "node") return true;
  for (const id of ids) {
    const isInside = segment.batches.some(
      ({ least, greatest }) => compareUtf8(least, id) <= 0 && compareUtf8(id, greatest) <= 0,
    );
    if (isInside) return true;
  }
  return false;
}

function rowsTouch(
  rows: RowBatch,
  type: StableId,
  catalog: Catalog,
  ids: Texts,
  incident: Texts,
  claims: readonly Claim[],
): boolean {
  if (anyIn(rows.ids, rows.length, ids)) return true;
  if (rows.src !== null && anyIn(rows.src, rows.length, incident)) return true;
  if (rows.dst !== null && anyIn(rows.dst, rows.length, incident)) return true;
  const entityType = catalog.typeById.get(type);
  if (entityType === undefined) return true;
  return claims.some(({ properties, tuples }) => {
    const tupleOf = uniqueTuples(rows, entityType, properties);
    for (let row = 0; row < rows.length; row++) {
      const tuple = tupleOf(row);
      if (tuple !== null && tuples.has(tuple)) return true;
    }
    return false;
  });
}

function anyIn(column: Utf8Column, length: number, wanted: Texts): boolean {
  if (wanted.size === 0) return false;
  for (let row = 0; row < length; row++) {
    if (wanted.has(textAt(column, row))) return true;
  }
  return false;
}
