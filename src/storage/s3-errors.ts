// What an object store's refusals mean to the person who set it up: which store, which bucket, what to change.

import { type OmnigraphError, StorageError } from "../lib/errors.ts";
import type { Answer } from "./classify.ts";
import { ConnectionFailure, HttpFailure } from "./s3-http.ts";

/** What a failed try says: the status and code of the answer, or that none came. */
export function answerOf(thrown: unknown): Answer {
  if (thrown instanceof HttpFailure) return { status: thrown.status, code: thrown.code };
  if (thrown instanceof ConnectionFailure) return { status: null, code: thrown.code };
  const { name, status } = describedBySdk(thrown);
  // Completing an upload may answer 200 and only then fail, with an error document.
  if (status !== null) return { status: status === 200 ? 500 : status, code: name };
  return { status: 400, code: name };
}

function describedBySdk(thrown: unknown): { readonly name: string; readonly status: number | null } {
  const name = thrown instanceof Error ? thrown.name : "";
  const metadata = (thrown as { $metadata?: { httpStatusCode?: unknown } } | null)?.$metadata;
  const status = metadata?.httpStatusCode;
  return { name, status: typeof status === "number" ? status : null };
}

const BAD_CREDENTIALS = new Set([
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "InvalidToken",
  "ExpiredToken",
  "TokenRefreshRequired",
  "InvalidSecurity",
  "NotSignedUp",
  "XAdminUserNotFound",
]);
const NO_CREDENTIALS = new Set(["CredentialsProviderError", "TokenProviderError"]);
const WRONG_REGION = new Set([
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
]);

export interface FailedRequest {
  /** `get`, `put`, … */
  readonly action: string;
  /** `s3://bucket/key` */
  readonly uri: string;
  readonly bucket: string;
  readonly endpoint: string;
  readonly answer: Answer;
  readonly cause: Error;
}

/** The error that a request ends in when no retry helps. */
export function s3Error(failed: FailedRequest): OmnigraphError {
  return new StorageError("internal", wording(failed), {}, { cause: failed.cause });
}

function wording({ action, uri, bucket, endpoint, answer, cause }: FailedRequest): string {
  const { status, code } = answer;
  const cannot = `cannot ${action} '${uri}'`;
  if (code === "NoSuchBucket") {
    return `${cannot}: there is no bucket '${bucket}' at ${endpoint}; create it or correct the URI`;
  }
  if (BAD_CREDENTIALS.has(code) || status === 401) {
    return (
      `${cannot}: wrong credentials for ${endpoint} (${code || "401"}); ` +
      "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
    );
  }
  if (NO_CREDENTIALS.has(code)) {
    return `${cannot}: no S3 credentials for ${endpoint}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`;
  }
  if (code === "RequestTimeTooSkewed") {
    return `${cannot}: the clock of this machine differs too much from that of ${endpoint}`;
  }
  if (status === 301 || status === 307 || WRONG_REGION.has(code)) {
    const region = cause instanceof HttpFailure ? cause.region : null;
    const advice = region === null ? "set AWS_REGION to its region" : `set AWS_REGION=${region}`;
    return `${cannot}: bucket '${bucket}' is not in the region that was asked (${cause.message}); ${advice}`;
  }
  if (status === 403) {
    return `${cannot}: access denied by ${endpoint}; these credentials may not ${action} in bucket '${bucket}'`;
  }
  if (status === null) return `${cannot}: cannot reach ${endpoint}: ${cause.message}`;
  return `${cannot}: ${endpoint} answered ${cause.message}`;
}
