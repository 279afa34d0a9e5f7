// Deleted ids that are too many for a log entry, as an Arrow file of their own.

import { assert } from "../lib/assert.ts";
import { messageAt } from "./arrow-message.ts";
import { decodeBatch } from "./batch-decode.ts";
import { utf8ColumnOf } from "./column-builder.ts";
import { textAt } from "./column-value.ts";
import { damaged } from "./stored-json.ts";
import type { DeletedEdge, TypeChanges } from "./types.ts";

export type DeletedIds = Pick<TypeChanges, "deletedNodes" | "deletedEdges">;

const MAGIC_BYTES = 8;

/** Encodes ids of nodes, or of edges. */
export async function encodeDeletedIds({ deletedNodes, deletedEdges }: DeletedIds): Promise<Uint8Array> {
  assert(deletedNodes.length === 0 || deletedEdges.length === 0, "one type has nodes or edges");
  const text = (name: string, texts: readonly string[]) => ({
    name,
    stableId: null,
    column: utf8ColumnOf(texts),
  });
  const columns =
    deletedNodes.length > 0
      ? [text("id", deletedNodes)]
      : (["src", "dst", "id"] as const).map((name) =>
          text(
            name,
            deletedEdges.map((edge) => edge[name]),
          ),
        );
  const rows = deletedNodes.length + deletedEdges.length;
  const { encodeArrowFile } = await import("./arrow-file.ts");
  return encodeArrowFile(columns, rows, rows, {});
}

export function decodeDeletedIds(object: string, bytes: Uint8Array, rows: number): DeletedIds {
  const schema = messageAt(bytes, MAGIC_BYTES);
  if (schema === null) throw damaged(object, "no Arrow file");
  const start = schema.bodyStart + schema.bodyLength;
  // A copy begins at a multiple of eight, whatever the bytes do.
  const encoded = new Uint8Array(bytes.subarray(start));
  const batch = decodeBatch(object, encoded, rows, new Map());
  const { src, dst, ids } = batch;
  if (src === null || dst === null) {
    return { deletedNodes: Array.from({ length: rows }, (_, row) => textAt(ids, row)), deletedEdges: [] };
  }
  const edge = (row: number): DeletedEdge => ({
    src: textAt(src, row),
    dst: textAt(dst, row),
    id: textAt(ids, row),
  });
  return { deletedNodes: [], deletedEdges: Array.from({ length: rows }, (_, row) => edge(row)) };
}
