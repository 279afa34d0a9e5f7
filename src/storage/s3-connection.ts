// One bucket at one endpoint: the client, the counters, and the way every request is sent and judged.

import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import type { RequestKind } from "./adapter.ts";
import type { RequestIntent } from "./classify.ts";
import { RequestCounter } from "./counter.ts";
import { type Failed, type Settled, settle } from "./retry.ts";
import type { S3Config } from "./s3-config.ts";
import { answerOf, s3Error } from "./s3-errors.ts";
import { fetchHandler } from "./s3-http.ts";

export class S3Connection {
  readonly counter = new RequestCounter();
  readonly endpoint: string;
  private readonly client: S3Client;
  /** Whether any answer proved that the bucket is there. */
  private bucketSeen = false;

  constructor(
    readonly bucket: string,
    config: S3Config,
    readonly ports: Ports,
  ) {
    this.endpoint = config.endpoint;
    this.client = clientOf(config);
  }

  /** Sends one request until there is a verdict; `command` runs once for every try. */
  async request<T>(
    kind: RequestKind,
    intent: RequestIntent,
    command: (client: S3Client) => Promise<T>,
  ): Promise<Settled<T>> {
    const settled = await settle(this.ports, intent, () =>
      this.counter.track(kind, async () => {
        try {
          return { ok: true, value: await command(this.client) } as const;
        } catch (thrown) {
          if (thrown instanceof OmnigraphError) throw thrown;
          const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
          return { ok: false, answer: answerOf(thrown), cause } as const;
        }
      }),
    );
    const { verdict } = settled;
    const namesKey = settled.verdict !== "done" && settled.answer.code === "NoSuchKey";
    if (verdict === "done" || verdict === "lost" || namesKey) this.bucketSeen = true;
    return settled;
  }

  /** As request; a missing object is null, and whatever else is no success is thrown. `what` names it in errors. */
  async read<T>(
    kind: RequestKind,
    what: Subject,
    command: (client: S3Client) => Promise<T>,
  ): Promise<T | null> {
    const settled = await this.request(kind, "read", command);
    if (settled.verdict !== "missing") return this.expectDone(what, settled);
    await this.requireBucket(what);
    return null;
  }

  /** As request, for what succeeds or is an error: a write without condition, a listing. */
  async run<T>(kind: RequestKind, what: Subject, command: (client: S3Client) => Promise<T>): Promise<T> {
    return this.expectDone(what, await this.request(kind, "write", command));
  }

  expectDone<T>(what: Subject, settled: Settled<T>): T {
    return settled.verdict === "done" ? settled.value : this.fail(what, settled);
  }

  fail({ action, key }: Subject, { answer, cause }: Failed): never {
    const { bucket, endpoint } = this;
    throw s3Error({ action, uri: `s3://${bucket}/${key}`, bucket, endpoint, answer, cause });
  }

  /**
   * A 404 without a code (every HEAD) may mean the bucket or the user. While nothing has shown that the bucket is there, one
   * byte is asked for, because the answer to a GET has a code: so nothing that is wrong looks like an empty bucket.
   */
  private async requireBucket(what: Subject): Promise<void> {
    if (this.bucketSeen) return;
    const settled = await this.request("get", "read", (client) =>
      client.send(new GetObjectCommand({ Bucket: this.bucket, Key: what.key, Range: "bytes=0-0" })),
    );
    if (settled.verdict !== "missing") this.expectDone(what, settled);
  }
}

/** A request in the words of an error: `get` of which key. */
export interface Subject {
  readonly action: string;
  readonly key: string;
}

function clientOf({ endpoint, isCustomEndpoint, region, forcePathStyle, credentials }: S3Config): S3Client {
  return new S3Client({
    region,
    forcePathStyle,
    ...(isCustomEndpoint ? { endpoint } : {}),
    ...(credentials === null ? {} : { credentials }),
    requestHandler: fetchHandler,
    // Retries are ours: the client's own do not know which answers leave a conditional put in doubt.
    maxAttempts: 1,
    retryMode: "standard",
    defaultsMode: "standard",
    // Trailing checksums are refused by many stores; TLS and our own digests already cover the bytes.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    expectContinueHeader: false,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    useArnRegion: false,
    disableS3ExpressSessionAuth: true,
  });
}
