// What a Blob cell holds: never the bytes, but a text that names them. Managed bytes stand under their digest in
// `blobs/`; anything else is the normalised URI of an external object.

import type { EntityType } from "../schema/catalog.ts";
import type { RowBatch } from "./column.ts";
import { isValid } from "./column.ts";
import { textAt } from "./column-value.ts";

export type BlobReference =
  | { readonly kind: "managed"; readonly digest: string; readonly size: number }
  | { readonly kind: "external"; readonly uri: string };

export const BLOBS_PREFIX = "blobs/";
export const blobKey = (digest: string): string => `${BLOBS_PREFIX}${digest}`;

const MANAGED = /^sha256:([0-9a-f]{64}):(\d{1,15})$/;

/** The cell's text for bytes with this SHA-256 (lower-case hex). */
export const managedBlob = (digest: string, size: number): string => `sha256:${digest}:${size}`;

/** Reads a cell's text. External URIs begin with their scheme, which is never `sha256`. */
export function readBlobReference(text: string): BlobReference {
  const match = MANAGED.exec(text);
  if (match === null) return { kind: "external", uri: text };
  return { kind: "managed", digest: match[1], size: Number(match[2]) };
}

/** Digests of the managed bytes that rows of a type refer to, or those of them that are wanted; repeated where rows share them. */
export function* blobDigests(
  batch: RowBatch,
  type: Pick<EntityType, "properties">,
  isWanted: (row: number) => boolean = () => true,
): Iterable<string> {
  for (const property of type.properties) {
    if (property.type.scalar !== "Blob") continue;
    const column = batch.columns.get(property.id);
    if (column === undefined || column.kind !== "utf8") continue;
    for (let row = 0; row < batch.length; row++) {
      if (!isValid(column.valid, row) || !isWanted(row)) continue;
      const reference = readBlobReference(textAt(column, row));
      if (reference.kind === "managed") yield reference.digest;
    }
  }
}
