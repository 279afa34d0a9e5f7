// One request to an omnigraph server and its answer: exact JSON, our error object, no token beyond its server.

import { type ErrorDetails, type ErrorKind, OmnigraphError } from "../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson, stringifyJson } from "../lib/json.ts";
import type { Ports } from "../lib/ports.ts";
import { VERSION } from "../lib/version.ts";
import { ATTEMPTS_MAX, RETRY_AFTER_MAX_MS, RETRY_PAUSE_MS, SHOWN_BODY_LENGTH_MAX } from "./limits.ts";

/** Where a server is, and as whom it is asked. */
export interface Connection {
  readonly ports: Ports;
  /** Base URL without a trailing slash. */
  readonly base: string;
  readonly token: string | null;
  /** The operator's name of the server, for the hint to log in. */
  readonly serverName: string | null;
}

export interface Request {
  readonly method: "GET" | "HEAD" | "POST" | "DELETE";
  /** Path segments below the base URL; each travels as one encoded segment. */
  readonly path: readonly string[];
  /** Query parameters; those without a value are left out, those with several are repeated. */
  readonly search?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: JsonObject;
  readonly stream?: { readonly contentType: string; readonly chunks: AsyncIterable<Uint8Array> };
}

export interface ServedGraph {
  readonly graph_id: string;
  readonly uri: string;
}

/** Sends the request and answers the JSON object of a success; anything else is thrown as the server put it. */
export async function requestJson(connection: Connection, request: Request): Promise<JsonObject> {
  const response = await send(connection, request);
  const text = await readBody(response, urlOf(connection, request));
  const body = parseObject(text);
  if (body === null) throw foreignAnswer(response.status, text);
  return body;
}

/** Sends the request and answers the bytes of a success as they come; a cut-off stream throws. */
export async function requestStream(
  connection: Connection,
  request: Request,
): Promise<AsyncIterable<Uint8Array>> {
  const response = await send(connection, request);
  return chunksOf(response, urlOf(connection, request));
}

/** The graphs that the server lists. */
export async function listGraphs(connection: Connection): Promise<readonly ServedGraph[]> {
  const body = await requestJson(connection, { method: "GET", path: ["graphs"] });
  const graphs = body.graphs;
  if (!Array.isArray(graphs))
    throw new OmnigraphError("internal", "the server's list of graphs is not a list");
  return graphs.map((graph: JsonValue) => {
    const { graph_id, uri } = isJsonObject(graph) ? graph : {};
    if (typeof graph_id !== "string" || typeof uri !== "string") {
      throw new OmnigraphError(
        "internal",
        "the server's list of graphs has an entry without graph_id and uri",
      );
    }
    return { graph_id, uri };
  });
}

/** Throws, with the reason, unless the server answers its health check with 200 in time. */
export async function fetchHealth(base: string, timeoutMs: number): Promise<void> {
  const url = `${base.replace(/\/+$/, "")}/healthz`;
  let response: Response;
  try {
    response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "TimeoutError") {
      throw new OmnigraphError("internal", `${url} gave no answer within ${timeoutMs} ms`);
    }
    throw unreachableServer(url, thrown);
  }
  if (response.status !== 200) throw new OmnigraphError("internal", `${url} answered ${response.status}`);
}

async function send(connection: Connection, request: Request): Promise<Response> {
  const response = await exchange(connection, request);
  if (response.ok) return response;
  throw await failure(connection, request, response);
}

/** Sends the request, a read again where the server asks for patience, and answers whatever comes back. */
export async function exchange(connection: Connection, request: Request): Promise<Response> {
  const isRead = request.method === "GET" || request.method === "HEAD";
  for (let attempt = 1; ; attempt++) {
    const response = await sendOnce(connection, request);
    if (!isRead || !RETRIED_STATUSES.has(response.status) || attempt >= ATTEMPTS_MAX) return response;
    await response.body?.cancel();
    await connection.ports.sleep(retryPauseMs(response, attempt));
  }
}

const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 502, 503]);

/** What `Retry-After` asks for in seconds, within reason; without one, a pause that doubles. */
function retryPauseMs(response: Response, attempt: number): number {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  if (Number.isFinite(seconds) && seconds >= 0) return Math.min(seconds * 1000, RETRY_AFTER_MAX_MS);
  return RETRY_PAUSE_MS * 2 ** (attempt - 1);
}

