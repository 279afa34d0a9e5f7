// The one place that knows what the answers of object stores mean. Stores differ most in how they tell a loser of a
// conditional put that it lost; where an answer leaves room for doubt, the verdict is `unknown`, and the writer reads back.

/** What a request asks for, as far as that decides what an answer means. */
export type RequestIntent = "read" | "write" | "put-if-absent" | "put-if-match";

/** An answer that is not a success. */
export interface Answer {
  /** HTTP status; null when no whole answer arrived. */
  readonly status: number | null;
  /** The store's error code (`PreconditionFailed`), the errno of a broken connection, or an empty text. */
  readonly code: string;
}

export type Verdict =
  /** Somebody else's object is there, or not the version that was asked for. */
  | "lost"
  /** Nothing happened; the same request may be sent again. */
  | "retry"
  /** It may have happened. Reads and plain writes are sent again; a conditional put must be read back. */
  | "unknown"
  /** There is no such object. */
  | "missing"
  /** Sending it again would change nothing: credentials, bucket, a malformed request. */
  | "refused";

/** The request never reached the store. */
const UNSENT = new Set(["ECONNREFUSED", "ConnectionRefused", "ENOTFOUND", "EAI_AGAIN", "FailedToOpenSocket"]);
/** The store turned the request away before it looked at it. */
const THROTTLED = new Set([
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "RequestLimitExceeded",
  "TooManyRequests",
  "ServiceUnavailable",
  "SlowDownWrite",
  "SlowDownRead",
]);
/** The codes of a 404 that speak of the object. Others speak of the bucket, the upload, or (versitygw) of the user. */
const NO_OBJECT = new Set(["", "NoSuchKey", "NotFound"]);

/** What a request has come to that was answered with anything but success. */
export function classify(intent: RequestIntent, { status, code }: Answer): Verdict {
  const isConditional = intent === "put-if-absent" || intent === "put-if-match";
  if (status === null) return UNSENT.has(code) ? "retry" : "unknown";
  switch (status) {
    case 304:
    case 412:
      return isConditional ? "lost" : "refused";
    case 404:
      if (!NO_OBJECT.has(code)) return "refused";
      if (intent === "put-if-match") return "lost";
      return intent === "read" ? "missing" : "refused";
    case 409:
      // Two writers in flight on one name (AWS: ConditionalRequestConflict): neither is told who wins.
      return "retry";
    case 408:
      return "unknown";
    case 429:
      return "retry";
    case 501:
      return "refused";
    case 503:
      return THROTTLED.has(code) ? "retry" : "unknown";
  }
  if (code === "RequestTimeout") return "unknown";
  return status >= 500 ? "unknown" : "refused";
}
