// The suite's own S3 server: real HTTP, objects in memory. It counts requests, adds latency and misbehaves on the wire
// as no real server can be asked to. On node:http and not Bun.serve, because a test must be able to break connections.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  emptyBucket,
  type HeldBucket,
  type HeldObject,
  type HeldUpload,
  heldObject,
  joinParts,
  listPage,
} from "./s3-objects.ts";
import { type SigningKey, signatureFault } from "./sigv4.ts";

export type S3RequestKind = "get" | "put" | "head" | "list" | "delete";

export interface S3Request {
  readonly kind: S3RequestKind;
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly isConditional: boolean;
  /** Requests that came while others were under way share a number; how well they are told apart rests on `latencyMs`. */
  readonly wave: number;
}

/** What a test asks the server to do to one request instead of serving it. */
export type Misbehaviour =
  /** Does what was asked and breaks the connection without an answer. */
  | { readonly kind: "lose-reply" }
  /** Breaks the connection before it does anything. */
  | { readonly kind: "reset" }
  /** Answers this status and error code; `applied`: and does what was asked. */
  | { readonly kind: "answer"; readonly status: number; readonly code?: string; readonly applied?: boolean }
  /** Sends the right head and only the first `bytes` bytes of the body. */
  | { readonly kind: "truncate"; readonly bytes: number };

/** `racy`: looks first and acts later, so that several racers win. */
export type ConditionSupport = "kept" | "ignored" | "racy";

export interface S3ServerOptions {
  readonly buckets?: readonly string[];
  readonly conditions?: ConditionSupport;
  readonly key?: SigningKey;
  /** Milliseconds before every answer. */
  readonly latencyMs?: number;
  /** The same for puts alone, on top. */
  readonly putLatencyMs?: number;
  /** A free one, without. */
  readonly port?: number;
}

export interface S3Server {
  readonly endpoint: string;
  /** The first bucket. */
  readonly bucket: string;
  /** The AWS_* variables that lead a client here. */
  readonly env: Readonly<Record<string, string>>;
  /** Every request so far that was let in. */
  readonly requests: readonly S3Request[];
  readonly buckets: ReadonlyMap<string, HeldBucket>;
  count(kind: S3RequestKind): number;
  /** The most requests that were under way at once. */
  inFlightMax(): number;
  clearRequests(): void;
  /** Asked for every request from now on; null serves it. */
  misbehave(decide: (request: S3Request) => Misbehaviour | null): void;
  /** The next requests that `matches` meet these, in order; then all is well. */
  misbehaveOnce(matches: (request: S3Request) => boolean, ...script: readonly Misbehaviour[]): void;
  stop(): Promise<void>;
}

export const TEST_KEY: SigningKey = { accessKeyId: "test-access-key", secretAccessKey: "test-secret-key" };
const RACY_PAUSE_MS = 20;

interface State {
  readonly buckets: Map<string, HeldBucket>;
  readonly conditions: ConditionSupport;
  uploads: number;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** Starts a server on a free port of this machine. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const {
    buckets = ["test-bucket"],
    conditions = "kept",
    key = TEST_KEY,
    latencyMs = 0,
    putLatencyMs = 0,
    port: wanted = 0,
  } = options;
  const state: State = {
    buckets: new Map(buckets.map((name) => [name, emptyBucket()])),
    conditions,
    uploads: 0,
  };
  const requests: S3Request[] = [];
  let decide: (request: S3Request) => Misbehaviour | null = () => null;
  let inFlight = 0;
  let inFlightMax = 0;
  let waves = 0;

