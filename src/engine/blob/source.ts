// External objects that a write refers to: is there one, and can it be read? Its bytes are never fetched.

import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { OmnigraphError } from "../../lib/errors.ts";
import { type ExternalUri, externalFilePath, formatExternalUri } from "../../lib/external-uri.ts";
import { decodeUtf8 } from "../../lib/utf8.ts";
import type { StorageAdapter } from "../../storage/index.ts";

/** Throws 424 for an object that is missing, unreadable or not a regular file. */
export type SourceProbe = (uri: ExternalUri) => Promise<void>;

/** 424: a write refers to an object that cannot be read. */
export function sourceError(uri: string, reason: string, cause?: unknown): OmnigraphError {
  return new OmnigraphError(
    "external_blob_source",
    `cannot read the external blob source '${uri}': ${reason}`,
    { external_blob_source: { uri, reason } },
    { cause },
  );
}

/** Asks stores about objects; `openBucket` is called once for each bucket. */
export function sourceProbe(openBucket: (uri: string) => Promise<StorageAdapter>): SourceProbe {
  const buckets = new Map<string, Promise<StorageAdapter>>();
  const bucket = (name: string): Promise<StorageAdapter> => {
    const uri = `s3://${name}`;
    const opened = buckets.get(uri) ?? openBucket(uri);
    buckets.set(uri, opened);
    return opened;
  };
  return async (uri) => {
    const text = formatExternalUri(uri);
    const reason = uri.scheme === "s3" ? await objectFault(uri, bucket) : await fileFault(uri);
    if (reason !== null) throw sourceError(text, reason.text, reason.cause);
  };
}

interface Fault {
  readonly text: string;
  readonly cause?: unknown;
}

async function objectFault(
  uri: ExternalUri,
  bucket: (name: string) => Promise<StorageAdapter>,
): Promise<Fault | null> {
  try {
    const storage = await bucket(uri.bucket);
    const found = await storage.head(uri.components.map(decodeUtf8).join("/"));
    return found === null ? { text: "no such object" } : null;
  } catch (cause) {
    // What a store says may name endpoints and accounts: that is for the log.
    return { text: "the object store does not let it be read", cause };
  }
}

async function fileFault(uri: ExternalUri): Promise<Fault | null> {
  const path = externalFilePath(uri);
  try {
    if (!(await stat(path)).isFile()) return { text: "not a regular file" };
    await access(path, constants.R_OK);
    return null;
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    return { text: isMissing ? "no such file" : "the file may not be read", cause };
  }
}
