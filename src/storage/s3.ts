// Objects in a bucket. Loaded only by who names one: the client behind it takes 27 ms to load.

import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
} from "@aws-sdk/client-s3";
import type { Ports } from "../lib/ports.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type {
  ListOptions,
  ListPage,
  ObjectInfo,
  PutOutcome,
  RequestCounts,
  StorageAdapter,
  StoredObject,
  Version,
} from "./adapter.ts";
import { checkKey, checkPrefix, checkRoot } from "./keys.ts";
import { S3_DELETE_KEYS_MAX } from "./limits.ts";
import { type ListEntry, nextAfter, pageSizeOf } from "./listing.ts";
import { putOutcome } from "./retry.ts";
import { s3Config } from "./s3-config.ts";
import { S3Connection } from "./s3-connection.ts";
import { emptyPastEnd, readBody, resumedChunks, versionIn } from "./s3-read.ts";
import { uploadStream } from "./s3-upload.ts";

/** An adapter on a bucket, or on a prefix in it, by the AWS_* environment of the ports. Sends nothing yet. */
export function s3Storage(bucket: string, prefix: string, ports: Ports): StorageAdapter {
  const config = s3Config(ports.env);
  return new S3Storage(new S3Connection(bucket, config, ports), prefix);
}

class S3Storage implements StorageAdapter {
  readonly kind = "s3";
  readonly uri: string;
  readonly endpoint: string;
  /** Before every key: empty, or ends in '/'. */
  private readonly root: string;

  constructor(
    private readonly connection: S3Connection,
    prefix: string,
  ) {
    const { bucket, endpoint } = connection;
    this.uri = prefix === "" ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
    this.endpoint = `${endpoint}/${bucket}`;
    this.root = prefix === "" ? "" : `${prefix}/`;
  }

  async get(key: string): Promise<StoredObject | null> {
    const object = this.object(key);
    return this.connection.read("get", { action: "get", key: object.Key }, async (client) => {
      const response = await client.send(new GetObjectCommand(object));
      return { bytes: await readBody(response), version: versionIn(response) };
    });
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer> | null> {
    // HTTP has no empty range: that the object is there is all there is to know.
    if (length === 0) return (await this.head(key)) === null ? null : new Uint8Array(0);
    const object = { ...this.object(key), Range: `bytes=${offset}-${offset + length - 1}` };
    return this.connection.read("get", { action: "get", key: object.Key }, async (client) => {
      try {
        return await readBody(await client.send(new GetObjectCommand(object)));
      } catch (thrown) {
        return emptyPastEnd(thrown);
      }
    });
  }

  async getStream(key: string, offset = 0): Promise<AsyncIterable<Uint8Array> | null> {
    return resumedChunks(this.connection, this.object(key), offset);
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const object = this.object(key);
    return this.connection.read("head", { action: "head", key: object.Key }, async (client) => {
      const { ContentLength = 0, LastModified } = await client.send(new HeadObjectCommand(object));
      return { key, size: ContentLength, modifiedAt: LastModified?.getTime() ?? 0 };
    });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const object = this.object(key);
    await this.connection.run("put", { action: "put", key: object.Key }, (client) =>
      client.send(new PutObjectCommand({ ...object, Body: bytes })),
    );
  }

  async putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    const object = this.object(key);
    return uploadStream(this.connection, object, chunks);
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome> {
    return this.conditionalPut("put-if-absent", { ...this.object(key), Body: bytes, IfNoneMatch: "*" });
  }

  async putIfMatch(key: string, bytes: Uint8Array, version: Version): Promise<PutOutcome> {
    return this.conditionalPut("put-if-match", { ...this.object(key), Body: bytes, IfMatch: version });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListPage> {
    checkPrefix(prefix);
    const { startAfter, delimiter } = options;
    const response = await this.connection.run(
      "list",
      { action: "list", key: this.root + prefix },
      (client) =>
        client.send(
          new ListObjectsV2Command({
            Bucket: this.connection.bucket,
            Prefix: this.root + prefix,
            MaxKeys: pageSizeOf(options),
            ...(startAfter === undefined ? {} : { StartAfter: this.root + startAfter }),
            ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
          }),
        ),
    );
    const objects = (response.Contents ?? []).map(({ Key = "", Size = 0, LastModified }) => ({
      key: Key.slice(this.root.length),
      size: Size,
      modifiedAt: LastModified?.getTime() ?? 0,
    }));
    const prefixes = (response.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix.slice(this.root.length));
    return { objects, prefixes, next: response.IsTruncated ? nextPage(objects, prefixes) : null };
  }

  async delete(key: string): Promise<void> {
    const object = this.object(key);
    await this.connection.run("delete", { action: "delete", key: object.Key }, (client) =>
      client.send(new DeleteObjectCommand(object)),
    );
  }

  async deletePrefix(prefix: string): Promise<void> {
    for (let startAfter: string | null = ""; startAfter !== null; ) {
      const { objects, next }: ListPage = await this.list(prefix, {
        pageSize: S3_DELETE_KEYS_MAX,
        ...(startAfter === "" ? {} : { startAfter }),
      });
      if (objects.length > 0) await this.deleteAll(objects.map(({ key }) => this.root + key));
      startAfter = next;
    }
  }

  under(prefix: string): StorageAdapter {
    return new S3Storage(this.connection, this.root + checkRoot(prefix));
  }

  counts(): RequestCounts {
    return this.connection.counter.counts();
  }

  resetCounts(): void {
    this.connection.counter.reset();
  }

  private object(key: string): { readonly Bucket: string; readonly Key: string } {
    checkKey(key);
    return { Bucket: this.connection.bucket, Key: this.root + key };
  }

  private async conditionalPut(
    intent: "put-if-absent" | "put-if-match",
    input: PutObjectCommandInput & { readonly Key: string },
  ): Promise<PutOutcome> {
    const settled = await this.connection.request("put", intent, async (client) =>
      versionIn(await client.send(new PutObjectCommand(input))),
    );
    return putOutcome(settled, (failed) => this.connection.fail({ action: "put", key: input.Key }, failed));
  }

  private async deleteAll(keys: readonly string[]): Promise<void> {
    const what = { action: "delete", key: this.root };
    const { Errors = [] } = await this.connection.run("delete", what, (client) =>
      client.send(
        new DeleteObjectsCommand({
          Bucket: this.connection.bucket,
          Delete: { Quiet: true, Objects: keys.map((Key) => ({ Key })) },
        }),
      ),
    );
    for (const { Key = "", Code = "", Message = "" } of Errors) {
      if (Code === "NoSuchKey") continue;
      const subject = { action: "delete", key: Key };
      this.connection.fail(subject, {
        answer: { status: 500, code: Code },
        cause: new Error(`${Code} ${Message}`),
      });
    }
  }
}

function nextPage(objects: readonly ObjectInfo[], prefixes: readonly string[]): string {
  const entries: ListEntry[] = [
    ...objects.map((object) => ({ kind: "object", object }) as const),
    ...prefixes.map((prefix) => ({ kind: "prefix", prefix }) as const),
  ];
  return entries.map(nextAfter).reduce((a, b) => (compareUtf8(a, b) > 0 ? a : b));
}
