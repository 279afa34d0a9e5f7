// Bodies of objects: whole, and as a stream that survives a broken connection.

import { GetObjectCommand, type GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { OmnigraphError, StorageError } from "../lib/errors.ts";
import type { Version } from "./adapter.ts";
import { S3_STREAM_RESUMES_MAX } from "./limits.ts";
import type { S3Connection, Subject } from "./s3-connection.ts";
import { bodyChunks, ConnectionFailure, HttpFailure } from "./s3-http.ts";

export interface ObjectAddress {
  readonly Bucket: string;
  readonly Key: string;
}

/** The version that an answer names; a store that names none cannot be used. */
export function versionIn(response: { readonly ETag?: string | undefined }): Version {
  if (response.ETag === undefined) {
    throw new OmnigraphError("internal", "the object store names no ETag, which conditional writes need");
  }
  return response.ETag;
}

/** The whole body; fails when it is not as long as its Content-Length says. */
export async function readBody(response: GetObjectCommandOutput): Promise<Uint8Array<ArrayBuffer>> {
  const length = lengthOf(response);
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of bodyChunks(streamIn(response))) {
    if (at + chunk.length > length) throw truncated(at + chunk.length, length);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at !== length) throw truncated(at, length);
  return bytes;
}

/** 416 says that the object is there and ends before the range. */
export function emptyPastEnd(thrown: unknown): Uint8Array<ArrayBuffer> {
  if (thrown instanceof HttpFailure && thrown.status === 416) return new Uint8Array(0);
  throw thrown;
}

/** The object from `offset` on; null where there is none. Taken up again, at the same version, when a connection breaks. */
export async function resumedChunks(
  connection: S3Connection,
  object: ObjectAddress,
  offset: number,
): Promise<AsyncIterable<Uint8Array> | null> {
  const opened = await openAt(connection, object, offset, null);
  return opened === null ? null : resume(connection, object, offset, opened);
}

interface OpenedBody {
  readonly body: ReadableStream<Uint8Array>;
  readonly length: number;
  readonly version: Version | null;
}

async function* resume(
  connection: S3Connection,
  object: ObjectAddress,
  offset: number,
  first: OpenedBody,
): AsyncGenerator<Uint8Array> {
  const end = offset + first.length;
  const subject = { action: "get", key: object.Key };
  let at = offset;
  let breaks = 0;
  for (let opened: OpenedBody | null = first; ; ) {
    if (opened === null)
      throw new StorageError(
        "internal",
        `'s3://${object.Bucket}/${object.Key}' was deleted while it was read`,
      );
    const broken = yield* chunksUntilBroken(opened.body, (length) => {
      at += length;
      breaks = 0;
    });
    if (at === end) return;
    if (++breaks > S3_STREAM_RESUMES_MAX) failRead(connection, subject, broken ?? truncated(at, end));
    opened = await openAt(connection, object, at, first.version);
  }
}

/** Passes chunks on; answers what broke the connection, or null at the end of the body. */
async function* chunksUntilBroken(
  body: ReadableStream<Uint8Array>,
  passed: (length: number) => void,
): AsyncGenerator<Uint8Array, ConnectionFailure | null> {
  try {
    for await (const chunk of bodyChunks(body)) {
      passed(chunk.length);
      yield chunk;
    }
    return null;
  } catch (thrown) {
    if (thrown instanceof ConnectionFailure) return thrown;
    throw thrown;
  }
}

function failRead(connection: S3Connection, subject: Subject, cause: ConnectionFailure): never {
  return connection.fail(subject, { answer: { status: null, code: cause.code }, cause });
}

function openAt(
  connection: S3Connection,
  object: ObjectAddress,
  offset: number,
  version: Version | null,
): Promise<OpenedBody | null> {
  const input = {
    ...object,
    ...(offset === 0 ? {} : { Range: `bytes=${offset}-` }),
    ...(version === null ? {} : { IfMatch: version }),
  };
  return connection.read("get", { action: "get", key: object.Key }, async (client) => {
    try {
      const response = await client.send(new GetObjectCommand(input));
      return { body: streamIn(response), length: lengthOf(response), version: versionIn(response) };
    } catch (thrown) {
      return { body: new Blob([emptyPastEnd(thrown)]).stream(), length: 0, version };
    }
  });
}

/** The handler of the client passes on the stream that fetch gave it. */
function streamIn(response: GetObjectCommandOutput): ReadableStream<Uint8Array> {
  return response.Body?.transformToWebStream() ?? new Blob([]).stream();
}

function lengthOf(response: GetObjectCommandOutput): number {
  if (response.ContentLength === undefined) {
    throw new OmnigraphError("internal", "the object store answered an object without Content-Length");
  }
  return response.ContentLength;
}

function truncated(found: number, expected: number): ConnectionFailure {
  return new ConnectionFailure("ETRUNCATED", `the answer has ${found} bytes of ${expected}`);
}
