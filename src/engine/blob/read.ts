// The bytes of managed values, in chunks that the reader asks for; a whole value is held against its digest.

import { OmnigraphError } from "../../lib/errors.ts";
import type { StorageAdapter } from "../../storage/index.ts";
import { type BlobReference, blobKey } from "../../store/index.ts";
import { CHUNK_BYTES } from "./limits.ts";

export type ManagedBlob = Extract<BlobReference, { kind: "managed" }>;

/** Half-open; within the value. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The bytes of a range in chunks of at most 4 MiB; while one is used the next is fetched. Throws where they are damaged. */
export async function* readManaged(
  storage: StorageAdapter,
  blob: ManagedBlob,
  { start, end }: ByteRange = { start: 0, end: blob.size },
): AsyncGenerator<Uint8Array> {
  const isWhole = start === 0 && end === blob.size;
  const hasher = isWhole ? new Bun.CryptoHasher("sha256") : null;
  let next = start < end ? readChunk(storage, blob, start, end) : null;
  for (let at = start; next !== null; ) {
    const chunk = await next;
    hasher?.update(chunk);
    at += chunk.length;
    next = at < end ? readChunk(storage, blob, at, end) : null;
    // A reader that goes away never asks for it; its failure is then nobody's.
    next?.catch(() => undefined);
    if (next === null && hasher !== null && hasher.digest("hex") !== blob.digest) {
      throw damaged(blob, "its bytes do not have the digest that names them");
    }
    yield chunk;
  }
}

async function readChunk(
  storage: StorageAdapter,
  blob: ManagedBlob,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const length = Math.min(CHUNK_BYTES, end - start);
  const chunk = await storage.getRange(blobKey(blob.digest), start, length);
  if (chunk === null) throw damaged(blob, "it is missing");
  if (chunk.length !== length) throw damaged(blob, `it has fewer than its ${blob.size} bytes`);
  return chunk;
}

/** The whole value. */
export async function readWhole(storage: StorageAdapter, blob: ManagedBlob): Promise<Uint8Array> {
  const bytes = new Uint8Array(blob.size);
  let at = 0;
  for await (const chunk of readManaged(storage, blob)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

const damaged = ({ digest }: ManagedBlob, fault: string) =>
  new OmnigraphError("internal", `the stored blob ${digest} is damaged: ${fault}`);
