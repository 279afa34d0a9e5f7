// GET and HEAD blob: the bytes of one cell, whole or in part, or where its external object is.

import type { BlobAddress, BlobCell } from "../../engine/graph.ts";
import { badRequest, OmnigraphError, rangeNotSatisfiable } from "../../lib/errors.ts";
import { readRange } from "../byte-range.ts";
import { ifMatch, ifNoneMatch, ifRange } from "../entity-tags.ts";
import { renderError } from "../errors.ts";
import { hidingFailures } from "../hidden-failures.ts";
import { SENT_FILE_BYTES_MIN } from "../limits.ts";
import { graphRoute, requireAllowed } from "../route.ts";
import { members, named, oneOf, optional, text } from "../schema-kit.ts";
import { branchParameter } from "../shapes.ts";
import { readTarget } from "./targets.ts";

const REFUSAL = "invalid Blob selector query parameters: ";
const FAILURE = "Blob delivery failed before response headers";

const address = {
  entity: named("BlobEntityKind", oneOf(["node", "edge"])),
  type: text("Name of the entity's type."),
  id: text("Id of the entity."),
  property: text("A Blob property."),
};
const addressShape = members(address);

export const blobRoutes = [
  graphRoute(
    {
      method: "GET",
      path: "/blob",
      operationId: "getBlob",
      tag: "blobs",
      summary: "Read one Blob cell",
      action: "read",
      query: {
        ...address,
        branch: branchParameter,
        snapshot: optional(text("Commit id to read at; not together with `branch`.")),
      },
      queryRefusal: REFUSAL,
      answer: { kind: "octets", description: "The bytes of the value, or the range that was asked for." },
      failures: [206, 302, 304, 400, 401, 403, 404, 410, 412, 416, 500],
      head: { operationId: "headBlob", failures: [302, 304, 400, 401, 403, 404, 410, 412, 500] },
    },
    async (call) => {
      const cell = addressOf(call.query);
      const { selector, branch } = await readTarget(call.served, call.query);
      requireAllowed(call, { branch });
      return await hidingFailures(call, { logged: FAILURE, shown: FAILURE }, async () =>
        answer(await call.served.graph.openBlob({ ...cell, ...selector }), call.request),
      );
    },
  ),
];

function addressOf(query: Readonly<Record<string, string | undefined>>): BlobAddress {
  try {
    return addressShape.read(query as Readonly<Record<string, string>>, "");
  } catch (error) {
    throw error instanceof OmnigraphError ? badRequest(REFUSAL + error.message) : error;
  }
}

type ManagedCell = Extract<BlobCell, { kind: "managed" }>;

const SNAPSHOT_HEADER = "omnigraph-snapshot-id";

/** Conditions first, in the order of RFC 9110, then the method, then the range. */
async function answer(cell: BlobCell, request: Request): Promise<Response> {
  if (cell.kind === "external") {
    return new Response(null, {
      status: 302,
      headers: { location: cell.uri, "cache-control": "no-store", [SNAPSHOT_HEADER]: cell.snapshot },
    });
  }
  const { etag, size, snapshot } = cell;
  const identity = { etag, "accept-ranges": "bytes", [SNAPSHOT_HEADER]: snapshot };
  const { headers } = request;
  if (!ifMatch(headers.get("if-match"), etag)) {
    return renderError(
      new OmnigraphError("etag_mismatch", `If-Match does not name the current ETag ${etag}`),
      identity,
    );
  }
  if (!ifNoneMatch(headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers: { ...identity, "content-length": String(size) } });
  }
  // Whatever the bytes are, a browser keeps them as a file, and under no name of ours.
  const whole = {
    ...identity,
    "content-type": "application/octet-stream",
    "content-disposition": "attachment",
  };
  if (request.method === "HEAD") {
    return new Response(null, { headers: { ...whole, "content-length": String(size) } });
  }
  const range = readRange(ifRange(headers.get("if-range"), etag) ? headers.get("range") : null, size);
  switch (range.kind) {
    case "ignored":
      return new Response(await bodyOf(cell, null, request), { headers: whole });
    case "unsatisfiable":
      return renderError(rangeNotSatisfiable(range.start, range.end, size), {
        ...identity,
        "content-range": `bytes */${size}`,
      });
    case "part": {
      const { start, end } = range;
      const contentRange = `bytes ${start}-${end - 1}/${size}`;
      return new Response(await bodyOf(cell, { start, end }, request), {
        status: 206,
        headers: { ...whole, "content-range": contentRange },
      });
    }
  }
}

interface Part {
  readonly start: number;
  readonly end: number;
}

/**
 * A body of which the length is known, which Bun leaves out of the headers of a stream: a large file as it stands on disk,
 * all else in one piece. What is damaged is found out before anything is sent.
 */
async function bodyOf(cell: ManagedCell, part: Part | null, request: Request): Promise<BodyInit> {
  const { start, end } = part ?? { start: 0, end: cell.size };
  // To a whole file Bun would apply a range that is to be ignored.
  const isAsked = part !== null || !request.headers.has("range");
  if (cell.file === undefined || !isAsked || end - start < SENT_FILE_BYTES_MIN) {
    return collect(cell.read(part ?? undefined), end - start, request.signal);
  }
  for await (const _ of cell.read(part === null ? undefined : { start: end - 1, end })) {
    request.signal.throwIfAborted();
  }
  const file = Bun.file(cell.file);
  return part === null ? file : file.slice(start, end);
}

async function collect(
  chunks: AsyncIterable<Uint8Array>,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
