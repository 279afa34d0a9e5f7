// Reading what a request carries: how many bytes, of what type, and as which JSON. Nothing is parsed before it is
// known to be within its limit.

import { isUtf8 } from "node:buffer";
import { badRequest, OmnigraphError, tooLarge } from "../lib/errors.ts";
import { JsonSyntaxError, type JsonValue, parseJsonStrict } from "../lib/json.ts";
import { lineOfBadUtf8, tryDecodeUtf8 } from "../lib/utf8.ts";
import { BODY_BYTES_MAX, LOAD_BODY_BYTES_MAX } from "./limits.ts";

const JSON_TYPE = /^application\/(?:json|[^\s;/]+\+json)\s*(?:;|$)/i;
const NDJSON_TYPE = /^application\/x-ndjson\s*(?:;|$)/i;

/** The declared length of a body, or null where it is sent in chunks. */
export function declaredLength(request: Request): number | null {
  const header = request.headers.get("content-length");
  return header === null || !/^\d+$/.test(header) ? null : Number(header);
}

/** Refuses (415) a body that is not declared as JSON. */
export function requireJsonType(request: Request): void {
  const type = request.headers.get("content-type");
  if (type === "application/json" || (type !== null && JSON_TYPE.test(type))) return;
  throw wrongType("application/json", type);
}

/** Refuses (415) a body that is not declared as NDJSON. */
export function requireNdjsonType(request: Request): void {
  const type = request.headers.get("content-type");
  if (type === null || !NDJSON_TYPE.test(type)) throw wrongType("application/x-ndjson", type);
}

const wrongType = (expected: string, got: string | null) =>
  new OmnigraphError(
    "unsupported_media_type",
    `expected request with \`Content-Type: ${expected}\`, got ${got === null ? "none" : `\`${got}\``}`,
  );

/** Refuses (413) a JSON body that declares more bytes than the limit. */
export function requireBodySize(request: Request, limit = BODY_BYTES_MAX): void {
  const declared = declaredLength(request);
  if (declared !== null && declared > limit) throw overLimit(limit)(declared);
}

/**
 * The JSON value of a body of at most 1 MiB, unless another limit is given; `undefined` for an empty one. `onBytes` hears
 * of bytes whose number was not declared.
 */
export async function readJson(
  request: Request,
  onBytes: (count: number) => void,
  limit = BODY_BYTES_MAX,
): Promise<JsonValue | undefined> {
  const bytes = await readBytes(request, limit, overLimit(limit), onBytes);
  if (bytes.length === 0) return undefined;
  const text = tryDecodeUtf8(bytes);
  if (text === null) throw badRequest("invalid JSON body: it is not UTF-8");
  try {
    return parseJsonStrict(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw badRequest(`invalid JSON body: ${error.message}`);
    throw error;
  }
}

/** Refuses (413) a load that declares more than the limit. */
export function requireLoadSize(request: Request): void {
  const declared = declaredLength(request);
  if (declared !== null && declared > LOAD_BODY_BYTES_MAX) throw overLoadLimit(declared);
}

/**
 * The bytes of a load, whole: one that loses a race is prepared again from its first line. `onBytes` as for
 * `readJson`.
 */
export async function readLoad(request: Request, onBytes: (count: number) => void): Promise<Uint8Array> {
  const bytes = await readBytes(request, LOAD_BODY_BYTES_MAX, overLoadLimit, onBytes);
  if (!isUtf8(bytes)) throw badRequest(`line ${lineOfBadUtf8(bytes)}: graph-batch request body is not UTF-8`);
  return bytes;
}

async function readBytes(
  request: Request,
  limit: number,
  over: (actual: number) => OmnigraphError,
  onBytes: (count: number) => void,
): Promise<Uint8Array> {
  const counted = declaredLength(request) !== null;
  const bytes = counted ? await request.bytes() : await readChunks(request, limit, over, onBytes);
  if (bytes.length > limit) throw over(bytes.length);
  return bytes;
}

/** Stops at the first chunk that passes the limit, however much would follow. */
async function readChunks(
  request: Request,
  limit: number,
  over: (actual: number) => OmnigraphError,
  onBytes: (count: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of request.body ?? []) {
    total += chunk.length;
    if (total > limit) throw over(total);
    onBytes(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const overLimit = (limit: number) => (actual: number) =>
  new OmnigraphError(
    "too_large",
    `length limit exceeded: the request body has ${actual} bytes or more, at most ${limit} are accepted`,
  );

const overLoadLimit = (actual: number) =>
  tooLarge(
    "graph_batch_request_bytes",
    LOAD_BODY_BYTES_MAX,
    actual,
    `graph-batch request body exceeds ${LOAD_BODY_BYTES_MAX} bytes`,
  );
