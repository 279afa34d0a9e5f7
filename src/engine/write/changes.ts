// Staged entities as the changes of a commit.

import type { GraphStore } from "../../store/index.ts";
import type { DeletedEdge, Row, TypeChanges } from "../../store/types.ts";
import type { Staging } from "./staging.ts";

/** One TypeChanges per touched type. Rows too many to sit in the log entry are written to segments first. */
export async function stagedChanges(staging: Staging, store: GraphStore): Promise<TypeChanges[]> {
  const writer = store.rowWriter();
  const changes: TypeChanges[] = [];
  for (const { type, entities } of staging.nodeTypes()) {
    const rows: Row[] = [];
    const deletedNodes: string[] = [];
    for (const [id, { row }] of entities) {
      if (row === null) deletedNodes.push(id);
      else rows.push(row);
    }
    changes.push({
      type: type.id,
      replaced: false,
      deletedNodes,
      deletedEdges: [],
      ...(await writer.write(type, rows)),
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
      ...(await writer.write(type, rows)),
    });
  }
  return changes;
}

/** An added edge replaces the committed one of the same ends and id by itself. */
function isSameEdge(row: Row | null, committed: DeletedEdge): boolean {
  return row !== null && row.src === committed.src && row.dst === committed.dst && row.id === committed.id;
}
