// The one seam between omnigraph and bytes at rest. Keys are relative to the root that the adapter was opened on,
// '/'-separated, without a leading slash. What each promise means is held by one contract test for all adapters.

/** Kinds of requests, as counted. One page of a listing is one request; a multipart upload counts each part. */
export type RequestKind = "get" | "put" | "head" | "list" | "delete";

export interface RequestCounts {
  readonly get: number;
  readonly put: number;
  readonly head: number;
  readonly list: number;
  readonly delete: number;
  readonly total: number;
  /** How often a request began while none was under way: the number of round trips one after the other. */
  readonly waves: number;
}

/** Identifies one version of an object; opaque (an ETag, or a digest of the bytes). */
export type Version = string;

export interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly version: Version;
}

export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly modifiedAt: number;
}

/**
 * What became of a conditional put. `unknown`: no answer, or one that does not tell (timeout, reset, 5xx after the
 * body went out); the caller settles it by reading back. `retry`-able outcomes are retried inside the adapter.
 */
export type PutOutcome =
  | { readonly outcome: "won"; readonly version: Version }
  | { readonly outcome: "lost" }
  | { readonly outcome: "unknown"; readonly cause: Error };

export interface ListPage {
  readonly objects: readonly ObjectInfo[];
  /** With a delimiter: the distinct prefixes up to and including it. */
  readonly prefixes: readonly string[];
  /** Give it back as `startAfter` to go on; null at the end. */
  readonly next: string | null;
}

export interface ListOptions {
  readonly startAfter?: string;
  readonly delimiter?: "/";
  /** At most this many entries a page (1 to 1,000; 1,000 without). */
  readonly pageSize?: number;
}

/** Failures other than "no such object" and lost conditions are thrown as OmnigraphError naming the store and key. */
export interface StorageAdapter {
  /** The root as shown to people: an absolute path, or `s3://bucket/prefix`. Never ends in '/'. */
  readonly uri: string;
  readonly kind: "file" | "s3" | "memory";
  /** What the probe mark is named after: the endpoint and bucket, or the machine's file system. */
  readonly endpoint: string;

  /** The whole object, or null where there is none. */
  get(key: string): Promise<StoredObject | null>;
  /** Bytes [offset, offset + length), cut at the end of the object; null where there is none. */
  getRange(key: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The object as a stream of chunks, from `offset` on; null where there is none. */
  getStream(key: string, offset?: number): Promise<AsyncIterable<Uint8Array> | null>;
  head(key: string): Promise<ObjectInfo | null>;
  /** Where an object would stand as a file of this machine; only on adapters that keep files. */
  fileOf?(key: string): string;
  /** Writes or overwrites, durably. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Writes a large object from a stream, durably and visible only as a whole (S3: multipart). Answers its size in bytes. */
  putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number>;
  /** Creates the object unless there is one: exactly one of any number of racers wins. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome>;
  /** Replaces the object only while it is still at `version`; a missing object is `lost`. */
  putIfMatch(key: string, bytes: Uint8Array, version: Version): Promise<PutOutcome>;
  /** One page of keys that start with `prefix`, in byte order. */
  list(prefix: string, options?: ListOptions): Promise<ListPage>;
  /** Removes the object; no error where there is none. */
  delete(key: string): Promise<void>;
  /** Removes every object whose key starts with `prefix`; can be repeated after an interruption. */
  deletePrefix(prefix: string): Promise<void>;

  /** An adapter on `<uri>/<prefix>` that shares connections and counters with this one. */
  under(prefix: string): StorageAdapter;
  counts(): RequestCounts;
  resetCounts(): void;
}
