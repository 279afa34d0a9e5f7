// Blob cells as exports and change images show them: managed bytes as base64, an external object as its URI.

import type { Value } from "../../query/plan.ts";
import type { EntityType } from "../../schema/catalog.ts";
import type { StorageAdapter } from "../../storage/index.ts";
import { inParallel, readBlobReference } from "../../store/index.ts";
import type { Row } from "../../store/types.ts";
import { READ_AHEAD_BYTES_MAX, READ_AHEAD_ROWS_MAX, REQUESTS_IN_FLIGHT_MAX } from "./limits.ts";
import { readWhole } from "./read.ts";

/** The columns of a type's rows that hold Blobs. */
export function blobColumns(type: Pick<EntityType, "properties">): number[] {
  return type.properties.flatMap((property, column) => (property.type.scalar === "Blob" ? [column] : []));
}

/** The row with each Blob cell as `load` takes it. */
export async function withBlobTexts(row: Row, type: EntityType, storage: StorageAdapter): Promise<Row> {
  const columns = blobColumns(type);
  if (columns.length === 0) return row;
  const values: Value[] = [...row.values];
  for (const column of columns) {
    const text = values[column];
    if (typeof text === "string") values[column] = await blobText(text, storage);
  }
  return { ...row, values };
}

/** The same for many rows, reading some ahead; the order stays. */
export async function* allWithBlobTexts(
  rows: Iterable<Row>,
  type: EntityType,
  storage: StorageAdapter,
): AsyncIterable<Row> {
  let window: Row[] = [];
  let bytes = 0;
  const resolved = () =>
    inParallel(window, REQUESTS_IN_FLIGHT_MAX, (row) => withBlobTexts(row, type, storage));
  const columns = blobColumns(type);
  for (const row of rows) {
    window.push(row);
    for (const column of columns) bytes += sizeOf(row.values[column]);
    if (bytes < READ_AHEAD_BYTES_MAX && window.length < READ_AHEAD_ROWS_MAX) continue;
    yield* await resolved();
    window = [];
    bytes = 0;
  }
  yield* await resolved();
}

async function blobText(text: string, storage: StorageAdapter): Promise<string> {
  const reference = readBlobReference(text);
  if (reference.kind === "external") return reference.uri;
  return `base64:${(await readWhole(storage, reference)).toBase64()}`;
}

function sizeOf(cell: Value): number {
  if (typeof cell !== "string") return 0;
  const reference = readBlobReference(cell);
  return reference.kind === "managed" ? reference.size : 0;
}
