// A load as a request: NDJSON as it comes, or what the permissive reader gets, inside a JSON envelope.

import type { LoadRequest } from "../engine/graph.ts";
import type { LoadOutput } from "../engine/outputs.ts";
import { badRequest } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import { tryDecodeUtf8 } from "../lib/utf8.ts";
import { type Connection, type Request, requestJson } from "./connection.ts";

/** The `load` of the graph below a path. */
export function loadCall(
  connection: Connection,
  prefix: readonly string[],
): (request: LoadRequest) => Promise<LoadOutput> {
  return async (request) => {
    const sent = request.reader === "permissive" ? await ingestRequest(request) : ndjsonRequest(request);
    const answer = await requestJson(connection, { ...sent, path: [...prefix, ...sent.path] });
    return answer as unknown as LoadOutput;
  };
}

function ndjsonRequest({ data, branch, mode, from }: LoadRequest): Request {
  return {
    method: "POST",
    path: ["load", "ndjson"],
    search: { branch, mode, from },
    stream: { contentType: "application/x-ndjson", chunks: data() },
  };
}

async function ingestRequest({ data, branch, mode, from }: LoadRequest): Promise<Request> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of data()) chunks.push(chunk);
  const text = tryDecodeUtf8(Buffer.concat(chunks));
  if (text === null) throw badRequest("the data to load is not UTF-8");
  const json: JsonObject = {
    data: text,
    mode,
    ...(branch === undefined ? {} : { branch }),
    ...(from === undefined ? {} : { from }),
  };
  return { method: "POST", path: ["ingest"], json };
}
