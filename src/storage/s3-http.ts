// How the S3 client's requests go over the wire: Bun's fetch, with two of its habits kept in check.
//
// fetch sends a request again by itself when a kept-alive connection dies under it. For a conditional put that is the
// worst of lies: the first sending wins, its acknowledgement is lost, and the second is told 412. A body that is a stream
// cannot be sent again, so bodies go out as streams, with their Content-Length. And fetch never gives up on a silent
// server, so every wait has a limit here.

import {
  S3_ERROR_BODY_BYTES_MAX,
  S3_RESPONSE_WAIT_MS,
  S3_STALL_MS_MAX,
  S3_UPLOAD_BYTES_PER_MS_MIN,
} from "./limits.ts";

/** A request as the S3 client hands it over, signed. */
interface SignedRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The server answered, and not with success. */
export class HttpFailure extends Error {
  override readonly name = "HttpFailure";
  constructor(
    readonly status: number,
    /** `<Code>` of the error document, or an empty text. */
    readonly code: string,
    /** The region that the bucket is said to be in. */
    readonly region: string | null,
    message: string,
  ) {
    super(message);
  }
}

/** No whole answer arrived. */
export class ConnectionFailure extends Error {
  override readonly name = "ConnectionFailure";
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The `requestHandler` of the S3 client: throws HttpFailure and ConnectionFailure. */
export const fetchHandler = {
  metadata: { handlerProtocol: "http/1.1" },
  handle: async (request: SignedRequest) => {
    const response = await send(request);
    if (response.status >= 300) throw await httpFailure(response);
    return {
      response: {
        statusCode: response.status,
        reason: response.statusText,
        headers: response.headers.toJSON(),
        // Only the bodies of objects are streamed; the rest is small, and whole before anybody parses it.
        body: isObjectBody(request)
          ? (response.body ?? streamOf(new Uint8Array(0)))
          : await wholeBody(response),
      },
    };
  },
  updateHttpClientConfig: () => {},
  httpHandlerConfigs: () => ({}),
};

/** The chunks of a body; gives up on a sender that falls silent. Leaving the loop early closes the connection. */
export async function* bodyChunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await withinStallLimit(reader.read());
      if (done) return;
      yield value;
    }
  } catch (thrown) {
    throw connectionFailure(thrown);
  } finally {
    // What is left of the body is not wanted; a connection that is already broken has nothing to cancel.
    reader.cancel().catch(() => {});
  }
}

async function send(request: SignedRequest): Promise<Response> {
  const { body } = request;
  const bytes = typeof body === "string" ? Buffer.from(body) : body instanceof Uint8Array ? body : null;
  const waitMs = S3_RESPONSE_WAIT_MS + (bytes?.length ?? 0) / S3_UPLOAD_BYTES_PER_MS_MIN;
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new ConnectionFailure("ETIMEDOUT", `no answer within ${Math.round(waitMs / 1_000)} s`)),
    waitMs,
  );
  try {
    return await fetch(urlOf(request), {
      method: request.method,
      headers: { ...request.headers, "accept-encoding": "identity" },
      body: bytes === null ? undefined : streamOf(bytes),
      redirect: "manual",
      decompress: false,
      signal: abort.signal,
    });
  } catch (thrown) {
    throw connectionFailure(thrown);
  } finally {
    clearTimeout(timer);
  }
}

function urlOf({ protocol, hostname, port, path, query = {} }: SignedRequest): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === null) return [encodeURIComponent(name)];
    const values = typeof value === "string" ? [value] : value;
    return values.map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`);
  });
  const search = pairs.length === 0 ? "" : `?${pairs.join("&")}`;
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}${search}`;
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

function isObjectBody({ method, query = {} }: SignedRequest): boolean {
  return method === "GET" && query["list-type"] === undefined;
}

async function wholeBody(response: Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await withinStallLimit(response.arrayBuffer()));
  } catch (thrown) {
    throw connectionFailure(thrown);
  }
}

async function httpFailure(response: Response): Promise<HttpFailure> {
  const bytes = (await wholeBody(response)).subarray(0, S3_ERROR_BODY_BYTES_MAX);
  const body = new TextDecoder().decode(bytes);
  const code = elementText(body, "Code") ?? "";
  const said = elementText(body, "Message") ?? response.statusText;
  const region = response.headers.get("x-amz-bucket-region") ?? elementText(body, "Region");
  const message = [`HTTP ${response.status}`, code, said].filter((part) => part !== "").join(" ");
  return new HttpFailure(response.status, code, region, message);
}

function elementText(xml: string, name: string): string | null {
  const match = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml);
  return match === null ? null : match[1].trim();
}

async function withinStallLimit<T>(reading: Promise<T>): Promise<T> {
  let timer: Timer | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ConnectionFailure("ETIMEDOUT", `the answer stalled for ${S3_STALL_MS_MAX / 1_000} s`)),
      S3_STALL_MS_MAX,
    );
  });
  try {
    return await Promise.race([reading, stalled]);
  } finally {
    clearTimeout(timer);
  }
}

function connectionFailure(thrown: unknown): ConnectionFailure {
  if (thrown instanceof ConnectionFailure) return thrown;
  const code =
    thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  // Bun appends advice for programmers to what happened.
  return new ConnectionFailure(code, message.replace(/ For more information, pass .*$/, ""), {
    cause: thrown,
  });
}
