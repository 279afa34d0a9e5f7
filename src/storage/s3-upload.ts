// Large objects: one put while they fit in one part, a multipart upload beyond. Either way the object is seen as a whole
// or not at all.

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { OmnigraphError, tooLarge } from "../lib/errors.ts";
import { S3_PART_BYTES, S3_PARTS_IN_FLIGHT_MAX, S3_PARTS_MAX } from "./limits.ts";
import type { S3Connection } from "./s3-connection.ts";
import { type ObjectAddress, versionIn } from "./s3-read.ts";

interface Upload {
  readonly connection: S3Connection;
  readonly object: ObjectAddress;
  readonly id: string;
}

/** Writes the stream as one object and answers its size in bytes. */
export async function uploadStream(
  connection: S3Connection,
  object: ObjectAddress,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  const parts = partsOf(chunks);
  const first = (await parts.next()).value ?? new Uint8Array(0);
  const second = await parts.next();
  if (second.done) {
    await connection.run("put", subjectOf(object), (client) =>
      client.send(new PutObjectCommand({ ...object, Body: first })),
    );
    return first.length;
  }
  const upload = await begin(connection, object);
  try {
    return await sendParts(upload, continued([first, second.value], parts));
  } catch (thrown) {
    await abort(upload);
    throw thrown;
  }
}

const subjectOf = (object: ObjectAddress) => ({ action: "put", key: object.Key });

/** Gathers chunks of any size into parts of S3_PART_BYTES; only the last may be smaller, and none is empty. */
async function* partsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  let part = new Uint8Array(S3_PART_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const taken = chunk.subarray(at, at + S3_PART_BYTES - filled);
      part.set(taken, filled);
      filled += taken.length;
      at += taken.length;
      if (filled < S3_PART_BYTES) continue;
      yield part;
      part = new Uint8Array(S3_PART_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

async function* continued(
  begun: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array, undefined>,
): AsyncGenerator<Uint8Array> {
  yield* begun;
  yield* rest;
}

async function begin(connection: S3Connection, object: ObjectAddress): Promise<Upload> {
  const { UploadId } = await connection.run("put", subjectOf(object), (client) =>
    client.send(new CreateMultipartUploadCommand(object)),
  );
  if (UploadId === undefined) {
    throw new OmnigraphError("internal", "the object store began a multipart upload without an id");
  }
  return { connection, object, id: UploadId };
}

async function sendParts(upload: Upload, parts: AsyncIterable<Uint8Array>): Promise<number> {
  const etags: string[] = [];
  const underWay = new Set<Promise<void>>();
  let failure: { readonly thrown: unknown } | null = null;
  let size = 0;
  let count = 0;
  for await (const part of parts) {
    const number = ++count;
    if (number > S3_PARTS_MAX) throw tooLarge("multipart upload parts", S3_PARTS_MAX, number);
    size += part.length;
    const sending = sendPart(upload, number, part)
      .then((etag) => {
        etags[number - 1] = etag;
      })
      .catch((thrown) => {
        failure ??= { thrown };
      })
      .finally(() => underWay.delete(sending));
    underWay.add(sending);
    if (underWay.size >= S3_PARTS_IN_FLIGHT_MAX) await Promise.race(underWay);
    if (failure !== null) break;
  }
  await Promise.all(underWay);
  rethrow(failure);
  await complete(upload, etags, size);
  return size;
}

function rethrow(failure: { readonly thrown: unknown } | null): void {
  if (failure !== null) throw failure.thrown;
}

function sendPart({ connection, object, id }: Upload, number: number, part: Uint8Array): Promise<string> {
  return connection.run("put", subjectOf(object), async (client) =>
    versionIn(
      await client.send(new UploadPartCommand({ ...object, UploadId: id, PartNumber: number, Body: part })),
    ),
  );
}

async function complete({ connection, object, id }: Upload, etags: readonly string[], size: number) {
  const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
  const settled = await connection.request("put", "write", (client) =>
    client.send(new CompleteMultipartUploadCommand({ ...object, UploadId: id, MultipartUpload: { Parts } })),
  );
  // A completion whose answer was lost is repeated, and then there is no such upload any more: the object tells.
  const mayBeDone = settled.verdict !== "done" && settled.answer.code === "NoSuchUpload";
  if (mayBeDone && (await sizeOf(connection, object)) === size) return;
  connection.expectDone(subjectOf(object), settled);
}

async function sizeOf(connection: S3Connection, object: ObjectAddress): Promise<number | null> {
  const found = await connection.read("head", { action: "head", key: object.Key }, (client) =>
    client.send(new HeadObjectCommand(object)),
  );
  return found?.ContentLength ?? null;
}

/** Frees the parts. The store keeps them if this fails too, until its own clean-up; the first error is what counts. */
async function abort({ connection, object, id }: Upload): Promise<void> {
  await connection.request("delete", "write", (client) =>
    client.send(new AbortMultipartUploadCommand({ ...object, UploadId: id })),
  );
}
