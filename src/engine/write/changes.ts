// Staged entities as the changes of a commit.

import type { EdgeType, EntityType } from "../../schema/catalog.ts";
import type { GraphStore } from "../../store/index.ts";
import type { DeletedEdge, Row, TypeChanges } from "../../store/types.ts";
import { InlineBudget, SegmentedRows } from "./row-sink.ts";
import type { Staging } from "./staging.ts";

/** One TypeChanges per touched type. Rows too many to sit in the log entry are written to segments first. */
export async function stagedChanges(staging: Staging, store: GraphStore): Promise<TypeChanges[]> {
  const budget = new InlineBudget();
  const changes: TypeChanges[] = [];
  for (const { type, entities } of staging.nodeTypes()) {
    const rows: Row[] = [];
    const deletedNodes: string[] = [];
    for (const [id, row] of entities) {
      if (row === null) deletedNodes.push(id);
      else rows.push(row);
    }
    changes.push({
      type: type.id,
      replaced: false,
      deletedNodes,
      deletedEdges: [],
      ...(await writeRows(type, rows)),
    });
  }
  for (const { type, entities } of staging.edgeTypes()) {
    const rows: Row[] = [];
    const deletedEdges: DeletedEdge[] = [];
    for (const { row, committed } of entities.values()) {
      if (row !== null) rows.push(row);
      if (committed !== null && !isSameEdge(row, committed)) deletedEdges.push(committed);
    }
    changes.push({
      type: type.id,
      replaced: false,
      deletedNodes: [],
      deletedEdges,
      ...(await writeRows(type, rows)),
    });
  }
  return changes;

  function writeRows(type: EntityType | EdgeType, rows: readonly Row[]) {
    const sink = new SegmentedRows(store, type, budget);
    for (const row of rows) sink.append(row);
    return sink.finish();
  }
}

/** An added edge replaces the committed one of the same ends and id by itself. */
function isSameEdge(row: Row | null, committed: DeletedEdge): boolean {
  return row !== null && row.src === committed.src && row.dst === committed.dst && row.id === committed.id;
}
