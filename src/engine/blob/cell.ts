// One Blob cell of one state: found, described, and read only when asked.

import type { View } from "../../index/view.ts";
import { badRequest, notFound, rangeNotSatisfiable } from "../../lib/errors.ts";
import { TextSet } from "../../lib/text-set.ts";
import type { EntityType, NodeType } from "../../schema/catalog.ts";
import type { StorageAdapter } from "../../storage/index.ts";
import { blobKey, readBlobReference } from "../../store/index.ts";
import type { Row } from "../../store/types.ts";
import type { BlobAddress, BlobCell, BlobRange } from "../graph.ts";
import type { SeenState } from "../past.ts";
import { type ByteRange, type ManagedBlob, readManaged } from "./read.ts";

/** Hex digits of the content digest that make an entity tag (spec 03 §11.3). */
const TAG_DIGITS = 32;

/** Throws 400 for a cell that the schema does not have, 404 for an entity that is not there or a null. */
export async function openBlobCell(
  view: View,
  seen: SeenState,
  address: BlobAddress,
  storage: StorageAdapter,
): Promise<BlobCell> {
  const { type, column } = blobColumn(seen, address);
  const row = await entityRow(view, type, address.id);
  if (row === null) throw notFound(`no ${type.kind} '${type.name}' with id '${address.id}' found`);
  const text = row.values[column];
  if (typeof text !== "string") {
    throw notFound(
      `property '${address.property}' of ${type.kind} type '${type.name}' is null for id '${row.id}'`,
    );
  }
  const reference = readBlobReference(text);
  const snapshot = view.state.head.id;
  if (reference.kind === "external") return { kind: "external", uri: reference.uri, snapshot };
  return {
    kind: "managed",
    size: reference.size,
    etag: `"${reference.digest.slice(0, TAG_DIGITS)}"`,
    snapshot,
    read: (range) => readManaged(storage, reference, range && resolveRange(range, reference)),
    ...(storage.fileOf === undefined ? {} : { file: storage.fileOf(blobKey(reference.digest)) }),
  };
}

function blobColumn(seen: SeenState, { entity, type: name, property }: BlobAddress) {
  const { nodes, edges } = seen.names;
  const type: EntityType | undefined = entity === "node" ? nodes.get(name) : edges.get(name);
  if (type === undefined) throw badRequest(`unknown ${entity} type '${name}'`);
  const column = type.properties.findIndex((candidate) => candidate.name === property);
  if (column < 0) throw badRequest(`${entity} type '${name}' has no property '${property}'`);
  if (type.properties[column].type.scalar !== "Blob") {
    throw badRequest(`property '${property}' of ${entity} type '${name}' is not a Blob property`);
  }
  seen.requireType(type);
  seen.requireProperty(type, type.properties[column]);
  return { type, column };
}

async function entityRow(view: View, type: EntityType, id: string): Promise<Row | null> {
  const rows =
    type.kind === "node"
      ? view.lookupNodes(type as NodeType, [id])
      : view.lookupEdges(type, new TextSet([id]));
  return (await rows)[0] ?? null;
}

function resolveRange({ start, end }: BlobRange, { size }: ManagedBlob): ByteRange {
  if (start < size)
    return { start: Number(start), end: Math.min(end === undefined ? size : Number(end), size) };
  throw rangeNotSatisfiable(start, end ?? size, size);
}
