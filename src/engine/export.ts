// A snapshot as NDJSON that `load` takes back: edges first, then nodes, each type by name and its rows by id.

import type { View } from "../index/view.ts";
import { badRequest } from "../lib/errors.ts";
import { type JsonValue, stringifyJson } from "../lib/json.ts";
import { compareUtf8, encodeUtf8 } from "../lib/utf8.ts";
import type { Value } from "../query/plan.ts";
import type { EdgeType, EntityType, NodeType } from "../schema/catalog.ts";
import type { StorageAdapter } from "../storage/adapter.ts";
import type { Row } from "../store/types.ts";
import { allWithBlobTexts, blobColumns } from "./blob/index.ts";

/** Bytes of one chunk at most, unless a single record is longer (spec 03 §10). */
const CHUNK_BYTES_MAX = 64 * 1024;

/** The types that the names select, in export order; none given selects all. Throws 400 for an unknown name. */
export function exportedTypes(view: View, names: readonly string[]): EntityType[] {
  const { nodes, edges } = view.catalog;
  const unknown = names.find((name) => !nodes.has(name) && !edges.has(name));
  if (unknown !== undefined) throw badRequest(`unknown export type '${unknown}'`);
  const selected = (type: EntityType) => names.length === 0 || names.includes(type.name);
  const sorted = (types: Iterable<EntityType>) =>
    [...types].filter(selected).sort((a, b) => compareUtf8(a.name, b.name));
  return [...sorted(edges.values()), ...sorted(nodes.values())];
}

/** The records in chunks of whole lines. Only as much is made as the consumer takes. */
export async function* exportRecords(
  view: View,
  types: readonly EntityType[],
  storage: StorageAdapter,
): AsyncIterable<Uint8Array> {
  let pending: string[] = [];
  let characters = 0;
  for (const type of types) {
    for await (const line of recordsOf(view, type, storage)) {
      pending.push(line);
      characters += line.length;
      // UTF-8 takes at most three bytes for a UTF-16 unit.
      if (characters * 3 >= CHUNK_BYTES_MAX) {
        yield* chunks(pending.join(""));
        pending = [];
        characters = 0;
      }
    }
  }
  if (pending.length > 0) yield* chunks(pending.join(""));
}

function* chunks(text: string): Iterable<Uint8Array> {
  const bytes = encodeUtf8(text);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) yield bytes.subarray(at, at + CHUNK_BYTES_MAX);
}

async function* recordsOf(view: View, type: EntityType, storage: StorageAdapter): AsyncIterable<string> {
  const line = lineWriter(type);
  const rows = await rowsInOrder(view, type);
  if (blobColumns(type).length === 0) for (const row of rows) yield line(row);
  else for await (const row of allWithBlobTexts(rows, type, storage)) yield line(row);
}

async function rowsInOrder(view: View, type: EntityType): Promise<Iterable<Row>> {
  await view.load(type.kind === "node" ? [type] : [type, type.source, type.target]);
  const reader = type.kind === "node" ? view.nodes(type) : view.edges(type);
  return reader
    .allById()
    .values()
    .map((number) => reader.row(number));
}

function lineWriter(type: NodeType | EdgeType): (row: Row) => string {
  const columns = type.properties
    .map((property, column) => ({ key: JSON.stringify(property.name), column, name: property.name }))
    .sort((a, b) => compareUtf8(a.name, b.name));
  const typeName = JSON.stringify(type.name);
  return (row) => {
    const data = columns.map(
      ({ key, column }) => `,${key}:${stringifyJson(exportValue(row.values[column]))}`,
    );
    const body = `"data":{"id":${JSON.stringify(row.id)}${data.join("")}}}\n`;
    if (type.kind === "node") return `{"type":${typeName},${body}`;
    return `{"edge":${typeName},"from":${JSON.stringify(row.src)},"to":${JSON.stringify(row.dst)},${body}`;
  };
}

/** Dates and datetimes stay numbers; vectors become arrays of their 32-bit values widened. */
export function exportValue(value: Value): JsonValue {
  if (value instanceof Float32Array) return Array.from(value);
  return value as JsonValue;
}
