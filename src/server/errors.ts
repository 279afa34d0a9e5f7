// The one error envelope of every answer that is not a success.

import { type ErrorEnvelope, OmnigraphError, StorageError } from "../lib/errors.ts";
import { type JsonObject, stringifyJson } from "../lib/json.ts";
import { ADMISSION_RETRY_AFTER_S } from "./limits.ts";
import type { Logger } from "./log.ts";

/** Headers by status that clients rely on. */
function headersOf(error: OmnigraphError): Record<string, string> {
  switch (error.kind) {
    case "unauthorized":
      return { "content-type": "application/json", "www-authenticate": "Bearer" };
    case "too_many_requests":
      return { "content-type": "application/json", "retry-after": String(ADMISSION_RETRY_AFTER_S) };
    default:
      return { "content-type": "application/json" };
  }
}

/** Renders whatever was thrown; what is not an error of ours is logged and hidden behind a fixed sentence. */
export function errorResponse(thrown: unknown, log: Logger): Response {
  const error = thrown instanceof OmnigraphError ? thrown : hidden(thrown, log);
  if (error.kind === "internal" && error === thrown) {
    log.log("error", "request failed", { error: error.message, cause: causeOf(error) });
  }
  return renderError(error instanceof StorageError ? STORAGE_FAILED : error);
}

/** Clients are told no places in storage (spec 04 §4). */
const STORAGE_FAILED = new OmnigraphError(
  "internal",
  "the storage of the graph failed or is damaged; the server's log has the details",
);

/** The envelope of an error, with headers that the route adds. */
export const renderError = (error: OmnigraphError, more: Readonly<Record<string, string>> = {}): Response =>
  envelopeResponse(error.toEnvelope(), error.status, { ...headersOf(error), ...more });

/** A known path asked with a method it does not have. */
export function methodNotAllowed(allowed: readonly string[]): Response {
  const error = new OmnigraphError("method_not_allowed", `method not allowed; use ${allowed.join(" or ")}`);
  return envelopeResponse(error.toEnvelope(), error.status, {
    ...headersOf(error),
    allow: allowed.join(", "),
  });
}

const envelopeResponse = (body: ErrorEnvelope, status: number, headers: Record<string, string>) =>
  new Response(stringifyJson(body as unknown as JsonObject), { status, headers });

function hidden(thrown: unknown, log: Logger): OmnigraphError {
  if (thrown instanceof DOMException && thrown.name === "AbortError") {
    return new OmnigraphError("bad_request", "the connection closed before the request was complete");
  }
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  log.log("error", "request failed unexpectedly", { error: detail });
  return new OmnigraphError("internal", "internal error; the server's log has the details");
}

const causeOf = (error: Error) => (error.cause instanceof Error ? error.cause.message : undefined);
