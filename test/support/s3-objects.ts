// What the suite's own S3 server holds: buckets, objects and unfinished uploads, in memory.

import { createHash } from "node:crypto";
import { compareUtf8 } from "../../src/lib/utf8.ts";

export interface HeldObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly modifiedAt: Date;
}

export interface HeldUpload {
  readonly key: string;
  readonly parts: Map<number, HeldObject>;
}

export interface HeldBucket {
  readonly objects: Map<string, HeldObject>;
  readonly uploads: Map<string, HeldUpload>;
}

export const emptyBucket = (): HeldBucket => ({ objects: new Map(), uploads: new Map() });

export function heldObject(bytes: Uint8Array): HeldObject {
  return { bytes, etag: `"${md5(bytes)}"`, modifiedAt: new Date() };
}

/** The object that the numbered parts make, with the ETag that S3 gives such objects; null where a part is missing. */
export function joinParts(upload: HeldUpload, numbers: readonly number[]): HeldObject | null {
  const parts = numbers.flatMap((number) => upload.parts.get(number) ?? []);
  if (parts.length !== numbers.length || parts.length === 0) return null;
  const digests = parts.map(({ etag }) => Buffer.from(etag.slice(1, -1), "hex"));
  const etag = `"${md5(Buffer.concat(digests))}-${parts.length}"`;
  const bytes = new Uint8Array(Buffer.concat(parts.map((part) => part.bytes)));
  return { bytes, etag, modifiedAt: new Date() };
}

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

export interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly startAfter: string;
  readonly maxKeys: number;
}

export interface ListedPage {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
  /** Where the next page starts, or null. */
  readonly next: string | null;
}

/** One page as ListObjectsV2 answers it: a gathered prefix counts as one entry, and is answered once. */
export function listPage(bucket: HeldBucket, query: ListQuery): ListedPage {
  const { prefix, delimiter, startAfter, maxKeys } = query;
  const keys: string[] = [];
  const prefixes: string[] = [];
  let last = "";
  for (const key of [...bucket.objects.keys()].sort(compareUtf8)) {
    if (!key.startsWith(prefix) || compareUtf8(key, startAfter) <= 0) continue;
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const group = end < 0 ? null : key.slice(0, end + delimiter.length);
    if (group !== null && prefixes.at(-1) === group) {
      last = key;
      continue;
    }
    if (keys.length + prefixes.length === maxKeys) return { keys, prefixes, next: last };
    if (group === null) keys.push(key);
    else prefixes.push(group);
    last = key;
  }
  return { keys, prefixes, next: null };
}
