import { describe, expect, it } from "bun:test";
import { classify, type RequestIntent, type Verdict } from "../../src/storage/classify.ts";

type Habit = readonly [intent: RequestIntent, status: number | null, code: string, verdict: Verdict];

/** What each store was seen to answer. */
const HABITS: Readonly<Record<string, readonly Habit[]>> = {
  "most stores, when a conditional put loses": [
    ["put-if-absent", 412, "PreconditionFailed", "lost"],
    ["put-if-match", 412, "PreconditionFailed", "lost"],
    ["put-if-absent", 412, "", "lost"],
    ["put-if-absent", 304, "NotModified", "lost"],
  ],
  "AWS, when two conditional puts are in flight": [
    ["put-if-absent", 409, "ConditionalRequestConflict", "retry"],
    ["put-if-match", 409, "ConditionalRequestConflict", "retry"],
    ["write", 409, "OperationAborted", "retry"],
  ],
  "Ceph RGW and RustFS, which answer a loser with 500": [
    ["put-if-absent", 500, "InternalError", "unknown"],
    ["put-if-match", 500, "InternalError", "unknown"],
  ],
  "a missing key under If-Match": [
    ["put-if-match", 404, "NoSuchKey", "lost"],
    ["put-if-match", 404, "", "lost"],
    ["put-if-match", 412, "PreconditionFailed", "lost"],
  ],
  "a missing key": [
    ["read", 404, "NoSuchKey", "missing"],
    ["read", 404, "", "missing"],
    ["read", 404, "NotFound", "missing"],
  ],
  "a missing bucket, which never looks like a missing key": [
    ["read", 404, "NoSuchBucket", "refused"],
    ["write", 404, "NoSuchBucket", "refused"],
    ["put-if-absent", 404, "NoSuchBucket", "refused"],
    ["put-if-match", 404, "NoSuchBucket", "refused"],
    ["put-if-absent", 404, "", "refused"],
  ],
  throttling: [
    ["put-if-absent", 503, "SlowDown", "retry"],
    ["put-if-absent", 503, "SlowDownWrite", "retry"],
    ["put-if-match", 503, "ServiceUnavailable", "retry"],
    ["put-if-absent", 429, "TooManyRequests", "retry"],
    ["write", 429, "", "retry"],
    ["read", 503, "SlowDown", "retry"],
  ],
  "a gateway in front of the store, after the body went out": [
    ["put-if-absent", 502, "", "unknown"],
    ["put-if-absent", 503, "", "unknown"],
    ["put-if-absent", 504, "", "unknown"],
    ["put-if-match", 408, "", "unknown"],
    ["put-if-absent", 400, "RequestTimeout", "unknown"],
    ["read", 502, "", "unknown"],
    ["write", 500, "InternalError", "unknown"],
  ],
  "a connection that breaks": [
    ["put-if-absent", null, "ECONNRESET", "unknown"],
    ["put-if-absent", null, "ETIMEDOUT", "unknown"],
    ["put-if-absent", null, "", "unknown"],
    ["read", null, "ETRUNCATED", "unknown"],
  ],
  "a connection that is never made": [
    ["put-if-absent", null, "ECONNREFUSED", "retry"],
    ["put-if-match", null, "ENOTFOUND", "retry"],
    ["read", null, "ECONNREFUSED", "retry"],
  ],
  "what no repetition mends": [
    ["read", 403, "AccessDenied", "refused"],
    ["put-if-absent", 403, "InvalidAccessKeyId", "refused"],
    ["put-if-absent", 403, "SignatureDoesNotMatch", "refused"],
    ["write", 401, "", "refused"],
    ["write", 301, "PermanentRedirect", "refused"],
    ["put-if-absent", 400, "InvalidRequest", "refused"],
    ["put-if-absent", 501, "NotImplemented", "refused"],
    ["write", 404, "NoSuchUpload", "refused"],
    ["read", 404, "XAdminUserNotFound", "refused"],
    ["put-if-match", 404, "XAdminUserNotFound", "refused"],
    ["read", 412, "PreconditionFailed", "refused"],
  ],
};

describe("the classifier of a store's answers", () => {
  for (const [store, habits] of Object.entries(HABITS)) {
    for (const [intent, status, code, verdict] of habits) {
      it(`calls ${status ?? "no answer"} ${code || "(no code)"} to ${intent} ${verdict}: ${store}`, () => {
        expect(classify(intent, { status, code })).toBe(verdict);
      });
    }
  }
});