async function sendOnce(connection: Connection, request: Request): Promise<Response> {
  const url = urlOf(connection, request);
  const headers = new Headers(request.headers);
  headers.set("User-Agent", `omnigraph/${VERSION}`);
  if (connection.token !== null) headers.set("Authorization", `Bearer ${connection.token}`);
  const body = bodyOf(request, headers);
  try {
    // A redirect is never followed: it could carry the token, and a write, to another server.
    return await fetch(url, { method: request.method, headers, body, redirect: "manual", timeout: false });
  } catch (thrown) {
    throw unreachableServer(url, thrown);
  }
}

function bodyOf(request: Request, headers: Headers): string | ReadableStream<Uint8Array> | undefined {
  if (request.stream !== undefined) {
    headers.set("Content-Type", request.stream.contentType);
    return streamOf(request.stream.chunks);
  }
  if (request.json === undefined) return undefined;
  headers.set("Content-Type", "application/json");
  return stringifyJson(request.json);
}

function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

export function urlOf(connection: Connection, request: Request): string {
  const path = request.path.map((segment) => `/${encodeURIComponent(segment)}`).join("");
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(request.search ?? {})) {
    for (const each of typeof value === "string" ? [value] : (value ?? [])) search.append(name, each);
  }
  const text = search.toString();
  return `${connection.base}${path}${text === "" ? "" : `?${text}`}`;
}

function unreachableServer(url: string, thrown: unknown): OmnigraphError {
  if (thrown instanceof OmnigraphError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new OmnigraphError("internal", `could not reach ${url}: ${reason}`, {}, { cause: thrown });
}

async function readBody(response: Response, url: string): Promise<string> {
  try {
    return await response.text();
  } catch (thrown) {
    throw cutOff(url, thrown);
  }
}

/** The body as it comes; throws where it is cut off. */
export async function* chunksOf(response: Response, url: string): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) yield chunk;
  } catch (thrown) {
    throw cutOff(url, thrown);
  }
}

function cutOff(url: string, thrown: unknown): OmnigraphError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new OmnigraphError("internal", `the answer of ${url} was cut off: ${reason}`, {}, { cause: thrown });
}

function parseObject(text: string): JsonObject | null {
  try {
    const value = parseJson(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** The error that an answer stands for, as the server put it. */
export async function failure(
  connection: Connection,
  request: Request,
  response: Response,
): Promise<OmnigraphError> {
  const text = await readBody(response, urlOf(connection, request));
  const body = parseObject(text);
  const hint = loginHint(connection, response.status);
  if (body === null || typeof body.error !== "string") {
    const error = foreignAnswer(response.status, text, response.headers.get("Location"));
    return new OmnigraphError(error.kind, error.message + hint);
  }
  const { error, code: _code, ...details } = body;
  const message = isUnroutedGraph(request, response.status, error) ? unnamedGraph(connection) : error;
  return new OmnigraphError(
    kindOf(response.status, body),
    message + hint,
    details as unknown as ErrorDetails,
  );
}

/** What to add to a refusal for want of a token, where the server has a name to log in to. */
export const loginHint = ({ serverName }: Connection, status: number): string =>
  status === 401 && serverName !== null ? `\n  hint: omnigraph login ${serverName}` : "";

/** A graph's route below the base URL itself is none of a server of many graphs. */
const isUnroutedGraph = ({ path }: Request, status: number, error: string): boolean =>
  status === 404 && path[0] !== "graphs" && error.startsWith("no route at ");

const unnamedGraph = ({ base }: Connection): string =>
  `${base} serves graphs by name, and does not list them to this caller; pass --graph <id>`;

function foreignAnswer(status: number, text: string, location: string | null = null): OmnigraphError {
  const shown = text.length > SHOWN_BODY_LENGTH_MAX ? `${text.slice(0, SHOWN_BODY_LENGTH_MAX)}…` : text;
  const redirect = location === null ? "" : ` (a redirect to ${location}, which is not followed)`;
  return new OmnigraphError(kindOf(status, {}), `server returned ${status}: ${shown.trim()}${redirect}`);
}

const KIND_BY_STATUS: Readonly<Record<number, ErrorKind>> = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  409: "conflict",
  410: "gone",
  413: "too_large",
  415: "unsupported_media_type",
  416: "range_not_satisfiable",
  424: "external_blob_source",
  429: "too_many_requests",
};

function kindOf(status: number, body: JsonObject): ErrorKind {
  if (status === 412)
    return body.precondition_failure === undefined ? "etag_mismatch" : "precondition_failed";
  if (status === 503 && body.recovery_required !== undefined) return "recovery_required";
  return KIND_BY_STATUS[status] ?? "internal";
}