  const serve = async (message: IncomingMessage, response: ServerResponse, wave: number) => {
    const body = await bodyOf(message);
    const pauseMs = latencyMs + (message.method === "PUT" ? putLatencyMs : 0);
    if (pauseMs > 0) await Bun.sleep(pauseMs);
    const target = message.url ?? "/";
    const fault = signatureFault({ method: message.method ?? "", target, headers: message.headers }, key);
    if (fault !== null) return send(message, response, failure(403, fault));
    const request = parseRequest(message, wave);
    requests.push(request);
    await act(state, { request, message, response, body, misbehaviour: decide(request) });
  };
  const server = createServer((message, response) => {
    if (inFlight === 0) waves++;
    inFlightMax = Math.max(inFlightMax, ++inFlight);
    response.once("close", () => inFlight--);
    // A connection that a client or a test broke is no error of the server.
    for (const stream of [message, response]) stream.on("error", () => {});
    serve(message, response, waves).catch(() => message.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(wanted, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;

  return {
    endpoint,
    bucket: buckets[0] ?? "",
    env: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ALLOW_HTTP: "true",
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    },
    requests,
    buckets: state.buckets,
    count: (kind) => requests.filter((request) => request.kind === kind).length,
    inFlightMax: () => inFlightMax,
    clearRequests: () => {
      requests.length = 0;
      inFlightMax = inFlight;
    },
    misbehave: (next) => {
      decide = next;
    },
    misbehaveOnce: (matches, ...script) => {
      const left = [...script];
      decide = (request) => (matches(request) ? (left.shift() ?? null) : null);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Exchange {
  readonly request: S3Request;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Uint8Array;
  readonly misbehaviour: Misbehaviour | null;
}

async function act(state: State, exchange: Exchange): Promise<void> {
  const { request, message, response, body, misbehaviour } = exchange;
  const serve = () => reply(state, request, message, body);
  // Connections break at the socket: a response that is destroyed sends a head that says 200.
  switch (misbehaviour?.kind) {
    case undefined:
      return send(message, response, await serve());
    case "reset":
      message.socket.destroy();
      return;
    case "lose-reply":
      await serve();
      message.socket.destroy();
      return;
    case "answer":
      if (misbehaviour.applied) await serve();
      return send(message, response, failure(misbehaviour.status, misbehaviour.code ?? ""));
    case "truncate": {
      const { status, headers = {}, body: whole = "" } = await serve();
      const bytes = Buffer.from(whole);
      response.writeHead(status, { ...headers, "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, misbehaviour.bytes), () => message.socket.destroy());
    }
  }
}

function parseRequest(message: IncomingMessage, wave: number): S3Request {
  const { method = "GET", headers, url = "/" } = message;
  const [path, search = ""] = url.split("?", 2);
  const [, bucket = "", ...rest] = path.split("/");
  const query = new URLSearchParams(search);
  const isConditional =
    method === "PUT" && (headers["if-none-match"] !== undefined || headers["if-match"] !== undefined);
  const key = decodeURIComponent(rest.join("/"));
  return {
    kind: kindOf(method, query),
    method,
    bucket: decodeURIComponent(bucket),
    key,
    query,
    isConditional,
    wave,
  };
}

function kindOf(method: string, query: URLSearchParams): S3RequestKind {
  if (method === "HEAD") return "head";
  if (method === "DELETE" || query.has("delete")) return "delete";
  if (method === "GET") return query.has("list-type") ? "list" : "get";
  return "put";
}

function send(
  message: IncomingMessage,
  response: ServerResponse,
  { status, headers = {}, body = "" }: Reply,
): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { "content-length": String(bytes.length), ...headers });
  response.end(message.method === "HEAD" ? undefined : bytes);
}

async function reply(
  state: State,
  request: S3Request,
  message: IncomingMessage,
  body: Uint8Array,
): Promise<Reply> {
  const { method, bucket: name, key, query } = request;
  const bucket = state.buckets.get(name);
  if (key === "" && method === "PUT") {
    if (bucket === undefined) state.buckets.set(name, emptyBucket());
    return { status: 200 };
  }
  if (bucket === undefined) return failure(404, "NoSuchBucket");
  if (key === "") return bucketReply(bucket, request, body);
  if (query.has("uploads") || query.has("uploadId")) return uploadReply(state, bucket, request, body);
  switch (method) {
    case "GET":
    case "HEAD":
      return objectReply(bucket.objects.get(key), message);
    case "PUT":
      return putReply(state, bucket, key, message, body);
    case "DELETE":
      bucket.objects.delete(key);
      return { status: 204 };
    default:
      return failure(405, "MethodNotAllowed");
  }
}

function bucketReply(bucket: HeldBucket, { method, query }: S3Request, body: Uint8Array): Reply {
  if (method === "HEAD") return { status: 200 };
  if (query.has("delete")) {
    for (const key of elements(body, "Key")) bucket.objects.delete(key);
    return xml(200, "<DeleteResult/>");
  }
  if (!query.has("list-type")) return failure(501, "NotImplemented");
  const page = listPage(bucket, {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    startAfter: query.get("continuation-token") ?? query.get("start-after") ?? "",
    maxKeys: Number(query.get("max-keys") ?? 1_000),
  });
  const contents = page.keys.map((key) => {
    const found = bucket.objects.get(key);
    const modified = found?.modifiedAt.toISOString() ?? "";
    return `<Contents><Key>${escapeXml(key)}</Key><LastModified>${modified}</LastModified><Size>${found?.bytes.length ?? 0}</Size></Contents>`;
  });
  const prefixes = page.prefixes.map(
    (prefix) => `<CommonPrefixes><Prefix>${escapeXml(prefix)}</Prefix></CommonPrefixes>`,
  );
  const next =
    page.next === null ? "" : `<NextContinuationToken>${escapeXml(page.next)}</NextContinuationToken>`;
  const truncated = `<IsTruncated>${page.next !== null}</IsTruncated>`;
  return xml(
    200,
    `<ListBucketResult>${truncated}${next}${contents.join("")}${prefixes.join("")}</ListBucketResult>`,
  );
}

function objectReply(found: HeldObject | undefined, message: IncomingMessage): Reply {
  if (found === undefined) return failure(404, "NoSuchKey");
  const { bytes, etag, modifiedAt } = found;
  const ifMatch = message.headers["if-match"];
  if (ifMatch !== undefined && ifMatch !== etag) return failure(412, "PreconditionFailed");
  const headers = { etag, "last-modified": modifiedAt.toUTCString(), "accept-ranges": "bytes" };
  const range = /^bytes=(\d+)-(\d*)$/.exec(message.headers.range ?? "");
  if (message.method === "HEAD") {
    return { status: 200, headers: { ...headers, "content-length": String(bytes.length) } };
  }
  if (range === null) return { status: 200, headers, body: bytes };
  const start = Number(range[1]);
  const end = Math.min(bytes.length, range[2] === "" ? bytes.length : Number(range[2]) + 1);
  if (start >= bytes.length) return failure(416, "InvalidRange");
  const contentRange = `bytes ${start}-${end - 1}/${bytes.length}`;
  return {
    status: 206,
    headers: { ...headers, "content-range": contentRange },
    body: bytes.subarray(start, end),
  };
}

async function putReply(
  { conditions }: State,
  bucket: HeldBucket,
  key: string,
  message: IncomingMessage,
  body: Uint8Array,
): Promise<Reply> {
  const { "if-none-match": ifNoneMatch, "if-match": ifMatch } = message.headers;
  if (conditions !== "ignored") {
    const there = bucket.objects.get(key);
    if (ifNoneMatch === "*" && there !== undefined) return failure(412, "PreconditionFailed");
    if (ifMatch !== undefined && there === undefined) return failure(404, "NoSuchKey");
    if (ifMatch !== undefined && there?.etag !== ifMatch) return failure(412, "PreconditionFailed");
    if (conditions === "racy") await Bun.sleep(RACY_PAUSE_MS);
  }
  const object = heldObject(body);
  bucket.objects.set(key, object);
  return { status: 200, headers: { etag: object.etag } };
}

function uploadReply(state: State, bucket: HeldBucket, request: S3Request, body: Uint8Array): Reply {
  const { method, key, query } = request;
  if (method === "POST" && query.has("uploads")) {
    const id = `upload-${++state.uploads}`;
    bucket.uploads.set(id, { key, parts: new Map() });
    return xml(
      200,
      `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    );
  }
  const id = query.get("uploadId") ?? "";
  const upload = bucket.uploads.get(id);
  if (upload === undefined || upload.key !== key) return failure(404, "NoSuchUpload");
  switch (method) {
    case "PUT":
      return partReply(upload, Number(query.get("partNumber")), body);
    case "DELETE":
      bucket.uploads.delete(id);
      return { status: 204 };
    default: {
      const object = joinParts(upload, elements(body, "PartNumber").map(Number));
      if (object === null) return failure(400, "InvalidPart");
      bucket.uploads.delete(id);
      bucket.objects.set(key, object);
      return xml(
        200,
        `<CompleteMultipartUploadResult><ETag>${escapeXml(object.etag)}</ETag></CompleteMultipartUploadResult>`,
      );
    }
  }
}

function partReply(upload: HeldUpload, number: number, body: Uint8Array): Reply {
  const part = heldObject(body);
  upload.parts.set(number, part);
  return { status: 200, headers: { etag: part.etag } };
}

const xml = (status: number, text: string): Reply => ({
  status,
  headers: { "content-type": "application/xml" },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${text}`,
});

/** An error as S3 words it; without a code, as a proxy in front of it would. */
function failure(status: number, code: string): Reply {
  if (code === "") return { status, body: "<html><body>something is wrong</body></html>" };
  return xml(status, `<Error><Code>${code}</Code><Message>said by the test server</Message></Error>`);
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

function elements(body: Uint8Array, name: string): string[] {
  const text = Buffer.from(body).toString();
  return [...text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map((match) =>
    unescapeXml(match[1] ?? ""),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g,
    (_, hex: string, decimal: string, name: string) => {
      if (name !== undefined) return ENTITIES[name] ?? "";
      return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
    },
  );
}

async function bodyOf(message: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
