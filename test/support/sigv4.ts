// The check of AWS Signature Version 4 in the Authorization header, as an S3 server does it.

import { createHash, createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export interface SigningKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SignedHead {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** The error code by which the request is turned away, or null where the signature is right. */
export function signatureFault(head: SignedHead, key: SigningKey): string | null {
  const match = AUTHORIZATION.exec(head.headers.authorization ?? "");
  if (match === null) return "AccessDenied";
  const [, accessKeyId, date, region, signedHeaders, signature] = match;
  if (accessKeyId !== key.accessKeyId) return "InvalidAccessKeyId";
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = [
    "AWS4-HMAC-SHA256",
    String(head.headers["x-amz-date"]),
    scope,
    createHash("sha256").update(canonicalRequest(head, signedHeaders)).digest("hex"),
  ].join("\n");
  let secret: Buffer = Buffer.from(`AWS4${key.secretAccessKey}`);
  for (const part of scope.split("/")) secret = createHmac("sha256", secret).update(part).digest();
  const expected = createHmac("sha256", secret).update(toSign).digest("hex");
  return signature === expected ? null : "SignatureDoesNotMatch";
}

function canonicalRequest({ method, target, headers }: SignedHead, signedHeaders: string): string {
  const [path, search = ""] = target.split("?", 2);
  const query = search
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => (pair.includes("=") ? pair : `${pair}=`))
    .sort()
    .join("&");
  const lines = signedHeaders.split(";").map((name) => `${name}:${String(headers[name] ?? "").trim()}\n`);
  return [method, path, query, lines.join(""), signedHeaders, String(headers["x-amz-content-sha256"])].join(
    "\n",
  );
}
