// Blob cells of a served graph. An answer that does not say how long it is, of which value and at which commit, is not
// taken for one; a redirect to an external object is told, never followed.

import type { BlobRange, BlobSelector, BlobStat } from "../engine/graph.ts";
import type { OmnigraphError } from "../lib/errors.ts";
import { blobFailure, damagedAnswer, externalBlob } from "./blob-errors.ts";
import {
  type Connection,
  chunksOf,
  exchange,
  failure,
  loginHint,
  type Request,
  urlOf,
} from "./connection.ts";

/** HEAD: what is known of the cell. */
export async function statBlob(
  connection: Connection,
  path: readonly string[],
  selector: BlobSelector,
): Promise<BlobStat> {
  const request: Request = { method: "HEAD", path, search: searchOf(selector) };
  const response = await exchange(connection, request);
  if (response.status === 302) return externalOf(response);
  if (response.status !== 200) throw await blobError(connection, request, response, selector);
  return {
    kind: "managed",
    size: lengthOf(response),
    etag: etagOf(response),
    snapshot: snapshotOf(response),
  };
}

/** GET: the bytes of the cell or of a range, as they come; fewer or more than promised throw. */
export async function readBlob(
  connection: Connection,
  path: readonly string[],
  selector: BlobSelector,
  range?: BlobRange,
): Promise<AsyncIterable<Uint8Array>> {
  const request: Request = {
    method: "GET",
    path,
    search: searchOf(selector),
    headers: {
      // The length that is promised is that of the value, not of something packed.
      "Accept-Encoding": "identity",
      ...(range === undefined ? {} : { Range: rangeHeader(range) }),
    },
  };
  const response = await exchange(connection, request);
  if (response.status === 302) throw externalBlob(externalOf(response).uri, selector);
  const expected = range === undefined ? 200 : 206;
  if (response.status !== expected) throw await blobError(connection, request, response, selector);
  etagOf(response);
  snapshotOf(response);
  const length = lengthOf(response);
  if (range !== undefined) requireRange(response, range, length);
  return exactly(length, chunksOf(response, urlOf(connection, request)));
}

const searchOf = ({ entity, type, id, property, branch, snapshot }: BlobSelector): Request["search"] => ({
  entity,
  type,
  id,
  property,
  branch,
  snapshot,
});

const rangeHeader = ({ start, end }: BlobRange): string =>
  `bytes=${start}-${end === undefined ? "" : BigInt(end) - 1n}`;

async function blobError(
  connection: Connection,
  request: Request,
  response: Response,
  selector: BlobSelector,
): Promise<OmnigraphError> {
  if (response.ok) {
    await response.body?.cancel();
    return damagedAnswer(`the server answered ${response.status}`);
  }
  const { status } = response;
  const hint = loginHint(connection, status);
  return blobFailure(await failure(connection, request, response), status, selector, hint);
}

function externalOf(response: Response): Extract<BlobStat, { kind: "external" }> {
  const uri = response.headers.get("Location");
  if (uri === null) throw damagedAnswer("the server's answer has no Location");
  return { kind: "external", uri, snapshot: snapshotOf(response) };
}

function snapshotOf(response: Response): string {
  const snapshot = response.headers.get("Omnigraph-Snapshot-Id");
  if (snapshot === null || snapshot === "") throw damagedAnswer("the server's answer names no snapshot");
  return snapshot;
}

function etagOf(response: Response): string {
  const etag = response.headers.get("ETag") ?? "";
  if (!/^"[^"]*"$/.test(etag)) throw damagedAnswer("the server's answer has no strong ETag");
  return etag;
}

function lengthOf(response: Response): number {
  const text = response.headers.get("Content-Length") ?? "";
  if (!/^\d{1,15}$/.test(text)) throw damagedAnswer("the server's answer has no Content-Length");
  return Number(text);
}

function requireRange(response: Response, { start, end }: BlobRange, length: number): void {
  const text = response.headers.get("Content-Range") ?? "";
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(text);
  const [first, last, size] = (match ?? []).slice(1).map(Number);
  const wantedEnd = end === undefined || end > size ? size : Number(end);
  if (match === null || first !== Number(start) || last + 1 !== wantedEnd || length !== wantedEnd - first) {
    throw damagedAnswer(`the server answered another range, '${text}'`);
  }
}

async function* exactly(length: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.length;
    if (received > length) break;
    yield chunk;
  }
  if (received !== length) {
    throw damagedAnswer(`${received > length ? "more" : `${received} bytes`} of ${length} bytes came`);
  }
}
