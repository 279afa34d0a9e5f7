// What a failed read of a Blob is called: the same words whether a server keeps the graph or this process does. A HEAD
// says no more than its status, so the words come from the status and from what was asked.

import type { BlobAddress } from "../engine/graph.ts";
import { OmnigraphError } from "../lib/errors.ts";

/** `error` in the words for its status; `status` is the answer's own, which may be none of ours. */
export function blobFailure(
  error: OmnigraphError,
  status: number,
  cell: BlobAddress,
  addition = "",
): OmnigraphError {
  return new OmnigraphError(error.kind, wording(status, cell) + addition, error.details, { cause: error });
}

/** The value lies elsewhere, and is not fetched from there. */
export const externalBlob = (uri: string, { entity, type, id, property }: BlobAddress) =>
  new OmnigraphError(
    "bad_request",
    `external Blob is not downloaded: it is at ${uri}; ` +
      `\`omnigraph blob stat ${entity} ${type} ${id} ${property}\` describes it`,
  );

/** An answer that cannot be the value. */
export const damagedAnswer = (fault: string) =>
  new OmnigraphError("internal", `Blob delivery failed: ${fault}`);

function wording(status: number, { entity, type, id, property }: BlobAddress): string {
  switch (status) {
    case 400:
      return `invalid Blob selector: ${entity} type '${type}' has no Blob property '${property}'`;
    case 401:
      return "Blob read requires authentication";
    case 403:
      return "Blob read is forbidden";
    case 404:
      return `Blob cell not found: ${entity} ${type} '${id}', property '${property}'`;
    case 409:
      return "Blob read target changed; retry the command";
    case 410:
      return "Blob cell is no longer readable at this snapshot: cleanup reclaimed it";
    case 416:
      return "Blob range is not satisfiable";
    case 500:
      return "Blob delivery failed";
    default:
      return `Blob server request failed with status ${status}`;
  }
}
